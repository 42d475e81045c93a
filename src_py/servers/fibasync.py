# SPDX-License-Identifier: BSD-3-Clause
"""What the asyncio servers share: a conversation that waits with `await`, and its deadline.

Runs on Python 3.6.
"""

import asyncio

import fibserver
from fibprotocol import framer, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def unfinished_tasks() -> "set[asyncio.Task[Any]]":
    """Return the tasks of the running loop; Python 3.6 keeps the function elsewhere."""
    all_tasks = getattr(asyncio, "all_tasks", None) or asyncio.Task.all_tasks  # type: ignore[attr-defined]
    return {task for task in all_tasks() if not task.done()}


class Deadline:
    """Closes a connection whose client keeps the server waiting.

    One timer serves all requests of a connection: it looks at the time when it fires, and is set
    again for what is left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter) -> None:
        self._loop = loop
        self._transport = writer.transport
        self._at = None  # type: float | None  # None: the server does not wait
        self._timer = None  # type: asyncio.Handle | None

    def start(self, timeout_s: float) -> None:
        """Begin to wait for the client."""
        self._at = self._loop.time() + timeout_s
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
            # If the loop was busy, the request may have been read just now, by a callback before
            # this one: then the conversation, which runs before the next callback, moves the time.
            self._timer = self._loop.call_soon(self._judge, self._at)

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
        self._waiting = set()  # type: set[asyncio.StreamWriter]  # for a request
        self._stopping = self._loop.create_future()  # type: asyncio.Future[None]
        self._others = unfinished_tasks()  # not ours
        self._told = False
        self._loop.add_reader(stop.fd, self._begin_to_stop)
        self._loop.set_exception_handler(self._report)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what one client asks, then close."""
        full = self._live >= self._options.max_connections
        if full or self._stopping.done():
            self._stop.refused += full
            writer.close()
            return
        self._live += 1
        deadline = Deadline(self._loop, writer)
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
            self._waiting.discard(writer)
            writer.close()
            self._live -= 1

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deadline: Deadline
    ) -> None:
        options = self._options
        frames = framer(options.framing)
        while not frames.closed and not self._stopping.done():
            requests = []  # type: list[bytes]
            self._waiting.add(writer)
            deadline.start(options.idle_timeout)
            while not requests and not frames.closed:
                requests = frames.feed(await reader.read(frames.read_size))
            deadline.stop()
            self._waiting.remove(writer)
            if writer.transport.is_closing():
                return
            fibserver.log_requests(options, requests)
            for piece in replies(requests, options.max_n, frames.end, options.io_wait > 0):
                if options.io_wait > 0:
                    await asyncio.sleep(options.io_wait)
                if writer.transport.is_closing():
                    return
                writer.write(piece)
                if writer.transport.get_write_buffer_size() > 0:
                    deadline.start(options.idle_timeout)
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
        # Only now and not here: who has just read a request answers it first.
        self._loop.call_soon(self._close_waiting)

    def _close_waiting(self) -> None:
        for writer in self._waiting:
            writer.transport.abort()

    def _report(self, loop: asyncio.AbstractEventLoop, context: "dict[str, Any]") -> None:
        """Handle what asyncio can tell nobody else: one line, however often descriptors lack."""
        if not isinstance(context.get("exception"), OSError):
            loop.default_exception_handler(context)
        elif not self._told:
            self._told = True
            fibserver.log("%s: %s (said once)" % (context["message"], context["exception"]))
