# SPDX-License-Identifier: BSD-3-Clause
"""`load PORT`: how fast a server answers that runs already, without a file and without claims."""

import json
import re
import socket
from pathlib import Path

import pytest
from tests.load.conftest import running
from tests.runner.desk import Desk


def test_a_server_that_runs_is_loaded_and_the_answer_is_a_few_lines(
    desk: Desk, programs: Path
) -> None:
    with running(programs / "mt_server") as (port, _):
        done = desk.invoke("load", str(port), "-n", "5", "--clients", "3", "--duration", "0.2s")
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, *rest = done.stdout.splitlines()
    assert re.fullmatch(
        r"[\d,.]+/s: \d+ right replies in 200 ms to 3 clients in a closed loop, "
        r"a connection for each request",
        first,
    )
    assert second.startswith("latency: p50 ")
    assert len(rest) <= 3


def test_what_fibload_says_can_be_had_whole(desk: Desk, programs: Path) -> None:
    with running(programs / "mt_server", "--framing", "line") as (port, _):
        words = ("--framing", "line", "--requests", "50", "--warmup", "0s", "--json")
        done = desk.invoke("load", str(port), *words)
    document = json.loads(done.stdout)
    assert document["program"] == "fibload"
    assert document["settings"]["framing"] == "line"
    assert document["window"]["ok"] == 50


@pytest.mark.parametrize(
    ("words", "said", "advice"),
    [
        (("2999x",), "PORT 2999x: not a port", "from 1 to 65535"),
        (("2999", "--clients", "many"), '--clients many: "many" is not a whole number', ""),
        (("2999", "--clients", "1,8"), "--clients: a load has one value of it", "experiments vary"),
        (("2999", "--duration", "2"), "--duration 2: duration ", ""),
        (("2999", "--framing", "lines"), "framing", 'did you mean "line"?'),
        (("2999", "--host", "no.such.host.invalid"), "cannot resolve", "--host 127.0.0.1"),
        (("2999", "--workers", "3"), "there is no option --workers of load", "--help load"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(
    desk: Desk, words: tuple[str, ...], said: str, advice: str
) -> None:
    done = desk.invoke("load", *words)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert said in done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr


def test_where_nothing_listens_that_is_said_with_how_to_start_a_server(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = desk.invoke("load", str(port))
    assert done.returncode == 1
    what, how = done.stderr.splitlines()[-2:]
    assert what == f"nothing answers at 127.0.0.1:{port}: Connection refused"
    assert f"serve py-mt --port {port}" in how
