# SPDX-License-Identifier: BSD-3-Clause
"""fibload takes leave as a client does: no server dies of it, and none keeps it waiting."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.processes import ending

from .conftest import LIMIT_S, Answer, Program
from .servers import ASK_30, RIGHT

LEAVE_NS = 250_000_000
TEXTBOOK = Path(__file__).with_name("textbook_server.py")
LINE = ("--framing", "line")
SHAPES = {
    "message": (),
    "line": LINE,
    "pipelined": (*LINE, "--pipeline", "8"),
    "renewed": (*LINE, "--requests-per-connection", "3"),
    "open": (*LINE, "--rate", "2000"),
    "threads": (*LINE, "--threads", "3"),
    "idle": (*LINE, "--group", "name=busy,clients=8", "--group", "name=idle,clients=20,idle"),
}


@dataclass
class Held:
    """A server that keeps all replies until its client says that it has sent all.

    It answers then, in two steps, so that a reset by the first is met by the second; if it `keeps`
    the connection, it sends on until the client has closed.
    """

    keeps: bool = False
    ends: list[tuple[int, str]] = field(default_factory=list)
    """When each connection ended, as CLOCK_MONOTONIC has it, and how."""

    def serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._converse(connection)
            except OSError as error:
                self.ends.append((time.monotonic_ns(), type(error).__name__))
            else:
                self.ends.append((time.monotonic_ns(), "in order"))

    def _converse(self, connection: socket.socket) -> None:
        asked = 0
        while received := connection.recv(1 << 16):
            if asked == 0:  # it takes part in the window
                connection.sendall(RIGHT + b"\n")
            asked += received.count(b"\n")
        for _ in range(asked - 1):
            connection.sendall(RIGHT)
            connection.sendall(b"\n")
        while self.keeps:
            connection.sendall(RIGHT)
            time.sleep(0.01)  # not for anything: to hold the connection without a busy loop


@contextlib.contextmanager
def listening(held: Held) -> Iterator[int]:
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.settimeout(LIMIT_S)
                    threads.append(threading.Thread(target=held.serve, args=(connection,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        for thread in threads:
            thread.join()


def end_of(answer: Answer) -> int:
    end_ns: int = answer.report["window"]["end_ns"]
    return end_ns


@pytest.mark.parametrize("pipeline", ["2", "8"])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_replies_after_the_end_are_read_and_count_for_nothing(
    fibload: Program, pipeline: str, threads: str
) -> None:
    held = Held()
    load = ("--clients", "6", "--threads", threads, "--pipeline", pipeline, "--duration", "0.3")
    with listening(held) as port:
        answer = fibload.load(port, *LINE, *ASK_30, *load)
    assert answer.status == 0, answer.reasons
    assert answer.counts["ok"] == 6
    assert answer.counts["unfinished"] == 6 * int(pipeline)
    assert len(held.ends) == 6
    early = [how for when_ns, how in held.ends if when_ns < end_of(answer) + LEAVE_NS]
    assert set(early) <= {"in order"}
    parting = answer.report["parting"]
    assert sum(parting.values()) == 6
    assert parting["reset"] == 0


def test_a_server_that_never_closes_is_left_after_a_while_and_not_before(fibload: Program) -> None:
    held = Held(keeps=True)
    with listening(held) as port:
        answer = fibload.load(port, *LINE, *ASK_30, "--clients", "5", "--duration", "0.3")
    assert answer.status == 0, answer.reasons
    assert answer.report["parting"] == {"closed": 0, "reset": 0, "held": 5}
    assert answer.counts["started"] == answer.counts["ok"] + answer.counts["unfinished"]
    for when_ns, how in held.ends:
        assert how in ("BrokenPipeError", "ConnectionResetError")
        assert when_ns >= end_of(answer) + LEAVE_NS


def test_one_wait_is_for_all_connections_together(fibload: Program) -> None:
    # One after another, more than 120 connections that nobody closes would take longer than load()
    # lets it.
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:  # and nobody accepts
        port = listener.getsockname()[1]
        answer = fibload.load(port, *LINE, *ASK_30, "--clients", "400", "--duration", "0.5")
    held = answer.report["clients"]["connected"]
    assert held > 120
    assert answer.report["parting"] == {"closed": 0, "reset": 0, "held": held}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_textbook_server_outlives_its_clients(fibload: Program, shape: tuple[str, ...]) -> None:
    framing = "line" if LINE[1] in shape else "message"
    command = [sys.executable, str(TEXTBOOK), framing]
    with ending(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        clients = () if "--group" in shape else ("--clients", "8")
        answer = fibload.load(port, *ASK_30, *shape, *clients, "--duration", "0.3")
        assert answer.status == 0, answer.reasons
        # Whatever is on its way is served before this connection is.
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as last:
            last.sendall(b"end\n")
            assert last.recv(1) == b""
        assert server.wait(timeout=LIMIT_S) == 0


def test_connections_that_never_stood_are_given_up(fibload: Program) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        answer = fibload.load(
            listener.getsockname()[1], *ASK_30, "--clients", "12", "--duration", "0.3"
        )
    assert answer.counts["unfinished"] == answer.counts["started"] == 12
    parting = answer.report["parting"]
    assert parting["closed"] == parting["reset"] == 0
    assert 1 <= parting["held"] <= 3, "those that the listen queue holds"


def test_a_run_that_is_interrupted_takes_leave_too(fibload: Program) -> None:
    held = Held()
    with listening(held) as port:
        answer = fibload.load(port, *LINE, *ASK_30, "--duration", "20", interrupt=True)
    assert answer.status == 130
    early = [how for when_ns, how in held.ends if when_ns < end_of(answer) + LEAVE_NS]
    assert set(early) <= {"in order"}
