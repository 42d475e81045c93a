# SPDX-License-Identifier: BSD-3-Clause
"""What the Python servers share, by one name, and a conversation that blocks.

Runs on Python 3.6.
"""

import errno
import select
import socket
import time

from fiblastinput import cut_input, discard_input, has_input
from fiblistener import (
    PAUSE_S,
    Acceptor,
    Listener,
    announce,
    listen,
    listen_with_each,
    require_room,
)
from fiboptions import (
    EXIT_LACKING,
    Options,
    end_now,
    end_of_thread,
    fail,
    log,
    parse_options,
    require_python,
)
from fibprotocol import framer, replies
from fibstop import Stop, Tally

__all__ = [
    "EXIT_LACKING",
    "PAUSE_S",
    "Acceptor",
    "Listener",
    "Options",
    "Stop",
    "Tally",
    "announce",
    "converse",
    "cut_input",
    "discard_input",
    "end_now",
    "end_of_thread",
    "fail",
    "has_input",
    "listen",
    "listen_with_each",
    "log",
    "log_requests",
    "parse_options",
    "require_python",
    "require_room",
]


def log_requests(options: Options, requests: "list[bytes]") -> None:
    """Write a line for each request, with --verbose."""
    if options.verbose:
        for request in requests:
            log("request %r" % request[:64])


def converse(connection: socket.socket, options: Options, stop: Stop) -> None:
    """Answer what one client asks, then close; after the stop, nothing more is waited for."""
    with connection:
        try:
            _converse(connection, options, stop)
        except OSError as error:  # the client has gone, or takes too long: its own affair
            if options.verbose:
                log("connection closed: %s" % error.strerror)


def _converse(connection: socket.socket, options: Options, stop: Stop) -> None:
    frames = framer(options.framing)
    poll = select.poll()
    poll.register(stop.fd, select.POLLIN)
    poll.register(connection.fileno(), select.POLLIN)
    stopping = False
    while not frames.closed:
        requests = []  # type: list[bytes]
        deadline = time.monotonic() + options.idle_timeout
        while not requests and not frames.closed:
            if not stopping:
                ready = poll.poll(_milliseconds_until(deadline))
                if not ready:
                    raise OSError(errno.ETIMEDOUT, "no request in time")
                stopping = len(ready) > 1 or ready[0][0] == stop.fd
            try:
                data = connection.recv(frames.read_size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if stopping:
                    return
                continue
            requests = frames.feed(data)
        log_requests(options, requests)
        for piece in replies(requests, options.max_n, frames.end, options.io_wait > 0):
            if options.io_wait > 0:
                time.sleep(options.io_wait)
            _send(connection, piece, options.idle_timeout)


def _send(connection: socket.socket, data: bytes, timeout_s: float) -> None:
    """Send all of `data`, in as many pieces as the client takes it, in `timeout_s` altogether."""
    poll = None
    while True:
        try:
            data = data[connection.send(data, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            pass
        if not data:
            return
        if poll is None:
            deadline = time.monotonic() + timeout_s
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLOUT)
        if not poll.poll(_milliseconds_until(deadline)):
            raise OSError(errno.ETIMEDOUT, "replies not taken in time")


def _milliseconds_until(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic()) * 1000
