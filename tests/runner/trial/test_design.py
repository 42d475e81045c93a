# SPDX-License-Identifier: BSD-3-Clause
"""How many cores a server can have used by its design is told where nothing is left to believe."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.trials import CATALOGUE, run_well, trial

from fibench.backends.interpreters import own_has_gil
from fibench.server.resources import CpuUse
from fibench.trial.evidence.design import most_cores, most_cores_with_a_gil

TWO = {"usable_cores": 2.0, "usable_cpus": 2.0}
SECOND_NS = 10**9


@pytest.mark.parametrize(
    ("backend", "workers", "threads", "most"),
    [
        ("c-sync", None, 1, 1.0),
        ("py-mt", None, 1, None),
        ("py-async", None, 1, 1.0),
        ("py-async", None, 2, None),  # a thread that was idle beside others may work without them
        ("c-sync", None, None, None),
        ("c-sync", None, 0, None),
        ("c-posix-aio", None, 3, None),
        ("c-nonblocking", None, 1, None),  # it uses its core whether it answers or not
        ("c-mt", None, 1, None),
        ("py-mp", 2, 1, None),
        ("c-epoll-reuseport", 2, 2, 2.0),
        ("c-epoll-reuseport", None, 2, None),
        ("c-epoll-pool", 2, 3, None),
    ],
)
def test_it_is_known_of_designs_of_the_catalogue_whose_threads_are_those_that_it_says(
    backend: str, workers: int | None, threads: int | None, most: float | None
) -> None:
    assert most_cores(CATALOGUE[backend], workers, threads, TWO) == most


def test_what_a_file_says_of_a_server_of_ones_own_does_not_count() -> None:
    own = replace(CATALOGUE["c-sync"], command=("./own", "{port}"))
    assert own.cores == 1
    assert most_cores(own, None, 1, TWO) is None


@pytest.mark.parametrize(
    "machine", [{"usable_cores": 2.0, "usable_cpus": 4.0}, {"usable_cores": None}, {}]
)
def test_where_hardware_threads_share_a_core_or_that_is_not_known_it_is_not_told(
    machine: dict[str, float | None],
) -> None:
    assert most_cores(CATALOGUE["c-sync"], None, 1, machine) is None


def used(user: float, system: float) -> CpuUse:
    """What a server used in a second, in seconds."""
    user_ns, system_ns = round(user * SECOND_NS), round(system * SECOND_NS)
    return CpuUse(SECOND_NS, user_ns, system_ns, user_ns + system_ns)


@pytest.mark.parametrize(
    ("backend", "processes", "user", "system", "most"),
    [
        ("py-mt", 1, 0.96, 0.02, 0.98 / 0.94),
        ("py-mt-pool", 1, 0.24, 0.01, 0.25 / 0.23),
        ("py-mt", 1, 0.3, 0.2, 2.0),  # no more than there are
        ("py-mt", 1, 0.2, 0.2, None),  # perhaps all of it was beside the GIL
        ("py-mt", 2, 0.96, 0.02, None),  # each process would have its own
        ("py-mt", None, 0.96, 0.02, None),
        ("py-mp", 1, 0.96, 0.02, None),
        ("c-mt", 1, 0.96, 0.02, None),
    ],
)
def test_threads_of_one_gil_compute_on_no_more_than_one_core(
    backend: str, processes: int | None, user: float, system: float, most: float | None
) -> None:
    found = most_cores_with_a_gil(CATALOGUE[backend], processes, used(user, system), TWO)
    assert found == pytest.approx(most) if most else found is None


def test_of_a_gil_nothing_is_told_where_something_is_left_to_believe() -> None:
    known, spent = CATALOGUE["py-mt"], used(0.9, 0.0)
    assert most_cores_with_a_gil(known, 1, spent, TWO) == 1.0
    assert most_cores_with_a_gil(known, 1, None, TWO) is None
    assert most_cores_with_a_gil(known, 1, spent, TWO, "alloc") == 1.0
    assert most_cores_with_a_gil(known, 1, spent, TWO, "hash") is None, "it releases the GIL"
    assert most_cores_with_a_gil(replace(known, command=("./own",)), 1, spent, TWO) is None
    for machine in ({"usable_cores": 2.0, "usable_cpus": 4.0}, {"usable_cores": None}, {}):
        assert most_cores_with_a_gil(known, 1, spent, machine) is None


@pytest.mark.parametrize("gil", [True, False])
@pytest.mark.parametrize("backend", ["py-mt", "py-mt-pool"])
def test_a_record_has_it_of_threads_that_take_turns(
    backend: str, gil: bool, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that compute. On a Python that can do without a GIL nothing is known of it."""
    if not gil:
        monkeypatch.setattr("fibench.trial.serving.own_has_gil", lambda: False)
    record = run_well(trial(backend, n=22), programs, tmp_path)
    machine, spent = record["machine"], record["server"]
    apart = machine["usable_cores"] == machine["usable_cpus"]
    known = spent["cpu_user_s"] is not None and spent["cpu_user_s"] > spent["cpu_system_s"]
    if gil and own_has_gil() and apart and known:
        assert machine["design_cores"] >= 1.0
    else:
        assert machine["design_cores"] is None


@pytest.mark.parametrize("backend", ["c-sync", "py-sync", "c-mt", "c-nonblocking", "c-posix-aio"])
def test_a_record_has_it_of_who_serves_one_at_a_time(
    backend: str, programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial(backend), programs, tmp_path)
    machine, known = record["machine"], record["metrics"]["cores"] is not None
    apart = machine["usable_cores"] == machine["usable_cpus"]
    if backend in ("c-sync", "py-sync") and known and apart:
        assert 1.0 <= machine["design_cores"] < 2.0
    else:
        assert machine["design_cores"] is None
