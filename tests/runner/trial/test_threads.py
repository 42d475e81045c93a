# SPDX-License-Identifier: BSD-3-Clause
"""What the threads of a server did in the window of its trial: known, or absent with the reason."""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.runner.small_servers import ECHO, Starter, command
from tests.runner.trials import run_well, trial

from fibench.metrics import METRICS, OF_THREADS
from fibench.server.thread_time import NOT_KEPT, ThreadReader
from fibench.trial import load
from fibench.trial._readings import LATE_FLOOR_NS, Readings
from fibench.trial.evidence.watch import Watch

pytestmark = pytest.mark.needs("schedstat")
NAMES = [METRICS[name].name_with_unit for name in OF_THREADS]
S = 1_000_000_000


def figures(record: dict[str, Any]) -> list[float | None]:
    return [record["metrics"][name] for name in NAMES]


def test_threads_that_live_through_the_window_tell_what_they_did(
    programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial("c-epoll", duration=0.5), programs, tmp_path)
    server, why = record["server"], record["server"]["thread_time_unknown"]
    if why is not None:
        assert "late, since the runner" in why, "a machine that is busy may let it read too late"
        assert figures(record) == [None, None, None]
        return
    running, ready, delay_s = figures(record)
    assert running is not None
    assert ready is not None
    assert delay_s is not None
    assert server["threads"] == 1
    assert server["thread_time_s"] == pytest.approx(0.5, abs=0.15)
    if record["metrics"]["cores"] is not None:
        assert running == pytest.approx(record["metrics"]["cores"], rel=0.1, abs=0.05)
    per_s = record["counts"]["window_ok"] / record["metrics"]["wall_s"]
    assert ready == pytest.approx(delay_s * per_s, rel=0.1), "of one thread, all the time"


def test_connections_that_come_and_go_with_their_threads_hide_what_these_did(
    programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial("c-mt", framing="message", duration=0.5), programs, tmp_path)
    assert figures(record) == [None, None, None]
    assert record["server"]["thread_time_s"] is None
    assert record["server"]["thread_time_unknown"]


def test_a_thread_for_each_connection_is_read_before_the_clients_leave(
    programs: Path, tmp_path: Path
) -> None:
    record = run_well(trial("c-mt", duration=0.5), programs, tmp_path)
    if record["server"]["thread_time_unknown"] is None:
        # Four connections, and the one who accepts.
        assert record["server"]["thread_time_s"] == pytest.approx(5 * 0.49, rel=0.1)
    else:
        assert figures(record) == [None, None, None]


def test_a_kernel_that_tells_nothing_costs_no_trial(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ThreadReader, "_line", lambda self, folder, thread: b"0 0 0\n")
    record = run_well(trial("c-mt"), programs, tmp_path)
    assert figures(record) == [None, None, None]
    assert record["server"]["thread_time_unknown"] == NOT_KEPT
    assert record["metrics"]["throughput_per_s"] > 0


def told(
    programs: Path, folder: Path, edges: list[load.Edge], late: load.Edge | None = None
) -> Readings:
    """The readings of a window of 1 s, at one edge of which the runner had stood still."""
    with (
        Starter(programs / "supervise", folder)(command(ECHO)) as running,
        Watch(programs, running.supervisor_pid) as watch,
        Readings(running, watch, memory=False) as readings,
    ):
        at_ns = {edge: time.monotonic_ns() for edge in edges}
        for edge in edges:
            readings(edge, time.monotonic_ns())
        for edge in edges:
            readings._at_ns[edge] = at_ns[edge] + (5 * S if edge == "end" else 0)
        if late == "begin":
            readings._at_ns["begin"] -= S
        elif late is not None:
            readings._at_ns["end"] = readings._threads[late].end_ns - S
    return readings


@pytest.mark.parametrize("late", ["begin", "late", "end"])
def test_what_was_read_too_late_is_none_of_the_window(
    programs: Path, tmp_path: Path, late: load.Edge
) -> None:
    edges: list[load.Edge] = ["begin", "end"] if late == "end" else ["begin", "late", "end"]
    why = told(programs, tmp_path, edges, late).thread_use()
    assert isinstance(why, str)
    assert why.startswith("read ")
    assert why.endswith(" s late, since the runner stood still or got no CPU")
    assert LATE_FLOOR_NS < S


def test_the_second_reading_is_before_the_end_where_its_time_is_known(
    programs: Path, tmp_path: Path
) -> None:
    edges: list[load.Edge] = ["begin", "late", "end"]
    assert told(programs, tmp_path, edges)._threads.keys() == {"begin", "late"}
    assert told(programs, tmp_path, ["begin", "end"])._threads.keys() == {"begin", "end"}


def test_of_a_window_that_never_ended_nothing_is_known(programs: Path, tmp_path: Path) -> None:
    assert told(programs, tmp_path, ["begin"]).thread_use() == "the window was not seen to its end"
