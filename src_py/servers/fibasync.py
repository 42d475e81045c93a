# SPDX-License-Identifier: BSD-3-Clause
"""What the asyncio servers share: a conversation that waits with `await`, and its deadline.

Runs on Python 3.6.
"""

import asyncio
import time

import fibserver
from fibprotocol import answer, batches, framer, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Awaitable, Callable


def unfinished_tasks() -> "set[asyncio.Task[Any]]":
    """Return the tasks of the running loop; Python 3.6 keeps the function elsewhere."""
    all_tasks = getattr(asyncio, "all_tasks", None) or asyncio.Task.all_tasks  # type: ignore[attr-defined]
    return {task for task in all_tasks() if not task.done()}


LOOK_AGAIN_S = 0.001  # not 0, which uvloop takes for "before the next look at the sockets"


class Report:
    """An exception handler for a loop: what asyncio can tell nobody else is told in one line.

    Lack of descriptors is told once, however long it lasts.
    """

    def __init__(self) -> None:
        self._told = False

    def __call__(self, loop: asyncio.AbstractEventLoop, context: "dict[str, Any]") -> None:
        """Handle what happened."""
        if not isinstance(context.get("exception"), OSError):
            loop.default_exception_handler(context)
        elif not self._told:
            self._told = True
            fibserver.log("%s: %s (said once)" % (context["message"], context["exception"]))


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


class Conversations:
    """The connections of one event loop: serve() is what asyncio.start_server calls."""

    def __init__(self, options: fibserver.Options, stop: fibserver.Stop) -> None:
        self._options = options
        self._stop = stop
        self._loop = asyncio.get_event_loop()
        self._live = 0
        self._here = set()  # type: set[asyncio.StreamWriter]
        self._cut = set()  # type: set[asyncio.StreamWriter]  # the end that they read is ours
        self._stopping = self._loop.create_future()  # type: asyncio.Future[None]
        self._others = unfinished_tasks()  # not ours
        self._loop.add_reader(stop.fd, self._begin_to_stop)
        self._loop.set_exception_handler(Report())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what one client asks, then close."""
        if self._live >= self._options.max_connections:
            self._stop.tally.refused[0] += 1
            writer.close()
            return
        self._live += 1
        self._here.add(writer)
        if self._stopping.done():
            self._cut_input(writer)
        deadline = Deadline(self._loop, writer.transport, self._options.idle_timeout)
        # drain() is to wait until the kernel has everything: one piece of replies is the most
        # that is ever kept here, and nothing is left when the connection is closed.
        writer.transport.set_write_buffer_limits(high=0)
        if self._options.verbose:
            fibserver.log("connection from %s port %d" % writer.get_extra_info("peername")[:2])
        try:
            await self._converse(reader, writer, deadline)
        except OSError as error:  # the client has gone, or takes too long: its own affair
            if self._options.verbose:
                fibserver.log("connection closed: %s" % error)
        finally:
            deadline.cancel()
            self._here.remove(writer)
            if writer in self._cut:  # it was read to the end, which more may have followed
                self._cut.remove(writer)
                fibserver.discard_input(writer.get_extra_info("socket"))
            writer.close()
            self._live -= 1

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
        """Wait for a signal."""
        await self._stopping

    async def finish(self) -> None:
        """Wait until everything asked is answered; an alarm bounds the wait."""
        ours = unfinished_tasks() - self._others
        while ours:  # one that accepts makes one that serves
            await asyncio.wait(ours)
            ours = unfinished_tasks() - self._others

    def _begin_to_stop(self) -> None:
        self._loop.remove_reader(self._stop.fd)
        self._stopping.set_result(None)
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

    async def _answer(
        self,
        requests: "list[bytes]",
        end: bytes,
        writer: asyncio.StreamWriter,
        deadline: Deadline,
    ) -> None:
        options = self._options
        for batch in batches(requests, options.max_n, options.io_wait > 0):
            piece = await self._run(answer, batch, options.max_n, end)
            if options.io_wait > 0:
                await asyncio.sleep(options.io_wait)
            await self._send(piece, writer, deadline)
