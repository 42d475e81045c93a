# SPDX-License-Identifier: BSD-3-Clause
"""The load before the window: as long as it was told, or until the server is steady.

The rule for the latter is held to rates that are given by src_c/load/count/test-warm_up.c.
"""

import pytest

from .conftest import Program
from .servers import ASK_30, Action, serving

LINE = ("--framing", "line")
BATCH_NS, LEAST, MOST = 100_000_000, 5, 100
LOOPS = pytest.mark.parametrize("loop", [(), ("--rate", "300")], ids=["closed", "open"])


@LOOPS
@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_warm_up_until_the_server_is_steady_says_whether_it_was(
    fibload: Program, loop: tuple[str, ...], threads: str
) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "6", "--threads", threads,
            "--warmup", "auto", "--duration", "0.2", *loop,
        )  # fmt: skip
    assert answer.status == 0, answer.reasons
    warmup = answer.report["warmup"]
    assert warmup["ns"] >= LEAST * BATCH_NS
    # On a machine that is very busy no server is steady.
    assert warmup["steady"] is True or warmup["ns"] >= MOST * BATCH_NS
    assert answer.report["settings"]["warmup_ns"] is None
    assert answer.report["window"]["duration_ns"] == 200_000_000
    assert 0 < answer.report["window"]["ok"] < answer.counts["ok"]


def test_a_server_that_never_answers_is_never_warm(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(server.port, *LINE, *ASK_30, "--warmup", "auto", "--duration", "0.1")
    assert answer.report["warmup"]["steady"] is False
    assert answer.report["warmup"]["ns"] >= MOST * BATCH_NS


def test_a_warm_up_that_is_told_is_so_long(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(server.port, *LINE, *ASK_30, "--warmup", "0.25", "--duration", "0.1")
    assert answer.report["warmup"]["steady"] is None
    assert answer.report["warmup"]["ns"] >= 250_000_000
    assert answer.report["settings"]["warmup_ns"] == 250_000_000


def test_without_a_warm_up_there_is_none(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(server.port, *LINE, *ASK_30, "--duration", "0.1")
    assert answer.report["warmup"] == {"ns": 0, "steady": None}


@LOOPS
@pytest.mark.parametrize("warmup", ["0.05", "auto"])
def test_the_begin_is_announced_when_it_has_come(
    fibload: Program, loop: tuple[str, ...], warmup: str
) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--warmup", warmup, "--duration", "0.2", *loop
        )
    assert answer.begin_seen_ns >= answer.report["window"]["begin_ns"]


def test_an_open_loop_that_gives_up_ends_its_warm_up(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--rate", "5000", "--max-overdue", "50",
            "--warmup", "auto", "--duration", "1",
        )  # fmt: skip
    assert answer.report["open_loop"]["aborted"] is True
    assert answer.report["warmup"]["steady"] is False
    assert answer.report["warmup"]["ns"] < MOST * BATCH_NS
