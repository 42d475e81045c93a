# SPDX-License-Identifier: BSD-3-Clause
"""Each call that a server makes fails once, in turn.

At the start it then serves all the same, or ends with a message and never said that it was ready.
At work it serves all the same, and says whom it refused, or ends with a message: it neither hangs
nor ends as if it had been told to.
"""

import errno
import os
import socket
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest
from tests.here import leave_out_backend

from . import sanitized
from .backends import Backend, all_backends, each
from .borrowed import limit_buffers
from .conftest import Start
from .failures import ASKS, MOST_CALLS, Seen, check_ended, each_failure_at_start, try_at_work
from .process import Server, frozen, skip_what_is_lacking
from .shortages import (
    FailingCall,
    build,
    can_fail,
    failing_call,
    program_of,
    skip_what_is_linked_in,
    try_to_ask,
)
from .wire import check_serves, connect, read_exactly, read_to_end

IN_C = [b for b in all_backends() if b.language == "c"]
WITH_EPOLL = [b for b in IN_C if b.design.startswith(("epoll", "null"))]
WITH_URING = [b for b in IN_C if b.needs == "liburing"]
LACKING = 77
RINGS = ("io_uring_queue_init_params", "io_uring_register_buf_ring")

ALSO = {"fcntl": (2,), RINGS[0]: (LACKING,), RINGS[1]: (LACKING,)}
"""Statuses that it may end with beside 1; fcntl(2) tells whether what --ready-fd names is open."""

# With the error that is the likeliest.
AT_THE_START = {
    "calloc": errno.ENOMEM,
    "malloc": errno.ENOMEM,
    "mmap": errno.ENOMEM,
    "pipe2": errno.EMFILE,
    "sigaction": errno.EINVAL,
    "sigprocmask": errno.EINVAL,
    "sched_getaffinity": errno.EINVAL,
    "getaddrinfo": errno.ENOMEM,
    "setrlimit": errno.EPERM,
    "socket": errno.EMFILE,
    "setsockopt": errno.ENOMEM,
    "bind": errno.ENOMEM,
    "listen": errno.EADDRINUSE,
    "getsockname": errno.ENOBUFS,
    "fcntl": errno.ENOLCK,
    "dprintf": errno.EIO,
    "fork": errno.EAGAIN,
    "prctl": errno.EINVAL,
    "pthread_create": errno.EAGAIN,
    "pthread_attr_init": errno.ENOMEM,
    "pthread_attr_setstacksize": errno.EINVAL,
    "pthread_barrier_init": errno.EAGAIN,
    "pthread_cond_init": errno.ENOMEM,
    "epoll_create1": errno.EMFILE,
    "epoll_ctl": errno.ENOSPC,
    "timerfd_create": errno.EMFILE,
    "eventfd": errno.EMFILE,
    "io_setup": errno.EAGAIN,
    "io_submit": errno.EAGAIN,
    "io_uring_queue_init_params": errno.ENOMEM,
    "io_uring_register_buf_ring": errno.ENOMEM,
    "io_uring_register_ring_fd": errno.EINVAL,
    "io_uring_submit": errno.ENOMEM,
}

AT_WORK = {
    "calloc": errno.ENOMEM,
    "malloc": errno.ENOMEM,
    "mmap": errno.ENOMEM,
    "fork": errno.EAGAIN,
    "prctl": errno.EINVAL,
    "pthread_create": errno.EAGAIN,
    "accept4": errno.EMFILE,
    "recv": errno.ECONNRESET,
    "send": errno.ECONNRESET,
    "poll": errno.ENOMEM,
    "ppoll": errno.ENOMEM,
    "pselect": errno.ENOMEM,
    "epoll_ctl": errno.ENOMEM,
    "timerfd_settime": errno.ECANCELED,
    "eventfd_read": errno.EIO,
    "eventfd_write": errno.EIO,
    "aio_read": errno.EAGAIN,
    "aio_write": errno.EAGAIN,
    "io_submit": errno.EAGAIN,
    "io_getevents": errno.EFAULT,
    "io_uring_submit": errno.EAGAIN,
    "io_uring_submit_and_wait": errno.EBADR,
    "io_uring_submit_and_wait_timeout": errno.EBADR,
}
"""A failed call that leaves a client unserved because something is lacking counts as refused."""
_TALK = ("accept4", "recv", "send")
_RING = ("io_uring_submit_and_wait",)
LEAST_AT_WORK = {
    "sync": (*_TALK, "ppoll"),
    "mp": (*_TALK, "fork", "prctl"),
    "mt": (*_TALK, "pthread_create"),
    "mp-pool": (*_TALK, "ppoll"),
    "mt-pool": (*_TALK, "eventfd_read", "eventfd_write"),
    "nonblocking": (*_TALK, "poll"),
    "select": (*_TALK, "pselect"),
    "poll": (*_TALK, "ppoll"),
    "epoll": (*_TALK, "epoll_ctl"),
    "epoll-pool": (*_TALK, "epoll_ctl", "eventfd_read", "eventfd_write"),
    "epoll-reuseport": (*_TALK, "epoll_ctl"),
    "posix-aio": ("accept4", "aio_read", "aio_write"),
    "aio": (*_TALK, "io_submit", "io_getevents"),
    "uring-oneshot": _RING,
    "uring": _RING,
    "uring-reuseport": _RING,
    "null": (*_TALK, "epoll_ctl"),
}
"""By its design, the least of these that a server calls; of another one that it accepts."""
REFUSING = (
    *("calloc", "malloc", "fork", "pthread_create", "epoll_ctl"),
    *("aio_read", "aio_write", "io_submit"),
)

CROWD = 20
WAVES = 5
LINES = 1000
REPLIES = b"error\n" * LINES
LEAST = 1  # bytes of buffer: the kernel gives the least it can


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded."""
    return build(tmp_path_factory.mktemp("failing"))


def called(program: Path, faults: Mapping[str, int]) -> dict[str, int]:
    """Those of the calls that a program makes: it holds their names, if with a suffix."""
    image = program.read_bytes()
    return {name: error for name, error in faults.items() if name.encode() in image}


@pytest.mark.parametrize("backend", each(*IN_C))
def test_a_server_says_that_it_is_ready_only_when_it_is(
    request: pytest.FixtureRequest, start_server: Start, library: Path, backend: Backend
) -> None:
    skip_what_is_lacking(backend)

    def begin(call: FailingCall) -> AbstractContextManager[Server]:
        options = ("--workers", "2")
        return start_server(backend, *options, environment=call.environment, may_fail=True)

    def statuses(name: str) -> tuple[int, ...]:
        return (1, *ALSO.get(name, ()))

    faults = dict(AT_THE_START)
    if sanitized.KINDS:
        # A sanitizer asks for memory, too, and ends without; and whoever exits need not free.
        del faults["malloc"], faults["calloc"]
    elif backend.name != "c-sync" and not request.config.getoption("--all"):
        del faults["malloc"]  # at the start that is the C library, in all of them alike
    failed = each_failure_at_start(library, faults, begin, statuses)
    assert {"socket", "listen", "pipe2", "sigaction", "dprintf"} <= failed.keys()


@pytest.mark.parametrize("backend", each(*IN_C))
def test_a_call_that_fails_at_work_neither_hangs_it_nor_ends_it_silently(
    start_server: Start, programs: Path, library: Path, backend: Backend
) -> None:
    skip_what_is_lacking(backend)

    def fails(call: FailingCall, error: int, number: int) -> bool:
        with start_server(backend, "--workers", "2", environment=call.environment) as server:
            seen = try_at_work(server, call, error, number, (1,))
            if seen.serves:
                check_stops(server, call, error, seen)
            return seen.failed

    failed = set()
    with failing_call(library) as call:
        for name, error in called(program_of(backend, programs), AT_WORK).items():
            call.turn_to(name)
            number = 1
            while fails(call, error, number):
                failed.add(name)
                number += 1
                assert number < MOST_CALLS, f"so many calls of {name}"
    assert failed, "nothing failed"
    assert must_fail_at_work(backend, programs) <= failed


def check_stops(server: Server, call: FailingCall, error: int, seen: Seen) -> None:
    """Stop it: it ends in order, and says whom it refused."""
    about = f"{server}: {call.name} at work"
    status = server.stop()
    if seen.failed and status != 0:  # another thread has answered meanwhile
        check_ended(server, about)
        return
    assert status == 0, about
    if call.name in REFUSING and seen.unserved:
        # A thread that malloc(3) fails for is one that cannot be.
        check_refused(server, seen.unserved, {error, errno.EAGAIN})


def check_refused(server: Server, count: int, errors: Collection[int]) -> None:
    """Fail unless an ended server has said that it refused so many, and with one of the errors."""
    told = server.stderr()
    assert f"refused {count} connections" in told, told
    assert any(os.strerror(error) in told for error in errors), told


def must_fail_at_work(backend: Backend, programs: Path) -> set[str]:
    """The least that a server calls while it serves, by its design; else nothing was tested."""
    least = LEAST_AT_WORK.get(backend.design, ("accept4",))
    return {name for name in least if can_fail(backend, programs, name)}


@pytest.mark.parametrize("error", [errno.ENOMEM, errno.ENOSPC], ids=errno.errorcode.get)
@pytest.mark.parametrize("backend", each(*WITH_EPOLL))
def test_a_client_that_epoll_has_no_room_for_is_refused_and_counted(
    start_server: Start, library: Path, backend: Backend, error: int
) -> None:
    with (
        failing_call(library, "epoll_ctl") as call,
        start_server(backend, environment=call.environment) as server,
    ):
        call.fail(error, times=3)
        for _ in range(3):
            with connect(server) as refused:
                assert read_to_end(refused).received == b""
        check_serves(server)
        assert server.stop() == 0
        check_refused(server, 3, {error})


@pytest.mark.parametrize(
    ("name", "design"),
    [("aio_read", "posix-aio"), ("pthread_create", "mt"), ("fork", "mp"), ("io_submit", "aio")],
)
def test_whoever_finds_no_thread_process_or_operation_is_refused_and_counted(
    start_server: Start, programs: Path, library: Path, name: str, design: str
) -> None:
    backend = next(b for b in IN_C if b.design == design)
    skip_what_is_linked_in(backend, programs, name)
    with (
        failing_call(library, name) as call,
        start_server(backend, environment=call.environment) as server,
    ):
        call.fail(errno.EAGAIN)
        answered = [try_to_ask(server) for _ in range(ASKS)]
        assert answered.count(False) == 1
        check_serves(server)
        assert server.stop() == 0
        check_refused(server, 1, {errno.EAGAIN})


@pytest.mark.parametrize(
    ("name", "design"), [("eventfd_write", "epoll-pool"), ("eventfd_read", "mt-pool")]
)
def test_a_wake_up_that_is_lost_is_the_end_with_a_message(
    start_server: Start, library: Path, name: str, design: str
) -> None:
    backend = next(b for b in IN_C if b.design == design)
    with (
        failing_call(library, name) as call,
        start_server(backend, environment=call.environment) as server,
    ):
        call.fail(errno.EIO)
        for _ in range(ASKS):
            if not try_to_ask(server):
                break
        check_ended(server, f"{backend.name}: {name}")
        assert os.strerror(errno.EIO) in server.stderr()


@pytest.mark.parametrize("name", ["EPERM", "EACCES", "ENOSYS", "EINVAL"])
@pytest.mark.parametrize("backend", each(*WITH_EPOLL))
def test_an_exact_wait_that_is_refused_is_not_asked_for_again(
    start_server: Start, library: Path, backend: Backend, name: str
) -> None:
    loops = 1 if backend.design == "epoll-pool" else 2
    with failing_call(library, "epoll_pwait2") as call:
        call.fail_always(getattr(errno, name))
        with start_server(
            backend, "--workers", "2", "--io-wait", "2", environment=call.environment
        ) as server:
            for _ in range(4 * ASKS):
                check_serves(server)
            assert 1 <= call.calls <= loops
            assert server.stop() == 0
            assert server.stderr() == ""


# io_uring.


@pytest.mark.parametrize("name", RINGS)
@pytest.mark.parametrize("backend", each(*WITH_URING))
def test_without_memory_to_lock_it_lacks_what_it_needs(
    start_server: Start, programs: Path, library: Path, backend: Backend, name: str
) -> None:
    if name == "io_uring_register_buf_ring" and "oneshot" in backend.name:
        leave_out_backend(backend.name, "it registers no buffers")
    skip_what_is_linked_in(backend, programs, name)
    with failing_call(library, name) as call:
        call.fail_always(errno.ENOMEM)
        through = ["sh", "-c", 'ulimit -l 8192 && exec "$@"', "sh"]
        with start_server(
            backend, through=through, environment=call.environment, may_fail=True
        ) as server:
            assert server.port == 0, "it said that it is ready"
            check_ended(server, backend.name, (LACKING,))
            assert len(server.stderr().splitlines()) == 1, server.stderr()
            assert "ulimit -l" in server.stderr()
            assert "8192 KiB" in server.stderr()


@pytest.mark.parametrize("entries", [1, 4])
@pytest.mark.parametrize("backend", each(*WITH_URING))
def test_what_finds_no_room_in_a_ring_is_not_lost(
    start_server: Start, programs: Path, library: Path, backend: Backend, entries: int
) -> None:
    """Both queues of io_uring overflow, and what is kept are sends that were not done whole."""
    skip_what_is_linked_in(backend, programs, "small rings")
    with failing_call(library, "small rings") as call:
        call.fail_always(entries)
        with start_server(backend, environment=call.environment) as server:
            assert call.failed > 0
            with suppress(OSError):  # else the kernel takes all replies at once
                limit_buffers(server, LEAST)
            clients = [connect(server, receive_buffer=LEAST) for _ in range(CROWD)]
            for _ in range(WAVES):
                with frozen(server):
                    for client in clients:
                        client.sendall(b"\n" * LINES)  # which fits into one buffer of the ring
                for client in clients:
                    assert read_exactly(client, len(REPLIES)) == REPLIES
            for client in clients:
                client.shutdown(socket.SHUT_WR)
                assert read_to_end(client).received == b""
            check_serves(server)
            assert server.stop() == 0
