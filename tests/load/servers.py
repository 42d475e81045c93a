# SPDX-License-Identifier: BSD-3-Clause
"""A small server that misbehaves as it is told, on loopback, in threads of the test."""

import contextlib
import enum
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence

RIGHT = b"1346269"  # what fibload expects for --n 30
ASK_30 = ("--n", "30")


class Action(enum.Enum):
    """What the server does with one request."""

    ANSWER = "answer"
    WRONG = "wrong"
    TWICE = "twice"  # the right reply, and once more
    CLOSE = "close"  # without a reply
    RESET = "reset"  # without a reply
    CUT = "cut"  # half a reply, then close
    CUT_RESET = "cut and reset"  # half a reply, then reset
    SILENT = "silent"  # neither a reply nor an end
    DROP = "drop"  # no reply to this request; in line framing the next is answered


class Server:
    """Listens on a free port; the n-th request in its life meets the n-th action, in turn."""

    def __init__(
        self,
        *,
        line: bool,
        actions: Sequence[Action] = (Action.ANSWER,),
        before_reply: Callable[[], None] = lambda: None,
        reply: bytes = RIGHT,
    ) -> None:
        self.line = line
        self.requests = 0
        self.replies = 0
        self.connections = 0
        self._reply = reply
        self._before_reply = before_reply
        self._actions = itertools.cycle(actions)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._stopped = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        """End every connection and stop listening, as if the server were killed; once is enough."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            opened = list(self._open)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                if self._stopped:
                    connection.close()
                    return
                self._open.add(connection)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            for _request in self._requests(connection):
                if not self._act(connection):
                    return
        except OSError:
            return
        finally:
            with self._lock:
                self._open.discard(connection)
                connection.close()

    def _requests(self, connection: socket.socket) -> Iterator[bytes]:
        if not self.line:
            request = connection.recv(256)
            if request:
                yield request
            return
        buffer = b""
        while received := connection.recv(1 << 16):
            *lines, buffer = (buffer + received).split(b"\n")
            yield from lines

    def _act(self, connection: socket.socket) -> bool:
        """Do what is next; say whether the connection goes on."""
        with self._lock:
            self.requests += 1
            action = next(self._actions)
        end = b"\n" if self.line else b""
        half = self._reply[: len(self._reply) // 2]
        if action is Action.DROP and self.line:
            return True
        if action is Action.SILENT or (action is Action.DROP and not self.line):
            while connection.recv(1 << 16):
                pass  # until the other side ends
            return False
        if action in (Action.RESET, Action.CUT_RESET):
            if action is Action.CUT_RESET:
                connection.sendall(half)
            reset(connection)
            return False
        if action in (Action.CLOSE, Action.CUT):
            connection.sendall(half if action is Action.CUT else b"")
            return False
        self._before_reply()
        if action is Action.WRONG:
            connection.sendall(b"error" + end)
        else:
            connection.sendall((self._reply + end) * (2 if action is Action.TWICE else 1))
        with self._lock:
            self.replies += 1
        return self.line


def reset(connection: socket.socket) -> None:
    """Arrange that closing the connection resets it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def serving(
    *,
    line: bool,
    actions: Sequence[Action] = (Action.ANSWER,),
    before_reply: Callable[[], None] = lambda: None,
    reply: bytes = RIGHT,
) -> Iterator[Server]:
    """Run a Server for the length of a with block."""
    server = Server(line=line, actions=actions, before_reply=before_reply, reply=reply)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def stopped_when(enough: threading.Event, server: Server) -> Iterator[None]:
    """A server that dies once there is enough, for the length of a with block."""

    def kill() -> None:
        enough.wait(10)
        server.stop()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
