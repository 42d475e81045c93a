# SPDX-License-Identifier: BSD-3-Clause
"""The models of [requests.NAME] and [[prepare]]: what servers of any kind are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, create_model

from fibench.document.kinds import Checked, Name
from fibench.document.tables import Table, listed
from fibench.parameters import Fault
from fibench.parameters.kinds import kind_of, true_or_false
from fibench.requests import METHODS, SAME, Expected, Sized
from fibench.requests.template import Exchange, Payload
from fibench.wording import as_toml, meant, one_of

MOST_OPENINGS = 16
_ANY_LINE = "*"


def table_of(value: object, keys: Sequence[str], example: str) -> Mapping[str, object]:
    """A table within a line, of which only some keys are known. Raises Fault."""
    if not isinstance(value, dict):
        raise Fault(f"must be a table, not {kind_of(value)}", f"write {example}")
    for name in value:
        if name not in keys:
            hint = meant(name, keys) or f"valid: {one_of(keys)}"
            raise Fault(f"has the unknown key {as_toml(name)}", hint)
    return value


def payload(value: object) -> Payload:
    """Text, or { bytes = N }, or { bytes = "{size}" }. Raises Fault."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        hint = 'write text, or { bytes = 64 }, or { bytes = "{size}" }'
        raise Fault(f"must be text or a table, not {kind_of(value)}", hint)
    given = table_of(value, ("bytes",), '{ bytes = 64 }, or { bytes = "{size}" }')
    return _sized(given.get("bytes"))


def _sized(count: object) -> Sized:
    if isinstance(count, bool) or not isinstance(count, int | str):
        what = f"must have a whole number as bytes, not {kind_of(count)}"
        what = "has no bytes" if count is None else what
        raise Fault(what, 'write { bytes = 64 }, or { bytes = "{size}" }')
    return Sized(count)


def expected(value: object) -> Expected:
    """Text, "same", or { status, bytes, body }. Raises Fault."""
    return _expected(value, opens=False)


def expected_once(value: object) -> Expected:
    """The same of what is asked once; "*" is any line."""
    return _expected(value, opens=True)


def _expected(value: object, *, opens: bool) -> Expected:
    if isinstance(value, str):
        if opens and value == _ANY_LINE:
            return Expected(line=True)
        return Expected(same=True) if value == SAME and not opens else Expected(value)
    if not isinstance(value, dict):
        hint = 'write text, "same", or { status = 200, bytes = 1024 }'
        raise Fault(f"must be text or a table, not {kind_of(value)}", hint)
    example = 'expect = { status = 200, bytes = 1024 }, or { body = "text" }'
    given = table_of(value, ("status", "bytes", "body"), example)
    if not given:
        raise Fault("is an empty table", f"write {example}")
    if "bytes" in given and "body" in given:
        raise Fault("has both bytes and body", "keep one of them: body has its length")
    status = given.get("status")
    if status is not None and (type(status) is not int or not 200 <= status <= 599):
        what = f"has the status {as_toml(status)}, which no reply ends with"
        raise Fault(what, "write a number from 200 to 599")
    body: Payload | None = _sized(given["bytes"]) if "bytes" in given else None
    if "body" in given:
        if not isinstance(given["body"], str):
            raise Fault(f"must have text as body, not {kind_of(given['body'])}")
        body = given["body"]
    return Expected(body, status if type(status) is int else None)


def _opening(value: object) -> tuple[Exchange, ...]:
    """A list of { send, expect }. Raises Fault."""
    example = 'opening = [{ expect = "*" }, { send = "AUTH secret\\r\\n", expect = "+OK\\r\\n" }]'
    if not isinstance(value, list):
        raise Fault(f"must be a list of tables, not {kind_of(value)}", f"write {example}")
    if len(value) > MOST_OPENINGS:
        raise Fault(f"has {len(value)} exchanges; {MOST_OPENINGS} are allowed")
    found = []
    for one in value:
        given = table_of(one, ("send", "expect"), example)
        if not given:
            raise Fault("has an empty table: nothing is sent, and nothing expected")
        send = payload(given["send"]) if "send" in given else None
        expect = expected_once(given["expect"]) if "expect" in given else None
        if expect is not None and (expect.status is not None or isinstance(expect.body, Sized)):
            what = "expects other than text"
            raise Fault(what, 'a greeting is text, or "*" for any line')
        found.append(Exchange(send, expect))
    return tuple(found)


def _text(value: object) -> str:
    if not isinstance(value, str):
        hint = f'write "{as_toml(value)}"' if type(value) is int else ""
        raise Fault(f"must be text, not {kind_of(value)}", hint)
    return value


_COUNT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}
PAYLOAD_SCHEMA: Mapping[str, object] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"bytes": _COUNT},
            "required": ["bytes"],
            "additionalProperties": False,
        },
    ]
}
_EXPECT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "status": {"type": "integer", "minimum": 200, "maximum": 599},
                "bytes": _COUNT,
                "body": {"type": "string"},
            },
            "additionalProperties": False,
        },
    ]
}
_OPENING = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"send": PAYLOAD_SCHEMA, "expect": {"type": "string"}},
        "additionalProperties": False,
    },
}

Target = Annotated[str | None, Checked(_text, {"type": "string"})]


class _Asking(Table):
    get: Target = Field(
        default=None,
        description='GET this path: `get = "/"`. HTTP/1.1, kept alive unless the server closes. '
        "The names of axes in braces are replaced here, and wherever else text is.",
    )
    post: Target = Field(default=None, description="POST to this path.")
    put: Target = Field(default=None, description="PUT to this path.")
    patch: Target = Field(default=None, description="PATCH this path.")
    delete: Target = Field(default=None, description="DELETE this path.")
    head: Target = Field(default=None, description="HEAD of this path.")
    headers: dict[str, Annotated[str, Checked(_text)]] = Field(
        default={}, description="Further header fields. Host and Content-Length are there."
    )
    body: Annotated[Payload | None, Checked(payload, PAYLOAD_SCHEMA)] = Field(
        default=None, description="The body of post, put, patch or delete: as `send`."
    )
    send: Annotated[Payload | None, Checked(payload, PAYLOAD_SCHEMA)] = Field(
        default=None,
        description="Instead of HTTP these bytes: text, or `{ bytes = N }` for so many of them, "
        'or `{ bytes = "{size}" }`.',
    )

    def how(self) -> list[str]:
        """What says how it is asked: one of the methods, or send."""
        return [name for name in (*METHODS, "send") if self.has(name)]


class RequestTable(_Asking):
    """What clients ask for, and what must come back."""

    expect: Annotated[Expected | None, Checked(expected, _EXPECT)] = Field(
        default=None,
        description='What must come back: text, every byte of it; `"same"` for an echo; or '
        '`{ status = 200, bytes = N }`, `{ body = "text" }`. Of HTTP it is about the body. '
        "Default, HTTP only: a status of 200 to 299, and the body of the check before the load.",
    )
    close: Annotated[bool, Checked(true_or_false)] = Field(
        default=False, description="Whether each request has a connection of its own."
    )
    opening: Annotated[tuple[Exchange, ...], Checked(_opening, _OPENING)] = Field(
        default=(),
        description="What is said once on each new connection, before it is measured: a list of "
        '`{ send, expect }`, of which `expect = "*"` is any line.',
    )


class _Prepare(_Asking):
    """What a server is asked once, when it is ready."""

    expect: Annotated[Expected | None, Checked(expected_once, _EXPECT)] = Field(
        default=None,
        description='What must come back, as of [requests.NAME]; `"*"` is any line. Default, HTTP '
        "only: a status of 200 to 299.",
    )

    def backends(self) -> Sequence[str]:
        """The servers that it is for; none: all of the user's own."""
        found: Sequence[str] = getattr(self, "for")
        return found


_FOR: tuple[object, object] = (
    Annotated[list[Name], Checked(listed, or_one=True)],
    Field(default=(), description="Servers, one or a list. Default: all of your own."),
)
if TYPE_CHECKING:
    PrepareTable = _Prepare
else:  # `for` is no name that a class can give
    PrepareTable = create_model(
        "PrepareTable", __base__=_Prepare, __doc__=_Prepare.__doc__, **{"for": _FOR}
    )
