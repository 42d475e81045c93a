# SPDX-License-Identifier: BSD-3-Clause
"""Servers in Python of which one system call fails, each in turn, as failures.py does it.

It costs a client at most, or the server ends and says why: it never goes on to accept whom it
cannot serve.
"""

import errno
import signal
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from .backends import Backend, all_backends, each
from .borrowed import limit_buffers
from .conftest import Start
from .failures import MOST_CALLS, Tried, each_failure, try_at_start, try_at_work
from .process import Server, skip_what_is_lacking
from .shortages import FailingCall, build
from .wire import check_serves

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
ALL_START = {"EPOLL_CTL_ADD", "epoll_create1", "pipe2", "setsockopt"}
"""The least that each of them calls at its start."""
ALL_SERVE = {"accept4", "recv", "send"}
WATCH = {*ALL_SERVE, "EPOLL_CTL_ADD"}
LEAST_AT_WORK = {
    "async": WATCH,
    "async-3.6": WATCH,
    "async-mp": WATCH,
    "async-reuseport": WATCH,
    "generators": WATCH,
    "protocol": WATCH,
    "select": WATCH,
    "mp": {*ALL_SERVE, "fork", "pipe2"},
    "mt": {*ALL_SERVE, "pthread_create"},
    "uvloop": {"accept4", "read", "write"},
}
"""By its design, the least that a server calls while it serves; of others what all call."""
LEAST_BYTES = 1
"""Of a buffer: the kernel gives the least that it can."""
ENOUGH = 60
"""So many calls of one name; a pool's worker makes hundreds, for what is asked in bulk."""
EVERY_PYTHON = each(*(b for b in all_backends() if b.language == "python"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded."""
    return build(tmp_path_factory.mktemp("shortages"))


def statuses(backend: Backend, call: str) -> tuple[int, ...]:
    """What a server may end with: libuv calls abort(3) where epoll_ctl(2) fails."""
    aborts = backend.design == "uvloop" and call == "EPOLL_CTL_ADD"
    return (1, -signal.SIGABRT) if aborts else (1,)


@pytest.mark.parametrize("call", WHILE_SERVING)
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_while_it_serves(
    request: pytest.FixtureRequest,
    start_server: Start,
    library: Path,
    backend: Backend,
    call: str,
) -> None:
    enough = MOST_CALLS if request.config.getoption("--all") else ENOUGH

    def try_from(failing: FailingCall, error: int, number: int) -> Tried:
        """One server for as many calls as it survives: to start it takes longest."""
        tried = 0
        with start_server(backend, environment=failing.environment) as server:
            check_serves(server)
            with suppress(OSError):  # where it may not be, no send is a short one
                limit_buffers(server, LEAST_BYTES)
            while True:
                seen = try_at_work(
                    server, failing, error, number + tried, statuses(backend, call), in_bulk=True
                )
                tried += seen.failed
                if not seen.serves:
                    return Tried(tried, were_all=False)
                if not seen.failed or number + tried > enough:
                    break
            assert server.stop() == 0, f"{server}: {server.stderr()}"
            assert "Traceback" not in server.stderr(), server.stderr()
        return Tried(tried, were_all=True)

    failed = each_failure(library, {call: ERRORS[call]}, try_from, enough)
    assert call in failed or call not in LEAST_AT_WORK.get(backend.design, ALL_SERVE)


@pytest.mark.parametrize("call", AT_START)
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_at_start_it_is_ready_only_if_able(
    start_server: Start, library: Path, backend: Backend, call: str
) -> None:
    skip_what_is_lacking(backend)

    def begin(failing: FailingCall) -> AbstractContextManager[Server]:
        options = ("--workers", "3")
        return start_server(backend, *options, environment=failing.environment, may_fail=True)

    def try_one(failing: FailingCall, error: int, number: int) -> Tried:
        return try_at_start(begin, failing, error, number, statuses(backend, call))

    failed = each_failure(library, {call: ERRORS[call]}, try_one)
    assert call in failed or call not in ALL_START
