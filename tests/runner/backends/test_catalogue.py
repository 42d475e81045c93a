# SPDX-License-Identifier: BSD-3-Clause
"""The list of backends: what starts each, and the command line of a cell's server."""

import sys
from pathlib import Path

from fibench.backends.catalogue import Backend, argv, connection_cap, server_argv
from fibench.machine.cores import usable_cores
from fibench.parameters import Parameters

HERE = Path("/programs")
SHARDS = Backend(
    "c-shards", "loop_server", "c", "shards", arguments=("--workers", "{workers}", "--fast")
)
PYTHON = Backend("py-mt", "mt_server.py", "python", "mt")


def told(workers: int | None = None, max_connections: int | None = None) -> Parameters:
    """A cell that leaves to its server all that it may."""
    return Parameters.of_values(
        {
            "host": "::1",
            "framing": "line",
            "workers": workers,
            "max_connections": max_connections,
        }
    )


ALWAYS = ("--host", "::1", "--framing", "line")
"""What every server is told."""


def test_a_server_in_python_runs_on_the_runners_own_interpreter_or_on_the_one_named() -> None:
    assert argv(PYTHON, HERE) == [sys.executable, "/programs/mt_server.py"]
    assert argv(PYTHON, HERE, "/p") == ["/p", "/programs/mt_server.py"]


def test_a_variant_is_told_the_number_of_its_workers_once() -> None:
    program = ["/programs/loop_server", "--workers", "3", "--fast"]

    assert server_argv(SHARDS, HERE, told(workers=3), 4000, cores=2) == [*program, *ALWAYS, "4000"]
    assert server_argv(SHARDS, HERE, told(), 4000, cores=3) == [*program, *ALWAYS, "4000"]
    assert argv(SHARDS, HERE)[2] == str(usable_cores())


def test_other_servers_are_told_it_if_the_cell_says_it() -> None:
    pool = Backend("c-mt-pool", "mt_pool_server", "c", "mt-pool", serves="workers")

    assert server_argv(pool, HERE, told(workers=3), 4000, cores=2) == [
        "/programs/mt_pool_server", *ALWAYS, "--workers", "3", "4000",
    ]  # fmt: skip
    assert server_argv(pool, HERE, told(), 4000, cores=2) == [
        "/programs/mt_pool_server",
        *ALWAYS,
        "4000",
    ]


def test_a_design_without_workers_is_not_told_their_number() -> None:
    plain = Backend("c-mt", "mt_server", "c", "mt")

    assert server_argv(plain, HERE, told(workers=3), 4000) == [
        "/programs/mt_server",
        *ALWAYS,
        "4000",
    ]


def test_a_design_without_room_for_more_may_refuse_fewer_than_it_is_told_to_hold() -> None:
    select = Backend("c-select", "select_server", "c", "select", cap=1000)

    assert connection_cap(select, told(max_connections=65536)) == 1000
    assert connection_cap(select, told(max_connections=8)) == 8
    assert connection_cap(PYTHON, told(max_connections=8)) == 8
