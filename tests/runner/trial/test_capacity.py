# SPDX-License-Identifier: BSD-3-Clause
"""What a trial keeps for the bounds beside figures, and that real servers stay below these.

Figures of a busy machine are worth nothing, but bounds hold there as well: nothing is asked of how
near to them a server comes.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.runner.records import recorded
from tests.runner.trials import CATALOGUE, run_well, trial

from fibench.backends.catalogue import known_backends
from fibench.backends.interpreters import own_has_gil
from fibench.experiment import Cell
from fibench.machine import computing
from fibench.plan.pinning import Pinning
from fibench.server.resources import CpuUse
from fibench.trial.evidence.design import most_by_threads, most_by_turns
from fibench.verdict.asymptotic.asymptotes import Possible
from fibench.verdict.asymptotic.demands import measured_of, possible_among
from fibench.verdict.estimate import summarise
from fibench.verdict.sampling.sampled import samples

CPUS = sorted(os.sched_getaffinity(0))
TICKS = 1.15
"""So many times what was used in 0.3 s clocks may say, that advance at ticks of 10 ms at most."""


def test_a_design_of_so_many_threads_keeps_no_more_cpus_busy() -> None:
    assert most_by_threads(CATALOGUE["c-sync"], None, 1) == 1.0
    assert most_by_threads(CATALOGUE["c-nonblocking"], None, 1) == 1.0, "busy with one"
    assert most_by_threads(CATALOGUE["c-sync"], None, 2) is None
    assert most_by_threads(CATALOGUE["c-epoll-reuseport"], 2, 2) == 2.0
    assert most_by_threads(CATALOGUE["c-mt"], None, 1) is None
    assert most_by_turns(CATALOGUE["py-mp"], 1, None) is None
    used = CpuUse(10**9, 800 * 10**6, 200 * 10**6, 10**9)
    assert most_by_turns(CATALOGUE["py-mt"], 1, used) == pytest.approx(1.0 / 0.6)
    assert most_by_turns(CATALOGUE["py-mt"], 1, used, "hash") is None, "it releases the GIL"


def capacity(record: dict[str, Any]) -> float:
    """The CPUs that a server could keep busy."""
    found = record["machine"]["capacity_cpus"]
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("backend", ["c-mt", "c-sync", "py-mt"])
def test_a_record_has_how_many_cpus_its_server_could_keep_busy(
    backend: str, programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial(backend, n=20), programs, tmp_path)
    used = record["metrics"]["cores"]
    assert capacity(record) > 0.0
    if used is not None and record["server"]["accounting"] == "cgroup":
        # Clocks advance at ticks: of a window of 200 ms two of 10 ms on each CPU may be missing.
        stretch = record["machine"]["cpu_stretch"]
        assert used <= capacity(record) * stretch * 1.02 + 0.1 * len(CPUS)


def test_who_is_pinned_has_the_cpus_that_it_is_pinned_to(programs: Path, tmp_path: Path) -> None:
    one = Pinning(str(CPUS[0]), None, "as the file says")
    record = run_well(trial("c-mt"), programs, tmp_path, pinning=one)
    assert capacity(record) == 1.0


@pytest.mark.parametrize(
    ("backend", "workers", "serves"),
    [
        ("c-sync", None, 1),
        ("py-mt", None, None),
        ("c-mp-pool", 3, 3),
        ("c-mp-pool", None, len(CPUS)),
    ],
)
def test_a_record_has_how_many_its_server_serves_at_once(
    backend: str, workers: int | None, serves: int | None, programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial(backend, workers=workers, clients=1), programs, tmp_path)
    assert record["machine"]["serves"] == serves
    has_gil = backend == "py-mt" and own_has_gil()
    assert record["machine"]["one_gil"] == float(has_gil)


def test_what_computing_takes_is_that_of_the_servers_language(
    programs: Path, tmp_path: Path
) -> None:
    takes_s = {}
    for backend in ("c-sync", "py-sync"):
        (tmp_path / backend).mkdir()
        record = run_well(trial(backend, n=20), programs, tmp_path / backend)
        takes_s[backend] = record["checks"]["fibonacci_s"]
    assert takes_s["c-sync"] == computing.alone_s(programs, 20)
    assert takes_s["py-sync"] == computing.alone_in_python_s(sys.executable, programs, 20)
    assert takes_s["py-sync"] > 2 * takes_s["c-sync"]


def test_of_a_null_server_and_of_ones_own_nothing_is_known(programs: Path, tmp_path: Path) -> None:
    record = run_well(trial("c-null"), programs, tmp_path)
    assert record["checks"]["fibonacci_s"] is None
    own = "def answer(connection, k): connection.sendall(b'1\\n')\nserve_threads()"
    (tmp_path / "own").mkdir()
    record = run_well(trial("own"), programs, tmp_path / "own", own)
    assert record["checks"]["fibonacci_s"] is None


def test_an_interpreter_that_is_none_is_not_measured(programs: Path, tmp_path: Path) -> None:
    assert computing.alone_in_python_s(str(tmp_path / "gone"), programs, 20) is None
    assert computing.alone_in_python_s(sys.executable, tmp_path, 20) is None, "no servers there"


def both(
    backend: str, programs: Path, tmp_path: Path, **asked: Any
) -> list[tuple[float, Possible]]:
    """What was measured of a backend with one client and with four, and what is possible."""
    every = []
    for clients in (1, 4):
        folder = tmp_path / f"{clients}"
        folder.mkdir()
        what = trial(backend, clients=clients, duration=0.3, warmup=0.1, **asked)
        (record,) = recorded({**run_well(what, programs, folder), "cell": f"{clients} clients"})
        (summary,) = summarise(samples([record]), [record.cell])
        cell = Cell(backend, what.cell.parameters, (), record.cell, record.cell)
        every.append(measured_of(cell, summary, [record]))
    found = possible_among(every, known_backends(CATALOGUE))
    return [(one.rate_per_s or 0.0, found[one.cell.key]) for one in every]


@pytest.mark.parametrize(
    ("backend", "asked"),
    [
        ("c-mt", {"n": 27}),
        ("c-sync", {"n": 27, "framing": "message"}),
        ("py-mt", {"n": 20}),
        ("py-mp", {"n": 1, "framing": "message"}),
        ("c-epoll", {"n": 1}),
        ("py-async", {"n": 1, "io_wait": 0.02}),
        ("c-mt", {"n": 1, "io_wait": 0.02, "framing": "message"}),
    ],
)
def test_no_server_answers_more_than_is_possible(
    backend: str, asked: dict[str, Any], programs: Path, tmp_path: Path
) -> None:
    for clients, (rate_per_s, found) in zip(
        (1, 4), both(backend, programs, tmp_path, **asked), strict=True
    ):
        assert rate_per_s > 0.0
        if found.per_s is None:
            assert found.absent
            continue
        edge = 1.0 + clients / max(1.0, 0.3 * rate_per_s - 1.0)
        assert rate_per_s <= found.per_s * edge * TICKS
