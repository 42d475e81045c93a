# SPDX-License-Identifier: BSD-3-Clause
"""Every reply, byte for byte, to anything that can be sent, in both framings."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, product

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from tests.here import leave_out_backend

from . import oracle, samples, sanitized
from .backends import EVERY_PARSING_AND_INTERPRETER, Backend
from .conftest import Start
from .oracle import Conversation
from .process import Server
from .wire import (
    HalfClose,
    ask,
    check,
    connect,
    converse,
    is_readable,
    read_exactly,
)

MIB = 1 << 20

# Each backend gets examples of its own, so that there are many of them, however few each gets.
for_each_backend = settings(max_examples=max(10, settings().max_examples // 4))


def expected(server: Server, sent: bytes, *, ended: bool = True) -> Conversation:
    """What a right server answers to what was sent."""
    if not server.backend.parses:
        return oracle.null(sent, server.framing, ended=ended)
    if server.framing == "message":
        return oracle.message(sent)
    return oracle.lines(sent, ended=ended)


def skip_unless_it_parses(server: Server) -> None:
    """Leave what is about the request's grammar and length to servers that look at it."""
    if not server.backend.parses:
        leave_out_backend(server.backend.name, "it looks at no request")


def cut(text: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut bytes into chunks of these sizes, over and over."""
    chunks, position, turn = [], 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)] if sizes else len(text)
        chunks.append(text[position : position + size])
        position, turn = position + size, turn + 1
    return chunks


def talk(
    server: Server, sent: bytes, sizes: Sequence[int] = (), half_close: HalfClose = "at once"
) -> None:
    """Send bytes in chunks and hold everything that comes back against the oracle."""
    before = expected(server, sent, ended=False).replies
    transcript = converse(
        server, cut(sent, sizes), half_close=half_close, replies_before_half_close=len(before)
    )
    check(server, sent, transcript, expected(server, sent))


# Message framing: one read is the request.


def test_messages_are_answered_as_the_table_says(message_server: Server) -> None:
    for request in samples.TABLE:
        talk(message_server, request)


@for_each_backend
@given(sent=samples.MESSAGES)
@example(sent=b"5\n")
@example(sent=b"\n")
@example(sent=b"\r\n5\r\n")
@example(sent=b"1\n2\n")
@example(sent=b"0" * 254 + b"5")
@example(sent=b"0" * 255 + b"5")
@example(sent=b"0" * 256 + b"5")
def test_any_message_gets_one_reply_and_the_end(message_server: Server, sent: bytes) -> None:
    talk(message_server, sent)


def test_a_message_that_fills_the_read_is_an_error(message_server: Server) -> None:
    skip_unless_it_parses(message_server)
    for size in (255, 256, 257, 400, MIB):
        talk(message_server, b"0" * (size - 1) + b"7")


def test_the_end_does_not_wait_for_the_clients(message_server: Server) -> None:
    with connect(message_server) as connection:
        connection.sendall(b"5")
        assert read_exactly(connection, 2) == expected(message_server, b"5").replies


# Line framing: pipelined, in any fragments, in order.


@for_each_backend
@given(
    asked=st.lists(samples.LINES, max_size=40),
    last=st.one_of(st.just(b""), samples.LINES),
    too_long=st.one_of(st.none(), st.none(), st.none(), samples.TOO_LONG),
    sizes=st.lists(st.integers(1, 300), max_size=8),
    half_close=st.sampled_from(["at once", "after the replies"]),
)
@example(asked=[], last=b"", too_long=None, sizes=[], half_close="at once")
@example(asked=[b""], last=b"", too_long=None, sizes=[], half_close="after the replies")
@example(asked=[b"5"] * 40, last=b"7", too_long=None, sizes=[1], half_close="after the replies")
@example(asked=samples.TABLE, last=b"5", too_long=None, sizes=[256], half_close="at once")
@example(asked=samples.TABLE, last=b"5", too_long=None, sizes=[255], half_close="at once")
def test_any_lines_in_any_fragments_get_their_replies_in_order(
    line_server: Server,
    asked: list[bytes],
    last: bytes,
    too_long: bytes | None,
    sizes: list[int],
    half_close: HalfClose,
) -> None:
    sent = b"".join(line + b"\n" for line in asked)
    if too_long is not None and line_server.backend.parses:
        sent += too_long + b"\n"
    event(f"half-close {half_close}, {'in fragments' if sizes else 'at once'}")
    talk(line_server, sent + last, sizes, half_close)


@for_each_backend
@given(chunks=st.lists(st.lists(samples.LINES, min_size=1, max_size=10), max_size=6))
def test_a_client_that_waits_for_replies_gets_them_without_sending_more(
    line_server: Server, chunks: list[list[bytes]]
) -> None:
    with connect(line_server) as connection:
        for chunk in chunks:
            sent = b"".join(line + b"\n" for line in chunk)
            replies = expected(line_server, sent, ended=False).replies
            connection.sendall(sent)
            got = read_exactly(connection, len(replies))
            assert got == replies, (
                f"{line_server}: sent {sent!r}, expected {replies!r}, got {got!r}"
            )
        assert not is_readable(connection, 0), f"{line_server} says more than it was asked"


def test_lines_are_answered_as_the_table_says(line_server: Server) -> None:
    for request in samples.TABLE:
        talk(line_server, request + b"\n", half_close="after the replies")


def test_what_is_left_at_the_end_is_a_last_request(line_server: Server) -> None:
    for last in (b"15", b" -1\r", b"error", b" ", b"\0"):
        talk(line_server, b"3\n" + last)
        talk(line_server, last)


SENTENCE = b"15\r\n-1\n\nx\n +7\t\n2147483648\n4"


def test_lines_may_be_split_anywhere(line_server: Server) -> None:
    """A whole request goes before the first part: its reply says that both have been read."""
    before = expected(line_server, b"7\n", ended=False).replies
    whole = before + expected(line_server, SENTENCE, ended=False).replies
    for position in range(1, len(SENTENCE)):
        first, second = SENTENCE[:position], SENTENCE[position:]
        with connect(line_server) as connection:
            connection.sendall(b"7\n" + first)
            got = read_exactly(connection, len(before))
            connection.sendall(second)
            got += read_exactly(connection, len(whole) - len(before))
        assert got == whole, f"{line_server}: sent 7, {first!r}, then {second!r}, got {got!r}"


def test_lines_may_come_one_byte_at_a_time(line_server: Server) -> None:
    talk(line_server, SENTENCE, sizes=[1], half_close="after the replies")


def test_pipelined_requests_are_all_answered_in_order(line_server: Server) -> None:
    for count in (1, 2, 10, 100, 1000):
        sent = b"".join(b"%d\n" % (turn % 13) for turn in range(count))
        talk(line_server, sent, half_close="after the replies")


def test_a_line_of_at_most_255_bytes_is_read_whole(line_server: Server) -> None:
    for size, text, end in product((254, 255), (b"x", b" ", b"0"), (b"\n", b"")):
        talk(line_server, text * (size - 1) + b"5" + end)


def test_a_longer_line_is_an_error_and_the_end(line_server: Server) -> None:
    skip_unless_it_parses(line_server)
    for size, end in product((256, 257, 300, 65536, MIB), (b"\n3\n", b"")):
        talk(line_server, b"5\n" + b"0" * (size - 1) + b"5" + end)


def test_a_line_is_too_long_at_its_256th_byte(line_server: Server) -> None:
    skip_unless_it_parses(line_server)
    with connect(line_server) as connection:
        connection.sendall(b"0" * 256)
        assert read_exactly(connection, 7) == b"error\n"


def test_a_mebibyte_without_newline_is_not_kept_in_memory(line_server: Server) -> None:
    skip_unless_it_parses(line_server)
    sanitized.skip_what_counts_memory()
    talk(line_server, b"5\n")
    before = line_server.peak_bytes()
    for _ in range(8):
        talk(line_server, b"9" * MIB)
    grown = line_server.peak_bytes() - before
    assert grown < 2 * MIB, f"{line_server} grew by {grown} bytes"


# Which numbers are served.


@pytest.fixture(scope="module", params=EVERY_PARSING_AND_INTERPRETER)
def server_of_none(request: pytest.FixtureRequest, start_server: Start) -> Iterator[Server]:
    """One of each backend that computes no number but 0."""
    with start_server(request.param, "--max-n", "0") as server:
        yield server


def test_max_n_may_be_0(server_of_none: Server) -> None:
    check_max_n(server_of_none, 0)


@pytest.mark.parametrize("backend", EVERY_PARSING_AND_INTERPRETER)
def test_max_n_is_the_largest_number_served(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--max-n", "20") as server:
        check_max_n(server, 20)


def check_max_n(server: Server, max_n: int) -> None:
    """Fail unless that is the largest number served."""
    for n in (max_n - 1, max_n, max_n + 1, 35):
        assert ask(server, b"%d" % n) == oracle.reply(b"%d" % n, max_n) + b"\n"


def test_replies_that_are_far_longer_than_their_requests_all_arrive(
    server_of_none: Server,
) -> None:
    """Two bytes of a request become thirteen of a reply, for as many as one read can bring."""
    transcript = converse(server_of_none, [b"9\n" * 8192], half_close="at once")
    assert transcript.received == b"out of range\n" * 8192
    assert server_of_none.is_alive()


@pytest.mark.parametrize("backend", EVERY_PARSING_AND_INTERPRETER)
def test_34_is_the_largest_number_served_unless_said(start_server: Start, backend: Backend) -> None:
    with start_server(backend, framing=backend.framings[0]) as server:
        end = b"\n" if server.framing == "line" else b""
        assert ask(server, b"35") == b"out of range" + end
        largest = 34 if backend.language == "c" else 24
        assert ask(server, b"%d" % largest) == oracle.reply(b"%d" % largest) + end


# The oracle itself.


def test_the_oracle_knows_the_courses_numbers() -> None:
    assert [oracle.fibonacci(n) for n in range(8)] == [1, 1, 2, 3, 5, 8, 13, 21]
    assert oracle.reply(b"30") == b"1346269"
    assert oracle.reply(b" -0\r") == b"1"
    assert oracle.reply(b"-1") == oracle.reply(b"35") == b"out of range"
    assert oracle.reply(b"") == oracle.reply(b"1_0") == oracle.reply(b"5\0") == b"error"


@given(asked=st.lists(samples.LINES, max_size=5), sizes=st.lists(st.integers(1, 9), min_size=1))
def test_the_oracle_does_not_depend_on_how_lines_are_cut(
    asked: list[bytes], sizes: list[int]
) -> None:
    sent = b"".join(line + b"\n" for line in asked)
    seen = accumulate(cut(sent, sizes))
    replies = [oracle.lines(part, ended=False).replies for part in seen]
    whole = oracle.lines(sent, ended=True).replies
    assert all(whole.startswith(part) for part in replies)
