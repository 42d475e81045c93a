# SPDX-License-Identifier: BSD-3-Clause
"""What the Python servers share: listening, signals, and a conversation that blocks.

Runs on Python 3.6.
"""

import errno
import os
import resource
import select
import signal
import socket
import time

from fiboptions import Options, fail, log, parse_options, require_python
from fibprotocol import framer, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Callable, NoReturn, Union

    Handler = Union[Callable[[int, "FrameType | None"], object], signal.Handlers]

__all__ = [
    "Listener",
    "Options",
    "Stop",
    "announce",
    "converse",
    "listen",
    "log",
    "log_requests",
    "parse_options",
    "require_python",
]

STOP_S = 2  # after a signal, what was asked has so long to finish
PAUSE_S = 0.01  # short of descriptors, memory or threads, accepting rests so long


class Stop:
    """A descriptor, `fd`, that becomes readable for good when SIGTERM or SIGINT comes.

    Two seconds after the first signal the process ends, however deep in a computation; a second
    signal ends it at once. Forked children share the descriptor, so all of them see the signal, and
    the death of the parent too.
    """

    def __init__(self) -> None:
        self.refused = 0  # connections
        self.fd, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        # The C part of the signal handling writes there: at once, whichever thread runs.
        signal.set_wakeup_fd(self._wakeup)
        self._second = signal.SIG_DFL  # type: Handler
        signal.signal(signal.SIGALRM, self._too_late)
        signal.signal(signal.SIGTERM, self._begin)
        signal.signal(signal.SIGINT, self._begin)

    def instead_of_exit(self, handler: "Handler") -> None:
        """Call `handler` on a second signal and when the time is over, for there are children."""
        self._second = handler
        signal.signal(signal.SIGALRM, handler)

    def leave_to_parent(self) -> None:
        """In a child: only read, so that its own signals, and its life, concern nobody else."""
        self.refused = 0
        signal.set_wakeup_fd(-1)
        os.close(self._wakeup)
        self._second = signal.SIG_DFL
        signal.signal(signal.SIGALRM, self._too_late)
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) != self._begin:  # the first one came before the fork
                signal.signal(number, self._second)

    def end(self) -> None:
        """Everything asked is answered: say how many connections were refused, if any."""
        signal.alarm(0)  # or it could ring when the interpreter has put its handlers away
        if self.refused:
            log("refused %d connections" % self.refused)

    def _begin(self, _signal: int, _frame: "FrameType | None") -> None:
        signal.alarm(STOP_S)
        signal.signal(signal.SIGTERM, self._second)
        signal.signal(signal.SIGINT, self._second)

    def _too_late(self, _signal: int, _frame: "FrameType | None") -> "NoReturn":
        self.end()
        os._exit(0)


def listen(options: Options) -> socket.socket:
    """Listen as the options say; where that is not possible, say why and exit with 1."""
    try:
        # As bytes: the idna codec, which a str would go through, takes long to import.
        host = os.fsencode(options.host)
        found = socket.getaddrinfo(host, options.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        listener.bind(address)
        listener.listen(options.backlog)
    except OSError as error:
        fail("cannot listen on %s port %d: %s" % (options.host, options.port, error.strerror))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return listener


def announce(listener: socket.socket, options: Options) -> None:
    """Say that connections are welcome: on --ready-fd, and in words where somebody must know."""
    host, port = listener.getsockname()[:2]
    if not host.startswith(("127.", "::ffff:127.")) and host != "::1":
        log("warning: listening on %s, which other machines may reach" % host)
    if options.verbose:
        log("listening on %s port %d" % (host, port))
    if options.ready_fd is not None:
        try:
            os.write(options.ready_fd, b"%d\n" % port)
            os.close(options.ready_fd)
        except OSError as error:
            fail("cannot write to --ready-fd %d: %s" % (options.ready_fd, error.strerror))


def log_requests(options: Options, requests: "list[bytes]") -> None:
    """Write a line for each request, with --verbose."""
    if options.verbose:
        for request in requests:
            log("request %r" % request[:64])


class Listener:
    """Accepts connections, one at a time, for the servers that block.

    A connection stays in the queue until `descriptors` are free: what it takes to serve one.
    """

    def __init__(self, options: Options, descriptors: int = 1) -> None:
        self.stop = Stop()
        self._socket = listen(options)
        self._options = options
        self._descriptors = descriptors
        self._resting = False
        self._poll = select.epoll()
        self._poll.register(self.stop.fd, select.EPOLLIN)
        self._poll.register(self._socket.fileno(), select.EPOLLIN)
        announce(self._socket, options)

    def watch(self, fd: int) -> None:
        """Let wait() return `fd`, too, when it is readable."""
        self._poll.register(fd, select.EPOLLIN)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`. Closing it is not enough where a child has a copy; epoll(7)."""
        self._poll.unregister(fd)

    def wait(self) -> "list[int] | None":
        """Wait until descriptors are ready; None: it is time to stop."""
        ready = [fd for fd, _ in self._poll.poll(PAUSE_S if self._resting else None)]
        if self.stop.fd in ready:
            return None
        if self._resting:  # the rest is over, or something was closed
            self._resting = False
            self._poll.modify(self._socket.fileno(), select.EPOLLIN)
        return ready

    def accept(self, live: int) -> "socket.socket | None":
        """Accept a connection, if there is one and --max-connections is more than `live`."""
        try:
            if self._descriptors > 1:
                self._prove_free(self._descriptors)
            connection, address = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError:  # EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the queue
            self._rest()
            return None
        if live >= self._options.max_connections:
            connection.close()
            self.stop.refused += 1
            return None
        if self._options.verbose:
            log("connection from %s port %d" % address[:2])
        return connection

    def _prove_free(self, descriptors: int) -> None:
        copies = []  # type: list[int]
        try:
            while len(copies) < descriptors:
                copies.append(os.dup(self.stop.fd))
        finally:
            for fd in copies:
                os.close(fd)

    def refuse(self, connection: socket.socket) -> None:
        """Close a connection that nobody could be started to serve, and rest a little."""
        connection.close()
        self.stop.refused += 1
        self._rest()

    def close(self) -> None:
        """Stop listening. A child does so first, or the port would outlive the parent."""
        self._poll.close()
        self._socket.close()

    def _rest(self) -> None:
        # The listener stays ready, so that trying again at once would burn a core.
        self._resting = True
        self._poll.modify(self._socket.fileno(), 0)


def converse(connection: socket.socket, options: Options, stop: Stop) -> None:
    """Answer what one client asks, then close; between two requests `stop` ends it."""
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
    while not frames.closed:
        requests = []  # type: list[bytes]
        deadline = time.monotonic() + options.idle_timeout
        while not requests and not frames.closed:
            ready = poll.poll(_milliseconds_until(deadline))
            if not ready:
                raise OSError(errno.ETIMEDOUT, "no request in time")
            if len(ready) > 1 or ready[0][0] == stop.fd:
                return
            requests = frames.feed(connection.recv(frames.read_size))
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
