# SPDX-License-Identifier: BSD-3-Clause
"""The file that fibload reads: whatever requests hold, they are read from it as they were."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from fibench.requests import Expectation, Opening, WireRequest, asks_file

DATA = st.binary(max_size=40) | st.sampled_from([b"end\n", b"\nsend 3\n", b"request x\n"])
TEXTS = DATA.map(lambda data: Expectation("text", data))
OPENINGS = st.builds(
    Opening, st.none() | DATA, st.none() | TEXTS | st.just(Expectation("line"))
).filter(lambda one: one.send is not None or one.expect is not None)
KINDS: st.SearchStrategy[Literal["length", "any", "checked"]] = st.sampled_from(
    ["length", "any", "checked"]
)
REQUESTS = st.builds(
    WireRequest,
    st.text(st.sampled_from("abc-._09"), min_size=1),
    st.just("http"),
    DATA,
    TEXTS | st.builds(Expectation, KINDS, st.just(b""), st.integers(0, 99), st.just("2xx")),
    st.booleans(),
    st.booleans(),
    st.lists(OPENINGS, max_size=3).map(tuple),
)


class Reader:
    """Reads a file of asks by its counts alone."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def line(self) -> list[str]:
        end = self.data.index(b"\n", self.at)
        words = self.data[self.at : end].decode().split(" ")
        self.at = end + 1
        return words

    def counted(self, size: str) -> bytes:
        found = self.data[self.at : self.at + int(size)]
        self.at += int(size)
        assert self.data[self.at : self.at + 1] == b"\n"
        self.at += 1
        return found

    def expectation(self, words: list[str], status: str = "") -> Expectation:
        match words:
            case ["text", size]:
                return Expectation("text", self.counted(size), status=status)
            case ["length", count]:
                return Expectation("length", length=int(count), status=status)
            case ["line"]:
                return Expectation("line")
            case ["any"]:
                return Expectation("any", status=status)
        raise AssertionError(words)

    def request(self) -> WireRequest:
        word, name = self.line()
        assert word == "request"
        send, expect, status = b"", Expectation("any"), ""
        flags: set[str] = set()
        openings: list[Opening] = []
        while (words := self.line()) != ["end"]:
            match words:
                case ["opening-send", size]:
                    openings.append(Opening(self.counted(size), None))
                case ["opening-expect", *rest]:
                    openings.append(Opening(None, self.expectation(rest)))
                case ["send", size]:
                    send = self.counted(size)
                case ["status", text]:
                    status = text
                case ["expect", *rest]:
                    expect = self.expectation(rest, status)
                case [flag]:
                    assert flag in ("close", "head")
                    flags.add(flag)
        return WireRequest(
            name, "http", send, expect, "close" in flags, "head" in flags, tuple(openings)
        )


def flat(request: WireRequest) -> WireRequest:
    """As the file can tell it: what opens a connection in single steps, and no check before."""
    steps: list[Opening] = []
    for one in request.openings:
        steps += [Opening(one.send, None)] if one.send is not None else []
        steps += [Opening(None, one.expect)] if one.expect is not None else []
    expect = request.expect
    if expect.kind != "length":
        kind: Literal["text", "any"] = "text" if expect.kind == "text" else "any"
        expect = Expectation(kind, expect.text, status=expect.status)
    return WireRequest(
        request.name, "http", request.send, expect, request.close, request.head, tuple(steps)
    )


@given(st.lists(REQUESTS, max_size=3))
def test_what_is_written_is_read_as_it_was(requests: list[WireRequest]) -> None:
    reader = Reader(asks_file(requests, "127.0.0.1", 80))
    assert reader.line() == ["fibload-asks", "1"]
    assert [reader.request() for _ in requests] == [flat(one) for one in requests]
    assert reader.at == len(reader.data)


def test_the_file_is_as_fibload_reads_it() -> None:
    http = WireRequest(
        "json", "http", b"GET / HTTP/1.1\r\n\r\n", Expectation("length", length=9, status="200"),
        close=True, openings=(Opening(b"AUTH\n", Expectation("line")),), host_at=16,
    )  # fmt: skip
    assert asks_file([http], "::1", 80) == (
        b"fibload-asks 1\nrequest json\nopening-send 5\nAUTH\n\nopening-expect line\n"
        b"send 34\nGET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n\nclose\nstatus 200\n"
        b"expect length 9\nend\n"
    )


def test_a_body_that_a_check_finds_out_is_any_body_in_a_load() -> None:
    asked = WireRequest("it", "http", b"GET /", Expectation("checked", status="2xx"))
    known = WireRequest("other", "http", b"GET /", Expectation("any", status="2xx"))
    both = [asks_file([asked, known], "h", 1, learns=learns) for learns in (True, False)]
    assert [data.count(b"\nexpect learn\n") for data in both] == [1, 0]
    assert [data.count(b"\nexpect any\n") for data in both] == [1, 2]
