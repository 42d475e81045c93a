# SPDX-License-Identifier: BSD-3-Clause
"""The file of requests that fibload reads (--asks): text lines, and bytes that are counted.

fibload-asks 1
request NAME
opening-send SIZE           followed by SIZE bytes and a line end, as wherever a SIZE is
opening-expect text SIZE    or: opening-expect line
send SIZE
close
head
status 2xx
expect text SIZE            or: expect length N, expect any; for a check: expect learn
end
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fibench.requests.asked import Expectation, WireRequest

LARGEST_ASKS_BYTES = 16 << 20
_BEGIN = b"fibload-asks 1\n"


def asks_file(
    requests: Iterable[WireRequest], host: str, port: int, *, learns: bool = False
) -> bytes:
    """What the file holds that asks a server at an address.

    A body that is still to be found out by a check ("checked") is any body here, or with `learns`
    one that fibload --check is to find out.
    """
    parts = (part for one in requests for part in _parts(one, host, port, learns))
    return _BEGIN + b"".join(parts)


def _parts(request: WireRequest, host: str, port: int, learns: bool) -> Iterator[bytes]:
    yield b"request %s\n" % request.name.encode("ascii")
    for opening in request.openings:
        if opening.send is not None:
            yield _counted(b"opening-send", opening.send)
        if opening.expect is not None:
            yield _expected(b"opening-expect", opening.expect)
    yield _counted(b"send", request.sent_to(host, port))
    if request.close:
        yield b"close\n"
    if request.head:
        yield b"head\n"
    if request.expect.status:
        yield b"status %s\n" % request.expect.status.encode("ascii")
    is_learnt = learns and request.expect.kind == "checked"
    yield b"expect learn\n" if is_learnt else _expected(b"expect", request.expect)
    yield b"end\n"


def _expected(word: bytes, expect: Expectation) -> bytes:
    match expect.kind:
        case "text":
            return _counted(word + b" text", expect.text)
        case "length":
            return b"%s length %d\n" % (word, expect.length)
        case "line":
            return word + b" line\n"
        case "any" | "checked":
            return word + b" any\n"


def _counted(words: bytes, data: bytes) -> bytes:
    return b"%s %d\n%s\n" % (words, len(data), data)
