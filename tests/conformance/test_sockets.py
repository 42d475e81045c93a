# SPDX-License-Identifier: BSD-3-Clause
"""What every server does to its sockets and limits, seen from outside."""

import ctypes
import errno
import os
import resource
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .backends import EVERY_WITH_OPTIONS, Backend
from .conftest import Start
from .process import Server
from .wire import connect

PIDFD_GETFD = 438  # pidfd_getfd(2); the number is the same on all architectures


@contextmanager
def _soft_limit(descriptors: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(descriptors, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(
    start_server: Start, backend: Backend
) -> None:
    with _soft_limit(256), start_server(backend, framing="message") as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


def _sockets(server: Server) -> Iterator[socket.socket]:
    """The server's own TCP sockets, taken over by pidfd_getfd(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(server.process.pid)
    try:
        for name in os.listdir(f"/proc/{server.process.pid}/fd"):
            fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd == -1 and ctypes.get_errno() == errno.EBADF:
                continue  # closed meanwhile, as a connection that a child has
            if fd == -1:
                pytest.skip(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.close(fd)
                continue
            with socket.socket(fileno=fd) as taken:
                if taken.family in (socket.AF_INET, socket.AF_INET6):
                    yield taken
    finally:
        os.close(pidfd)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_small_replies_do_not_wait_for_acknowledgements(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, framing="line") as server, connect(server):
        delayed = [
            not one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in _sockets(server)
        ]
    assert delayed, "the server has no TCP socket"
    assert not any(delayed)
