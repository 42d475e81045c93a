# SPDX-License-Identifier: BSD-3-Clause
"""An event loop on selectors: what asyncio has at its heart. Runs on Python 3.6."""

import selectors
import socket
import time

import fibserver
from fibdeadlines import Deadlines, time_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

NOTHING, READ, WRITE = 0, selectors.EVENT_READ, selectors.EVENT_WRITE


class Client:
    """A connection that the loop calls back; each design says what it does then."""

    def __init__(self, loop: "Loop", connection: socket.socket) -> None:
        self.loop = loop
        self.socket = connection
        self.watched = NOTHING

    def on_connection(self) -> None:
        """The loop has taken it in."""
        raise NotImplementedError

    def on_ready(self) -> None:
        """Its socket is ready for what is watched."""
        raise NotImplementedError

    def on_time(self) -> None:
        """Its --io-wait is over."""
        raise NotImplementedError

    def may_read(self) -> bool:
        """Whether to read on: after the stop, as long as something has arrived."""
        return not self.loop.stopping or fibserver.has_input(self.socket)

    def close(self) -> None:
        """Forget everything about it."""
        self.watch(NOTHING)
        self.loop.idle.stop(self)
        self.loop.waits.stop(self)
        self.loop.clients.discard(self)
        self.socket.close()

    def watch(self, events: int) -> None:
        """Call on_ready() when the socket is ready for these events, from now on."""
        if events == self.watched:  # as on the quiet path: it costs no system call
            return
        before, self.watched = self.watched, NOTHING  # which it is if this fails
        if before == NOTHING:
            self.loop.selector.register(self.socket, events, self.on_ready)
        elif events == NOTHING:
            self.loop.selector.unregister(self.socket)
        else:
            self.loop.selector.modify(self.socket, events, self.on_ready)
        self.watched = events


class Loop:
    """Waits for all that is waited for, and calls back one after the other."""

    def __init__(
        self, options: fibserver.Options, design: "Callable[[Loop, socket.socket], Client]"
    ) -> None:
        self.options = options
        self.stopping = False
        self.clients = set()  # type: set[Client]
        self.selector = selectors.DefaultSelector()
        self.idle = Deadlines(options.idle_timeout)
        self.waits = Deadlines(options.io_wait)
        self._rest = Deadlines(fibserver.PAUSE_S)
        self._design = design
        self._acceptor = fibserver.Acceptor(options, fibserver.Stop(), fibserver.listen(options))

    def run(self) -> None:
        """Serve until a signal, then until everything asked is answered."""
        self.selector.register(self._acceptor.stop.fd, READ, self._on_stop)
        self.selector.register(self._acceptor.socket, READ, self._on_listener)
        self._acceptor.ready()
        while self.clients or not self.stopping:
            now = time.monotonic()  # whoever has asked by now is seen before its time is judged
            timeout = time_left(now, self.idle, self.waits, self._rest)
            for key, _ in self.selector.select(timeout):
                key.data()
            for client in self.waits.due(now):
                client.on_time()
            for client in self.idle.due(now):
                client.close()
            for _ in self._rest.due(now):
                self._end_rest()
        self._acceptor.stop.end()

    def _on_listener(self) -> None:
        """Accept one connection in a turn, so that the others are not kept waiting."""
        if self.stopping:  # which was told in the same turn
            return
        connection = self._acceptor.accept_for_loop(live=len(self.clients))
        if connection is not None:
            client = self._design(self, connection)
            self.clients.add(client)
            try:
                client.on_connection()
            except OSError:  # no memory to watch it
                client.close()
                self._acceptor.refuse(connection)
        if self._acceptor.rests:
            self._acceptor.rests = False
            self.selector.unregister(self._acceptor.socket)
            self._rest.start(self)

    def _end_rest(self) -> None:
        try:
            self.selector.register(self._acceptor.socket, READ, self._on_listener)
        except OSError:  # no memory to watch it: it rests on
            self._rest.start(self)

    def _on_stop(self) -> None:
        self.stopping = True
        self.selector.unregister(self._acceptor.stop.fd)
        if self._acceptor.socket in self.selector.get_map():  # it may rest
            self.selector.unregister(self._acceptor.socket)
        self._rest.stop(self)
        self._acceptor.shut()
        for client in [each for each in self.clients if each.watched == READ]:
            if not client.may_read():
                client.close()
