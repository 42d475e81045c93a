# SPDX-License-Identifier: BSD-3-Clause
"""Requests without end, over a connection that is not read: until both ends are full."""

import select
import socket
from contextlib import suppress

from .borrowed import limit_buffers
from .process import Server
from .wire import PATIENCE_S

MIB = 1 << 20
BLOCKED_S = 0.4
MOST_SENT = 8 * MIB
BUFFERS = 1 << 13  # of the server, in the kernel, which would give it some MiB
# Most replies are long and cost nothing, so that buffers fill soon; the others tell places apart.
ROUND = b"".join(b"%d\n" % n + b"-1\n" * 30 for n in range(10)) + b"x\n"


def send_until_blocked(server: Server, connection: socket.socket) -> int:
    """Send rounds of requests, reading nothing; how many bytes the two ends took in."""
    connection.setblocking(False)
    text = ROUND * (MIB // len(ROUND))
    sent = 0
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    while poll.poll(BLOCKED_S * 1000):
        try:
            sent += connection.send(text[sent % len(ROUND) :])
        except BlockingIOError:
            continue
        assert sent < MOST_SENT, f"{server} takes in requests without end"
    connection.setblocking(True)
    connection.settimeout(PATIENCE_S)
    return sent


def limit_buffers_if_allowed(server: Server) -> None:
    """Otherwise it takes longer until they are full."""
    with suppress(OSError):
        limit_buffers(server, BUFFERS)
