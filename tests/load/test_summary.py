# SPDX-License-Identifier: BSD-3-Clause
"""What fibload tells who sits at a terminal: a few lines, of the same figures."""

import os
import pty
import re
import subprocess

from tests.processes import ending

from .conftest import LIMIT_S, Program
from .servers import ASK_30, serving

SHORT = ("--duration", "0.2", "--clients", "2")


def told(fibload: Program, *arguments: str) -> tuple[int, str]:
    ended = subprocess.run(
        [fibload.path, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def test_to_a_terminal_it_says_a_few_lines(fibload: Program) -> None:
    ours, theirs = pty.openpty()
    with (
        serving(line=False) as server,
        ending(
            subprocess.Popen(
                [fibload.path, *ASK_30, *SHORT, str(server.port)], stdout=theirs, stdin=theirs
            )
        ) as process,
    ):
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # how Linux says that the other end has gone
            pass
        assert process.wait(timeout=LIMIT_S) == 0
    os.close(ours)
    lines = shown.decode().splitlines()
    assert len(lines) <= 6
    assert re.fullmatch(
        r"[\d.]+/s: \d+ right replies in 2\d\d ms to 2 clients in a closed loop, "
        r"a connection for each request",
        lines[0],
    )
    # On a starved machine there may be too few replies for a median.
    assert re.match(r"latency: (p50 |longest [\d.]+ .?s \(p50 needs 10 replies\))", lines[1])
    assert "{" not in shown.decode()


def test_to_a_pipe_it_says_json_and_either_can_be_asked_for(fibload: Program) -> None:
    with serving(line=False) as server:
        port = str(server.port)
        assert told(fibload, *ASK_30, *SHORT, port)[1].startswith('{"schema":')
        assert told(fibload, *ASK_30, *SHORT, "--format", "json", port)[1].startswith("{")
        assert "latency: " in told(fibload, *ASK_30, *SHORT, "--format", "text", port)[1]


def test_a_percentile_is_told_only_where_ten_replies_lie_beyond_it(fibload: Program) -> None:
    with serving(line=False) as server:
        base = (*ASK_30, "--format", "text", str(server.port))
        _, few = told(fibload, "--requests", "9", *base)
        _, some = told(fibload, "--requests", "99", *base)
        _, more = told(fibload, "--requests", "100", *base)
    assert "(p50 needs 10 replies)" in few
    assert "(p90 needs 100 replies)" in some
    assert re.search(r"latency: p50 [\d.]+ \S+, p90 [\d.]+ \S+, longest", more)
    assert "(p99 needs 1000 replies)" in more


def test_why_it_must_not_be_used_is_told(fibload: Program) -> None:
    with serving(line=False) as server:
        status, said = told(
            fibload, "--request", "30", "--expect", "1", *SHORT, "--format", "text",
            str(server.port),
        )  # fmt: skip
    assert status == 3
    assert re.search(r"^not answered right: \d+ wrong", said, re.MULTILINE)
    assert re.search(r"^NOT VALID: .*wrong", said, re.MULTILINE)


def test_an_open_loop_says_what_it_asked_for(fibload: Program) -> None:
    with serving(line=False) as server:
        _, said = told(
            fibload, *ASK_30, *SHORT, "--rate", "100", "--format", "text", str(server.port)
        )
    assert "in an open loop that asked for 100/s" in said
