# SPDX-License-Identifier: BSD-3-Clause
"""How the Python servers listen, and accept one connection at a time. Runs on Python 3.6."""

import contextlib
import functools
import os
import resource
import select
import socket

from fiboptions import Options, fail, log
from fibstop import Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

EPOLLEXCLUSIVE = 1 << 28  # epoll_ctl(2); PyPy does not have it in `select`
PAUSE_S = 0.01  # short of descriptors, memory or threads, accepting rests so long


def listen(options: Options) -> socket.socket:
    """Listen as the options say; where that is not possible, say why and exit with 1."""
    return _listen(options, 1)[0]


def listen_with_each(options: Options, count: int) -> "list[socket.socket]":
    """Listen on one port with several sockets: the kernel divides the connections among them."""
    return _listen(options, count)


def _listen(options: Options, count: int) -> "list[socket.socket]":
    try:
        # As bytes: the idna codec, which a str would go through, takes long to import.
        host = os.fsencode(options.host)
        found = socket.getaddrinfo(host, options.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        first = _bind(family, address)
        listeners = [first]
        if count > 1:
            # With SO_REUSEPORT a bind succeeds beside another server of the same user, which then
            # loses some of its clients. The first one, without it, has proved the port to be free,
            # and keeps it until these have it.
            taken = first.getsockname()
            listeners = [_bind(family, taken, socket.SO_REUSEPORT) for _ in range(count)]
        for listener in listeners:
            listener.listen(options.backlog)
    except OSError as error:
        fail("cannot listen on %s port %d: %s" % (options.host, options.port, error.strerror))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return listeners


def _bind(family: int, address: "Any", *more: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    for option in (socket.SO_REUSEADDR, *more):
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
    listener.bind(address)
    return listener


def require_room(listener: socket.socket, descriptors: int = 1) -> None:
    """Exit with 1 where no connection could be served for want of descriptors, now or ever."""
    try:
        _prove_free(listener, descriptors)
    except OSError as error:
        fail("cannot go on: %s" % error.strerror)


def _prove_free(listener: socket.socket, descriptors: int) -> None:
    copies = []  # type: list[int]
    try:
        while len(copies) < descriptors:
            copies.append(os.dup(listener.fileno()))
    finally:
        for fd in copies:
            os.close(fd)


def announce(listener: socket.socket, options: Options) -> None:
    """Say that connections are welcome: on --ready-fd, and in words where somebody must know."""
    require_room(listener)
    host, port = listener.getsockname()[:2]
    if not host.startswith(("127.", "::ffff:127.")) and host != "::1":
        log("warning: listening on %s, which other machines may reach" % host)
    if options.verbose:
        log("listening on %s port %d" % (host, port))
    ready_fd, options.ready_fd = options.ready_fd, None
    if ready_fd is not None:
        try:
            os.write(ready_fd, b"%d\n" % port)
            os.close(ready_fd)
        except OSError as error:
            fail("cannot write to --ready-fd %d: %s" % (ready_fd, error.strerror))


class Acceptor:
    """A socket that listens, and what may become of a connection that comes.

    Where there is no room for one, `rests` is true: the socket stays ready, so that whoever asked
    it again at once would burn a core. It should wait for PAUSE_S.
    """

    def __init__(
        self, options: Options, stop: Stop, listener: socket.socket, slot: int = 0
    ) -> None:
        self.options = options
        self.stop = stop
        self.socket = listener
        self.slot = slot  # of stop.tally
        self.rests = False
        # Who serves calls it as soon as able to. Where there are several, all have to be.
        self.ready: "Callable[[], Any]" = functools.partial(announce, listener, options)

    def accept(self, live: int) -> "socket.socket | None":
        """Accept a connection, if there is one and --max-connections is more than `live`."""
        try:
            connection, address = self.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError:  # EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the queue
            self.rests = True
            return None
        if live >= self.options.max_connections:
            connection.close()
            self.stop.tally.refused[self.slot] += 1
            return None
        if self.options.verbose:
            log("connection from %s port %d" % address[:2])
        return connection

    def accept_for_loop(self, live: int) -> "socket.socket | None":
        """Accept a connection whose calls do not block."""
        connection = self.accept(live)
        if connection is not None:
            try:
                connection.setblocking(False)
            except OSError:
                self.refuse(connection)
                return None
        return connection

    def refuse(self, connection: socket.socket) -> None:
        """Close a connection that nobody could be started to serve, and rest a little."""
        connection.close()
        self.stop.tally.refused[self.slot] += 1
        self.rests = True

    def shut(self) -> None:
        """Listen no more. If nobody will, what is in the queue is refused."""
        if self.stop.is_told():  # else this child alone stops
            with contextlib.suppress(OSError):  # somebody else was faster
                self.socket.shutdown(socket.SHUT_RD)
        self.socket.close()


class Listener(Acceptor):
    """Waits for connections, for the servers that block.

    A connection stays in the queue until `descriptors` are free: what it takes to serve one.
    """

    def __init__(self, options: Options, descriptors: int = 1, is_ready: bool = True) -> None:
        super().__init__(options, Stop(), listen(options))
        self._descriptors = descriptors
        self._watch_socket(select.EPOLLIN)
        if is_ready:
            require_room(self.socket, descriptors)
            announce(self.socket, options)

    def in_child(self) -> None:
        """Wait apart from the other children: what comes wakes one of those that wait, not all."""
        self._poll.close()
        self._watch_socket(select.EPOLLIN | EPOLLEXCLUSIVE)

    def _watch_socket(self, events: int) -> None:
        self._events = events
        self._poll = select.epoll()
        self._poll.register(self.stop.fd, select.EPOLLIN)
        self._poll.register(self.socket.fileno(), events)
        self._is_watched = True

    def watch(self, fd: int) -> None:
        """Let wait() return `fd`, too, when it is readable."""
        self._poll.register(fd, select.EPOLLIN)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`. Closing it is not enough where a child has a copy; epoll(7)."""
        self._poll.unregister(fd)

    def wait(self) -> "list[int] | None":
        """Wait until descriptors are ready; None: it is time to stop."""
        if self.rests and self._is_watched:
            self._poll.unregister(self.socket.fileno())
            self._is_watched = False
        ready = [fd for fd, _ in self._poll.poll(PAUSE_S if self.rests else -1)]
        if self.rests:  # the rest is over, or something was closed
            with contextlib.suppress(OSError):  # no memory to watch it: it rests on
                self._poll.register(self.socket.fileno(), self._events)
                self._is_watched = True
                self.rests = False
        return None if self.stop.fd in ready else ready

    def accept(self, live: int) -> "socket.socket | None":
        """Accept a connection, if there is room for it and all that it takes."""
        try:
            if self._descriptors > 1:
                _prove_free(self.socket, self._descriptors)
        except OSError:
            self.rests = True
            return None
        return super().accept(live)

    def close(self) -> None:
        """Stop listening. A child does so first, or the port would outlive the parent."""
        self._poll.close()
        self.socket.close()
