# SPDX-License-Identifier: BSD-3-Clause
"""The floors of the benchmark: they do the least, but that they do."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LIMIT_S, Program
from .servers import serving


@pytest.fixture
def echo_port(programs: Path) -> Iterator[int]:
    """The port of a bare_echo, which must end in order when it is told to."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [programs / "bare_echo", "--ready-fd", str(writer), "0"],
        pass_fds=[writer],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    try:
        with os.fdopen(reader, encoding="ascii") as ready:
            yield int(ready.readline())
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=LIMIT_S) == (b"", b"")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_the_echo_sends_back_what_it_receives(echo_port: int) -> None:
    with socket.create_connection(("127.0.0.1", echo_port), timeout=LIMIT_S) as connection:
        for text in (b"1\n", b"\x00\xff", b"1\n"):
            connection.sendall(text)
            assert connection.recv(100) == text
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_fibload_can_drive_the_echo(echo_port: int, fibload: Program) -> None:
    answer = fibload.load(
        echo_port, "--framing", "line", "--request", "1", "--expect", "1",
        "--clients", "8", "--requests", "200",
    )  # fmt: skip
    assert answer.status == 0
    assert answer.report["window"]["ok"] == 200


def test_the_bare_client_counts_and_announces_its_window(echo_port: int, programs: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="ascii") as edges:
        ended = subprocess.run(
            [
                programs / "bare_client", "--clients", "4", "--warmup", "0.05",
                "--duration", "0.2", "--edges-fd", str(writer), str(echo_port),
            ],
            pass_fds=[writer],
            capture_output=True,
            timeout=LIMIT_S,
            check=True,
        )  # fmt: skip
        os.close(writer)
        lines = edges.readlines()
    report = json.loads(ended.stdout)
    window, generator = report["window"], report["generator"]
    assert lines == [f"begin {window['begin_ns']}\n", f"end {window['end_ns']}\n"]
    assert window["end_ns"] - window["begin_ns"] >= 200_000_000
    assert window["ok"] > 0
    assert generator["cpu_user_ns"] + generator["cpu_system_ns"] > 0
    assert generator["cpu_ns_per_request"] > 0


def test_the_bare_client_fails_when_its_server_ends_the_connection(programs: Path) -> None:
    with serving(line=False) as server:
        ended = subprocess.run(
            [programs / "bare_client", str(server.port)],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
