# SPDX-License-Identifier: BSD-3-Clause
"""The floors of the benchmark: they do the least, but that they do."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LIMIT_S, Program, running
from .servers import serving


@pytest.fixture
def echo_port(programs: Path) -> Iterator[int]:
    """The port of a bare_echo, which must end in order when it is told to."""
    with running(programs / "bare_echo") as (port, _):
        yield port


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


def test_the_accept_loop_sends_back_once_and_closes(programs: Path, fibload: Program) -> None:
    with running(programs / "bare_accept") as (port, _):
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
            connection.sendall(b"1")
            assert connection.recv(100) == b"1"
            assert connection.recv(100) == b""
        answer = fibload.load(port, "--request", "1", "--expect", "1", "--requests", "200")
        assert answer.status == 0
        assert answer.report["window"]["ok"] == 200


def test_the_computation_alone_stops_at_the_end_of_its_time(programs: Path) -> None:
    ended = subprocess.run(
        [programs / "bare_fibonacci", "--n", "5", "--duration", "0.05"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    report = json.loads(ended.stdout)
    assert report["computed"] > 1
    assert report["wall_ns"] >= 50_000_000


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


def test_the_delay_server_delays_each_reply_by_the_next_of_its_list(programs: Path) -> None:
    with (
        running(programs / "delay_server", "--delays", "30,0*2") as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        for least_s in (0.03, 0, 0, 0.03):
            begun = time.monotonic()
            connection.sendall(b"1\n")
            assert connection.recv(100) == b"1\n"
            assert time.monotonic() - begun >= least_s


def test_the_delays_of_many_connections_do_not_add_up(programs: Path) -> None:
    with running(programs / "delay_server", "--delays", "200") as (port, _):
        connections = [socket.create_connection(("127.0.0.1", port), LIMIT_S) for _ in range(50)]
        begun = time.monotonic()
        for connection in connections:
            connection.sendall(b"1\n")
        for connection in connections:
            assert connection.recv(100) == b"1\n"
            connection.close()
        assert 0.2 <= time.monotonic() - begun < 50 * 0.2


def test_the_stall_server_answers_nothing_in_its_pauses(programs: Path) -> None:
    with (
        running(programs / "stall_server", "--every", "100", "--stall", "60") as (port, line),
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        start_ns, every_ns, stall_ns = (int(word) for word in line.split())
        assert (every_ns, stall_ns) == (100_000_000, 60_000_000)
        while time.monotonic_ns() - start_ns < 500_000_000:
            asked_ns = time.monotonic_ns()
            connection.sendall(b"1\n")
            assert connection.recv(100) == b"1\n"
            into_period_ns = (asked_ns - start_ns) % every_ns
            if into_period_ns > every_ns - stall_ns:
                assert time.monotonic_ns() - asked_ns >= every_ns - into_period_ns


@pytest.mark.parametrize(
    ("program", "arguments", "named"),
    [
        ("bare_fibonacci", ["--n", "46"], "--n"),
        ("stall_server", ["--stall", "100", "--every", "100", "0"], "--stall"),
        ("delay_server", ["--delays", "1,x", "0"], "'x'"),
        ("delay_server", ["--delays", "1*x", "0"], "'x'"),
        ("delay_server", ["--delays", "1*0", "0"], "'1*0'"),
    ],
)
def test_a_bad_command_line_is_one_line_and_status_2(
    programs: Path, program: str, arguments: list[str], named: str
) -> None:
    ended = subprocess.run(
        [programs / program, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr
