# SPDX-License-Identifier: BSD-3-Clause
"""What the asyncio servers share: a conversation that waits with `await`, and its deadline.

Runs on Python 3.6.
"""

import asyncio
import socket
import time

import fibarrivals
import fibserver
from fibprotocol import READ_SIZE, answer, batches, framer, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable


def unfinished_tasks() -> "set[asyncio.Task[Any]]":
    """Return the tasks of the running loop; Python 3.6 keeps the function elsewhere."""
    all_tasks = getattr(asyncio, "all_tasks", None) or asyncio.Task.all_tasks  # type: ignore[attr-defined]
    return {task for task in all_tasks() if not task.done()}


LOOK_AGAIN_S = 0.001  # not 0, which uvloop takes for "before the next look at the sockets"


BEAT_S = 0.25

# Requests that are handed over together. They, and their replies, are less than 16 KiB each, which
# multiprocessing writes in one piece: where the second of two failed, the reader would hang.
MOST_OFFLOADED = 1000


class Deadline:
    """Closes a connection whose client keeps the server waiting.

    One timer serves all requests of a connection: it looks at the time when it fires, and is set
    again for what is left.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.WriteTransport, timeout_s: float
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._timeout_s = timeout_s
        self._at = None  # type: float | None  # None: the server does not wait
        self._timer = None  # type: asyncio.Handle | None

    def start(self) -> None:
        """Begin to wait for the client."""
        self._at = time.monotonic() + self._timeout_s  # which loop.time() is, at a price
        if self._timer is None:
            self._timer = self._loop.call_at(self._at, self._look)

    def stop(self) -> None:
        """The client has done its part."""
        self._at = None

    def cancel(self) -> None:
        """The connection is closed."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._at is None:
            return
        if self._loop.time() < self._at:
            self._timer = self._loop.call_at(self._at, self._look)
        else:
            # If the loop was busy, the request may have come in time and be unread. So the loop
            # looks at its sockets once more, then a coroutine may run that this wakes: either
            # moves the time.
            self._timer = self._loop.call_later(LOOK_AGAIN_S, self._look_again, self._at)

    def _look_again(self, at: float) -> None:
        self._timer = self._loop.call_soon(self._judge, at)

    def _judge(self, at: float) -> None:
        if self._at == at:
            self._transport.abort()
        else:
            self._look()


class Streams(asyncio.StreamReaderProtocol):
    """A connection as streams, once it is made."""

    def __init__(self, conversations: "Conversations") -> None:
        loop = conversations.loop
        # The transport rests while twice the limit is unread.
        reader = asyncio.StreamReader(limit=4 * READ_SIZE, loop=loop)
        super().__init__(reader, conversations.serve, loop=loop)
        self._conversations = conversations

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Call serve()."""
        self._conversations.arrivals.made(transport)
        super().connection_made(transport)

    def connection_lost(self, error: "Exception | None") -> None:
        """It is over, whoever ended it."""
        super().connection_lost(error)
        self._conversations.arrivals.left()


class Conversations:
    """The connections of one event loop, with a coroutine for each, serve()."""

    def __init__(self, options: fibserver.Options, stop: fibserver.Stop) -> None:
        self._options = options
        self._stop = stop
        self.loop = asyncio.get_event_loop()
        self._here = set()  # type: set[asyncio.StreamWriter]
        self._cut = set()  # type: set[asyncio.StreamWriter]  # the end that they read is ours
        self._stopping = self.loop.create_future()  # type: asyncio.Future[None]
        self._others = unfinished_tasks()  # not ours
        self.loop.add_reader(stop.fd, self._begin_to_stop)

    def listen(self, listener: socket.socket) -> None:
        """Serve who comes, as asyncio.start_server would: see there what differs."""
        acceptor = fibserver.Acceptor(self._options, self._stop, listener)
        self.arrivals = fibarrivals.Arrivals(self.loop, acceptor, lambda: Streams(self))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what one client asks, then close."""
        self._here.add(writer)
        if self._stopping.done():
            self._cut_input(writer)
        deadline = Deadline(self.loop, writer.transport, self._options.idle_timeout)
        # drain() is to wait until the kernel has everything: one piece of replies is the most
        # that is ever kept here, and nothing is left when the connection is closed.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            await self._converse(reader, writer, deadline)
        except OSError as error:  # the client has gone, or takes too long: its own affair
            writer.transport.abort()  # also where the kernel could not watch it, and none hears
            if self._options.verbose:
                fibserver.log("connection closed: %s" % error)
        finally:
            deadline.cancel()
            self._here.remove(writer)
            if writer in self._cut:  # it was read to the end, which more may have followed
                self._cut.remove(writer)
                fibserver.discard_input(writer.get_extra_info("socket"))
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deadline: Deadline
    ) -> None:
        options = self._options
        frames = framer(options.framing)
        while not frames.closed:
            requests = []  # type: list[bytes]
            deadline.start()
            while not requests and not frames.closed:
                data = await reader.read(frames.read_size)
                if not data and writer in self._cut:
                    return
                requests = frames.feed(data)
            deadline.stop()
            if writer.transport.is_closing():
                return
            fibserver.log_requests(options, requests)
            await self._answer(requests, frames.end, writer, deadline)

    async def _answer(
        self,
        requests: "list[bytes]",
        end: bytes,
        writer: asyncio.StreamWriter,
        deadline: Deadline,
    ) -> None:
        options = self._options
        for piece in replies(requests, options.max_n, end, options.io_wait > 0):
            if options.io_wait > 0:
                await asyncio.sleep(options.io_wait)
            await self._send(piece, writer, deadline)

    async def _send(self, piece: bytes, writer: asyncio.StreamWriter, deadline: Deadline) -> None:
        if writer.transport.is_closing():
            raise ConnectionResetError("the client has gone")
        writer.write(piece)
        if writer.transport.get_write_buffer_size() > 0:
            deadline.start()
            await writer.drain()
            deadline.stop()

    async def until_told_to_stop(self) -> None:
        """Wait for a signal; since then nobody is accepted any more."""
        await self._stopping

    async def finish(self) -> None:
        """Wait until everything asked is answered; an alarm bounds the wait."""
        ours = unfinished_tasks() - self._others
        while ours:  # one that accepts makes one that serves
            await asyncio.wait(ours)
            ours = unfinished_tasks() - self._others

    def _begin_to_stop(self) -> None:
        self.loop.remove_reader(self._stop.fd)
        self._stopping.set_result(None)
        self.arrivals.close()
        for writer in self._here:
            self._cut_input(writer)

    def _cut_input(self, writer: asyncio.StreamWriter) -> None:
        """Have the loop bring what has arrived, which is to be answered, and then an end."""
        if fibserver.cut_input(writer.get_extra_info("socket")):
            self._cut.add(writer)


class Offloading(Conversations):
    """Conversations whose replies are computed elsewhere, so that the loop is free meanwhile."""

    def __init__(
        self,
        options: fibserver.Options,
        stop: fibserver.Stop,
        run: "Callable[..., Awaitable[Any]]",
    ) -> None:
        super().__init__(options, stop)
        self._run = run  # run(function, *arguments), elsewhere
        self._computing = 0  # requests
        self._beats = False

    async def _answer(
        self,
        requests: "list[bytes]",
        end: bytes,
        writer: asyncio.StreamWriter,
        deadline: Deadline,
    ) -> None:
        options = self._options
        for batch in batches(requests, options.max_n, options.io_wait > 0, MOST_OFFLOADED):
            self._computing += 1
            if not self._beats:
                self._beat()
            try:
                piece = await self._run(answer, batch, options.max_n, end)
            finally:
                self._computing -= 1
            if options.io_wait > 0:
                await asyncio.sleep(options.io_wait)
            await self._send(piece, writer, deadline)

    def _beat(self) -> None:
        """Look for results although nothing woke the loop: the byte that does may not be sent."""
        self._beats = self._computing > 0
        if self._beats:
            self.loop.call_later(BEAT_S, self._beat)
