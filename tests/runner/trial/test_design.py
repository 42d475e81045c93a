# SPDX-License-Identifier: BSD-3-Clause
"""How many cores a server can have used by its design is told where nothing is left to believe."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.trials import CATALOGUE, run_well, trial

from fibench.trial.evidence.design import most_cores

TWO = {"usable_cores": 2.0, "usable_cpus": 2.0}


@pytest.mark.parametrize(
    ("backend", "workers", "threads", "most"),
    [
        ("c-sync", None, 1, 1.0),
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
