# SPDX-License-Identifier: BSD-3-Clause
"""What a right server answers, written from the protocol alone: bytes in, bytes out."""

import re
from dataclasses import dataclass
from typing import Literal

Framing = Literal["message", "line"]

MAX_N = 34
READ_SIZE = 256
LONGEST_LINE = 255

_NUMBER = re.compile(rb"[ \t\r\n\v\f]*([+-]?[0-9]+)[ \t\r\n\v\f]*")


@dataclass(frozen=True)
class Conversation:
    """What one connection gets to read in its whole life."""

    replies: bytes
    closed_early: bool
    """The server ends it because something was too long, whatever else was sent."""


def fibonacci(n: int) -> int:
    """The course's Fibonacci numbers: the first two are 1."""
    last, this = 1, 1
    for _ in range(n - 1):
        last, this = this, last + this
    return this


def reply(request: bytes, max_n: int = MAX_N) -> bytes:
    """The reply to one request, without framing."""
    match = _NUMBER.fullmatch(request)
    if match is None:
        return b"error"
    n = int(match[1])
    return b"%d" % fibonacci(n) if 0 <= n <= max_n else b"out of range"


def message(sent: bytes, max_n: int = MAX_N) -> Conversation:
    """Message framing: one read of what was sent is the request."""
    if not sent:
        return Conversation(b"", closed_early=False)
    if len(sent) >= READ_SIZE:
        return Conversation(b"error", closed_early=True)
    return Conversation(reply(sent, max_n), closed_early=False)


def lines(sent: bytes, *, ended: bool, max_n: int = MAX_N) -> Conversation:
    """Line framing: the replies to what was sent so far, and to its rest if the client `ended`."""
    *whole, rest = sent.split(b"\n")
    replies: list[bytes] = []
    for line in whole:
        if len(line) > LONGEST_LINE:
            return Conversation(b"".join([*replies, b"error\n"]), closed_early=True)
        replies.append(reply(line, max_n) + b"\n")
    too_long = len(rest) > LONGEST_LINE
    if too_long:
        replies.append(b"error\n")
    elif rest and ended:
        replies.append(reply(rest, max_n) + b"\n")
    return Conversation(b"".join(replies), closed_early=too_long)


def null(sent: bytes, framing: Framing, *, ended: bool) -> Conversation:
    """The server that parses nothing: a `1` for every request, whatever it says."""
    if framing == "message":
        return Conversation(b"1" if sent else b"", closed_early=len(sent) >= READ_SIZE)
    requests = sent.count(b"\n") + (ended and sent != b"" and not sent.endswith(b"\n"))
    return Conversation(b"1\n" * requests, closed_early=False)
