# SPDX-License-Identifier: BSD-3-Clause
"""One system call fails, each in turn: it costs a client at most, or the server ends and says why.

Never does it go on to accept whom it cannot serve, and never is a traceback all that it says.
"""

import errno
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .backends import Backend, all_backends, each
from .borrowed import limit_buffers
from .conftest import Start
from .process import END_S, START_S, Server, skip_what_is_lacking
from .shortages import FailingCall, build, failing_call
from .wire import check_serves, connect, is_readable, right_answer

MOST_CALLS = 60
ERRORS = {
    "EPOLL_CTL_ADD": errno.ENOSPC,
    "accept4": errno.EMFILE,
    "epoll_create1": errno.EMFILE,
    "fork": errno.EAGAIN,
    "pipe2": errno.EMFILE,
    "pthread_create": errno.EAGAIN,
    "read": errno.EIO,
    "recv": errno.ENOMEM,
    "send": errno.ENOBUFS,
    "setsockopt": errno.ENOMEM,
    "socketpair": errno.ENFILE,
    "write": errno.EIO,
}
"""What each call fails with: what a system that is short of something says."""
AT_START = (
    "EPOLL_CTL_ADD",
    "epoll_create1",
    "fork",
    "pipe2",
    "pthread_create",
    "setsockopt",
    "socketpair",
)
WHILE_SERVING = tuple(ERRORS)
EVERY_PYTHON = each(*(b for b in all_backends() if b.language == "python"))
LINES = 3000
"""Asked by one who reads late: their replies are more than the least that the kernel can hold."""
LEAST = 1  # bytes of buffer: the kernel gives the least it can


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded."""
    return build(tmp_path_factory.mktemp("shortages"))


def aborts(backend: Backend, call: str) -> bool:
    """libuv calls abort(3) where epoll_ctl(2) fails, and says nothing."""
    return backend.design == "uvloop" and call == "EPOLL_CTL_ADD"


@pytest.mark.parametrize("call", WHILE_SERVING)
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_while_it_serves(start_server: Start, library: Path, backend: Backend, call: str) -> None:
    numbers = iter(range(1, MOST_CALLS + 1))
    with failing_call(library, call) as failing:
        while next_end(start_server, failing, backend, numbers):
            pass
    if call == "accept4":  # which all of them make
        assert next(numbers, MOST_CALLS) > 2, "the first did not fail"


def next_end(
    start_server: Start, failing: FailingCall, backend: Backend, numbers: Iterator[int]
) -> bool:
    """Start a server and try calls until it ends of one, or there are no more: False."""
    call = failing.name
    with start_server(backend, environment=failing.environment) as server:
        check_serves(server)
        with suppress(OSError):  # else no send is a short one
            limit_buffers(server, LEAST)
        for number in numbers:
            where = f"{server}: {call} number {number}"
            failing.fail(ERRORS[call], first=number)
            converse(server, where)
            happened = failing.failed > 0
            failing.stop_failing()
            if not goes_on(server, where, aborts(backend, call)):
                return True
            if not happened:
                break
        assert server.stop(timeout_s=END_S) == 0, f"{server}: {server.stderr()}"
        assert "Traceback" not in server.stderr(), server.stderr()
    return False


def converse(server: Server, where: str) -> None:
    """Ask as clients do that come and go, one of whom takes its replies late."""
    reply = right_answer(server)
    for _ in range(3):
        answered_or_closed(server, b"10\n", reply, where)
    answered_or_closed(server, b"-1\n" * LINES, b"out of range\n" * LINES, where)


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
    programs: Path, library: Path, backend: Backend, call: str
) -> None:
    skip_what_is_lacking(backend)
    with failing_call(library, call) as failing:
        for number in range(1, MOST_CALLS + 1):
            failing.fail(ERRORS[call], first=number)
            ready, status, errors = start_and_stop(programs, failing, backend)
            where = f"{backend.name}: {call} number {number}: {errors}"
            assert "Traceback" not in errors, where
            if not ready:
                assert status != 0, where
                assert errors or aborts(backend, call), where
            else:
                assert status == 0, where
            if failing.failed == 0:
                return
    pytest.fail("there is no end of it")


def start_and_stop(programs: Path, failing: FailingCall, backend: Backend) -> tuple[bool, int, str]:
    """Whether a server was ready, with what it ended (on a signal, if it was), and what it said."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        backend.argv_to_serve(programs, ["--workers", "3", "--ready-fd", str(write_end)], 0),
        stderr=subprocess.PIPE,
        pass_fds=(write_end,),
        env={**os.environ, **failing.environment},
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
