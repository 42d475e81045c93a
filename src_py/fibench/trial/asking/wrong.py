# SPDX-License-Identifier: BSD-3-Clause
"""What a wrong reply tells of a server, and what to do about it. Pure.

How fibload words what is wrong with a reply is in src_c/load/ask (http_reply.c, http_head.c), of a
check in src_c/load/check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fibench.quantities import format_duration

if TYPE_CHECKING:
    from fibench.requests import WireRequest
    from fibench.trial.answer import Answer, ReplyDifference

OTHER_STATUS = "its status differs"
VARIES = "its body is not the same on each connection"
_OF_BODIES = ("its body differs", "its body is too short", "its body is too long", VARIES)
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})")
_NS_PER_S = 1e9
SAID = "what the server wrote, if anything, is in server.err"
SPEAKS_FIRST = 'a greeting belongs into opening = [{ expect = "*" }]'


def named_place(requests: Sequence[WireRequest]) -> str:
    """Where the file has a request; of several it is not known which was meant."""
    return f"[requests.{requests[0].name}]" if len(requests) == 1 else "[requests.NAME]"


def hint_of_wrong(difference: ReplyDifference, requests: Sequence[WireRequest], place: str) -> str:
    """What to do about a reply that is not the expected one, which is said at a `place`."""
    reason = difference.reason
    if reason == OTHER_STATUS:
        return _hint_of_status(difference.got, place)
    if reason in _OF_BODIES or reason is None:
        return _hint_of_body(place, requests)
    return f"{place} asks for HTTP/1.1: if the server speaks something else, write send = …"


def _hint_of_status(got: bytes, place: str) -> str:
    found = _STATUS.match(got)
    status = found[1].decode() if found else "…"
    accept = f"write expect = {{ status = {status} }} in {place}"
    if status.startswith("3"):
        return f"it is a redirect: ask for what it leads to, or {accept}"
    if status.startswith("5"):
        return f"the server fails at it: {SAID}; if that is what it is to answer, {accept}"
    return (
        f"is the path right, and what it is asked with? If that is what it is to answer, {accept}"
    )


def _hint_of_body(place: str, requests: Sequence[WireRequest]) -> str:
    kinds = {request.expect.kind for request in requests}
    if kinds == {"checked"}:
        return (
            f"where nothing is said, each body must be as the first: if it varies, write expect = "
            f"{{ status = 200 }} in {place}, for any body, or {{ bytes = N }}"
        )
    speaks = any(request.framing == "bytes" and not request.openings for request in requests)
    if speaks and place.startswith("[requests."):
        return f"what must come is expect in {place}; {SPEAKS_FIRST}"
    return f"what must come is expect in {place}"


def hint_of(answer: Answer, requests: Sequence[WireRequest], took_s: float) -> str:
    """What to do about a load that is not valid, as far as it is known; empty if it is not.

    `took_s` is how long the fastest reply took before the load.
    """
    place = named_place(requests)
    if answer.first_wrong is not None:
        return hint_of_wrong(answer.first_wrong, requests, place)
    if answer.first_opening is not None:
        return f"what a new connection says first is opening in {place}"
    if answer.surplus_bytes:
        longer = f"the replies are longer than expect in {place}"
        return f"{longer}, or come before they are asked for: {SPEAKS_FIRST}"
    if answer.total.cut_short:
        return f"the server ends connections in the middle of its replies: {SAID}"
    if answer.total.refused:
        return (
            "does it serve so many clients? If it ends a connection after each reply, write "
            f"close = true in {place}"
        )
    if answer.total.ok == 0 and took_s * _NS_PER_S > answer.duration_ns:
        about = format_duration(float(f"{took_s:.2g}"))
        return f"without any load a reply takes about {about}: the window must be longer (duration)"
    if answer.total.ok == 0 and not any(request.close for request in requests):
        return (
            "the check before was answered, and nothing since: does the server answer before it is "
            "asked, or the first request of a connection alone? If it is to have a connection for "
            f"each, write close = true in {place}; {SAID}"
        )
    return ""
