# SPDX-License-Identifier: BSD-3-Clause
"""The protocol of the Fibonacci servers: bytes in, bytes out, no sockets.

Runs on Python 3.6, which is why annotations are strings.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator

MAX_REQUEST = 255  # bytes, the newline of line framing not counted
READ_SIZE = 4096  # bytes of requests that are taken in at once
MAX_BATCH = 4096  # replies that are sent together: they are less than 64 KiB

OUT_OF_RANGE = b"out of range"
ERROR = b"error"

# bytes.isspace() and \s say the same today; the protocol is this list, whatever they say.
_NUMBER = re.compile(rb"[ \t\r\n\v\f]*([+-]?[0-9]+)[ \t\r\n\v\f]*\Z")


def fibonacci(n: int) -> int:
    """The work that is scheduled. Slow on purpose: fibonacci(0) = fibonacci(1) = 1."""
    return 1 if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


compute = fibonacci  # what a number is answered with
quick_n = 20  # replies wait for each other up to here; a longer computation must not hold them back


def work_besides(work: "Callable[[], object]") -> None:
    """Have `work` done for every number from now on, so that each is a longer computation."""
    global compute, quick_n

    def work_and_compute(n: int) -> int:
        work()
        return fibonacci(n)

    compute, quick_n = work_and_compute, -1


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
    return (asked if isinstance(asked, bytes) else b"%d" % compute(asked)) + end


def answer(requests: "list[bytes]", max_n: int, end: bytes) -> bytes:
    """Compute what to send for all of these together."""
    return b"".join([reply(request, max_n, end) for request in requests])


def batches(
    requests: "list[bytes]", max_n: int, one_by_one: bool, most: int = MAX_BATCH
) -> "Iterator[list[bytes]]":
    """Divide requests into those that are answered in one piece, in order.

    What takes long does not hold back the replies before it.
    """
    batch = []  # type: list[bytes]
    for request in requests:
        asked = parse(request, max_n)
        quick = isinstance(asked, bytes) or asked <= quick_n
        if batch and (one_by_one or not quick or len(batch) == most):
            yield batch
            batch = []
        batch.append(request)
    if batch:
        yield batch


def replies(requests: "list[bytes]", max_n: int, end: bytes, one_by_one: bool) -> "Iterator[bytes]":
    """Return the pieces to send: each is computed when the one before it has been taken."""
    if len(requests) == 1:  # nearly always, and generators would cost more than the rest
        return iter((reply(requests[0], max_n, end),))
    return (answer(batch, max_n, end) for batch in batches(requests, max_n, one_by_one))


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

    read_size = READ_SIZE
    end = b"\n"

    def __init__(self) -> None:
        self.closed = False  # no request will follow
        self._rest = b""  # of an incomplete line, at most MAX_REQUEST bytes

    def feed(self, data: bytes) -> "list[bytes]":
        """Return the requests that `data` completes; no data means the end of the stream.

        A line that is too long is returned as far as it came, and is the last request.
        """
        if not data:
            self.closed = True
            return [self._rest] if self._rest else []
        if not self._rest and data.find(b"\n") == len(data) - 1 <= MAX_REQUEST:
            return [data[:-1]]  # one whole line, as most clients send it
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
