# SPDX-License-Identifier: BSD-3-Clause
"""One system call fails, each in turn: it costs a client at most, or the server ends and says why.

Never does it go on to accept whom it cannot serve, and never is a traceback all that it says.
"""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .backends import Backend, all_backends, each
from .conftest import Start
from .failing import ERRORS, Fault, build
from .process import END_S, START_S, Server, skip_what_is_lacking
from .wire import check_serves, connect, is_readable, right_answer

MOST_POINTS = 60
AT_START = (
    "epoll_create1",
    "epoll_ctl",
    "fork",
    "pipe2",
    "pthread_create",
    "setsockopt",
    "socketpair",
)
WHILE_SERVING = tuple(sorted(ERRORS))
EVERY_PYTHON = each(*(b for b in all_backends() if b.language == "python"))
BULK = b"-1\n" * 30000
"""What is asked by one who reads late: replies enough to fill what the kernel holds."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded."""
    return build(tmp_path_factory.mktemp("failing"))


@pytest.fixture
def fault(library: Path, tmp_path: Path) -> Fault:
    """None yet."""
    return Fault(library, tmp_path / "fault")


def aborts(backend: Backend, call: str) -> bool:
    """libuv calls abort(3) where epoll_ctl(2) fails, and says nothing."""
    return backend.design == "uvloop" and call == "epoll_ctl"


@pytest.mark.parametrize("call", WHILE_SERVING)
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_while_it_serves(start_server: Start, fault: Fault, backend: Backend, call: str) -> None:
    points = iter(range(MOST_POINTS))
    while (passing := next_point(start_server, fault, backend, call, points)) is not None:
        assert passing < MOST_POINTS


def next_point(
    start_server: Start, fault: Fault, backend: Backend, call: str, points: Iterator[int]
) -> int | None:
    """Start a server and try points until it ends of one, or there are no more: None."""
    with start_server(backend, shell=fault.shell()) as server:
        check_serves(server)
        for passing in points:
            where = f"{server}: {call} after {passing}"
            fault.arm(call, passing)
            converse(server, where)
            happened = fault.has_happened()
            fault.disarm()
            if not goes_on(server, where, aborts(backend, call)):
                return passing
            if not happened:
                break
        assert server.stop(timeout_s=END_S) == 0, f"{server}: {server.stderr()}"
        assert "Traceback" not in server.stderr(), server.stderr()
    return None


def converse(server: Server, where: str) -> None:
    """Ask as clients do that come and go, one of whom takes its replies late."""
    reply = right_answer(server)
    for _ in range(3):
        answered_or_closed(server, b"10\n", reply, where)
    answered_or_closed(server, BULK, b"out of range\n" * 30000, where)


def answered_or_closed(server: Server, text: bytes, replies: bytes, where: str) -> None:
    """Ask, and fail if what comes is wrong, or neither a reply nor the end comes."""
    received = b""
    try:
        with connect(server, receive_buffer=4096) as client:
            client.setblocking(False)
            while len(received) < len(replies):
                if text:
                    text = text[send(client, text) :]
                elif not is_readable(client, 20):
                    pytest.fail(f"{where}: neither answered nor closed; {server.stderr()}")
                received += (part := receive(client)) or b""
                if part == b"":
                    break
    except OSError:  # refused, or reset
        pass
    assert replies.startswith(received), where


def send(client: socket.socket, text: bytes) -> int:
    """Send what is taken now."""
    try:
        return client.send(text)
    except BlockingIOError:
        return 0


def receive(client: socket.socket) -> bytes | None:
    """Read what is there now; None: nothing is."""
    try:
        return client.recv(1 << 16)
    except BlockingIOError:
        return None


def goes_on(server: Server, where: str, aborts: bool) -> bool:
    """Whether it serves on; if not, it has to have ended, with a status and a message."""
    if not server.has_ended(0):
        try:
            check_serves(server)
        except (OSError, pytest.fail.Exception):
            if not server.has_ended(1):
                raise AssertionError(f"{where}: does not serve; {server.stderr()}") from None
        else:
            return True
    assert server.wait(END_S) != 0, where
    assert "Traceback" not in server.stderr(), f"{where}: {server.stderr()}"
    assert aborts or server.stderr(), f"{where}: says nothing"
    return False


@pytest.mark.parametrize("call", AT_START)
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_at_start_it_is_ready_only_if_able(
    programs: Path, fault: Fault, backend: Backend, call: str
) -> None:
    skip_what_is_lacking(backend)
    for passing in range(MOST_POINTS):
        fault.arm(call, passing)
        ready, status, errors = start_and_stop(programs, fault, backend)
        where = f"{backend.name}: {call} after {passing}: {errors}"
        assert "Traceback" not in errors, where
        if not ready:
            assert status != 0, where
            assert errors or aborts(backend, call), where
        else:
            assert status == 0, where
        if not fault.has_happened():
            return
    pytest.fail("there is no end of it")


def start_and_stop(programs: Path, fault: Fault, backend: Backend) -> tuple[bool, int, str]:
    """Whether a server was ready, with what it ended (on a signal, if it was), and what it said."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        backend.argv_to_serve(programs, ["--workers", "3", "--ready-fd", str(write_end)], 0),
        stderr=subprocess.PIPE,
        pass_fds=(write_end,),
        env={**os.environ, **fault.environment()},
    )
    os.close(write_end)
    try:
        with open(read_end, "rb") as told:
            port = told.read()
        if port:
            assert re.fullmatch(rb"[0-9]+\n", port)
            process.terminate()
        _, errors = process.communicate(timeout=START_S)
    finally:
        process.kill()
    return bool(port), process.returncode, errors.decode()
