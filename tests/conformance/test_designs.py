# SPDX-License-Identifier: BSD-3-Clause
"""What a design is chosen for: cores, and processes that may die."""

import os
import signal
import time
from pathlib import Path

import pytest
from tests.here import leave_out

from .backends import (
    EVERY_WITH_CORES,
    EVERY_WITH_LASTING_CHILDREN,
    EVERY_WITH_OPTIONS,
    Backend,
    all_backends,
    each,
    python36,
)
from .conftest import Start
from .ends import children
from .process import Server, run_to_end
from .wire import (
    ask,
    check_serves,
    connect,
    is_readable,
    read_exactly,
    right_answer,
    wait_until_read,
)

KILLS = 10
DEATH_S = 3.0  # within which a child notices that its parent is gone


@pytest.mark.parametrize("backend", EVERY_WITH_CORES)
def test_a_long_computation_delays_nobody_else(start_server: Start, backend: Backend) -> None:
    slow = b"45\n" if backend.language == "c" else b"36\n"
    with (
        start_server(backend, "--max-n", "45", "--workers", "4") as server,
        connect(server) as busy,
    ):
        busy.sendall(slow)
        wait_until_read(server, busy)
        for _ in range(5):
            assert ask(server) == right_answer(server)
        assert not is_readable(busy, 0), "it was over too soon to say anything"


@pytest.mark.parametrize("backend", each(*(b for b in all_backends() if b.language == "python")))
def test_an_old_interpreter_is_told_in_a_line_what_it_lacks(
    programs: Path, backend: Backend
) -> None:
    old = python36()
    if old is None:
        leave_out("no Python 3.6 is installed here")
    ended = run_to_end([str(old), *backend.argv(programs, ["--no-such-option"])[1:]])
    assert ended.returncode in (2, 77)
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def kill(pid: int) -> None:
    """Kill a process that may end by itself when another one has been killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.parametrize("backend", EVERY_WITH_LASTING_CHILDREN)
def test_a_child_that_dies_is_replaced(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--workers", "2") as server:
        check_serves(server)
        for _ in range(3):
            before = children(server)
            assert len(before) == 2
            for pid in before:
                kill(pid)
            wait_until_replaced(server, before)
            for _ in range(5):
                check_serves(server)
        assert server.stop() == 0
        assert server.wait_until_nothing_is_left(0.5) == []


def wait_until_replaced(server: Server, before: list[int]) -> None:
    """Wait until there are as many others; where a request is what starts them, ask one."""
    deadline = time.monotonic() + 10
    while len(set(children(server)) - set(before)) < len(before):
        assert time.monotonic() < deadline, f"{server}: {server.tree()}"
        with connect(server) as connection:
            connection.sendall(b"10\n")
            is_readable(connection, 0.05)


@pytest.mark.parametrize("backend", EVERY_WITH_LASTING_CHILDREN)
def test_a_new_child_has_no_pipe_of_those_before_it(start_server: Start, backend: Backend) -> None:
    """It would keep their other ends from being seen to end."""
    with start_server(backend, "--workers", "2") as server:
        for _ in range(KILLS):
            before = children(server)
            kill(before[0])
            check_serves(server)
            deadline = time.monotonic() + 10
            while len(now := children(server)) < 2 or now == before:
                assert time.monotonic() < deadline, f"{server}: {server.tree()}"
                check_serves(server)
        own = pipes(server.process.pid)
        for pid in children(server):
            foreign = pipes(pid) - own
            assert len(foreign) <= 1, f"{server}: {foreign}"  # one is how all began together


def pipes(pid: int) -> set[str]:
    """The pipes that a process has open."""
    folder = Path("/proc", str(pid), "fd")
    found = [os.readlink(path) for path in folder.iterdir()]
    return {link for link in found if link.startswith("pipe:")}


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_nothing_outlives_a_server_that_is_killed(start_server: Start, backend: Backend) -> None:
    with start_server(backend) as server, connect(server) as connection:
        connection.sendall(b"10\n")
        assert read_exactly(connection, len(right_answer(server))) == right_answer(server)
        server.send_signal(signal.SIGKILL)
        assert server.wait_until_nothing_is_left(DEATH_S) == []
