# SPDX-License-Identifier: BSD-3-Clause
"""What a stopping server owes to those it has accepted: what they had sent is answered.

Nobody is waited for, so that a connection is over when nothing of it lies unread. Runs on Python
3.6.
"""

import contextlib
import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Protocol

    class Socket(Protocol):
        """A socket, or what an event loop of others shows of one."""

        def fileno(self) -> int:
            """Return its descriptor."""
            ...


POLLRDHUP = 0x2000  # poll(2); `select` has it since Python 3.7
DISCARDED_AT_ONCE = 1 << 16
DISCARDS_AT_MOST = 64  # who sends without end may get a reset


def has_input(connection: "Socket") -> bool:
    """Whether there is something to read, the client's end or an error included."""
    return _is_there(connection, select.POLLIN)


def cut_input(connection: "Socket") -> bool:
    """Let whoever waits for input read what has arrived, and then an end.

    False: nothing is done, since the client has sent its own end, or is gone.
    """
    # After shutdown(2) its end would look as if it had been ours.
    if connection.fileno() == -1 or _is_there(connection, POLLRDHUP):
        return False
    try:
        with _borrowed(connection) as own:
            own.shutdown(socket.SHUT_RD)
    except OSError:  # a reset
        return False
    return True


def discard_input(connection: "Socket") -> None:
    """Take what lies unread: a close would answer it with a reset, which overtakes replies."""
    try:
        with _borrowed(connection) as own:
            for _ in range(DISCARDS_AT_MOST):
                if not own.recv(DISCARDED_AT_ONCE, socket.MSG_DONTWAIT):
                    break
    except OSError:  # nothing more is there, or the client has gone
        pass


def _is_there(connection: "Socket", event: int) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), event)
    return bool(poll.poll(0))


@contextlib.contextmanager
def _borrowed(connection: "Socket") -> "Iterator[socket.socket]":
    """What an event loop shows of one may lack methods of a socket; a copy takes a descriptor."""
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=connection.fileno())
    try:
        yield own
    finally:
        own.detach()
