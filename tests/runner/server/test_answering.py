# SPDX-License-Identifier: BSD-3-Clause
"""A server that listens before it can answer is ready once it answers a request of HTTP, and its
waiting is done on no connection but whole ones."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.small_servers import HOST, PATIENCE_S, Starter, command, failure

from fibench.server.starting import RunningServer, ServerCommand

HTTP = """
def request(connection):
    told = b""
    while not told.endswith(b"\\r\\n\\r\\n"):
        data = connection.recv(4096)
        if not data: return told
        told += data
    return told
def answer(connection, status, body=b"hello"):
    head = b"HTTP/1.1 %d Whatever\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, len(body))
    connection.sendall(head + body)
def reset(connection):
    import struct
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
listen()
"""
"""`request` reads one, `answer` writes a reply."""
NEVER_S = 3.0
"""How long one may take that never gets ready: longer than it takes to listen."""
ONE_AFTER_THE_OTHER = """
while True:
    connection, _ = listener.accept()
    asked = request(connection)
    if asked:  # else somebody only looked whether it listens
        {behaviour}
    connection.close()
"""


def asked(text: str, path: str = "/up", **others: object) -> ServerCommand:
    made = command(HTTP + text, ready_fd=False)
    return replace(made, ready_get=path, **others)  # type: ignore[arg-type]


def answering(behaviour: str) -> str:
    return ONE_AFTER_THE_OTHER.format(behaviour=behaviour)


def wait_until_it_accepts(running: RunningServer) -> None:
    """It has done with those before, then."""
    with socket.create_connection((HOST, running.port), PATIENCE_S) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("status", [103, 200, 204, 301, 401, 404, 499])
def test_any_status_below_500_says_that_it_is_ready(start: Starter, status: int) -> None:
    with start(asked(answering(f"answer(connection, {status})"))) as running:
        assert running.alive()


@pytest.mark.parametrize("status", [500, 503, 599, 999])
def test_one_from_500_on_says_that_it_is_not_yet(start: Starter, status: int) -> None:
    error = failure(start, asked(answering(f"answer(connection, {status})")), NEVER_S)
    assert error.kind == "never-ready"
    assert error.message.startswith("the server did not answer GET /up with a status below 500")
    assert error.hint == f"its last answer had status {status}"


@pytest.mark.parametrize(
    "behaviour",
    [
        "answer(connection, 503)",
        "pass",
        "reset(connection)",
        "connection.sendall(b'HTTP/1.1 2')",
        "connection.sendall(b'hello\\r\\n')",
        "connection.sendall(b'HTTP/1.1 200')",
        "connection.sendall(b'x' * 8192)",
        "connection.sendall(b'HTTP/1.1 20 OK\\r\\n\\r\\n')",
        "connection.sendall(b'\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n')",
    ],
)
def test_it_is_asked_again_until_it_is_ready(
    start: Starter, tmp_path: Path, behaviour: str
) -> None:
    told = str(tmp_path / "asked")
    text = f"""
number = 0
while True:
    connection, _ = listener.accept()
    number += 1
    asked = request(connection)
    if not asked: connection.close(); continue
    with open({told!r}, "ab") as stream: stream.write(asked)
    if number > 4:
        answer(connection, 200)
    else:
        {behaviour}
    connection.close()
"""
    with start(asked(text)):
        requests = (tmp_path / "asked").read_bytes().split(b"\r\n\r\n")[:-1]
    assert len(requests) >= 4
    for one in requests:
        lines = one.split(b"\r\n")
        assert lines[0] == b"GET /up HTTP/1.1"
        assert b"Connection: close" in lines
        assert any(line.startswith(b"Host: 127.0.0.1:") for line in lines)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("reset(connection)", "the last connection ended: Connection reset by peer"),
        ("pass", "the last connection was closed without an answer"),
        ("connection.sendall(b'hello\\x1b[31m\\n')", r"is none of HTTP: 'hello\x1b[31m'"),
        ("time.sleep(60)", "nothing came back"),
    ],
    ids=["reset", "closed", "other", "silent"],
)
def test_what_came_last_is_told(start: Starter, behaviour: str, said: str) -> None:
    what = asked(answering(behaviour), if_slow="give it more time")
    error = failure(start, what, NEVER_S)
    assert error.kind == "never-ready"
    assert said in error.hint
    assert error.hint.endswith("; give it more time")


LINES = [r"HTTP/1.1 404 Not Found\r\n", r"HTTP/1.0 200\r\n", r"HTTP/1.1 200 \n"]


@pytest.mark.parametrize("line", LINES)
def test_a_status_line_may_come_byte_by_byte(start: Starter, line: str) -> None:
    behaviour = f"[connection.sendall(b'%c' % byte) for byte in b'{line}']"
    with start(asked(answering(behaviour))) as running:
        assert running.alive()


def test_a_reply_is_read_to_its_end_before_the_connection_is_closed(
    start: Starter, tmp_path: Path
) -> None:
    path = str(tmp_path / "ended")
    behaviour = (
        "answer(connection, 200, b'x' * (1 << 20)); rest = connection.recv(1);"
        f"open({path!r}, 'wb').write(b'closed in order' if rest == b'' else rest)"
    )
    with start(asked(answering(behaviour))) as running:
        wait_until_it_accepts(running)
    assert (tmp_path / "ended").read_bytes() == b"closed in order"


def test_a_body_without_an_end_does_not_keep_it_waiting(start: Starter) -> None:
    text = """
import threading
def pour(connection):
    if not request(connection): return
    try:
        connection.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
        while True: connection.sendall(b"x" * 65536)
    except OSError:
        pass
while True:
    connection, _ = listener.accept()
    threading.Thread(target=pour, args=(connection,), daemon=True).start()
"""
    with start(asked(text)) as running:
        assert running.alive()


def test_one_that_ends_while_it_is_asked_has_ended(start: Starter) -> None:
    behaviour = "sys.exit('out of order')"
    error = failure(start, asked(answering(behaviour)))
    assert error.kind == "exited"
    assert "ended with status 1 before it was ready: out of order" in error.message


def test_one_that_ends_without_closing_anything_is_not_waited_for(start: Starter) -> None:
    behaviour = "os.kill(os.getpid(), signal.SIGKILL)"
    error = failure(start, asked(answering(behaviour)))
    assert error.message == "the server was killed by SIGKILL before it was ready"


def test_one_that_listens_no_more_is_not_taken_for_another(start: Starter) -> None:
    text = """
connection, _ = listener.accept()
listener.close(); connection.close()
signal.pause()
"""
    error = failure(start, asked(text), NEVER_S)
    assert error.kind == "never-ready"
    assert "did not answer GET /up" in error.message
