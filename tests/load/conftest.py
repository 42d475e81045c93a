# SPDX-License-Identifier: BSD-3-Clause
"""How the tests run fibload and read its answer."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.here import require
from tests.processes import ending

LIMIT_S = 30  # a fibload that takes longer hangs
LONGEST_COOLDOWN_NS = 500_000_000

Meanwhile = Callable[["subprocess.Popen[str]"], AbstractContextManager[object]]


@dataclass(frozen=True)
class Answer:
    """What one run of fibload said."""

    status: int
    report: dict[str, Any]
    stderr: str
    start: str  # the line that announced the warm-up on --edges-fd; empty without one
    edges: tuple[str, ...]  # those that announced the window
    begin_seen_ns: int  # when the first of these was there, of CLOCK_MONOTONIC

    @property
    def counts(self) -> dict[str, int]:
        """The outcomes, `started` among them."""
        counts: dict[str, int] = self.report["counts"]
        return counts

    @property
    def reasons(self) -> str:
        """Why the measurement is invalid, on one line; empty when it is valid."""
        return "; ".join(self.report["invalid"])


def total(counts: list[list[int]]) -> int:
    """How many values sparse counts hold."""
    return sum(count for _, count in counts)


def check_part(part: dict[str, Any]) -> None:
    """Hold what is told of a group, or of all, to what is true whatever the server did."""
    counts = dict(part["counts"])
    assert counts.pop("started") == sum(counts.values())
    assert part["cut_short"] <= counts["closed"] + counts["reset"]
    window, latency, clients = part["window"], part["latency"], part["clients"]
    assert sum(window["half_ok"]) == window["ok"] <= counts["ok"]
    assert latency["count"] == window["ok"]
    assert total(latency["histogram"]["counts"]) == latency["count"]
    assert clients["answered"] <= clients["connected"] <= clients["asked"]
    loop, censored, late = part["open_loop"], latency["censored"], latency["late"]
    assert total(censored["counts"]) == censored["count"]
    assert total(late["counts"]) == late["count"]
    check_cooldown(part)
    watched = latency["count"] + late["count"] + censored["count"]
    assert total(latency["entered"]["counts"]) <= watched
    # A request at an edge of the window counts in part.
    entered = total(latency["entered"]["counts"])
    cut_off = censored["count"] + late["count"]
    assert -entered - 0.001 <= window["served"] - window["ok"] <= cut_off + 0.001
    closed = part["closed_loop"]
    if closed is not None:
        assert closed["littles_law"] is None or 0 <= closed["littles_law"] <= 1
        check_read_lag(closed["lag"], part)
    # What was seen without a reply, or had a late one, is what was unfinished, and what was given
    # up in the window.
    assert cut_off <= counts["unfinished"] + counts["timeout"]
    if loop is None:
        assert late["count"] == 0
        return  # where the last requests may have been sent after the end, before it was known
    assert late["count"] == loop["answered_late"]
    if latency["clock"] != "mixed":
        assert counts["unfinished"] <= cut_off
    assert loop["overdue_at_end"] <= loop["most_overdue"]
    assert loop["overdue_at_end"] <= counts["unfinished"]
    assert loop["lag"]["count"] == total(loop["lag"]["histogram"]["counts"]) == loop["due"]
    assert loop["due"] <= part["counts"]["started"]
    check_waiting(loop, part)


def check_cooldown(part: dict[str, Any]) -> None:
    """Hold what came after the window to what was unfinished at its end: all of that has become
    something."""
    loop, unfinished = part["open_loop"], part["counts"]["unfinished"]
    if loop is not None:
        assert loop["waiting_at_end"] == loop["answered_late"] + loop["unanswered"]
    if part["cooldown"] is None:
        assert part["latency"]["late"]["count"] == 0
        return
    counts = dict(part["cooldown"]["counts"])
    assert counts.pop("started") == sum(counts.values()) >= unfinished
    assert part["latency"]["late"]["count"] <= counts["ok"]
    assert 0 <= part["cooldown"]["ns"] <= LONGEST_COOLDOWN_NS


def check_waiting(loop: dict[str, Any], part: dict[str, Any]) -> None:
    """Hold what waited at the edges of a window to what became of it: all that was due has ended,
    or waits."""
    counts, entered = part["counts"], total(part["latency"]["entered"]["counts"])
    assert 0 <= loop["unnoticed"] <= loop["due"]
    if part["latency"]["clock"] == "mixed":
        return
    assert loop["waiting_at_begin"] >= entered
    assert loop["waiting_at_end"] == counts["unfinished"]
    if counts["started"] == counts["ok"] + counts["unfinished"]:
        waits = loop["waiting_at_begin"] + loop["due"] - part["window"]["ok"]
        assert loop["waiting_at_end"] == waits
    assert (loop["fastest_ns"] is None) == (counts["ok"] == 0)
    if part["window"]["ok"] > 0:
        assert 0 < loop["fastest_ns"] <= part["latency"]["max_ns"]


def check_read_lag(lag: dict[str, Any], part: dict[str, Any]) -> None:
    """Hold the lag of a closed loop to what it is: a part of a latency."""
    if lag["count"] == 0:
        assert lag["p50_ns"] is lag["p99_ns"] is lag["max_ns"] is None
        return
    assert 0 < lag["p50_ns"] <= lag["p99_ns"] <= lag["max_ns"]
    counts = part["counts"]
    if counts["started"] == counts["ok"] + counts["unfinished"]:
        assert lag["max_ns"] <= part["latency"]["max_ns"]


def is_ramp(group: dict[str, Any]) -> bool:
    """Whether more than a fiftieth of what came in the window was of the first round."""
    loop = group["closed_loop"]
    return loop is not None and loop["first_round"] * 50 > group["window"]["ok"]


def check_in_flight(report: dict[str, Any]) -> None:
    """Hold Little's law to what there can be at most, also where the number is not fixed."""
    for part in (report, *report["groups"]):
        loop = part["closed_loop"]
        if loop is None:
            continue
        most = part["clients"]["asked"] * report["settings"]["pipeline"]
        assert 0 <= loop["in_flight"] <= most
        assert 0 <= loop["first_round"] <= min(most, part["window"]["ok"])
        if loop["littles_law"] is not None:
            assert loop["in_flight"] == pytest.approx(most * loop["littles_law"], abs=0.001)


def check_seconds(group: dict[str, Any]) -> None:
    """Hold the seconds of a group to its histogram."""
    summed: dict[int, int] = {}
    for second in group["seconds"]:
        assert second["ok"] == total(second["counts"]) > 0
        for index, count in second["counts"]:
            summed[index] = summed.get(index, 0) + count
    numbers = [second["second"] for second in group["seconds"]]
    assert numbers == sorted(set(numbers))
    assert sorted(summed.items()) == [tuple(b) for b in group["latency"]["histogram"]["counts"]]


def check_cooldowns(report: dict[str, Any]) -> None:
    """Hold the cool-down to where there is one: after a whole window with a schedule."""
    settings, told = report["settings"], report["cooldown"]
    can_be = report["open_loop"] is not None and settings["requests"] == 0
    if not can_be or report["window"]["duration_ns"] < settings["duration_ns"]:
        assert told is None
        return
    assert told["ns"] <= settings["duration_ns"] // 10
    asking = [group["cooldown"] for group in report["groups"] if not group["idle"]]
    for count, number in told["counts"].items():
        assert number == sum(one["counts"][count] for one in asking)


def check_identity(answer: Answer) -> None:
    """Hold a report to what is true of every run, whatever the server did."""
    report = answer.report
    check_part(report)
    asking = [group for group in report["groups"] if not group["idle"]]
    for group in report["groups"]:
        check_part(group)
        check_seconds(group)
        assert not group["idle"] or group["counts"]["started"] == 0
    for count in report["counts"]:
        assert report["counts"][count] == sum(group["counts"][count] for group in asking)
    for name in ("asked", "connected", "answered"):
        assert report["clients"][name] == sum(group["clients"][name] for group in asking)
    window = report["window"]
    assert window["ok"] == sum(group["window"]["ok"] for group in asking)
    assert window["end_ns"] - window["begin_ns"] == window["duration_ns"]
    check_cooldowns(report)
    assert report["clients"]["connected"] <= report["connections_opened"]
    assert report["warmup"]["ns"] >= 0
    check_in_flight(report)
    assert report["valid"] == (not report["invalid"])
    resent = report["resent"]
    for outcome in ("timeout", "unfinished"):
        assert resent[outcome] <= report["counts"][outcome]
    assert resent["connections"] <= report["retransmits"]
    ramp = report["warmup"]["ramp"]
    assert len(report["notes"]) == (resent["connections"] > 0) + ramp
    assert ramp == any(is_ramp(group) for group in asking)
    if report["interrupted"]:
        assert answer.status == 130
    else:
        assert answer.status == (0 if report["valid"] else 3)


@dataclass(frozen=True)
class Program:
    """fibload, as it is installed."""

    path: Path
    is_hurried: bool = False

    @contextlib.contextmanager
    def start(
        self, *arguments: str, pass_fds: Sequence[int] = ()
    ) -> "Iterator[subprocess.Popen[str]]":
        """Let it run for the length of a with block, with its output piped."""
        with ending(
            subprocess.Popen(
                [self.path, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=pass_fds,
                preexec_fn=hurried if self.is_hurried else None,
            )
        ) as process:
            yield process

    def fails(self, *arguments: str) -> tuple[int, str]:
        """Run it where it must say no; return its status and its stderr."""
        ended = subprocess.run(
            [self.path, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert ended.stdout == ""
        return ended.returncode, ended.stderr

    def load(
        self,
        port: int,
        *arguments: str,
        interrupt: bool = False,
        meanwhile: Meanwhile = contextlib.nullcontext,
        at_begin: Callable[["subprocess.Popen[str]"], None] = lambda process: None,
        at_end: Callable[["subprocess.Popen[str]"], None] | None = None,
    ) -> Answer:
        """Run it to its end; hold what it says to the identity.

        When its window has begun `at_begin` is done to it, and with `interrupt` it gets a SIGINT;
        when that has ended, `at_end`.
        """
        reader, writer = os.pipe()
        with os.fdopen(reader, encoding="ascii") as edges:
            argv = [*arguments, "--edges-fd", str(writer), str(port)]
            with self.start(*argv, pass_fds=[writer]) as process, meanwhile(process):
                os.close(writer)
                lines = [edges.readline()]
                start = lines.pop() if lines[0].startswith("start ") else ""
                lines += [edges.readline()] if start else []
                begin_seen_ns = time.monotonic_ns()
                at_begin(process)
                if interrupt:
                    process.send_signal(signal.SIGINT)
                if at_end is not None:
                    lines.append(edges.readline())
                    at_end(process)
                stdout, stderr = process.communicate(timeout=LIMIT_S)
                lines += edges.readlines()
        assert stderr == ""
        told = (start, tuple(lines), begin_seen_ns)
        answer = Answer(process.returncode, json.loads(stdout), stderr, *told)
        check_identity(answer)
        return answer


def hurried() -> None:
    """Put what is started before everything else on this machine.

    What is tested then is the meter, not how busy the machine is.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@contextlib.contextmanager
def running(program: Path, *options: str, is_hurried: bool = False) -> Iterator[tuple[int, str]]:
    """Run a small C server for the length of a with block: its port, and its first line of output.

    It must end in order when it is told to.
    """
    reader, writer = os.pipe()
    with ending(
        subprocess.Popen(
            [program, *options, "--ready-fd", str(writer), "0"],
            pass_fds=[writer],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hurried if is_hurried else None,
        )
    ) as process:
        os.close(writer)
        with os.fdopen(reader, encoding="ascii") as ready:
            port = int(ready.readline())
        assert process.stdout is not None
        line = process.stdout.readline() if program.name == "stall_server" else ""
        yield port, line
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=LIMIT_S)
        assert (process.returncode, output) == (0, "")


@pytest.fixture(scope="session")
def fibload(programs: Path) -> Program:
    """The load generator."""
    return Program(programs / "fibload")


@pytest.fixture(scope="session")
def hurried_fibload(programs: Path) -> Program:
    """The load generator before everything else on this machine."""
    require("real-time priority")
    return Program(programs / "fibload", is_hurried=True)
