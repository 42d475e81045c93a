# SPDX-License-Identifier: BSD-3-Clause
"""The load before the window: as long as it was told, or until the server is steady and all clients
were answered; and a window that opens before they were.

Both rules are held to rates that are given: test-warm_up.c and test-first_round.c in
src_c/load/count.
"""

from pathlib import Path

import pytest

from .conftest import Program, running
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


@pytest.mark.long  # test_a_first_round_that_takes_too_long_is_told_of waits for the same 10 s
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
    warmup = answer.report["warmup"]
    assert (warmup["ns"], warmup["steady"]) == (0, None)


DELAY_S = 0.05
MOST_PER_S = 1.25 / DELAY_S
"""A server that takes so long for each has a fifth less; but what came before the window may be
read in it, where fibload had to wait for a busy machine."""
ONE_AT_A_TIME = ("--serial", "--delays", str(DELAY_S * 1000))


@pytest.mark.parametrize("warmup", ["0", "0.2"])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_window_in_the_first_round_tells_no_more_than_the_server_can_do(
    fibload: Program, programs: Path, warmup: str, threads: str
) -> None:
    # By the parts of requests that lie in the window, as of a steady load, it would be 28 to 31.
    with running(programs / "delay_server", *ONE_AT_A_TIME) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "32", "--threads", threads, "--warmup", warmup,
            "--duration", "1.2",
        )  # fmt: skip
    window, loop = answer.report["window"], answer.report["closed_loop"]
    assert window["served_per_s"] <= MOST_PER_S
    assert window["served"] >= 0.8 * window["ok"]
    assert answer.report["warmup"]["ramp"] is True
    assert loop["first_round"] == window["ok"]  # in 32 times 50 ms nobody has a second one
    (note,) = answer.report["notes"]
    assert f"under way when the window opened ({window['ok']} of {window['ok']} replies" in note
    assert "a longer --warmup" in note


@pytest.mark.parametrize("framing", ["message", "line"])
def test_each_client_has_one_first_request(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line") as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "6", "--threads", "2",
            "--duration", "0.3",
        )  # fmt: skip
    clients = answer.report["clients"]
    assert answer.report["closed_loop"]["first_round"] == clients["answered"] > 0


def test_each_of_a_pipeline_is_of_the_first_round(fibload: Program, programs: Path) -> None:
    with running(programs / "delay_server", *ONE_AT_A_TIME) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "4", "--pipeline", "8", "--warmup", "0.2", "--duration", "1.2"
        )
    window, loop = answer.report["window"], answer.report["closed_loop"]
    assert window["served_per_s"] <= MOST_PER_S
    assert loop["first_round"] == window["ok"] > 0


def test_a_warm_up_lasts_until_all_clients_were_answered(fibload: Program, programs: Path) -> None:
    with running(programs / "delay_server", *ONE_AT_A_TIME) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "32", "--threads", "2", "--warmup", "auto",
            "--duration", "0.5",
        )  # fmt: skip
    warmup = answer.report["warmup"]
    assert warmup["ns"] >= 32 * DELAY_S * 1e9
    assert warmup["ramp"] is False
    assert answer.report["closed_loop"]["first_round"] == 0


def test_clients_that_are_never_answered_are_not_waited_for(
    fibload: Program, programs: Path
) -> None:
    # The first of six has no reply, ever, and the others have theirs at once.
    delays = ",".join(["60000", *["1"] * 5, "1*1000000"])
    with running(programs / "delay_server", "--delays", delays) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "6", "--warmup", "auto", "--duration", "0.3"
        )
    warmup = answer.report["warmup"]
    assert answer.report["clients"] == {"asked": 6, "connected": 6, "answered": 5}
    # On a machine that is very busy no server is steady.
    assert warmup["steady"] is True or warmup["ns"] >= MOST * BATCH_NS
    assert warmup["ramp"] is False


def test_a_first_round_that_takes_too_long_is_told_of(fibload: Program, programs: Path) -> None:
    # 300 times 50 ms are 15 s.
    with running(programs / "delay_server", *ONE_AT_A_TIME) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "300", "--warmup", "auto", "--duration", "0.5"
        )
    warmup = answer.report["warmup"]
    assert warmup["ns"] >= MOST * BATCH_NS
    assert (warmup["steady"], warmup["ramp"]) == (False, True)


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
