# SPDX-License-Identifier: BSD-3-Clause
"""A request as a file has it: its names in braces are still to be replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fibench.requests.braces import names_in

LARGEST_TEXT_BYTES = 1 << 20
"""Of what is sent, and of what must come back word for word."""
LARGEST_BODY_BYTES = 1 << 30
"""Of a reply whose length alone is compared."""
METHODS = ("get", "post", "put", "patch", "delete", "head")
"""How the file calls the methods of HTTP."""
SAME: Final = "same"
"""What comes back is what was sent."""
_PERIOD = 89
"""A prime: no buffer's size is a multiple of it, so that what is out of place differs."""
_FILLER = bytes(ord("!") + place for place in range(_PERIOD))


def filler(size: int) -> bytes:
    """So many bytes, printable, without white space and braces; always the same."""
    return (_FILLER * (size // _PERIOD + 1))[:size]


@dataclass(frozen=True)
class Sized:
    """So many bytes, whatever they are: a number, or text with names in braces."""

    count: int | str


Payload = str | Sized


@dataclass(frozen=True)
class Expected:
    """What must come back, as a file has it."""

    body: Payload | None = None
    """None: nothing is said of it."""
    status: int | None = None
    """HTTP only; None: any of 200 to 299."""
    same: bool = False
    """What was sent: of HTTP the body."""
    line: bool = False
    """A line, whatever it says: in openings and preparations only."""
    given: bool = True
    """Whether the file says anything."""


@dataclass(frozen=True)
class Exchange:
    """What is said once on each new connection."""

    send: Payload | None
    expect: Expected | None


@dataclass(frozen=True)
class Template:
    """A request of HTTP where it has a method, else bytes."""

    name: str
    path: tuple[str | int, ...]
    """Where it stands in the file."""
    method: str = ""
    """As the file writes it: one of METHODS."""
    target: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: Payload | None = None
    send: Payload | None = None
    expect: Expected = Expected(given=False)
    close: bool = False
    opening: tuple[Exchange, ...] = ()

    def names(self) -> frozenset[str]:
        """Every name that stands in braces in it, known or not."""
        return frozenset(name for text in self._texts() for name in names_in(text))

    def _texts(self) -> Iterator[str]:
        yield self.target
        for name, value in self.headers:
            yield from (name, value)
        payloads = [self.body, self.send, self.expect.body]
        for exchange in self.opening:
            payloads += [exchange.send, exchange.expect.body if exchange.expect else None]
        for payload in payloads:
            if isinstance(payload, str):
                yield payload
            elif payload is not None and isinstance(payload.count, str):
                yield payload.count
