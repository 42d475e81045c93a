#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fibonacci server with callbacks: one loop on selectors calls back whoever's socket is ready.

It is what asyncio hides. A callback never waits: it notes how far it has come, and returns. The
loop itself is in fibloop.py.
"""

import socket

import fibserver
from fibloop import NOTHING, READ, WRITE, Client, Loop
from fibprotocol import framer, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator


class Conversation(Client):
    """How far the conversation with a client has come: what a thread has on its stack."""

    _pieces: "Iterator[bytes]"  # of replies, to be computed and sent

    def __init__(self, loop: Loop, connection: socket.socket) -> None:
        super().__init__(loop, connection)
        self._options = loop.options
        self._frames = framer(loop.options.framing)
        self._unsent = b""  # of the piece in hand

    def on_connection(self) -> None:
        """The first request may come."""
        self.watch(READ)
        self.loop.idle.start(self)

    def on_ready(self) -> None:
        """There is something to read, or room for what is to be sent."""
        try:
            if self.watched == READ:
                self._read()
            else:
                self._send_and_go_on()
        except BlockingIOError:  # there is not, after all
            pass
        except OSError:  # the client has gone: its own affair
            self.close()

    def on_time(self) -> None:
        """The reply in hand has waited as long as --io-wait says."""
        try:
            self._send_and_go_on()
        except OSError:
            self.close()

    def _read(self) -> None:
        requests = self._frames.feed(self.socket.recv(self._frames.read_size))
        if requests or self._frames.closed:
            fibserver.log_requests(self._options, requests)
            one_by_one = self._options.io_wait > 0
            self._pieces = replies(requests, self._options.max_n, self._frames.end, one_by_one)
            self._answer()
        elif not self.may_read():
            self.close()

    def _answer(self) -> None:
        """Send piece after piece, until one has to wait or all is answered."""
        for piece in self._pieces:
            self._unsent = piece
            if self._options.io_wait > 0:
                self.watch(NOTHING)  # no more is read before all of this is answered
                self.loop.idle.stop(self)
                self.loop.waits.start(self)
                return
            if not self._send():
                return
        if self._frames.closed or not self.may_read():
            self.close()
        else:
            self.watch(READ)
            self.loop.idle.start(self)

    def _send(self) -> bool:
        """Send what the kernel takes. If that is not all, wait until it takes more."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        if self._unsent and self.watched != WRITE:
            self.watch(WRITE)
            self.loop.idle.start(self)
        return not self._unsent

    def _send_and_go_on(self) -> None:
        if self._send():
            self.loop.idle.stop(self)
            self._answer()


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    Loop(options, Conversation).run()


if __name__ == "__main__":
    main()
