# SPDX-License-Identifier: BSD-3-Clause
"""A request of HTTP/1.1 as bytes (RFC 9112), and what may stand in one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fibench.parameters import Fault
from fibench.wording import as_toml, escaped

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", re.ASCII)
_OURS = {
    "content-length": "it follows from the body",
    "transfer-encoding": "requests have a Content-Length, which follows from the body",
    "connection": "write close = true for a connection for each request",
}
_LONGEST_TARGET = 8000
_LONGEST_VALUE = 8000
WITH_BODY = ("post", "put", "patch", "delete")
"""The methods whose requests may have a body."""
_ALWAYS_SIZED = ("post", "put", "patch")
"""Those that say Content-Length: 0 where they have none (RFC 9110, 8.6)."""


def check_target(target: str) -> None:
    """Raises Fault for what cannot be asked for."""
    if not target.startswith("/"):
        raise Fault(f"{as_toml(target)} does not begin with /", f"write {as_toml('/' + target)}")
    if len(target) > _LONGEST_TARGET:
        raise Fault(f"has {len(target)} characters; {_LONGEST_TARGET} are allowed")
    for character in target:
        if not "!" <= character <= "~" or character == "#":
            quoted = "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
            what = f'contains "{escaped(character)}", which no path of HTTP may hold'
            raise Fault(what, f"write it as {quoted}" if character != "#" else "leave it out")


def check_header(name: str, value: str) -> None:
    """Raises Fault for a header field that cannot be sent, or is not the file's to give."""
    if _TOKEN.fullmatch(name) is None:
        raise Fault("is no name of a header field", 'write "Accept" = "text/html"')
    if name.lower() in _OURS:
        raise Fault("is not given", _OURS[name.lower()])
    if len(value) > _LONGEST_VALUE:
        raise Fault(f"has {len(value)} characters; {_LONGEST_VALUE} are allowed")
    for character in value:
        if character not in "\t" and (character < " " or character == "\x7f"):
            what = f"contains the character U+{ord(character):04X}"
            raise Fault(what, "a header field is one line of text")


def http_request(
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes | None,
    *,
    close: bool,
) -> tuple[bytes, int | None]:
    """The bytes of a request, and where in them the Host field belongs; None: it has one."""
    start = f"{method.upper()} {target} HTTP/1.1\r\n".encode("ascii")
    fields = list(headers)
    if body is not None or method in _ALWAYS_SIZED:
        fields.append(("Content-Length", str(len(body or b""))))
    if close:
        fields.append(("Connection", "close"))
    rest = "".join(f"{name}: {value.strip()}\r\n" for name, value in fields).encode("utf-8")
    has_host = any(name.lower() == "host" for name, _ in headers)
    return start + rest + b"\r\n" + (body or b""), None if has_host else len(start)
