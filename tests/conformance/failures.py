# SPDX-License-Identifier: BSD-3-Clause
"""The driver of what fails: each call that a server makes, in turn, at its start and at work.

Whatever the language: it then serves all the same, or ends with a message. It neither hangs nor
says that it is ready when it is not, and never is a traceback all that it says.
"""

import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest

from .process import END_S, Server
from .shortages import FailingCall, failing_call, try_to_ask
from .wire import PATIENCE_S, check_serves, connect, is_readable

MOST_CALLS = 400
"""Of one name, of any server."""
ASKS = 3
BULK = 1500
"""Lines that are asked at once by one who reads late: their replies are more than the least that
the kernel can hold."""
_REQUEST, _REPLY = b"-1\n", b"out of range\n"


class Seen(NamedTuple):
    """What came of one call that was to fail while a server serves."""

    failed: bool
    unserved: int
    """So many clients got no reply."""
    serves: bool
    """It serves on; else it has ended as it should."""


Begin = Callable[[FailingCall], AbstractContextManager[Server]]


def each_failure_at_start(
    library: Path,
    faults: Mapping[str, int],
    begin: Begin,
    statuses: Callable[[str], Collection[int]],
) -> dict[str, int]:
    """Let every call fail that a server makes before it is ready. Returns how many of each name.

    `faults` are errors by the calls' names, `statuses` what it may end with for one of them. A
    first start, in which none fails, tells how many there are.
    """
    failed: dict[str, int] = {}
    with failing_call(library) as call:
        for name, count in counted_at_start(begin, call, faults).items():
            if count > MOST_CALLS:
                pytest.fail(f"more than {MOST_CALLS} calls of {name}")
            call.turn_to(name)
            for number in range(1, count + 1):
                if try_at_start(begin, call, faults[name], number, statuses(name)):
                    failed[name] = failed.get(name, 0) + 1
    return failed


def counted_at_start(begin: Begin, call: FailingCall, names: Collection[str]) -> Mapping[str, int]:
    """How often a server that serves has called each before it is ready."""
    call.count(names)
    with begin(call) as server:
        counts = call.stop_counting()
        assert server.port != 0, f"{server}: it is not ready; stderr: {server.stderr()!r}"
        check_serves(server)
        assert server.stop() == 0, server
    return counts


def try_at_start(
    begin: Begin, call: FailingCall, error: int, number: int, statuses: Collection[int]
) -> bool:
    """Let a call fail before a server says that it is ready; False: it is not called so often."""
    call.fail(error, first=number)
    with begin(call) as server:
        about = f"{server}: {call.name} number {number} at the start"
        if server.port == 0:
            check_ended(server, about, statuses)
            assert call.failed == 1, f"{about}: it did not fail"
            return True
        call.stop_failing()  # first, as the server goes on calling
        has_failed = call.failed == 1  # before it said so
        if has_failed:
            check_serves(server)
            assert server.stop() == 0, about
            assert "Traceback" not in server.stderr(), f"{about}: {server.stderr()}"
        return has_failed


def try_at_work(
    server: Server,
    call: FailingCall,
    error: int,
    number: int,
    statuses: Collection[int],
    *,
    in_bulk: bool = False,
) -> Seen:
    """Let a call fail while clients come and go; `in_bulk`: the last takes its replies late."""
    about = f"{server}: {call.name} number {number} at work"
    call.fail(error, first=number)
    unserved = 0
    for ask in [try_to_ask] * ASKS + [ask_in_bulk] * in_bulk:
        answered = ask(server)
        if not answered and is_ending(server):
            check_ended(server, about, statuses)
            assert call.failed == 1, f"{about}: it did not fail, and yet the server ended"
            return Seen(failed=True, unserved=unserved, serves=False)
        unserved += not answered
    call.stop_failing()  # first, as the server goes on calling
    has_failed = call.failed == 1
    assert unserved <= has_failed, f"{about}: {unserved} were not answered"
    if has_failed and not try_to_ask(server):
        check_ended(server, about, statuses)
        return Seen(has_failed, unserved, serves=False)
    return Seen(has_failed, unserved, serves=True)


def is_ending(server: Server) -> bool:
    """Whether a server that has not answered ends of it, or answers whoever comes next."""
    return not try_to_ask(server) and server.has_ended(END_S)


def check_ended(server: Server, about: str, statuses: Collection[int] = (1,)) -> None:
    """Wait for its end, which must be with a message and one of the statuses."""
    status = server.wait(END_S)
    told = server.stderr()
    assert status in statuses, f"{about}: ended with {status}; stderr: {told!r}"
    assert "Traceback" not in told, f"{about}: {told}"
    if status < 0:  # a library called abort(3), which says what it will
        return
    lines = told.splitlines()
    assert lines, f"{about}: ended without a word"
    assert ": " in lines[-1], lines


def ask_in_bulk(server: Server) -> bool | None:
    """Ask much, line framing, and read late: whether all is answered; None: nobody accepts."""
    text, replies, received = _REQUEST * BULK, _REPLY * BULK, b""
    try:
        client = connect(server, receive_buffer=4096)
    except OSError:
        return None
    with client:
        client.setblocking(False)
        try:
            while len(received) < len(replies):
                if text:
                    text = text[_send(client, text) :]
                elif not is_readable(client, PATIENCE_S):
                    pytest.fail(f"{server}: hangs; stderr: {server.stderr()!r}")
                part = _receive(client)
                if part == b"":
                    break
                received += part or b""
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert replies.startswith(received), f"{server}: a wrong answer"
    return received == replies


def _send(client: socket.socket, text: bytes) -> int:
    """Send what is taken now."""
    try:
        return client.send(text)
    except BlockingIOError:
        return 0


def _receive(client: socket.socket) -> bytes | None:
    """Read what is there now; None: nothing is."""
    try:
        return client.recv(1 << 16)
    except BlockingIOError:
        return None
