# SPDX-License-Identifier: BSD-3-Clause
"""The protocol of the Fibonacci servers: bytes in, bytes out, no sockets.

Runs on Python 3.6, which is why annotations are strings.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

MAX_REQUEST = 255  # bytes, the newline of line framing not counted
MAX_OUTPUT = 64 * 1024  # bytes of replies that may wait to be sent
QUICK_N = 20  # replies wait for each other up to here; a longer computation must not hold them back

OUT_OF_RANGE = b"out of range"
ERROR = b"error"

# bytes.isspace() and \s say the same today; the protocol is this list, whatever they say.
_NUMBER = re.compile(rb"[ \t\r\n\v\f]*([+-]?[0-9]+)[ \t\r\n\v\f]*\Z")


def fibonacci(n: int) -> int:
    """The work that is scheduled. Slow on purpose: fibonacci(0) = fibonacci(1) = 1."""
    return 1 if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def parse(request: bytes, max_n: int) -> "int | bytes":
    """The n to compute, or the reply itself where nothing is to be computed."""
    if len(request) > MAX_REQUEST:
        return ERROR
    if request.isdigit():  # ASCII digits, and at least one: what most requests are
        n = int(request)
    else:
        number = _NUMBER.match(request)
        if number is None:
            return ERROR
        n = int(number.group(1))
    return n if 0 <= n <= max_n else OUT_OF_RANGE


def reply(request: bytes, max_n: int, end: bytes) -> bytes:
    """Compute what to send for a request; `end` follows it."""
    asked = parse(request, max_n)
    return (asked if isinstance(asked, bytes) else b"%d" % fibonacci(asked)) + end


def replies(requests: "list[bytes]", max_n: int, end: bytes, one_by_one: bool) -> "Iterator[bytes]":
    """Return what to send: in one piece, but for what must not wait and what grows too large.

    Each reply is computed when the piece before it has been taken. `end` follows every reply.
    """
    if len(requests) == 1:  # as most clients do; a generator would cost more than the rest
        return iter((reply(requests[0], max_n, end),))
    return _pieces(requests, max_n, end, one_by_one)


def _pieces(requests: "list[bytes]", max_n: int, end: bytes, one_by_one: bool) -> "Iterator[bytes]":
    piece = b""
    for request in requests:
        asked = parse(request, max_n)
        quick = isinstance(asked, bytes) or asked <= QUICK_N
        if piece and (one_by_one or not quick or len(piece) >= MAX_OUTPUT):
            yield piece
            piece = b""
        piece += (asked if isinstance(asked, bytes) else b"%d" % fibonacci(asked)) + end
    if piece:
        yield piece


class MessageFramer:
    """The first read is the request, whole or not, and the last one."""

    read_size = MAX_REQUEST + 1
    end = b""

    def __init__(self) -> None:
        self.closed = False  # no request will follow

    def feed(self, data: bytes) -> "list[bytes]":
        """Return the requests that `data` completes; no data means the end of the stream."""
        self.closed = True
        return [data] if data else []


class LineFramer:
    """Requests end in a newline, and arrive in any fragments."""

    read_size = 4096
    end = b"\n"

    def __init__(self) -> None:
        self.closed = False  # no request will follow
        self._rest = b""  # of an incomplete line, at most MAX_REQUEST bytes

    def feed(self, data: bytes) -> "list[bytes]":
        """Return the requests that `data` completes; no data means the end of the stream.

        A line that is too long is returned as far as it came, and is the last request.
        """
        if not self._rest and data.find(b"\n") == len(data) - 1 <= MAX_REQUEST and data:
            return [data[:-1]]  # one whole line, as most clients send it
        if not data:
            self.closed = True
            return [self._rest] if self._rest else []
        lines = (self._rest + data).split(b"\n")
        for index, line in enumerate(lines):
            if len(line) > MAX_REQUEST:
                self.closed = True
                return lines[: index + 1]
        self._rest = lines.pop()
        return lines


def framer(framing: str) -> "LineFramer | MessageFramer":
    """Return a new framer for one connection; `framing` is 'line' or 'message'."""
    return LineFramer() if framing == "line" else MessageFramer()
