# SPDX-License-Identifier: BSD-3-Clause
"""The check of replies before a trial: a fast server that answers wrongly must not be measured.

Different numbers are asked for from several connections at once: a server whose clients share a
buffer is right as long as all of them ask for the same.
"""

import selectors
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

REPLY_LIMIT_BYTES = 4096
SHOWN_BYTES = 60
SHOWN_BEFORE_BYTES = 20
"""How many of those are before the first byte that differs, where not all can be shown."""


class WrongReply(Exception):
    """The server did not answer as the protocol says; the text names request and reply."""

    def __init__(self, what: str, *, only_at_once: bool = False) -> None:
        super().__init__(what)
        self.only_at_once = only_at_once
        """Asked by one client alone, the same, it answers rightly."""


def fibonacci(n: int) -> int:
    """The number a server must answer; fibonacci(0) = fibonacci(1) = 1."""
    before, value = 0, 1
    for _ in range(n):
        before, value = value, before + value
    return value


def numbers_at_once(asked: Collection[int], at_once: int, largest: int) -> list[int]:
    """What to ask for: all that the load will, and small numbers up to `largest` beside them, so
    that `at_once` clients have something else each. 1 is left to the load: its reply is that of 0.
    """
    others = [n for n in range(2, largest + 1) if n not in asked]
    return [*asked, *others[: max(0, at_once - len(asked))]]


@dataclass
class _Conversation:
    """One connection with one request."""

    connection: socket.socket
    sent: bytes
    expected: bytes
    end: bytes
    got: bytes = b""

    def receive(self) -> bool:
        """Take what came; whether the reply is at its end."""
        data = self.connection.recv(REPLY_LIMIT_BYTES)
        self.got += data
        return (
            not data
            or bool(self.end and self.got.endswith(self.end))
            or len(self.got) >= REPLY_LIMIT_BYTES
        )


def check_replies_at_once(
    host: str,
    port: int,
    asked: Sequence[tuple[bytes, bytes]],
    framing: str,
    timeout_s: float,
) -> None:
    """Send requests that the load will send, each on a connection of its own and all before any
    reply is read, and compare every byte of the replies. `asked` are requests and their replies.

    A connection is closed when its reply is whole: who serves one client at a time comes to the
    next. Raises WrongReply, also for a server that does not speak the framing: one that closes
    without a reply, keeps a message connection open, or is silent for `timeout_s`.
    """
    wrong = _first_wrong(host, port, asked, framing, timeout_s)
    if wrong is None:
        return
    if len(asked) > 1:
        # By now the others are gone. If it is wrong alone as well, that is what is to be told.
        request = wrong.sent.removesuffix(wrong.end)
        expected = wrong.expected.removesuffix(wrong.end)
        check_replies_at_once(host, port, [(request, expected)], framing, timeout_s)
        raise WrongReply(
            f"the server answers wrongly when {len(asked)} clients ask at once, each something "
            f"else: to {_show(wrong.sent)} {_differs(wrong.got, wrong.expected)}",
            only_at_once=True,
        )
    raise WrongReply(
        f"the server answers wrongly: to {_show(wrong.sent)} {_differs(wrong.got, wrong.expected)}"
    )


def _first_wrong(
    host: str,
    port: int,
    asked: Sequence[tuple[bytes, bytes]],
    framing: str,
    timeout_s: float,
) -> _Conversation | None:
    """Ask all of it at once; returns the first that is answered wrongly. Raises WrongReply."""
    end = b"\n" if framing == "line" else b""
    try:
        with ExitStack() as open_ones, selectors.DefaultSelector() as selector:
            waiting = []
            for request, expected in asked:
                connection = socket.create_connection((host, port), timeout=timeout_s)
                open_ones.enter_context(connection)
                waiting.append(_Conversation(connection, request + end, expected + end, end))
            for each in waiting:
                each.connection.sendall(each.sent)
                selector.register(each.connection, selectors.EVENT_READ, each)
            until_s = time.monotonic() + timeout_s
            while waiting:
                ready = selector.select(max(0.0, until_s - time.monotonic()))
                if not ready and time.monotonic() >= until_s:
                    raise WrongReply(_silence(waiting[0].sent, waiting[0].got, framing, timeout_s))
                for key, _ in ready:
                    one: _Conversation = key.data
                    if not one.receive():
                        continue
                    if one.got != one.expected:
                        return one
                    selector.unregister(one.connection)
                    one.connection.close()
                    waiting.remove(one)
                    until_s = time.monotonic() + timeout_s
    except TimeoutError as error:  # of connect
        raise WrongReply(_silence(asked[0][0] + end, b"", framing, timeout_s)) from error
    except OSError as error:
        raise WrongReply(f"the check of replies failed: {error.strerror}") from error
    return None


def _silence(sent: bytes, got: bytes, framing: str, timeout_s: float) -> str:
    if framing == "message" and got:
        return (
            f"the server replied {_show(got)} but did not close the connection in {timeout_s:g} s, "
            'as framing "message" says; is it a server for framing = "line"?'
        )
    return f"the server did not answer {_show(sent)} in {timeout_s:g} s; it sent {_show(got)}"


def _differs(got: bytes, expected: bytes) -> str:
    """What came instead of what, both about the first byte that differs."""
    at = next(
        (n for n, (one, other) in enumerate(zip(got, expected, strict=False)) if one != other),
        min(len(got), len(expected)),
    )
    fit = max(len(got), len(expected)) <= SHOWN_BYTES
    begin = 0 if fit else max(0, at - SHOWN_BEFORE_BYTES)
    where = f" (they differ from byte {at} on)" if begin > 0 else ""
    return f"it replied {_show(got, begin)}, not {_show(expected, begin)}{where}"


def _show(data: bytes, begin: int = 0) -> str:
    """Bytes from outside, from one of them on, printable and short."""
    part = data[begin : begin + SHOWN_BYTES]
    text = ascii(part.decode("latin-1"))
    before = "…" if begin > 0 else ""
    behind = f"… ({len(data)} bytes)" if begin + len(part) < len(data) else ""
    return before + text + behind
