#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server: asyncio protocols, methods that the loop calls with what it read.

Streams and coroutines are made of these, at a price. With --workers there are several loops, each
with a listener among which the kernel divides the connections: in processes, or in threads where
the interpreter has no GIL.
"""

import asyncio

import fibclients
import fibserver
import fibshards
from fibprotocol import framer, replies


class Conversation(fibclients.Client):
    """How far the conversation with a client has come."""

    def __init__(self, clients: fibclients.Clients) -> None:
        super().__init__(clients)
        self._clients = clients
        self._options = clients.options
        self._frames = framer(clients.options.framing)
        self._held = False  # replies have to wait, so that nothing more is read
        self._full = False  # they wait for the client
        self._cut = False  # the end that is read will be ours

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request may come."""
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # full as soon as the kernel is
        self._deadline = self._clients.welcome(self, transport)

    def connection_lost(self, _error: "Exception | None") -> None:
        """It is over, whoever ended it."""
        self._deadline.cancel()
        self._clients.forget(self)

    def data_received(self, data: bytes) -> None:
        """Requests, or a part of one."""
        requests = self._frames.feed(data)
        if requests:
            self._answer(requests)

    def eof_received(self) -> bool:
        """No request will follow; half a line is the last one, unless it is we who end."""
        if self._cut:
            self._transport.close()
        else:
            self._answer(self._frames.feed(b""))
        return True  # keep it open: all of this is to be answered

    def _answer(self, requests: "list[bytes]") -> None:
        options = self._options
        fibserver.log_requests(options, requests)
        # They are computed when they are asked for, each after the one before is written.
        self._pieces = replies(requests, options.max_n, self._frames.end, options.io_wait > 0)
        self._go_on()

    def _go_on(self) -> None:
        """Write piece after piece, until one has to wait or all is answered."""
        for piece in self._pieces:
            if self._options.io_wait > 0:
                self._hold()
                self._clients.loop.call_later(self._options.io_wait, self._write_late, piece)
                return
            if not self._write(piece):
                return
        if self._frames.closed:
            self._transport.close()
            return
        self._deadline.start()
        if self._held:
            self._held = False
            try:
                self._transport.resume_reading()
            except OSError:  # no memory to watch it
                self._transport.abort()

    def _write(self, piece: bytes) -> bool:
        """Whether more may be written."""
        try:
            self._transport.write(piece)
        except OSError:  # the kernel is full, and has no memory to watch it
            self._transport.abort()
        return not self._full and not self._transport.is_closing()

    def _hold(self) -> None:
        self._deadline.stop()
        if not self._held:
            self._held = True
            self._transport.pause_reading()

    def _write_late(self, piece: bytes) -> None:
        if not self._transport.is_closing() and self._write(piece):
            self._go_on()

    def pause_writing(self) -> None:
        """The client does not take its replies."""
        self._full = True
        self._hold()
        self._deadline.start()

    def resume_writing(self) -> None:
        """It has taken them."""
        self._full = False
        self._deadline.stop()
        self._clients.loop.call_soon(self._write_late, b"")

    def stop(self) -> None:
        """The server was told to stop: what has arrived is answered, then comes the end."""
        if not self._transport.is_closing():
            self._cut = fibserver.cut_input(self._transport.get_extra_info("socket"))


def serve(acceptor: fibserver.Acceptor) -> None:
    """Run one loop."""
    fibclients.Clients(asyncio.new_event_loop(), acceptor, Conversation).run()


def main() -> None:
    """Serve until a signal."""
    fibshards.run(fibserver.parse_options(__doc__, workers=1), serve)


if __name__ == "__main__":
    main()
