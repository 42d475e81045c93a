# SPDX-License-Identifier: BSD-3-Clause
"""What a run costs beside its warm-ups and windows: by trial and backend, and for the whole run."""

import os
import select
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fibench.backends import Backend, known_backends
from fibench.backends.catalogue import argv
from fibench.experiment import parse_experiment
from fibench.folders import Places
from fibench.run import (
    Event,
    Request,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
    run_experiment,
)

LIMIT_MS = 150
"""A trial may take so much longer than its warm-up, its window, and its server alone."""
RUN_LIMIT_S = 3
"""And the run as a whole so much longer than its trials."""
_STARTS = 5

_EXPERIMENT = """
title = "What the runner itself costs"
[[matrix]]
backend = ["c-sync", "c-mp", "c-mt", "py-sync", "py-mp", "py-mt", "py-async"]
[load]
clients = 8
n = 10
duration = "200ms"
warmup = "50ms"
[plan]
blocks = 5
"""


@dataclass
class _Stopwatch:
    """Notes how long each trial took beside what it measured, in seconds."""

    by_label: dict[str, list[float]] = field(default_factory=dict)
    backends: dict[str, str] = field(default_factory=dict)
    """By label as well."""
    failed: int = 0
    trials_s: float = 0.0
    _began_s: float = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted | TrialMadeAgain):
            self._began_s = time.monotonic()
        elif isinstance(event, TrialFinished):
            took_s = time.monotonic() - self._began_s
            self.trials_s += took_s
            self.failed += not event.record.valid
            beside_s = took_s - event.record.times.measured_s
            self.by_label.setdefault(event.trial.cell.label, []).append(beside_s)
            self.backends[event.trial.cell.label] = event.trial.cell.backend


def _alone_s(command: Sequence[str]) -> float:
    """How long a server takes to listen and to end when nothing but itself is there."""
    read, write = os.pipe()
    began_s = time.monotonic()
    server = subprocess.Popen(
        [*command, "--ready-fd", str(write), "0"], pass_fds=(write,), stderr=subprocess.DEVNULL
    )
    os.close(write)
    try:
        select.select([read], [], [])
    finally:
        os.close(read)
        server.terminate()
        server.wait()
    return time.monotonic() - began_s


def print_trials(places: Places, backends: Mapping[str, Backend]) -> bool:
    """Make a run of short trials in a temporary folder, and print its overhead.

    Returns whether the limits are kept, by the medians of trials.
    """
    experiment = parse_experiment(_EXPERIMENT, "overhead.toml", known_backends(backends))
    watch = _Stopwatch()
    with tempfile.TemporaryDirectory(prefix="fibench-") as name:
        source = Path(name, "overhead.toml")
        source.write_text(_EXPERIMENT)
        elsewhere = replace(places, results=Path(name, "results"))
        began_s = time.monotonic()
        run_experiment(Request(experiment, source, backends, elsewhere), [watch])
        beside_s = time.monotonic() - began_s - watch.trials_s
    print("beside warm-up and window, in ms by trial")
    print(f"  {'':<24}{'all':>7}{'server':>8}{'runner':>8}  (at most {LIMIT_MS})")
    kept = beside_s <= RUN_LIMIT_S and watch.failed == 0
    for label, took_s in watch.by_label.items():
        command = argv(backends[watch.backends[label]], places.programs)
        alone_ms = statistics.median(_alone_s(command) for _ in range(_STARTS)) * 1e3
        middle_ms = statistics.median(took_s) * 1e3
        kept = kept and middle_ms - alone_ms <= LIMIT_MS
        print(f"  {label:<24}{middle_ms:7.0f}{alone_ms:8.0f}{middle_ms - alone_ms:8.0f}")
    print("  server: the same program, started and ended by itself")
    print(f"beside all trials, for the run: {beside_s:.2f} s (at most {RUN_LIMIT_S})")
    if watch.failed:
        print(f"{watch.failed} trials failed: these figures say little")
    return kept
