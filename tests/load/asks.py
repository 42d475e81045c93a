# SPDX-License-Identifier: BSD-3-Clause
"""Files of requests for --asks, and servers that answer in protocols of their own."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Piece = tuple[str, bytes]  # a line of the file without its size, and the bytes behind it

Talk = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Ask:
    """A request as the file has it."""

    name: str
    send: bytes
    expect: bytes | int | str | None  # these bytes, so many, "line" or "learn", or any
    opening: tuple[
        Piece | str, ...
    ] = ()  # ("send", b"..."), ("expect text", b"..."), "expect line"
    also: tuple[str, ...] = ()  # "close", "head", "status 404"

    def lines(self) -> bytes:
        """The lines of the file that say so."""
        said = [
            f"request {self.name}\n".encode(),
            *(_step(step) for step in self.opening),
            _text("send", self.send),
        ]
        said += [f"{word}\n".encode() for word in self.also]
        if isinstance(self.expect, bytes):
            said.append(_text("expect text", self.expect))
        elif isinstance(self.expect, str):
            said.append(f"expect {self.expect}\n".encode())
        elif self.expect is not None:
            said.append(f"expect length {self.expect}\n".encode())
        else:
            said.append(b"expect any\n")
        return b"".join([*said, b"end\n"])


def _text(word: str, text: bytes) -> bytes:
    return f"{word} {len(text)}\n".encode() + text + b"\n"


def _step(step: Piece | str) -> bytes:
    if isinstance(step, str):
        return f"opening-{step}\n".encode()
    word, text = step
    return _text(f"opening-{word}", text)


def write(folder: Path, *asks: Ask) -> str:
    """Write a file of requests; return its path."""
    path = folder / "asks"
    path.write_bytes(b"fibload-asks 1\n" + b"".join(ask.lines() for ask in asks))
    return str(path)


@dataclass
class Talker:
    """Lets every connection have its talk, in a thread of its own, on a free port of loopback."""

    talk: Talk
    port: int = 0
    connections: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False

    def accept(self, listener: socket.socket) -> None:
        """Serve until the listener is shut down."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
                self._threads.append(thread)
                if self._stopped:
                    connection.shutdown(socket.SHUT_RDWR)
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.talk(connection)
        with self._lock:
            self._open.discard(connection)
            connection.close()

    def stop(self) -> None:
        """End every connection, and wait for the threads."""
        with self._lock:
            self._stopped = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def talking(talk: Talk) -> Iterator[Talker]:
    """Run a server whose connections have this talk, for the length of a with block."""
    server = Talker(talk)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        server.port = listener.getsockname()[1]
        accepting = threading.Thread(target=server.accept, args=(listener,), daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            server.stop()


def exactly(connection: socket.socket, size: int) -> bytes:
    """Receive so many bytes; fewer when the connection has ended."""
    received = b""
    while len(received) < size and (more := connection.recv(size - len(received))):
        received += more
    return received


def repeat(request: bytes, reply: bytes, times: int | None = None) -> Talk:
    """Answer each of these requests with this reply; after so many, close."""

    def talk(connection: socket.socket) -> None:
        left = times
        while left != 0 and exactly(connection, len(request)) == request:
            connection.sendall(reply)
            left = None if left is None else left - 1

    return talk


def echo(connection: socket.socket) -> None:
    """Send back whatever comes."""
    while received := connection.recv(1 << 16):
        connection.sendall(received)


def length_prefixed(connection: socket.socket) -> None:
    """Answer a body of N bytes, which 4 bytes announce, with N bytes of it reversed."""
    while len(head := exactly(connection, 4)) == 4:
        (size,) = struct.unpack(">I", head)
        connection.sendall(head + exactly(connection, size)[::-1])


def greeting(first: bytes, then: Talk) -> Talk:
    """Speak first."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        then(connection)

    return talk


def behind_a_password(asked: bytes, answer: bytes, then: Talk) -> Talk:
    """Answer the password, and go on if it was that."""

    def talk(connection: socket.socket) -> None:
        if exactly(connection, len(asked)) == asked:
            connection.sendall(answer)
            then(connection)

    return talk


def once(request: bytes, *pieces: bytes) -> Talk:
    """Answer one request, in pieces, and close."""

    def talk(connection: socket.socket) -> None:
        if exactly(connection, len(request)) == request:
            for piece in pieces:
                connection.sendall(piece)

    return talk


def silent(connection: socket.socket) -> None:
    """Read on and say nothing."""
    while connection.recv(1 << 16):
        pass
