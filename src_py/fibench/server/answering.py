# SPDX-License-Identifier: BSD-3-Clause
"""Whether a server that listens answers a request of HTTP: many listen long before they can.

An answer is a status line that came whole. With a status below 500 the server is ready: it has
found out what it has to say to that path, be it that nothing is there. With one from 500 on, or
none, it may not be yet, and is asked again.
"""

from __future__ import annotations

import errno
import os
import re
import select
import socket
import time
from contextlib import suppress
from typing import NamedTuple

from fibench.server.start_error import printable

_STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] ([1-9][0-9]{2})(?: [^\n]*)?\r?\n")
_LONGEST_LINE = 4096
_NOT_READY_FROM = 500
_REST_S = 1.0
_REST_BYTES = 16 << 20
"""So long, and for so much of it, the rest of an answer is read: a connection that is closed before
resets the server."""


class Heard(NamedTuple):
    """What came of asking once."""

    is_ready: bool
    said: str
    """What was answered, in words; empty where nothing had come when time was up."""


def ask_once(host: str, port: int, path: str, news_fd: int, deadline_s: float) -> Heard:
    """Ask for a path, and wait for the answer until a time of the monotonic clock.

    Not when there is news of the server, on `news_fd`: it may have ended.
    """
    try:
        with _connected(host, port) as connection:
            return _Talk(connection, news_fd, deadline_s).ask(_request(host, port, path))
    except OSError as error:
        return Heard(is_ready=False, said=f"the last connection ended: {error.strerror or error}")


def _connected(host: str, port: int) -> socket.socket:
    """A connection that is being made, on which nothing waits."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    connection = socket.socket(family, kind, protocol)
    connection.setblocking(False)
    error = connection.connect_ex(address)
    if error not in (0, errno.EINPROGRESS):
        connection.close()
        raise OSError(error, os.strerror(error))
    return connection


def _request(host: str, port: int, path: str) -> bytes:
    named = f"[{host}]" if ":" in host else host
    fields = f"Host: {named}:{port}\r\nAccept: */*\r\nConnection: close\r\n"
    return f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode("ascii")


class _Talk:
    """One connection, on which one request is asked."""

    def __init__(self, connection: socket.socket, news_fd: int, deadline_s: float) -> None:
        self._connection, self._news_fd, self._deadline_s = connection, news_fd, deadline_s

    def ask(self, request: bytes) -> Heard:
        """Send a request, and read what it is answered. Raises OSError."""
        while request:
            if not self._can(select.POLLOUT, self._deadline_s):
                return _NOTHING
            request = request[self._connection.send(request) :]
        told = b""
        while b"\n" not in told and len(told) < _LONGEST_LINE:
            if not self._can(select.POLLIN, self._deadline_s):
                return _NOTHING
            data = self._connection.recv(_LONGEST_LINE)
            if not data:
                break
            told += data
        answered = _answer(told)
        if told:
            self._read_the_rest()
        return answered

    def _read_the_rest(self) -> None:
        until_s = min(self._deadline_s, time.monotonic() + _REST_S)
        left = _REST_BYTES
        with suppress(OSError):
            while left > 0 and self._can(select.POLLIN, until_s):
                data = self._connection.recv(1 << 16)
                if not data:
                    return
                left -= len(data)

    def _can(self, what: int, until_s: float) -> bool:
        """Wait until the connection can go on; False when there is news first, or time is up."""
        poll = select.poll()
        poll.register(self._connection, what)
        poll.register(self._news_fd, select.POLLIN)
        left_s = until_s - time.monotonic()
        ready = [fd for fd, _ in poll.poll(max(0.0, left_s) * 1000)]
        return self._connection.fileno() in ready and self._news_fd not in ready


_NOTHING = Heard(is_ready=False, said="")
NOTHING_CAME = "nothing came back"
"""What there is to say where no time had an answer."""


def _answer(told: bytes) -> Heard:
    """What the first bytes of a reply say."""
    found = _STATUS_LINE.match(told)
    if found is not None:
        status = int(found[1])
        return Heard(status < _NOT_READY_FROM, f"its last answer had status {status}")
    if not told:
        return Heard(is_ready=False, said="the last connection was closed without an answer")
    begin = printable(told[:60].partition(b"\n")[0].decode("utf-8", "backslashreplace").rstrip())
    return Heard(is_ready=False, said=f"its last answer is none of HTTP: '{begin}'")
