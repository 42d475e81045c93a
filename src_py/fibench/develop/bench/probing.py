# SPDX-License-Identifier: BSD-3-Clause
"""What the probe costs the figures that it stands beside, and what it finds.

The same servers are measured with and without it in each round. Then it is asked for windows beside
nobody, a loop on one CPU, loops on all, and a copy of more memory than a cache holds: what its
median is there, and how often the rule would have called a window disturbed.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fibench.develop.bench import loads
from fibench.develop.bench.measuring import PORT, Measured, Server, measure, shared_desk
from fibench.develop.bench.ratios import Limit, ratios, spread
from fibench.develop.bench.rounds import Effort, Subject
from fibench.develop.bench.table import print_head
from fibench.machine import usable_cores
from fibench.machine.foreign import cpu_times
from fibench.machine.processes import cpu_clock_ns
from fibench.report.lines import machine_line
from fibench.trial.evidence.disturbed import PROBE_LEAST, PROBE_TIMES
from fibench.trial.evidence.probing import Probe

WINDOW_S = 2.0
LIMIT = Limit(least=0.99)
"""What is left of a rate beside the probe."""
CLIENTS = 64
_COPY = "a, b = bytearray(256 << 20), bytearray(256 << 20)\nwhile True: b[:] = a"


def subjects(programs: Path, duration_s: float) -> dict[str, Subject]:
    """A server that only answers, and one that computes on all CPUs."""
    several = ("--clients", str(CLIENTS))
    found = {}
    for label, program, n in (("answers", "epoll_server", "1"), ("computes", "mt_server", "27")):
        command = (str(programs / program), "--framing", "line", PORT)
        asks = loads.fibload(programs, duration_s, *several, "--n", n)
        found[label] = Subject(Server(program, command), asks)
    return found


def print_probing(programs: Path, effort: Effort) -> bool:
    """Measure and print both. Returns whether the probe, by the median, moves no rate."""
    print(machine_line(usable_cores()))
    duration_s = effort.window_s(WINDOW_S)
    print_head("rates beside the probe and without it", effort.rounds, duration_s)
    beside, alone, shares = _rates(programs, duration_s, effort.rounds)
    kept = True
    for label in beside:
        ratio = spread(ratios(beside[label], alone[label]))
        kept &= LIMIT.keeps(ratio)
        print(f"{label:<14}{statistics.median(alone[label]):>12,.0f}/s  beside the probe {ratio}"
              f"  ({LIMIT}: {LIMIT.verdict(ratio)})")  # fmt: skip
    print(f"the probe uses {100 * statistics.median(shares):.3f} % of each CPU")
    _print_found(programs, duration_s, effort.rounds)
    return kept


_Rates = dict[str, list[float]]


def _rates(programs: Path, duration_s: float, rounds: int) -> tuple[_Rates, _Rates, list[float]]:
    """By label the rates beside the probe and without it; and what it used of each CPU."""
    every = subjects(programs, duration_s)
    found: dict[bool, _Rates] = {
        with_it: {label: [] for label in every} for with_it in (True, False)
    }
    shares: list[float] = []
    shuffler = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        desk = shared_desk(programs, Path(folder))
        for _ in range(rounds):
            order = [(label, with_it) for label in every for with_it in (True, False)]
            shuffler.shuffle(order)
            for label, with_it in order:
                with ExitStack() as stack:
                    probe = stack.enter_context(Probe(programs)) if with_it else None
                    began_s = time.monotonic()
                    once: Measured = measure(every[label].server, every[label].load, desk)
                    found[with_it][label].append(once.rate_per_s)
                    if probe is not None:
                        used_s = sum(map(cpu_clock_ns, probe.pids)) * 1e-9
                        passed_s = time.monotonic() - began_s
                        shares.append(used_s / passed_s / len(os.sched_getaffinity(0)))
    return found[True], found[False], shares


def _neighbours(programs: Path) -> Mapping[str, Sequence[tuple[int, list[str]]]]:
    """By name what runs beside the probe, each on a CPU."""
    cpus = sorted(os.sched_getaffinity(0))
    loop = [str(programs / "bare_fibonacci"), "--duration", "3600"]
    return {
        "nobody": [],
        "a loop on one CPU": [(cpus[0], loop)],
        "loops on all": [(cpu, loop) for cpu in cpus],
        "a copy of memory": [(cpus[-1], [sys.executable, "-c", _COPY])],
    }


@contextmanager
def _beside(neighbours: Sequence[tuple[int, list[str]]]) -> Iterator[None]:
    with ExitStack() as stack:
        for cpu, argv in neighbours:
            process = stack.enter_context(
                subprocess.Popen(["taskset", "-c", str(cpu), *argv], stdout=subprocess.DEVNULL)
            )
            stack.callback(process.kill)
        yield


def _print_found(programs: Path, duration_s: float, rounds: int) -> None:
    found: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    with Probe(programs) as probe:
        for _ in range(rounds):
            for name, neighbours in _neighbours(programs).items():
                with _beside(neighbours):
                    begin = cpu_times()
                    time.sleep(duration_s)  # the window: nothing ends it
                    end = cpu_times()
                    if begin is None or end is None:
                        continue
                    probed = probe.between(begin.monotonic_ns, end.monotonic_ns)
                if probed.slowest_s is not None:
                    found.setdefault(name, []).append(probed.slowest_s)
                    passed_s = (end.monotonic_ns - begin.monotonic_ns) * 1e-9
                    used.setdefault(name, []).append((end.used_s - begin.used_s) / passed_s)
    print(f"\n{'beside':<20}{'cores used':>11}{'median':>10}{'largest':>10}  disturbed")
    for name, all_s in found.items():
        usual_s = statistics.median(found["nobody"])
        called = sum(one > PROBE_TIMES * usual_s for one in all_s)
        if name == "nobody":
            called = false_alarms(all_s)
        print(f"{name:<20}{statistics.median(used[name]):>11.2f}"
              f"{statistics.median(all_s) * 1e6:>7.1f} µs{max(all_s) * 1e6:>7.1f} µs"
              f"  {called} of {len(all_s)}")  # fmt: skip


def false_alarms(in_order_s: Sequence[float]) -> int:
    """How many of these windows the rule calls disturbed, each by those before it."""
    usual: list[float] = []
    alarms = 0
    for one in in_order_s:
        if len(usual) >= PROBE_LEAST and one > PROBE_TIMES * statistics.median(usual):
            alarms += 1
        else:
            usual.append(one)
    return alarms
