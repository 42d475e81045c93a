# SPDX-License-Identifier: BSD-3-Clause
"""A server's own sockets, looked at and changed from outside."""

import ctypes
import errno
import os
import socket
import stat
from collections.abc import Iterator

from .process import Server

PIDFD_GETFD = 438  # pidfd_getfd(2); the number is the same on all architectures


def sockets(server: Server) -> Iterator[socket.socket]:
    """The TCP sockets of the main process, each of them open until the next is asked for.

    Raises OSError where the system does not let them be had.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(server.process.pid)
    try:
        for name in os.listdir(f"/proc/{server.process.pid}/fd"):
            fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd == -1 and ctypes.get_errno() == errno.EBADF:
                continue  # closed meanwhile, as a connection that a child has
            if fd == -1:
                raise OSError(ctypes.get_errno(), f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.close(fd)
                continue
            with socket.socket(fileno=fd) as taken:
                if taken.family in (socket.AF_INET, socket.AF_INET6):
                    yield taken
    finally:
        os.close(pidfd)


def limit_buffers(server: Server, size: int) -> None:
    """Give all connections that are accepted from now on buffers of so many bytes in the kernel.

    They inherit what is set for the listener, and get no more as they need more: tcp(7).
    """
    listeners = 0
    for listener in sockets(server):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        listeners += 1
    assert listeners, f"{server} has no listener"
