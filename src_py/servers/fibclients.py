# SPDX-License-Identifier: BSD-3-Clause
"""What the servers share whose design is an asyncio.Protocol. Runs on Python 3.6."""

import asyncio
import functools

import fibasync
import fibserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

REST_S = 0.1  # short of descriptors, it accepts no more until a connection ends, or so long


class Client(asyncio.Protocol):
    """A connection as a design sees it."""

    def stop(self) -> None:
        """Answer what has arrived, then end."""
        raise NotImplementedError


class Clients:
    """The connections of one event loop whose design is an asyncio.Protocol.

    It accepts by itself, one connection in a turn of the loop. asyncio's servers take as many as
    the listen queue may hold, and rest for a whole second when descriptors are short.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        acceptor: fibserver.Acceptor,
        design: "Callable[[Clients], Client]",
    ) -> None:
        self.loop = loop
        self.options = acceptor.options
        self.stopping = False
        self._acceptor = acceptor
        self._make = functools.partial(design, self)
        self._live = acceptor.stop.tally.live
        self._arriving = set()  # type: set[asyncio.Future[Any]]
        self._here = set()  # type: set[Client]
        self._over = loop.create_future()  # type: asyncio.Future[None]

    def run(self) -> None:
        """Serve until a signal, then until everything asked is answered."""
        self.loop.set_exception_handler(fibasync.Report())
        self.loop.add_reader(self._acceptor.stop.fd, self._begin_to_stop)
        self._listen()
        self.loop.run_until_complete(self._over)
        self.loop.close()

    def welcome(self, client: Client, transport: asyncio.Transport) -> fibasync.Deadline:
        """A connection is made: return its deadline, which runs."""
        self._here.add(client)
        if self.stopping:
            client.stop()
        deadline = fibasync.Deadline(self.loop, transport, self.options.idle_timeout)
        deadline.start()
        return deadline

    def forget(self, client: Client) -> None:
        """A connection is lost."""
        self._here.remove(client)
        self._live[self._acceptor.slot] -= 1
        if self._acceptor.rests:
            self.loop.call_soon(self._listen)
        self._end_with_the_last()

    def _listen(self) -> None:
        self._acceptor.rests = False
        if not self.stopping:
            self.loop.add_reader(self._acceptor.socket.fileno(), self._accept)

    def _accept(self) -> None:
        connection = self._acceptor.accept(live=sum(self._live))
        if connection is not None:
            self._live[self._acceptor.slot] += 1
            connection.setblocking(False)
            making = self.loop.connect_accepted_socket(self._make, connection)
            task = self.loop.create_task(making)
            self._arriving.add(task)
            task.add_done_callback(self._on_arrival)
        elif self._acceptor.rests:
            self.loop.remove_reader(self._acceptor.socket.fileno())
            self.loop.call_later(REST_S, self._listen)

    def _on_arrival(self, task: "asyncio.Future[Any]") -> None:
        self._arriving.remove(task)
        if task.exception() is not None:  # there is no client that could be forgotten
            self._live[self._acceptor.slot] -= 1
            self._end_with_the_last()

    def _begin_to_stop(self) -> None:
        self.stopping = True
        self.loop.remove_reader(self._acceptor.stop.fd)
        self.loop.remove_reader(self._acceptor.socket.fileno())
        self._acceptor.shut()
        for client in list(self._here):
            client.stop()
        self._end_with_the_last()

    def _end_with_the_last(self) -> None:
        if self.stopping and self._live[self._acceptor.slot] == 0 and not self._over.done():
            self._over.set_result(None)
