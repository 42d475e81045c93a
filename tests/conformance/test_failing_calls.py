# SPDX-License-Identifier: BSD-3-Clause
"""Servers in Python of which one system call fails, each in turn, as failures.py does it.

It costs a client at most, or the server ends and says why: it never goes on to accept whom it
cannot serve.
"""

import errno
import signal
from collections import Counter, deque
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

import pytest

from .backends import Backend, all_backends, each
from .borrowed import limit_buffers
from .conftest import Start
from .failures import MOST_CALLS, each_failure_at_start, try_at_work
from .process import Server, skip_what_is_lacking
from .shortages import FailingCall, build, failing_call
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
ENOUGH = 40
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


@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_while_it_serves(
    request: pytest.FixtureRequest, start_server: Start, library: Path, backend: Backend
) -> None:
    """One server for as many calls as it survives: to start it takes longest."""
    enough = MOST_CALLS if request.config.getoption("--all") else ENOUGH
    failed: Counter[str] = Counter()
    left = deque(ERRORS)
    with failing_call(library) as failing:
        while left:
            with start_server(backend, environment=failing.environment) as server:
                check_serves(server)
                with suppress(OSError):  # where it may not be, no send is a short one
                    limit_buffers(server, LEAST_BYTES)
                while left and survives_next(server, failing, failed, left, enough):
                    pass
                if server.is_alive():
                    assert server.stop() == 0, f"{server}: {server.stderr()}"
                    assert "Traceback" not in server.stderr(), server.stderr()
    assert LEAST_AT_WORK.get(backend.design, ALL_SERVE) <= failed.keys()


def survives_next(
    server: Server, failing: FailingCall, failed: Counter[str], left: deque[str], enough: int
) -> bool:
    """Let the next call fail of the first name that is left; whether the server serves on.

    After `enough` of one name, others are taken for the same again.
    """
    call = left[0]
    failing.turn_to(call)
    number = failed[call] + 1
    accepted = statuses(server.backend, call)
    seen = try_at_work(server, failing, ERRORS[call], number, accepted, in_bulk=True)
    if seen.failed:
        failed[call] = number
    if number >= MOST_CALLS:
        pytest.fail(f"more than {MOST_CALLS} calls of {call}")
    if not seen.failed or number >= enough:
        left.popleft()
    return seen.serves


@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_at_start_it_is_ready_only_if_able(
    start_server: Start, library: Path, backend: Backend
) -> None:
    skip_what_is_lacking(backend)

    def begin(failing: FailingCall) -> AbstractContextManager[Server]:
        options = ("--workers", "2")
        return start_server(backend, *options, environment=failing.environment, may_fail=True)

    faults = {call: ERRORS[call] for call in AT_START}
    failed = each_failure_at_start(library, faults, begin, partial(statuses, backend))
    assert failed.keys() >= ALL_START
