# SPDX-License-Identifier: BSD-3-Clause
"""The client's side: what is sent in which pieces, what is read back, and how it ends."""

import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

from .oracle import Conversation
from .process import Server
from .queues import unread_by_peer

PATIENCE_S = 20.0
READ_SIZE = 1 << 16

_opened: list[socket.socket] = []

End = Literal["eof", "reset"]
HalfClose = Literal["at once", "after the replies"]


@dataclass(frozen=True)
class Transcript:
    """What a client got in the life of one connection."""

    received: bytes
    end: End


def connect(server: Server, receive_buffer: int | None = None) -> socket.socket:
    """A connection, whose calls give up after PATIENCE_S, so that no test hangs."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    _opened.append(connection)
    connection.settimeout(PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer is not None:
        # Before connect(2): the window's scale is settled there, tcp(7).
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, receive_buffer)
    try:
        connection.connect((server.host, server.port))
    except OSError:
        connection.close()
        raise
    return connection


def close_all() -> None:
    """Close what `connect` has opened and the test has not closed: a failed one leaves clients."""
    while _opened:
        _opened.pop().close()


def converse(
    server: Server,
    chunks: Sequence[bytes],
    *,
    half_close: HalfClose,
    replies_before_half_close: int = 0,
) -> Transcript:
    """Send chunks, each by its own call, half-close, and read everything.

    Reading goes on while sending does, so that a server which waits for its replies to be read is
    not waited for. With `after the replies`, the half-close waits for so many bytes of replies.
    """
    with connect(server) as connection:
        connection.setblocking(False)
        waiting = [chunk for chunk in chunks if chunk]
        received, end, shut = b"", None, False
        deadline = time.monotonic() + PATIENCE_S
        while end is None:
            enough = half_close == "at once" or len(received) >= replies_before_half_close
            if not waiting and enough and not shut:
                shut = True
                _half_close(connection)
            events = _wait(connection, bool(waiting), deadline)
            if not events:
                about = f"sent {short(b''.join(chunks))}, got {short(received)}"
                pytest.fail(f"{server}: {PATIENCE_S} s without an end; {about}", pytrace=False)
            if waiting and events & select.POLLOUT:
                waiting = _send_first(connection, waiting)
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                part, end = _receive(connection)
                received += part
    return Transcript(received, end)


def check(server: Server, sent: bytes, transcript: Transcript, expected: Conversation) -> None:
    """Fail, naming the backend and the bytes both ways, unless the server answered rightly."""
    about = f"{server}\n  sent     {short(sent)}\n  expected {short(expected.replies)}"
    got = f"\n  got      {short(transcript.received)}, then {transcript.end}"
    if transcript.received != expected.replies:
        pytest.fail(about + got, pytrace=False)
    if transcript.end == "reset" and not expected.closed_early:
        pytest.fail(about + got + "\n  a reset where the end should be orderly", pytrace=False)
    if not server.is_alive():
        pytest.fail(f"{about}\n  it died of it; stderr: {server.stderr()!r}", pytrace=False)


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """Read so many bytes, or what comes before the end."""
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            break
        received += part
    return received


def read_to_end(connection: socket.socket) -> Transcript:
    """Read until the server ends the connection."""
    received, end = b"", None
    while end is None:
        if not is_readable(connection, PATIENCE_S):
            pytest.fail(f"{PATIENCE_S} s without an end; got {short(received)}")
        part, end = _receive(connection)
        received += part
    return Transcript(received, end)


def is_readable(connection: socket.socket, timeout_s: float) -> bool:
    """Whether there is something to read, the end included, before the time is over."""
    return is_any_readable([connection], timeout_s)


def is_any_readable(connections: Sequence[socket.socket], timeout_s: float) -> bool:
    """Whether there is something to read from one of them before the time is over."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


def wait_until_read(server: Server, connection: socket.socket) -> None:
    """Wait until the server has read everything that was sent over a connection.

    The kernel tells nobody by itself how much of what arrived is still unread, so that it is asked
    again and again, in between listening for a reply, which says as much.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if unread_by_peer(connection) == 0 or is_readable(connection, 0.002):
            return
    pytest.fail(f"{server} does not read what it is sent")


def reset(connection: socket.socket) -> None:
    """Close by a reset rather than by an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def ask(server: Server, request: bytes = b"10") -> bytes:
    """Ask over a new connection and read everything that comes back."""
    with connect(server) as connection:
        connection.sendall(request + (b"\n" if server.framing == "line" else b""))
        connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection).received


def ask_on(server: Server, connection: socket.socket) -> None:
    """Ask on a connection that stays, in line framing, and fail unless it is served."""
    connection.sendall(b"10\n")
    reply = right_answer(server)
    got = read_exactly(connection, len(reply))
    if got != reply:
        pytest.fail(f"{server}: got {got!r}; stderr: {server.stderr()!r}")


def right_answer(server: Server) -> bytes:
    """What `ask` gets from a server that serves."""
    answer = b"89" if server.backend.parses else b"1"
    return answer + (b"\n" if server.framing == "line" else b"")


def check_serves(server: Server) -> None:
    """Fail unless a new connection is served."""
    got = ask(server)
    if got != right_answer(server):
        pytest.fail(f"{server} no longer serves: got {got!r}; stderr: {server.stderr()!r}")


def short(data: bytes) -> str:
    """Bytes as a failure message shows them."""
    if len(data) <= 600:
        return repr(data)
    return f"{data[:300]!r} … {data[-300:]!r} ({len(data)} bytes)"


def _wait(connection: socket.socket, sending: bool, deadline: float) -> int:
    poll = select.poll()
    poll.register(connection, select.POLLIN | (select.POLLOUT if sending else 0))
    ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
    return ready[0][1] if ready else 0


def _send_first(connection: socket.socket, waiting: list[bytes]) -> list[bytes]:
    """Send from the first chunk alone. Returns what is left: nothing, if the server closed."""
    try:
        sent = connection.send(waiting[0])
    except BlockingIOError:
        return waiting
    except (BrokenPipeError, ConnectionResetError):
        return []
    rest = waiting[0][sent:]
    return [rest, *waiting[1:]] if rest else waiting[1:]


def _receive(connection: socket.socket) -> tuple[bytes, End | None]:
    try:
        part = connection.recv(READ_SIZE)
    except (BlockingIOError, InterruptedError):
        return b"", None
    except ConnectionResetError:
        return b"", "reset"
    return part, None if part else "eof"


def _half_close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:  # the server's reset came first; reading tells
        return
