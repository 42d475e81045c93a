# SPDX-License-Identifier: BSD-3-Clause
"""From a request as the file has it, and a cell's values, to bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from fibench.parameters import Fault
from fibench.requests.asked import Expectation, Opening, WireRequest
from fibench.requests.braces import fill_known
from fibench.requests.http import WITH_BODY, check_header, check_target, http_request
from fibench.requests.template import (
    LARGEST_BODY_BYTES,
    LARGEST_TEXT_BYTES,
    Exchange,
    Expected,
    Payload,
    Sized,
    Template,
    filler,
)
from fibench.wording import as_toml

_MOST_DIGITS = 12
_Framing = Literal["bytes", "http"]


class RenderingError(Exception):
    """A request cannot be asked with these values: where, what, and what to do."""

    def __init__(self, path: tuple[str | int, ...], fault: Fault) -> None:
        """Keep the place in the file, and what is wrong there, worded to follow its key."""
        super().__init__(fault.what)
        self.path = path
        self.what = fault.what
        self.hint = fault.hint


def render(template: Template, values: Mapping[str, str]) -> WireRequest:
    """The request with values in the place of the names that have one. Raises RenderingError."""
    return _Rendering(template, values).request()


class _Rendering:
    def __init__(self, template: Template, values: Mapping[str, str]) -> None:
        self._template, self._values = template, values

    def request(self) -> WireRequest:
        asked = self._template
        if asked.method:
            send, body, host_at = self._http()
        else:
            send = self._payload(asked.send or "", ("send",))
            body, host_at = send, None
        return WireRequest(
            name=asked.name,
            framing="http" if asked.method else "bytes",
            send=send,
            expect=self._expectation(asked.expect, body, ("expect",)),
            close=asked.close,
            head=asked.method == "head",
            openings=tuple(
                self._opening(one, ("opening", place)) for place, one in enumerate(asked.opening)
            ),
            host_at=host_at,
        )

    def _http(self) -> tuple[bytes, bytes, int | None]:
        """What is sent, the body of that, and where the Host field belongs."""
        asked = self._template
        target = fill_known(asked.target, self._values)
        with self._at(asked.method):
            check_target(target)
        headers = [(name, fill_known(value, self._values)) for name, value in asked.headers]
        for name, value in headers:
            with self._at("headers", name):
                check_header(name, value)
        body = None
        if asked.body is not None:
            if asked.method not in WITH_BODY:
                fault = Fault(f"is given for a {asked.method}", "use post, put or patch")
                raise self._error(("body",), fault)
            body = self._payload(asked.body, ("body",))
        send, host_at = http_request(asked.method, target, headers, body, close=asked.close)
        return send, body or b"", host_at

    def _opening(self, exchange: Exchange, path: tuple[str | int, ...]) -> Opening:
        send = None
        if exchange.send is not None:
            send = self._payload(exchange.send, (*path, "send"))
        if exchange.expect is None:
            return Opening(send, None)
        expect = self._expectation(exchange.expect, b"", (*path, "expect"), opens=True)
        return Opening(send, expect)

    def _expectation(
        self,
        expected: Expected,
        sent: bytes,
        path: tuple[str | int, ...],
        *,
        opens: bool = False,
    ) -> Expectation:
        """What a reply must be; `sent` is what an echo is."""
        http = bool(self._template.method) and not opens
        status = ("2xx" if expected.status is None else str(expected.status)) if http else ""
        if expected.line:
            return Expectation("line")
        if http and self._template.method == "head":
            if expected.same or expected.body is not None:
                fault = Fault("names a body: the reply to a head has none")
                raise self._error(path, fault)
            return Expectation("any", status=status)
        if expected.same:
            if not sent:
                fault = Fault('"same" needs a body to compare with', "give the request a body")
                raise self._error(path, fault)
            return Expectation("text", text=sent, status=status)
        body = expected.body
        if isinstance(body, Sized):
            at = (*path, "bytes")
            length = self._size(body, at, LARGEST_BODY_BYTES)
            if not http and length == 0:
                raise self._error(at, Fault("is 0: nothing says that a reply has come"))
            return Expectation("length", length=length, status=status)
        if body is not None:
            text = self._payload(body, path)
            if not http and not text:
                raise self._error(path, Fault("is empty: nothing says that a reply has come"))
            return Expectation("text", text=text, status=status)
        return Expectation("any" if expected.given else "checked", status=status)

    def _payload(self, payload: Payload, path: tuple[str | int, ...]) -> bytes:
        if isinstance(payload, Sized):
            return filler(self._size(payload, (*path, "bytes"), LARGEST_TEXT_BYTES))
        data = fill_known(payload, self._values).encode("utf-8")
        if len(data) > LARGEST_TEXT_BYTES:
            what = f"has {len(data)} bytes; {LARGEST_TEXT_BYTES} are allowed"
            raise self._error(path, Fault(what))
        if not data and path == ("send",):
            raise self._error(path, Fault("is empty: nothing would be asked"))
        return data

    def _size(self, sized: Sized, path: tuple[str | int, ...], most: int) -> int:
        """A number of bytes, within limits."""
        count = sized.count
        if isinstance(count, str):
            text = fill_known(count, self._values)
            if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
                hint = 'write a number, or the name of an axis that has numbers: "{size}"'
                raise self._error(path, Fault(f"{as_toml(text)} is no number of bytes", hint))
            count = int(text)
        if not 0 <= count <= most or (count == 0 and path[0] == "send"):
            raise self._error(path, Fault(f"{as_toml(count)} is outside 1 to {most}"))
        return count

    @contextmanager
    def _at(self, *path: str | int) -> Iterator[None]:
        """What is wrong in here is wrong at a place of the request."""
        try:
            yield
        except Fault as fault:
            raise self._error(path, fault) from fault

    def _error(self, path: tuple[str | int, ...], fault: Fault) -> RenderingError:
        return RenderingError((*self._template.path, *path), fault)
