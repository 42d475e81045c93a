# SPDX-License-Identifier: BSD-3-Clause
"""What the runner reads late, since it stood still, is absent and said: never low."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from tests.processes import wait_until
from tests.runner.records import recorded
from tests.runner.small_servers import ECHO, Starter, command
from tests.runner.trials import run_well, trial

from fibench.server import Ending, memory
from fibench.trial import load
from fibench.trial._readings import LATE_FLOOR_NS, LATE_SHARE, Readings
from fibench.trial.evidence.disturbed import disturbed
from fibench.trial.evidence.watch import Watch

S = 1_000_000_000


def has_answered(folder: Path) -> bool:
    return (folder / "load.out").read_bytes().endswith(b"}\n")


def stand_still(folder: Path) -> None:
    """Until the load has ended, and for longer than a busy machine would make us wait."""
    wait_until(partial(has_answered, folder), "the load has ended")
    until_ns = time.monotonic_ns() + 5 * LATE_FLOOR_NS
    wait_until(lambda: time.monotonic_ns() > until_ns, "some time has passed")


def test_a_runner_that_stands_still_over_the_end_of_a_window_knows_no_cpu_time_or_memory(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = 0

    def stalled(*arguments: object) -> memory.MemorySnapshot:
        nonlocal readings
        readings += 1
        if readings == 2:
            stand_still(tmp_path)
        return memory.memory(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("fibench.trial._readings.memory", stalled)
    record = run_well(trial("c-mt", duration=0.5), programs, tmp_path)
    metrics = record["metrics"]
    assert metrics["throughput_per_s"] > 0
    assert metrics["cores"] is metrics["cpu_per_request_s"] is None
    assert metrics["memory_bytes"] is metrics["memory_peak_bytes"] is None
    cpu, of_memory = record["server"]["unknown"]
    assert cpu.startswith("CPU times: read 0.")
    assert of_memory.startswith("memory: read 0.")
    assert record["machine"]["late_s"] >= LATE_FLOOR_NS / S
    (kept,) = recorded(record)
    judged = disturbed(kept, [], tail=False)
    assert judged is not None
    assert judged.kind in ("late", "steal")


@pytest.mark.parametrize(
    ("window_s", "late_s", "known"),
    [
        (0.1, 0.015, True),
        (0.1, 0.5, False),
        (1.0, 0.5, False),
        (600.0, 5.0, True),
        (10.0, 5.0, False),
    ],
)
@pytest.mark.parametrize("where", [("begin", 0.01), ("end", 0.0), ("end", 0.01), ("end", 1000.0)])
def test_cpu_times_are_of_an_edge_if_they_are_read_soon_beside_the_window(
    programs: Path,
    tmp_path: Path,
    window_s: float,
    late_s: float,
    known: bool,
    where: tuple[load.Edge, float],
) -> None:
    edge, went_on_s = where  # for which the load goes on after the end
    with (
        Starter(programs / "supervise", tmp_path)(command(ECHO)) as running,
        Watch(programs, running.supervisor_pid) as watch,
        Readings(running, watch, memory=False) as readings,
    ):
        now_ns = time.monotonic_ns()
        times = {"begin": now_ns - int(window_s * S), "end": now_ns}
        readings("begin", time.monotonic_ns())
        readings("end", time.monotonic_ns())
        readings.went_on(int(went_on_s * S))
        readings._at_ns.update(times)  # type: ignore[arg-type]
        for each in ("begin", "end"):
            seen = readings._cpu[each]
            read_ns = times[each] + (int(late_s * S) if each == edge else 0)
            readings._cpu[each] = type(seen)(**{**vars(seen), "monotonic_ns": read_ns})
    assert (readings.use() is not None) == known
    # A server has work to do for as long as the load goes on.
    worked_s = window_s + min(late_s, went_on_s)
    longer = (window_s + late_s) / worked_s if edge == "end" else 1.0
    assert readings.stretched() == (pytest.approx(longer) if known else None)
    assert (readings.unknown() == []) == known
    assert readings.too_late_s() == (None if known else pytest.approx(late_s))
    assert max(LATE_FLOOR_NS, LATE_SHARE * window_s * S) >= late_s * S or not known


def test_the_time_of_client_bench_is_that_of_its_end_however_late_it_is_heard_of(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner stands still from before the clients end until well after."""
    ended = tmp_path / "ended"
    argv = ["python3", "-c", f"open({str(ended)!r}, 'w').close()"]
    edges: dict[load.Edge, int] = {}

    def on_edge(edge: load.Edge, at_ns: int) -> None:
        edges[edge] = at_ns
        if edge == "begin":
            wait_until(ended.exists, "the clients have ended")
            until_ns = time.monotonic_ns() + S
            wait_until(lambda: time.monotonic_ns() > until_ns, "a second has passed")

    made = load.LoadCommand(argv, 0.0, 60.0, announces=False)
    began_ns = time.monotonic_ns()
    ending = load.drive(made, programs / "supervise", tmp_path, on_edge)
    heard_s = (time.monotonic_ns() - began_ns) / S
    assert ending.status == 0
    assert ending.wall_s <= heard_s - 0.5
    assert (edges["end"] - edges["begin"]) / S == pytest.approx(ending.wall_s, abs=1e-3)


@pytest.mark.parametrize(
    ("later_ns", "outlived"), [(-1, False), (0, True), (1, True), (None, False)]
)
def test_a_server_has_outlived_the_window_if_it_was_seen_to_end_after_it(
    programs: Path, tmp_path: Path, later_ns: int | None, outlived: bool
) -> None:
    with (
        Starter(programs / "supervise", tmp_path)(command(ECHO)) as running,
        Watch(programs, running.supervisor_pid) as watch,
        Readings(running, watch, memory=False) as readings,
    ):
        readings("end", 1000)
        at_ns = None if later_ns is None else 1000 + later_ns
        ending = Ending(0, None, 0, False, at_ns=at_ns)
        assert readings.ended_after_the_window(ending) == outlived
        assert not Readings(running, watch, memory=False).ended_after_the_window(ending)


def test_when_a_server_ended_is_told_with_how(programs: Path, tmp_path: Path) -> None:
    with Starter(programs / "supervise", tmp_path)(command(ECHO)) as running:
        before_ns = time.monotonic_ns()
        os.kill(running.pid, signal.SIGPIPE)
        os.kill(running.pid, signal.SIGKILL)
        wait_until(lambda: not running.alive(), "it has ended")
        ending = running.stop()
    assert ending.signal == signal.SIGKILL
    assert ending.at_ns is not None
    assert before_ns <= ending.at_ns <= time.monotonic_ns()
