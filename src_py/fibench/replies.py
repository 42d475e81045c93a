# SPDX-License-Identifier: BSD-3-Clause
"""The check of replies before a trial: a fast server that answers wrongly must not be measured."""

import socket
import time

REPLY_LIMIT_BYTES = 4096


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
            f"the server answers wrongly: to {_show(sent)} it replied {_show(got)}, "
            f"not {_show(expected + end)}"
        )


def _silence(sent: bytes, got: bytes, framing: str, timeout_s: float) -> str:
    if framing == "message" and got:
        return (
            f"the server replied {_show(got)} but did not close the connection in {timeout_s:g} s, "
            'as framing "message" says; is it a server for framing = "line"?'
        )
    return f"the server did not answer {_show(sent)} in {timeout_s:g} s; it sent {_show(got)}"


def _show(data: bytes) -> str:
    """Bytes from outside, printable and short."""
    text = ascii(data[:60].decode("latin-1"))
    return text if len(data) <= 60 else f"{text}… ({len(data)} bytes)"
