# SPDX-License-Identifier: BSD-3-Clause
"""What fibload tells of a wrong reply is read back, and who reads it is told what to do."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.requests import Expectation, Opening, WireRequest
from fibench.trial.answer import ReplyDifference, read_difference
from fibench.trial.asking.checking import backlog_for_each
from fibench.trial.asking.wrong import OTHER_STATUS, VARIES, hint_of_wrong, named_place
from fibench.trial.load import LoadError

SOURCES = Path(__file__).resolve().parents[3] / "src_c" / "load"


def as_fibload_writes(data: bytes) -> str:
    """As json_bytes of src_c/load/tell/json.c, once JSON is read."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
        for byte in data
    )


@given(st.binary(max_size=80) | st.sampled_from([b"\\x0a", b"\\\\x0a", b"\\\n"]))
def test_whatever_came_is_read_as_it_was(data: bytes) -> None:
    found = read_difference({"got": as_fibload_writes(data), "reason": None})
    assert found == ReplyDifference(data, None)


def test_what_fibload_cannot_have_said_is_an_error() -> None:
    assert read_difference(None) is None
    with pytest.raises(LoadError, match=r"first_wrong\.got"):
        read_difference({"got": 7})


def test_the_words_of_fibload_are_those_that_are_looked_for() -> None:
    every = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.c"))
    for words in (
        *(OTHER_STATUS, VARIES),
        *("its body differs", "its body is too short", "its body is too long"),
    ):
        assert f'"{words}"' in every


def request(kind: str, framing: str = "http", opening: bool = False) -> WireRequest:
    openings = (Opening(None, Expectation("line")),) if opening else ()
    expect = Expectation(kind)  # type: ignore[arg-type]
    return WireRequest("it", framing, b"x", expect, openings=openings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "reason", "hint"),
    [
        (request("checked"), "its body differs", "if it varies, write expect = { status = 200 }"),
        (request("checked"), VARIES, "if it varies, write expect = { status = 200 }"),
        (request("text"), "its body is too long", "what must come is expect in [requests.it]"),
        (request("length"), "its body is too short", "what must come is expect in [requests.it]"),
        (request("text", "bytes"), None, "a greeting belongs into opening"),
        (request("text"), "it does not begin with a status line of HTTP/1.1", "write send = "),
    ],
)
def test_each_way_to_be_wrong_has_its_advice(
    asked: WireRequest, reason: str | None, hint: str
) -> None:
    assert hint in hint_of_wrong(ReplyDifference(b"", reason), [asked], "[requests.it]")


def test_who_has_an_opening_is_not_told_of_openings() -> None:
    asked = request("text", "bytes", opening=True)
    assert hint_of_wrong(ReplyDifference(b"", None), [asked], "[requests.it]") == (
        "what must come is expect in [requests.it]"
    )


def test_of_several_requests_it_is_not_said_which_was_meant() -> None:
    both = [request("text"), request("checked")]
    assert named_place(both) == "[requests.NAME]"
    assert named_place(both[:1]) == "[requests.it]"


def test_what_a_server_is_prepared_with_has_no_opening() -> None:
    asked = request("text", "bytes")
    assert hint_of_wrong(ReplyDifference(b"", None), [asked], "[[prepare]]") == (
        "what must come is expect in [[prepare]]"
    )


@pytest.mark.parametrize("status", [b"302 Found", b"404 Not Found", b"503 Busy", b"204 No"])
def test_the_status_that_came_is_the_one_to_expect(status: bytes) -> None:
    came = ReplyDifference(b"HTTP/1.1 " + status, OTHER_STATUS)
    hint = hint_of_wrong(came, [request("checked")], "[requests.it]")
    assert f"{{ status = {status[:3].decode()} }}" in hint


@given(st.integers(0, 100), st.integers(1, 20))
def test_no_more_wait_than_a_listen_queue_takes(backlog: int, requests: int) -> None:
    room = backlog_for_each([request("any")] * requests, backlog)
    assert room is not None
    at_once = max(1, room + 1)
    assert at_once == 1 or at_once * requests <= backlog + 1
    assert backlog_for_each([request("any")] * requests, None) is None
