# SPDX-License-Identifier: BSD-3-Clause
"""Requests become bytes: HTTP that a server reads as it was meant, and bytes as they stand."""

from __future__ import annotations

import io
from email.parser import BytesHeaderParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.requests import (
    Expectation,
    Expected,
    RenderingError,
    Sized,
    Template,
    digest_of,
    filler,
    render,
)
from fibench.requests.template import LARGEST_TEXT_BYTES, METHODS, Exchange

PATH = ("requests", "r")
TOKENS = st.text(st.sampled_from("ABCxyz-019"), min_size=1, max_size=12).map(
    lambda text: f"X-{text}"
)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=40)


def http(method: str = "get", target: str = "/", **more: object) -> Template:
    return Template("r", PATH, method=method, target=target, **more)  # type: ignore[arg-type]


def parsed(data: bytes) -> tuple[str, dict[str, str], bytes]:
    """The first line, the fields by their names in lower case, and the body."""
    head, body = data.split(b"\r\n\r\n", 1)
    start, _, fields = head.partition(b"\r\n")
    message = BytesHeaderParser().parse(io.BytesIO(fields + b"\r\n\r\n"))
    names = [name.lower() for name in message]
    assert len(names) == len(set(names)), "each field once"
    return start.decode("ascii"), {name.lower(): str(message[name]) for name in message}, body


@given(
    st.sampled_from(METHODS),
    st.text(st.sampled_from("abc/?=&%20.-_~"), max_size=20),
    st.dictionaries(TOKENS, st.text(st.sampled_from("abc ,;=/")), max_size=3),
    st.booleans(),
    st.sampled_from(["127.0.0.1", "::1", "localhost"]),
    st.integers(1, 65535),
)
def test_a_server_reads_what_was_meant(
    method: str, target: str, headers: dict[str, str], close: bool, host: str, port: int
) -> None:
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    fields = tuple({name.lower(): (name, headers[name]) for name in headers}.values())
    body = "{}" if method in ("post", "put") else None
    request = render(http(method, f"/{target}", headers=fields, body=body, close=close), {})
    start, got, sent = parsed(request.sent_to(host, port))
    assert start == f"{method.upper()} /{target} HTTP/1.1"
    assert got.pop("host") == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    assert got.pop("connection", None) == ("close" if close else None)
    length = got.pop("content-length", None)
    assert length == (str(len(sent)) if method in ("post", "put", "patch") else None)
    assert sent == (body or "").encode()
    assert got == {name: lower[name] for name in (one.lower() for one, _ in fields)}
    assert (request.framing, request.head) == ("http", method == "head")


@given(VALUES, st.integers(0, 999))
def test_what_is_sent_has_the_values_of_the_cell(text: str, size: int) -> None:
    template = Template("r", PATH, send="{size} {other}" + text, expect=Expected("{size}" + text))
    request = render(template, {"size": str(size)})
    assert request.send == f"{size} {{other}}{text}".encode()
    assert request.expect == Expectation("text", f"{size}{text}".encode())
    assert request.sent_to("::1", 1) == request.send


@given(st.integers(1, 5000))
def test_so_many_bytes_are_always_the_same_and_have_no_line_end(size: int) -> None:
    request = render(Template("r", PATH, send=Sized("{size}"), expect=Expected(same=True)),
                     {"size": str(size)})  # fmt: skip
    assert request.send == request.expect.text == filler(size)
    assert len(request.send) == size
    assert not set(request.send) & set(b"\r\n {}")


def test_the_length_of_a_body_is_counted_in_bytes() -> None:
    request = render(http("post", body="{word}"), {"word": "é€"})
    assert b"Content-Length: 5\r\n" in request.send
    assert request.send.endswith("\r\n\r\né€".encode())


def test_what_is_expected_of_http() -> None:
    def expect(expected: Expected, **more: object) -> Expectation:
        return render(http(expect=expected, **more), {"size": "9"}).expect  # type: ignore[arg-type]

    assert expect(Expected(given=False)) == Expectation("checked", status="2xx")
    assert expect(Expected(status=404)) == Expectation("any", status="404")
    assert expect(Expected("")) == Expectation("text", b"", status="2xx")
    assert expect(Expected(Sized("{size}"), 200)) == Expectation("length", length=9, status="200")
    same = render(http("put", body="b", expect=Expected(same=True)), {}).expect
    assert same == Expectation("text", b"b", status="2xx")
    assert render(http("head"), {}).expect == Expectation("any", status="2xx")


def test_a_host_of_ones_own_is_kept() -> None:
    request = render(http(headers=(("Host", "example.org"),)), {})
    assert request.host_at is None
    assert parsed(request.sent_to("127.0.0.1", 80))[1] == {"host": "example.org"}


@pytest.mark.parametrize(
    ("template", "path", "what"),
    [
        (http(target="page"), ("get",), "does not begin with /"),
        (http(target="/a b"), ("get",), 'contains " "'),
        (http(target="/é"), ("get",), 'contains "é"'),
        (http(target="/a#b"), ("get",), 'contains "#"'),
        (http(target="/{evil}"), ("get",), "contains"),
        (http(target="/" + "a" * 8001), ("get",), "8000 are allowed"),
        (http(headers=(("A B", "x"),)), ("headers", "A B"), "is no name of a header field"),
        (http(headers=(("A", "x\ny"),)), ("headers", "A"), "U+000A"),
        (http(headers=(("A", "{evil}"),)), ("headers", "A"), "U+000D"),
        (http(headers=(("Content-length", "1"),)), ("headers", "Content-length"), "is not given"),
        (http(headers=(("Connection", "close"),)), ("headers", "Connection"), "is not given"),
        (http(body="x"), ("body",), "is given for a get"),
        (http("head", expect=Expected("x")), ("expect",), "names a body"),
        (http(expect=Expected(same=True)), ("expect",), "needs a body"),
        (Template("r", PATH, send="", expect=Expected("x")), ("send",), "is empty"),
        (Template("r", PATH, send="x", expect=Expected("")), ("expect",), "is empty"),
        (Template("r", PATH, send="x", expect=Expected(Sized(0))), ("expect", "bytes"), "is 0"),
        (Template("r", PATH, send=Sized("{no}")), ("send", "bytes"), '"{no}" is no number'),
        (Template("r", PATH, send=Sized("{evil}")), ("send", "bytes"), "is no number of bytes"),
        (Template("r", PATH, send=Sized(-1)), ("send", "bytes"), "is outside"),
        (Template("r", PATH, send=Sized(LARGEST_TEXT_BYTES + 1)), ("send", "bytes"), "is outside"),
        (Template("r", PATH, send="x" * (LARGEST_TEXT_BYTES + 1)), ("send",), "are allowed"),
    ],
)
def test_what_cannot_be_asked_is_explained_at_its_place(
    template: Template, path: tuple[str, ...], what: str
) -> None:
    with pytest.raises(RenderingError) as raised:
        render(template, {"evil": "\r\nX: y"})
    assert raised.value.path == (*PATH, *path)
    assert what in raised.value.what


def test_a_digest_is_of_all_that_is_sent_and_expected() -> None:
    base = {"send": "x", "expect": Expected("y")}
    variants: list[dict[str, object]] = [
        {},
        {"send": "z"},
        {"expect": Expected("z")},
        {"expect": Expected(Sized(1))},
        {"close": True},
        {"opening": (Exchange("a", None),)},
        {"opening": (Exchange("a", Expected(line=True)),)},
        {"opening": (Exchange(None, Expected("a")),)},
    ]
    made = [render(Template("r", PATH, **(base | more)), {}) for more in variants]  # type: ignore[arg-type]
    assert len({digest_of([one]) for one in made}) == len(variants)
    assert digest_of(made[:1]) == digest_of([render(Template("r", PATH, **base), {})])  # type: ignore[arg-type]
