# SPDX-License-Identifier: BSD-3-Clause
"""A desk to run commands at: experiment files, and a results folder and a lock of one's own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import ending
from tests.runner.records import last_documents
from tests.runner.warm import words_before

from fibench.store import journal

CHECKOUT = Path(__file__).resolve().parents[2]
INVOKE = [sys.executable, "-m", "invoke"]
ENTRY = [sys.executable, "-I", str(CHECKOUT / "tasks.py")]
"""What ./dev becomes for `invoke`."""

SMALL = """
title = "One small block"
[matrix]
backend = ["c-sync", "c-mt"]
[load]
clients = 2
n = 20
duration = "0.1s"
warmup = "50ms"
[plan]
timelines = false
blocks = {blocks}
[[claim]]
says = "C takes memory"
value = {{ backend = "c-mt" }}
metric = "memory"
above = "{above}KiB"
"""
"""A claim about memory stands even where the load generator is the limit, as on a busy machine."""

QUICK = SMALL.replace("0.1s", "50ms").replace('warmup = "50ms"', 'warmup = "10ms"')
"""For tests that need runs, whatever their figures are."""

NO_TIME = "no right reply was received inside the window"
PATIENCE = 5
_OF_THE_MACHINE = re.compile(r"warning: .*(used by others|CPU quota)")
_FIRST = re.compile(r"\[ *[0-9]+/[0-9]+\]")


def said_by(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of stderr but for those about a busy machine, which other tests can make it."""
    return [line for line in done.stderr.splitlines() if not _OF_THE_MACHINE.match(line)]


@dataclass
class Desk:
    """A folder with experiment files, and a results folder of its own."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def environment(self) -> dict[str, str]:
        """Results of its own, and a lock of its own: a test waits for no run on this machine."""
        return {
            **os.environ,
            "FIBENCH_RESULTS": str(self.results),
            "FIBENCH_LOCK": f"fibench-test-{self.folder.name}-{os.getpid()}",
            "COLUMNS": "100",
        }

    def write(self, text: str, name: str = "small.toml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def invoke(self, *words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment(), **extra}
        return subprocess.run(
            [*words_before(environment), *map(str, words)],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def shell(
        self, script: str, *, started: bool = False, **extra: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """A script in which "$@" is `invoke`, forked, or started by a Python of its own."""
        environment = {**self.environment(), **extra}
        return subprocess.run(
            ["sh", "-c", script, "sh", *(ENTRY if started else words_before(environment))],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            check=False,
        )

    def run(self, *words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        """`invoke run` to its end; where a busy machine gave a trial no time, the same once more,
        in place of that run: a trial that failed stays a result in it.

        Any other failure of a trial stands.
        """
        for _ in range(PATIENCE):
            done = self.invoke("run", *words, **extra)
            last = last_documents(self.records()) if done.returncode == 5 else []
            reasons = [str(record["reason"]) for record in last if not record["valid"]]
            if not reasons or not all(reason.startswith(NO_TIME) for reason in reasons):
                break
            shutil.rmtree(self.run_folder())
        return done

    def run_folder(self) -> Path:
        (folder,) = self.results.glob("*/*")
        return folder

    def records(self) -> list[dict[str, Any]]:
        """Every line of the journal of the one run."""
        reading = journal.read(self.run_folder() / "trials.jsonl")
        assert reading.damaged == []
        return reading.records

    def measured(self) -> list[dict[str, Any]]:
        """The last records of samples: neither ceilings nor twins."""
        last = last_documents(self.records())
        return [r for r in last if r.get("role", "measure") == "measure"]

    def planned(self) -> list[str]:
        """The key of every trial of the one run."""
        plan = json.loads((self.run_folder() / "plan.json").read_bytes())
        return [trial["key"] for trial in plan["trials"]]


def pids_under(folder: Path) -> list[int]:
    """Processes whose standard error goes to a file below the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in os.readlink(process / "fd" / "2"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@contextmanager
def run_with_a_trial_finished(
    desk: Desk, blocks: int = 50, text: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A run of many trials, in a session of its own, some time after its first trial."""
    with ending(
        subprocess.Popen(
            [*INVOKE, "run", str(desk.write(text or SMALL.format(blocks=blocks, above=1)))],
            cwd=CHECKOUT,
            env={**desk.environment(), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    ) as process:
        assert process.stdout is not None
        assert any(_FIRST.match(line) for line in process.stdout), "ended too early"
        yield process
