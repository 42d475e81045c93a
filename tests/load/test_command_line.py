# SPDX-License-Identifier: BSD-3-Clause
"""What fibload is told, and how it says no."""

import resource
import subprocess

import pytest

from .conftest import LIMIT_S, Program

LINE = ("--framing", "line")
OPTIONS = (
    "host", "framing", "clients", "threads", "n", "request", "expect", "duration", "requests",
    "warmup", "pipeline", "requests-per-connection", "timeout", "start-at", "seed", "edges-fd",
    "rate", "arrivals", "spin", "max-overdue", "group",
    "asks", "ask", "check", "learned", "replies", "format",
)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "PORT"),
        (["0"], "PORT"),
        (["65536"], "PORT"),
        (["12x"], "PORT"),
        (["2999", "2998"], "2998"),
        (["--nonsense", "2999"], "--nonsense"),
        (["--client", "2", "2999"], "--client"),
        (["--clients", "0", "2999"], "--clients"),
        (["--clients", "-1", "2999"], "--clients"),
        (["--clients", "", "2999"], "--clients"),
        (["--clients", "99999999", "2999"], "--clients"),
        (["--clients"], "--clients"),
        (["--threads", "2", "2999"], "--threads"),
        (["--threads", "0", "2999"], "--threads"),
        (["--framing", "lines", "2999"], "--framing"),
        (["--n", "46", "2999"], "--n"),
        (["--n", "1e1", "2999"], "--n"),
        (["--duration", "0", "2999"], "--duration"),
        (["--duration", "1s", "2999"], "--duration"),
        (["--duration", "1", "--requests", "5", "2999"], "--requests"),
        (["--warmup", "nan", "2999"], "--warmup"),
        (["--warmup", "automatic", "2999"], "--warmup"),
        (["--warmup", "-1", "2999"], "--warmup"),
        (["--warmup", "", "2999"], "--warmup"),
        (["--warmup", "99999999999", "2999"], "--warmup"),
        (["--timeout", "61", "2999"], "--timeout"),
        (["--timeout", "0", "2999"], "--timeout"),
        (["--start-at", "99999999999999999999", "2999"], "--start-at"),
        (["--edges-fd", "999", "2999"], "--edges-fd"),
        (["--host", "localhost.invalid", "2999"], "--host"),
        (["--request", "PING", *LINE, "2999"], "--expect"),
        (["--expect", "PONG", *LINE, "2999"], "--request"),
        (["--request", "A", "--expect", "B", "--n", "1", *LINE, "2999"], "--n"),
        (["--request", "", "--expect", "B", "2999"], "--request"),
        (["--request", "A", "--expect", "", "2999"], "--expect"),
        (["--request", "x" * 65537, "--expect", "B", *LINE, "2999"], "--request"),
        (["--pipeline", "2", "2999"], "--pipeline"),
        (["--pipeline", "0", *LINE, "2999"], "--pipeline"),
        (["--pipeline", "1025", *LINE, "2999"], "--pipeline"),
        (["--requests-per-connection", "5", "2999"], "--requests-per-connection"),
        (["--rate", "0", "2999"], "--rate"),
        (["--rate", "500/s", "2999"], "--rate"),
        (["--rate", "-5", "2999"], "--rate"),
        (["--rate", "1e3", "2999"], "--rate"),
        (["--rate", "99999999", "2999"], "--rate"),
        (["--arrivals", "bus", "--rate", "5", "2999"], "--arrivals"),
        (["--arrivals", "uniform", "2999"], "--arrivals"),
        (["--max-overdue", "x", "2999"], "--max-overdue"),
        (["--spin=1", "2999"], "--spin"),
        (["--format", "yaml", "2999"], "--format"),
        (["--group", "", "2999"], "--group"),
        (["--group", "clients=3", "2999"], "--group"),
        (["--group", "name=a", "--group", "name=a", "2999"], "name a"),
        (["--group", "name=a,rate=x", "2999"], "rate 'x'"),
        (["--group", "name=a,arrivals=uniform", "2999"], "arrivals"),
        (["--group", "name=a,idle", "2999"], "idle"),
        (["--group", "name=a,n=3", "--request", "1", "--expect", "1", "2999"], "--request"),
        (["--group", "name=a,clients=2", "--threads", "3", "2999"], "--threads"),
        (["--group", "name=a", "--group", "name=b,clients=1000000,idle", "2999"], "--group"),
        ([word for i in range(33) for word in ("--group", f"name=g{i}")] + ["2999"], "--group"),
    ],
)
def test_a_bad_command_line_is_one_line_and_status_2(
    fibload: Program, arguments: list[str], named: str
) -> None:
    status, stderr = fibload.fails(*arguments)
    assert status == 2
    assert stderr.count("\n") == 1
    assert stderr.startswith("fibload: ")
    assert named in stderr


def test_help_names_every_option(fibload: Program) -> None:
    ended = subprocess.run(
        [fibload.path, "--help"], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    for option in OPTIONS:
        assert f"--{option} " in ended.stdout
    assert ended.stderr == ""


@pytest.mark.plain_user
@pytest.mark.parametrize(
    "clients",
    [["--clients", "100"], ["--group", "name=a,clients=1", "--group", "name=b,clients=99,idle"]],
)
def test_too_few_descriptors_are_named_before_anything_starts(
    fibload: Program, clients: list[str]
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    ended = subprocess.run(
        [fibload.path, *clients, "2999"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        preexec_fn=limit,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "RLIMIT_NOFILE" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_an_answer_that_cannot_be_written_is_a_failure(fibload: Program) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [fibload.path, "--duration", "0.01", "1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert ended.returncode == 1
    assert "cannot write" in ended.stderr
