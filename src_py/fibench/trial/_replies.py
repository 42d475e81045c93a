# SPDX-License-Identifier: BSD-3-Clause
"""The check of replies before a trial: a fast server that answers wrongly must not be measured."""

import socket
import time

REPLY_LIMIT_BYTES = 4096
SHOWN_BYTES = 60
SHOWN_BEFORE_BYTES = 20
"""How many of those are before the first byte that differs, where not all can be shown."""


class WrongReply(Exception):
    """The server did not answer as the protocol says; the text names request and reply."""


def fibonacci(n: int) -> int:
    """The number a server must answer; fibonacci(0) = fibonacci(1) = 1."""
    before, value = 0, 1
    for _ in range(n):
        before, value = value, before + value
    return value


def check_reply(
    host: str, port: int, request: bytes, expected: bytes, framing: str, timeout_s: float
) -> None:
    """Send the request that the load will send, once, and compare every byte of the reply.

    Raises WrongReply, also for a server that does not speak the framing: one that closes without
    a reply, keeps a message connection open, or is silent for `timeout_s`.
    """
    end = b"\n" if framing == "line" else b""
    deadline_s = time.monotonic() + timeout_s
    sent, got = request + end, b""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(sent)
            while not (end and got.endswith(end)) and len(got) < REPLY_LIMIT_BYTES:
                connection.settimeout(max(0.001, deadline_s - time.monotonic()))
                data = connection.recv(REPLY_LIMIT_BYTES)
                if not data:
                    break
                got += data
    except TimeoutError as error:
        what = _silence(sent, got, framing, timeout_s)
        raise WrongReply(what) from error
    except OSError as error:
        raise WrongReply(f"the check of replies failed: {error.strerror}") from error
    if got != expected + end:
        raise WrongReply(
            f"the server answers wrongly: to {_show(sent)} {_differs(got, expected + end)}"
        )


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
