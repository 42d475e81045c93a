# SPDX-License-Identifier: BSD-3-Clause
"""A request as it goes over the wire, and what must come back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Expectation:
    """What a reply must be."""

    kind: Literal["text", "length", "any", "checked", "line"]
    """"text": every byte; of HTTP, of the body. "length": so many bytes. "any": any body.
    "checked": what the check before the load was answered, the body of HTTP. "line": one line,
    whatever it says; of openings and preparations only."""
    text: bytes = b""
    length: int = 0
    status: str = ""
    """HTTP only: "200", or "2xx" for any of 200 to 299."""


@dataclass(frozen=True)
class Opening:
    """What is said once on each new connection: a send, an expectation, or both in this order."""

    send: bytes | None
    expect: Expectation | None
    """Its kind is "text" or "line"."""


@dataclass(frozen=True)
class WireRequest:
    """A request of a cell; all that was in braces has been replaced."""

    name: str
    framing: Literal["bytes", "http"]
    send: bytes
    """Of HTTP without the Host field, whose port is known when the server is started."""
    expect: Expectation
    close: bool = False
    """A connection for each request."""
    head: bool = False
    """It is a HEAD: its reply has no body."""
    openings: tuple[Opening, ...] = ()
    host_at: int | None = None
    """Where in `send` the Host field belongs; None: nowhere, or it has one already."""

    def sent_to(self, host: str, port: int) -> bytes:
        """The bytes that ask a server at an address."""
        if self.host_at is None:
            return self.send
        shown = f"[{host}]" if ":" in host else host
        field = f"Host: {shown}:{port}\r\n".encode("ascii")
        return self.send[: self.host_at] + field + self.send[self.host_at :]


def digest_of(requests: Iterable[WireRequest]) -> str:
    """A short digest of all that requests send and expect: other figures belong to others."""
    whole = hashlib.sha256()
    for request in requests:
        whole.update(repr(request).encode("utf-8"))
    return whole.hexdigest()[:16]
