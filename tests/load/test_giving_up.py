# SPDX-License-Identifier: BSD-3-Clause
"""Where more and more of an open loop is overdue: what ends it, and what does not."""

import time
from pathlib import Path

import pytest

from .conftest import Program, running
from .servers import ASK_30, Action, serving

LINE = ("--framing", "line")


def test_a_backlog_beyond_its_cap_ends_the_run_with_the_reason(
    fibload: Program, programs: Path
) -> None:
    begun = time.monotonic()
    with running(programs / "delay_server", "--delays", "20") as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "2", "--rate", "5000", "--max-overdue", "200",
            "--duration", "25",
        )  # fmt: skip
    assert time.monotonic() - begun < 20
    assert answer.status == 3
    assert answer.report["open_loop"]["aborted"] is True
    assert answer.report["groups"][0]["open_loop"]["aborted"] is True
    assert answer.report["open_loop"]["most_overdue"] > 200
    assert "the backlog of overdue requests passed 200: the server answered" in answer.reasons
    assert "of 5000 offered per second" in answer.reasons
    assert [edge.split()[0] for edge in answer.edges] == ["begin", "end"]


def test_a_saturated_server_is_measured_to_the_end_of_the_window_however_many_wait(
    fibload: Program, programs: Path
) -> None:
    """Its figures are judged, the latencies as lower bounds; so it is no failure."""
    with running(programs / "delay_server", "--delays", "20") as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "2", "--rate", "1000000", "--duration", "0.3"
        )
    assert answer.status == 0
    assert answer.reasons == ""
    assert answer.report["settings"]["max_overdue"] is None
    assert answer.report["open_loop"]["aborted"] is False
    assert answer.report["open_loop"]["overdue_at_end"] > 100_000
    begin_ns, end_ns = (int(edge.split()[1]) for edge in answer.edges)
    assert end_ns - begin_ns >= 300_000_000


@pytest.mark.parametrize(
    ("given", "most"), [((), 100_000), (("--max-overdue", "50"), 50), (("--max-overdue", "0"), 0)]
)
def test_a_window_that_ends_with_so_many_replies_is_given_up(
    fibload: Program, given: tuple[str, ...], most: int
) -> None:
    """Else one of a server that answers nothing would never end."""
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--rate", "1000000", "--requests", "5", *given
        )
    assert answer.status == 3
    assert answer.report["settings"]["max_overdue"] == most
    assert f"the backlog of overdue requests passed {most}: " in answer.reasons


def test_a_backlog_beyond_its_cap_ends_the_warm_up_too(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--rate", "5000", "--max-overdue", "50",
            "--warmup", "25", "--duration", "1",
        )  # fmt: skip
    assert answer.status == 3
    assert answer.report["open_loop"]["aborted"] is True
    assert answer.report["window"]["ok"] == 0
    begin, end = (int(edge.split()[1]) for edge in answer.edges)
    assert begin <= end


@pytest.mark.serial
def test_the_cap_holds_for_all_threads_together(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "4", "--threads", "4", "--rate", "4000",
            "--max-overdue", "400", "--duration", "20",
        )  # fmt: skip
    assert answer.report["open_loop"]["aborted"] is True
    assert 400 < answer.report["open_loop"]["most_overdue"] < 1000
