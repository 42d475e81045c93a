# SPDX-License-Identifier: BSD-3-Clause
"""How connections come to an event loop of asyncio. Runs on Python 3.6."""

import asyncio

import fibserver
from fibprotocol import READ_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

REST_S = 0.1  # short of descriptors, it accepts no more until a connection ends, or so long


class Arrivals:
    """Accepts for a loop, one connection in a turn, and counts those that are there.

    asyncio's servers take as many as the listen queue may hold, rest for a whole second when
    descriptors are short, and leave a client alone whose socket the kernel cannot watch.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        acceptor: fibserver.Acceptor,
        make: "Callable[[], asyncio.BaseProtocol]",
        on_left: "Callable[[], object]" = lambda: None,
    ) -> None:
        self._loop = loop
        self._acceptor = acceptor
        self._make = make
        self._on_left = on_left
        self._live = acceptor.stop.tally.live
        self._is_open = True
        self._is_told = False
        self._arriving = set()  # type: set[asyncio.Future[Any]]
        self._newest = None  # type: asyncio.Transport | None
        loop.set_exception_handler(self._on_exception)
        loop.add_reader(acceptor.socket.fileno(), self._accept)

    def made(self, transport: asyncio.Transport) -> None:
        """A connection is made; the loop is about to watch it, and to read so much at once.

        That is as much as one client can have the server keep for it. asyncio has no other way to
        say so, but for protocols that bring their own buffer, and those are on any loop.
        """
        self._newest = transport
        if isinstance(transport.get_protocol(), asyncio.Protocol):
            transport.max_size = READ_SIZE  # type: ignore[attr-defined]

    def left(self) -> None:
        """A connection that was made is there no more."""
        self._live[self._acceptor.slot] -= 1
        if self._acceptor.rests:
            self._loop.call_soon(self._end_rest)
        self._on_left()

    def close(self) -> None:
        """Accept no more."""
        self._is_open = False
        self._loop.remove_reader(self._acceptor.socket.fileno())
        self._acceptor.shut()

    def _accept(self) -> None:
        connection = self._acceptor.accept_for_loop(live=sum(self._live))
        if connection is not None:
            self._live[self._acceptor.slot] += 1
            making = self._loop.connect_accepted_socket(self._make, connection)
            task = self._loop.create_task(making)
            self._arriving.add(task)
            task.add_done_callback(self._on_arrival)
        elif self._acceptor.rests:
            self._loop.remove_reader(self._acceptor.socket.fileno())
            self._loop.call_later(REST_S, self._end_rest)

    def _end_rest(self) -> None:
        if self._is_open and self._acceptor.rests:
            self._acceptor.rests = False
            try:
                self._loop.add_reader(self._acceptor.socket.fileno(), self._accept)
            except OSError:  # no memory to watch it: it rests on
                self._acceptor.rests = True
                self._loop.call_later(REST_S, self._end_rest)

    def _on_arrival(self, task: "asyncio.Future[Any]") -> None:
        self._arriving.remove(task)
        if task.exception() is not None:  # there is nobody who could leave
            self._refused()
            self.left()
        elif task.result()[0] is self._newest:
            self._newest = None

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: "dict[str, Any]") -> None:
        """Handle what asyncio can tell nobody else: refuse the connection, or say it in a line."""
        # A new transport has the loop watch its socket in a callback of its own, right after that
        # which calls made(): if it fails, nobody hears of it but this.
        transport = context.get("transport") or _whose_callback_failed(context) or self._newest
        if not isinstance(context.get("exception"), OSError):
            loop.default_exception_handler(context)
        elif transport is not None:
            transport.abort()
            self._newest = None
            self._refused()
        elif not self._is_told:
            self._is_told = True
            fibserver.log("%s: %s (said once)" % (context["message"], context["exception"]))

    def _refused(self) -> None:
        self._acceptor.stop.tally.refused[self._acceptor.slot] += 1


def _whose_callback_failed(context: "dict[str, Any]") -> "asyncio.Transport | None":
    """The transport of it: up to Python 3.6, to change what is watched is to watch it anew.

    If that fails, nobody watches the connection any more, nor hears of it.
    """
    callback = getattr(context.get("handle"), "_callback", None)
    owner = getattr(callback, "__self__", None)
    return owner if isinstance(owner, asyncio.Transport) else None
