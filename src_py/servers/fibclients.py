# SPDX-License-Identifier: BSD-3-Clause
"""What the servers share whose design is an asyncio.Protocol. Runs on Python 3.6."""

import asyncio
import functools

import fibarrivals
import fibasync
import fibserver
from fibprotocol import READ_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    Protocol = asyncio.BufferedProtocol
else:
    Protocol = getattr(asyncio, "BufferedProtocol", asyncio.Protocol)  # Python 3.6 has none


class Client(Protocol):
    """A connection as a design sees it.

    The loop reads into a buffer that all connections share, so that one does not get more to keep
    than fits in there: a Protocol is handed as much as 256 KiB at once.
    """

    def __init__(self, clients: "Clients") -> None:
        self._buffer = clients.buffer

    def get_buffer(self, _size: int) -> memoryview:
        """Return where the loop may read to."""
        return self._buffer

    def buffer_updated(self, size: int) -> None:
        """So many bytes are there."""
        self.data_received(bytes(self._buffer[:size]))

    def data_received(self, data: bytes) -> None:
        """So it is called in a Protocol, too."""
        raise NotImplementedError

    def stop(self) -> None:
        """Answer what has arrived, then end."""
        raise NotImplementedError


class Clients:
    """The connections of one event loop whose design is an asyncio.Protocol."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        acceptor: fibserver.Acceptor,
        design: "Callable[[Clients], Client]",
    ) -> None:
        self.loop = loop
        self.options = acceptor.options
        self.stopping = False
        self.buffer = memoryview(bytearray(READ_SIZE))
        self._acceptor = acceptor
        self._live = acceptor.stop.tally.live
        self._arrivals = fibarrivals.Arrivals(
            loop, acceptor, functools.partial(design, self), self._end_with_the_last
        )
        self._here = set()  # type: set[Client]
        self._over = loop.create_future()  # type: asyncio.Future[None]

    def run(self) -> None:
        """Serve until a signal, then until everything asked is answered."""
        self.loop.add_reader(self._acceptor.stop.fd, self._begin_to_stop)
        self.loop.call_soon(self._say_ready)  # a loop may open descriptors when it begins to run
        self.loop.run_until_complete(self._over)
        self.loop.close()

    def welcome(self, client: Client, transport: asyncio.Transport) -> fibasync.Deadline:
        """A connection is made: return its deadline, which runs."""
        self._here.add(client)
        self._arrivals.made(transport)
        if self.stopping:
            client.stop()
        deadline = fibasync.Deadline(self.loop, transport, self.options.idle_timeout)
        deadline.start()
        return deadline

    def forget(self, client: Client) -> None:
        """A connection is lost."""
        self._here.remove(client)
        self._arrivals.left()

    def _say_ready(self) -> None:
        fibserver.require_room(self._acceptor.socket)
        self._acceptor.ready()

    def _begin_to_stop(self) -> None:
        self.stopping = True
        self.loop.remove_reader(self._acceptor.stop.fd)
        self._arrivals.close()
        for client in list(self._here):
            client.stop()
        self._end_with_the_last()

    def _end_with_the_last(self) -> None:
        if self.stopping and self._live[self._acceptor.slot] == 0 and not self._over.done():
            self._over.set_result(None)
