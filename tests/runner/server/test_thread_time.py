# SPDX-License-Identifier: BSD-3-Clause
"""The time of a server's threads adds up, or is said to be unknown: never low, never of others."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import pytest
from tests.here import require
from tests.processes import wait_until
from tests.runner.server.talk import FORK_STORM, Talk

from fibench.machine.foreign import cpu_times
from fibench.machine.processes import TICK_NS, cpu_clock_ns, read_stat, thread_ids
from fibench.server import thread_time
from fibench.server.starting import RunningServer
from fibench.server.thread_time import (
    NOT_KEPT,
    UNSURE_SHARE,
    SchedStat,
    ThreadKey,
    ThreadReader,
    ThreadsSnapshot,
    ThreadUse,
    threads_between,
)

S = 1_000_000_000
CLOSE = 0.03
"""So close to wall time × threads is what they did."""
SPIN = "threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()\n"
"""A thread that computes for ever, and alone: nobody else asks for the GIL."""
TWO_ON_ONE_CPU = (
    "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    "if os.fork() == 0:\n"
    "    while True: pass\n"
    "say('up')\n"
    "while True: pass"
)
COME_AND_GO = (
    "while heard():\n"
    "    for _ in range(60):\n"
    "        t = threading.Thread(target=burn, args=(0.005,)); t.start(); t.join()\n"
    "    say('done')"
)


@pytest.fixture(params=["subreaper", "cgroup"])
def ask(request: pytest.FixtureRequest) -> Callable[[str], Talk]:
    """Starts servers, by either source of the CPU time of a tree."""
    require("schedstat")
    name = "talk_in_cgroup" if request.param == "cgroup" else "talk"
    found: Callable[[str], Talk] = request.getfixturevalue(name)
    return found


READERS: dict[int, ThreadReader] = {}
"""By the number of a server's supervisor."""


@pytest.fixture(autouse=True)
def _readers() -> Iterator[None]:
    """Closes the files of all that was read."""
    yield
    while READERS:
        READERS.popitem()[1].close()


def read_threads(running: RunningServer, since: ThreadsSnapshot | None = None) -> ThreadsSnapshot:
    """A reading by the server's own reader."""
    reader = READERS.setdefault(running.supervisor_pid, ThreadReader(running))
    return reader.read(since)


def used(running: RunningServer) -> int:
    return sum(map(cpu_clock_ns, running.tree()))


def has_used(running: RunningServer, until_ns: int) -> bool:
    return used(running) >= until_ns


def waits(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and stat.state == "S"


def has_ended(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is not None and not stat.alive


def passed(until_ns: int) -> bool:
    return time.monotonic_ns() >= until_ns


def while_it_computes(running: RunningServer) -> tuple[ThreadsSnapshot, ThreadsSnapshot, int]:
    """Two readings between which a server uses a second of CPU time, however long that takes, and
    what the hypervisor took meanwhile: whoever ran then had not used it."""
    stolen = cpu_times()
    begin = read_threads(running)
    wait_until(partial(has_used, running, used(running) + S), "a second of CPU time is used")
    end = read_threads(running, begin)
    now = cpu_times()
    if stolen is None or now is None:
        return begin, end, 0
    return begin, end, int((now.steal_s - stolen.steal_s) * S)


def use_between(begin: ThreadsSnapshot, end: ThreadsSnapshot) -> ThreadUse:
    found = threads_between(begin, end, until_ns=end.end_ns, seen=0)
    assert isinstance(found, ThreadUse), found
    return found


def why_not(begin: ThreadsSnapshot, end: ThreadsSnapshot, seen: int = 0) -> str:
    found = threads_between(begin, end, until_ns=end.end_ns, seen=seen)
    assert isinstance(found, str), found
    return found


def late_ns(begin: ThreadsSnapshot, end: ThreadsSnapshot) -> int:
    """By how much readings may be off: of each thread by a tick, and by one wait for a CPU."""
    waits = ticks = 0
    for key, told in end.threads.items():
        _, ready, times = told.numbers()
        _, ready_then, times_then = begin.threads[key].numbers()
        waits += (ready - ready_then) // max(1, times - times_then)
        ticks += 2 * TICK_NS if told.line != begin.threads[key].line else 0
    return 4 * waits + ticks


def adds_up(
    use: ThreadUse, busy: int, begin: ThreadsSnapshot, end: ThreadsSnapshot, stolen: int
) -> None:
    """So many threads are always running or ready, and the others never."""
    did_ns, wall_ns = use.ran_ns + use.ready_ns, busy * use.thread_ns // len(end.threads)
    off_ns = int(CLOSE * wall_ns) + late_ns(begin, end)
    assert wall_ns - off_ns - stolen <= did_ns <= wall_ns + off_ns


# Programs of which is known what their threads do


def test_one_that_computes_runs_or_is_ready_all_the_time_and_one_that_waits_neither(
    ask: Callable[[str], Talk],
) -> None:
    server = ask("if os.fork() == 0:\n    while True: pass\nsay('up'); heard()")
    assert server.hear() == "up"
    wait_until(partial(waits, server.running.pid), "the first one waits")
    begin, end, stolen = while_it_computes(server.running)
    use = use_between(begin, end)
    assert len(end.threads) == 2
    assert use.thread_ns == pytest.approx(2 * use.wall_ns, rel=CLOSE)
    adds_up(use, 1, begin, end, stolen)
    first = ThreadKey(server.running.pid, server.running.pid)
    assert end.threads[first].line == begin.threads[first].line
    assert use.running + use.ready <= 0.5 * (1.0 + CLOSE) + late_ns(begin, end) / use.thread_ns


def test_two_that_compute_on_one_cpu_run_in_turn_and_are_ready_meanwhile(
    ask: Callable[[str], Talk],
) -> None:
    server = ask(TWO_ON_ONE_CPU)
    assert server.hear() == "up"
    begin, end, stolen = while_it_computes(server.running)
    use = use_between(begin, end)
    assert len(end.threads) == 2
    adds_up(use, 2, begin, end, stolen)
    off = late_ns(begin, end) / use.thread_ns
    assert use.running <= 0.5 * (1.0 + CLOSE) + off, "one CPU lets one run at a time"
    assert use.ready >= 0.5 * (1.0 - CLOSE) - off - stolen / use.thread_ns


def test_one_that_waits_neither_runs_nor_is_ready(ask: Callable[[str], Talk]) -> None:
    server = ask("heard()")
    wait_until(partial(waits, server.running.pid), "it waits")
    begin = read_threads(server.running)
    wait_until(partial(passed, begin.end_ns + S // 5), "some time has passed")
    use = use_between(begin, read_threads(server.running, begin))
    assert (use.running, use.ready) == (0.0, 0.0)
    assert use.thread_ns == pytest.approx(use.wall_ns, rel=CLOSE)


def test_one_that_begins_in_the_window_counts_from_then_on(ask: Callable[[str], Talk]) -> None:
    server = ask("say('up'); heard()\n" + SPIN + "say('more'); heard()")
    assert server.hear() == "up"
    begin = read_threads(server.running)
    wait_until(partial(passed, begin.end_ns + S // 2), "some time has passed")
    before_ns = time.monotonic_ns()
    assert server.ask() == "more"
    after_ns = time.monotonic_ns()
    wait_until(partial(passed, after_ns + S // 2), "some more has passed")
    end = read_threads(server.running, begin)
    (new,) = end.threads.keys() - begin.threads.keys()
    began_ns = end.began_ns[new]
    assert began_ns is not None
    assert before_ns - 2 * TICK_NS <= began_ns <= after_ns + 2 * TICK_NS
    use = use_between(begin, end)
    there_ns = end.threads[new].at_ns - began_ns
    assert use.thread_ns == pytest.approx(use.wall_ns + there_ns, rel=CLOSE)


@pytest.mark.parametrize("text", [FORK_STORM, COME_AND_GO], ids=["processes", "threads"])
def test_of_those_that_come_and_go_nothing_is_told(ask: Callable[[str], Talk], text: str) -> None:
    server = ask(text)
    wait_until(lambda: len(thread_ids(server.running.pid)) == 1, "it is alone")
    begin = read_threads(server.running)
    server.ask()
    wait_until(lambda: len(thread_ids(server.running.pid)) == 1, "it is alone again")
    why = why_not(begin, read_threads(server.running, begin))
    assert why.startswith("threads that had ended by then used ")
    assert why.endswith(" of the CPU time of its window")


def test_one_that_ends_in_the_window_is_named_as_gone(ask: Callable[[str], Talk]) -> None:
    server = ask(
        "go = threading.Event(); t = threading.Thread(target=go.wait); t.start(); say('up')\n"
        "heard(); go.set(); t.join(); say('gone'); heard()"
    )
    assert server.hear() == "up"
    begin = read_threads(server.running)
    assert server.ask() == "gone"
    wait_until(lambda: len(thread_ids(server.running.pid)) == 1, "it is gone")
    why = why_not(begin, read_threads(server.running, begin))
    assert why == "1 of the 2 threads at its begin ended before its end"


def test_one_that_has_ended_and_that_nobody_waits_for_is_no_thread(
    ask: Callable[[str], Talk],
) -> None:
    server = ask("child = os.fork()\nif child == 0: os._exit(0)\nsay(child); heard()")
    child = int(server.hear())
    wait_until(partial(has_ended, child), "it has ended")
    begin = read_threads(server.running)
    wait_until(partial(passed, begin.end_ns + S // 5), "some time has passed")
    end = read_threads(server.running, begin)
    # A tree lists it until its parent has waited for it, and a cgroup does not.
    assert end.ended == {ThreadKey(child, child)} & end.threads.keys()
    use = use_between(begin, end)
    assert use.thread_ns == pytest.approx(use.wall_ns, rel=CLOSE), "one lives of the two listed"


def test_a_server_that_ends_meanwhile_is_one_of_which_nothing_is_known(
    ask: Callable[[str], Talk],
) -> None:
    server = ask("heard()")
    begin = read_threads(server.running)
    os.kill(server.running.pid, signal.SIGKILL)
    wait_until(lambda: not server.running.alive(), "it has ended")
    end = read_threads(server.running, begin)
    assert why_not(begin, end) == "no thread of the server can be seen in /proc"


@pytest.mark.needs("schedstat")
@pytest.mark.parametrize("room", [0, 1, 100])
def test_files_are_kept_as_far_as_descriptors_go_and_none_of_who_has_ended(
    talk: Callable[[str], Talk], room: int
) -> None:
    server = talk(
        "go = threading.Event(); t = threading.Thread(target=go.wait); t.start(); say('up')\n"
        "heard(); go.set(); t.join(); say('gone'); heard()"
    )
    assert server.hear() == "up"
    before = len(os.listdir("/proc/self/fd"))
    reader = ThreadReader(server.running)
    reader._room = room
    first, again = reader.read(), reader.read()
    assert len(first.threads) == len(again.threads) == 2
    assert len(os.listdir("/proc/self/fd")) == before + min(room, 2)
    for key, told in again.threads.items():
        assert told.numbers() >= first.threads[key].numbers()
    assert server.ask() == "gone"
    wait_until(lambda: len(thread_ids(server.running.pid)) == 1, "it is gone")
    assert len(reader.read().threads) == 1
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before


# What readings make of each other


def reading(
    at_s: float, lines: Mapping[int, tuple[float, float, int]], used_s: float | None
) -> ThreadsSnapshot:
    """A reading of threads of process 1 that had run and been ready for so long, in s."""
    at_ns = int(at_s * S)
    threads = {
        ThreadKey(1, tid): SchedStat(at_ns, f"{ran * S:.0f} {ready * S:.0f} {times}\n".encode())
        for tid, (ran, ready, times) in lines.items()
    }
    used_ns = None if used_s is None else int(used_s * S)
    return ThreadsSnapshot(at_ns, at_ns, threads, used_ns, TICK_NS)


def test_what_threads_did_is_summed() -> None:
    begin = reading(10.0, {1: (1.0, 0.5, 10), 2: (0.0, 0.0, 1)}, 1.0)
    end = reading(11.0, {1: (1.75, 0.6, 20), 2: (0.25, 0.3, 9)}, 2.0)
    use = use_between(begin, end)
    assert use.running == pytest.approx(0.5)
    assert use.ready == pytest.approx(0.2)
    assert (use.thread_ns, use.wall_ns) == (2 * S, S)


def test_nobody_has_anything_to_do_after_the_end_of_the_load() -> None:
    begin = reading(10.0, {1: (0.0, 0.0, 1)}, 0.0)
    end = reading(11.0, {1: (0.4, 0.0, 2)}, 0.4)
    found = threads_between(begin, end, until_ns=int(10.8 * S), seen=1)
    assert isinstance(found, ThreadUse)
    assert found.running == pytest.approx(0.5)
    assert found.wall_ns == pytest.approx(0.8 * S)


def test_a_tick_makes_no_share_of_more_than_all() -> None:
    begin = reading(10.0, {1: (0.0, 0.0, 1)}, 0.0)
    assert use_between(begin, reading(10.1, {1: (0.104, 0.0, 2)}, 0.104)).running == 1.0


def test_a_number_that_comes_again_is_another_thread() -> None:
    begin = reading(10.0, {1: (0.0, 0.0, 1), 2: (0.5, 0.0, 9)}, 0.5)
    end = reading(11.0, {1: (0.0, 0.0, 1), 2: (0.1, 0.0, 1)}, 0.6)
    assert why_not(begin, end) == "1 of the 2 threads at its begin ended before its end"


@pytest.mark.parametrize(("threads", "known"), [(20, False), (200, True)])
def test_of_very_many_a_few_may_have_ended(threads: int, known: bool) -> None:
    many = dict.fromkeys(range(1, threads + 1), (0.001, 0.0, 1))
    begin, end = reading(10.0, many, 0.1), reading(11.0, dict(list(many.items())[1:]), 0.1)
    assert (1 / threads <= UNSURE_SHARE) == known
    assert isinstance(threads_between(begin, end, until_ns=end.end_ns, seen=0), ThreadUse) == known


def test_who_was_seen_between_the_readings_alone_came_and_went() -> None:
    begin = reading(10.0, {1: (0.0, 0.0, 1)}, 0.0)
    end = reading(11.0, {1: (0.5, 0.0, 2)}, 0.5)
    assert why_not(begin, end, seen=2) == "threads came and went in the window"


def test_without_the_cpu_time_of_the_tree_nobody_knows_who_came_and_went() -> None:
    begin = reading(10.0, {1: (0.0, 0.0, 1)}, 0.0)
    end = reading(11.0, {1: (0.5, 0.0, 2)}, None)
    assert why_not(begin, end) == "the CPU time of the server is not known"


def test_two_readings_at_once_tell_nothing() -> None:
    both = reading(10.0, {1: (0.0, 0.0, 1)}, 0.0)
    assert why_not(both, both) == "the window was too short to read its threads twice"


# Kernels, containers, permissions


def nothing_there(reader: ThreadReader, folder: int, thread: ThreadKey) -> bytes | None:
    return None


def not_counted(reader: ThreadReader, folder: int, thread: ThreadKey) -> bytes | None:
    return b"0 0 0\n"


def forbidden(reader: ThreadReader, folder: int, thread: ThreadKey) -> bytes | None:
    raise PermissionError


@pytest.mark.needs("schedstat")
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (nothing_there, NOT_KEPT),
        (not_counted, NOT_KEPT),
        (forbidden, "/proc/PID/task/TID/schedstat of the server may not be read"),
    ],
)
def test_what_a_kernel_does_not_tell_is_absent_with_the_reason(
    talk: Callable[[str], Talk], monkeypatch: pytest.MonkeyPatch, line: object, why: str
) -> None:
    server = talk("heard()")
    begin = read_threads(server.running)
    monkeypatch.setattr(ThreadReader, "_line", line)
    end = read_threads(server.running, begin)
    assert why_not(begin, end) == why_not(end, begin) == why
    assert "\n" not in why


def test_where_processes_cannot_be_seen_that_is_said(
    talk: Callable[[str], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under hidepid, where the server changes its user."""
    server = talk("heard()")
    monkeypatch.setattr(thread_time, "descendants", lambda root: [])
    hidden = read_threads(server.running)
    assert why_not(hidden, replace(hidden)) == "no thread of the server can be seen in /proc"
