# SPDX-License-Identifier: BSD-3-Clause
"""A fibload that stands still, at whatever moment and for however long: what it tells is what was,
and what it finds out after its window is no part of it.

The ways in which a thread may come late are held one by one by src_c/load/drive/test-flight.c and
test-window.c.
"""

import contextlib
import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.processes import stop

from .conftest import Program
from .servers import ASK_30, Action, serving

Process = subprocess.Popen[str]
FRAMINGS = pytest.mark.parametrize("framing", ["message", "line"])


def stop_it(process: Process) -> None:
    """Stop a process, unless it has ended."""
    stop(lambda: [process.pid] if process.poll() is None else [])


def stand_still(process: Process, length_s: float) -> None:
    """Stop a process, and let it go on after a while."""
    stop_it(process)
    time.sleep(length_s)  # which is the stall itself
    process.send_signal(signal.SIGCONT)


def await_idleness(process: Process) -> None:
    """Wait until the first thread of a process, which keeps the time, has nothing to do."""
    stat = Path(f"/proc/{process.pid}/task/{process.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] not in "SZ":
        os.sched_yield()


class Stalls:
    """Let a process run and stand still by turns, for so many seconds each, from its start on; then
    interrupt it, if that is wanted and as soon as its window has begun."""

    def __init__(self, spans_s: Sequence[tuple[float, float]], *, interrupt: bool) -> None:
        self._spans_s = spans_s
        self._interrupt = interrupt
        self._begun = threading.Event()
        self._ended = threading.Event()

    def begin(self, _process: Process) -> None:
        """Take note that its window has begun."""
        self._begun.set()

    @contextlib.contextmanager
    def during(self, process: Process) -> Iterator[None]:
        """Do so for the length of a with block."""
        thread = threading.Thread(target=self._stall, args=(process,))
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._begun.set()
            thread.join()

    def _stall(self, process: Process) -> None:
        for run_s, stop_s in self._spans_s:
            if self._ended.wait(run_s):
                return
            stop_it(process)
            self._ended.wait(stop_s)
            process.send_signal(signal.SIGCONT)
        if self._interrupt:
            self._begun.wait()
            process.send_signal(signal.SIGINT)


@FRAMINGS
@pytest.mark.parametrize("loop", [(), ("--rate", "100")], ids=["closed", "open"])
def test_who_stands_still_across_the_end_has_given_nobody_up(
    fibload: Program, framing: str, loop: tuple[str, ...]
) -> None:
    # What is in flight is too old when the process goes on, and was not when the window ended.
    with serving(line=framing == "line", actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, *loop, "--clients", "8", "--threads", "4",
            "--warmup", "0.1", "--timeout", "1.05", "--duration", "0.9",
            at_begin=lambda process: stand_still(process, 1.1),
        )  # fmt: skip
    assert answer.counts["timeout"] == 0
    assert answer.counts["unfinished"] == answer.counts["started"] >= 8
    if not loop:
        assert answer.report["closed_loop"]["littles_law"] == pytest.approx(1, abs=1e-6)


def test_replies_do_not_cease_while_nobody_could_read_them(fibload: Program) -> None:
    # Without a reply it waits for 2 * 0.5 + 0.1 s: it could not look for longer, and then for less.
    asked, gone_on = threading.Event(), threading.Event()

    def when_it_goes_on() -> None:
        asked.set()
        gone_on.wait()
        time.sleep(0.3)  # so long does this server take

    def stand_still_once_it_has_asked(process: Process) -> None:
        asked.wait(10)
        await_idleness(process)
        stand_still(process, 1.3)
        gone_on.set()

    with serving(line=True, before_reply=when_it_goes_on) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--timeout", "0.5", "--requests", "2",
            at_begin=stand_still_once_it_has_asked,
        )  # fmt: skip
    assert answer.report["window"]["ok"] == 2
    assert "stopped before the wanted number" not in answer.reasons


clients = st.integers(1, 9).map(lambda number: ("--clients", f"{number}"))
loops = st.one_of(
    clients,
    st.tuples(clients, st.sampled_from(["300", "3000"])).map(lambda it: (*it[0], "--rate", it[1])),
    clients.map(lambda clients: (*clients, "--rate", "3000", "--max-overdue", "30")),
    st.just((
        "--group", "name=few,clients=2", "--group", "name=many,clients=5",
        "--group", "name=open,clients=3,rate=300", "--group", "name=idle,clients=2,idle",
    )),
)  # fmt: skip
shapes = st.one_of(
    st.just(("--framing", "message")),
    st.tuples(st.integers(1, 9), st.integers(0, 7)).map(
        lambda it: (
            *("--framing", "line", "--pipeline", f"{it[0]}"),
            *("--requests-per-connection", f"{it[1]}"),
        )
    ),
)
ends = st.sampled_from([("--duration", "0.2"), ("--requests", "50")])
warmups = st.sampled_from([(), ("--warmup", "0.05")])
threads = st.sampled_from([(), ("--threads", "2")])
options = st.tuples(shapes, loops, ends, warmups, threads).map(
    lambda parts: tuple(itertools.chain.from_iterable(parts))
)


def is_possible(options: tuple[str, ...]) -> bool:
    """Say whether there are no more threads than clients."""
    return "--threads" not in options or ("--clients", "1") not in itertools.pairwise(options)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    options=options.filter(is_possible),
    actions=st.lists(st.sampled_from(Action), min_size=1, max_size=12),
    spans_s=st.lists(st.tuples(st.floats(0, 0.15), st.floats(0, 0.25)), max_size=5),
    interrupt=st.booleans(),
)
def test_what_is_told_holds_however_often_it_stands_still(
    fibload: Program,
    options: tuple[str, ...],
    actions: list[Action],
    spans_s: list[tuple[float, float]],
    *,
    interrupt: bool,
) -> None:
    stalls = Stalls(spans_s, interrupt=interrupt)
    with serving(line="line" in options, actions=actions) as server:
        fibload.load(  # which checks all that is true of every run
            server.port, *ASK_30, *options, "--timeout", "0.05",
            meanwhile=stalls.during, at_begin=stalls.begin,
        )  # fmt: skip
