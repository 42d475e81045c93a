# SPDX-License-Identifier: BSD-3-Clause
"""CPU time and memory are those of the server's whole tree, or said to be unknown."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from tests.processes import wait_until
from tests.runner.server.talk import FORK_STORM, Talk, used_s

from fibench.machine import processes
from fibench.machine.processes import (
    descendants,
    descendants_by_children,
    descendants_by_scan,
    thread_ids,
)
from fibench.server import resources
from fibench.server.resources import cpu_between, snapshot, switches
from fibench.server.starting import RunningServer


def has_threads(running: RunningServer, count: int) -> bool:
    return len(thread_ids(running.pid)) == count


def test_cpu_time_of_threads_is_counted_once_they_ended_and_while_they_live(
    talk: Callable[[str], Talk],
) -> None:
    server = talk(
        "heard()\n"
        "for _ in range(5):\n"
        "    t = threading.Thread(target=lambda: [x for x in range(300000)])\n"
        "    t.start(); t.join()\n"
        "say(time.process_time())\n"
        "heard()\n"
        "stay = threading.Thread(target=signal.pause, daemon=True); stay.start()\n"
        "burn(0.05); say(time.process_time()); heard()"
    )
    for threads in (1, 2):
        told_s = float(server.ask())
        # A joined thread is gone a moment later.
        wait_until(partial(has_threads, server.running, threads), "it is gone")
        seen = snapshot(server.running)
        assert seen.complete
        assert seen.total_ns / 1e9 == pytest.approx(told_s, abs=0.02)
        assert seen.user_ns + seen.system_ns == seen.total_ns
        assert (seen.processes, seen.threads) == (1, threads)


def test_cpu_time_of_short_lived_children_is_accounted(talk: Callable[[str], Talk]) -> None:
    server = talk(FORK_STORM)
    begin = snapshot(server.running)
    told_s = float(server.ask())
    end = snapshot(server.running)
    own_s = (end.total_ns - end.reaped_ns - begin.total_ns + begin.reaped_ns) / 1e9
    assert told_s > 0.3
    assert used_s(begin, end) - own_s == pytest.approx(told_s, rel=0.05, abs=0.02)


def test_cpu_time_of_orphans_that_supervise_reaps_is_accounted(
    talk: Callable[[str], Talk],
) -> None:
    server = talk(
        "heard(); alive, hold = os.pipe()\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0:\n"
        "        if os.fork() == 0: burn(0.1)\n"
        "        os._exit(0)\n"
        "os.close(hold); os.read(alive, 1)\n"
        "for _ in range(4): os.wait()\n"
        "say(0.4); heard()"
    )
    begin = snapshot(server.running)
    told_s = float(server.ask())
    # Their pipe closes a moment before they can be reaped.
    wait_until(lambda: len(server.running.tree()) <= 1, "the orphans are reaped")
    assert used_s(begin, snapshot(server.running)) == pytest.approx(told_s, rel=0.1, abs=0.03)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_child_that_is_reaped_while_it_is_read_is_counted_once(
    talk: Callable[[str], Talk], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    server = talk(
        "heard(); child = os.fork()\n"
        "if child == 0: burn(0.2); say('burnt'); signal.pause()\n"
        "heard(); os.kill(child, signal.SIGTERM); os.wait(); say('reaped'); heard()"
    )
    assert server.ask() == "burnt"
    honest = processes.cpu_clock_ns
    child = server.running.tree()[-1]
    answers: list[str] = []

    def reaped_meanwhile(pid: int) -> int:
        used_ns = honest(pid)
        if pid == child and not answers:
            answers.append(server.ask())
            return used_ns if when == "after" else honest(pid)
        return used_ns

    monkeypatch.setattr(resources, "cpu_clock_ns", reaped_meanwhile)
    seen = snapshot(server.running)
    assert answers == ["reaped"]
    assert seen.complete
    assert seen.processes == 1
    assert seen.reaped_ns / 1e9 == pytest.approx(0.2, abs=0.03)
    assert seen.total_ns - seen.reaped_ns == pytest.approx(honest(server.running.pid), abs=5e6)


def test_snapshots_in_a_storm_of_forks_neither_lose_nor_double_a_child(
    talk: Callable[[str], Talk],
) -> None:
    # One child that used much ends among many that use little, again and again.
    server = talk(
        "say('up')\n"
        "for _ in range(4):\n"
        "    big = os.fork()\n"
        "    if big == 0: burn(0.08); os._exit(0)\n"
        "    while os.waitpid(-1, 0)[0] != big:\n"
        "        pass\n"
        "    for _ in range(40):\n"
        "        if os.fork() == 0: os._exit(0)\n"
        "    for _ in range(40): os.wait()\n"
        "say('done'); heard()"
    )
    assert server.hear() == "up"
    cores = os.cpu_count() or 1
    last = snapshot(server.running)
    count = 0
    while server.silent():
        now = snapshot(server.running)
        if now.complete and last.complete:
            count += 1
            wall_ns = now.monotonic_ns - last.monotonic_ns
            gained_ns = now.total_ns - last.total_ns
            # A tick of reaped user time, one of system time, and what two readings leave open.
            slack_ns = 2 * 10_000_000 + 2 * resources.TOLERANCE_NS
            assert -slack_ns <= gained_ns <= cores * wall_ns + slack_ns
            last = now
    assert count > 20


def test_a_server_that_ignores_sigchld_has_no_complete_cpu_time(
    talk: Callable[[str], Talk],
) -> None:
    server = talk(
        "heard(); signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "if os.fork() == 0: burn(0.05); os._exit(0)\n"
        "say('forked'); heard()"
    )
    begin = snapshot(server.running)
    assert begin.complete
    server.ask()
    end = snapshot(server.running)
    assert not end.complete
    assert cpu_between(begin, end) is None
    assert cpu_between(end, begin) is None


def test_children_that_end_faster_than_they_can_be_read_leave_the_snapshot_incomplete(
    talk: Callable[[str], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = talk("heard()")
    honest = resources._read

    @dataclass
    class Restless:
        reaped_ns: int = 0

        def __call__(self, supervisor: int) -> resources._Reading:
            return honest(supervisor)._replace(uncertain_ns=self.reaped_ns)

    monkeypatch.setattr(resources, "_read", Restless(resources.TOLERANCE_NS))
    assert snapshot(server.running).complete
    monkeypatch.setattr(resources, "_read", Restless(resources.TOLERANCE_NS + 1))
    assert not snapshot(server.running).complete


def test_context_switches_of_all_living_threads_are_counted(
    talk: Callable[[str], Talk],
) -> None:
    server = talk(
        "def idle():\n"
        "    for _ in range(50): time.sleep(0.0001)\n"
        "    done.wait(); end.wait()\n"
        "done = threading.Barrier(3); end = threading.Event()\n"
        "heard()\n"
        "for _ in range(2): threading.Thread(target=idle, daemon=True).start()\n"
        "done.wait(); say('idled'); heard()"
    )
    begin = switches(server.running)
    server.ask()
    end = switches(server.running)
    assert end.voluntary - begin.voluntary >= 100
    assert end.involuntary >= begin.involuntary


def test_context_switches_of_a_life_count_what_has_ended(talk: Callable[[str], Talk]) -> None:
    server = talk(
        "def wait():\n"
        "    for _ in range(50): time.sleep(0.0001)\n"
        "heard()\n"
        "thread = threading.Thread(target=wait); thread.start(); thread.join()\n"
        "if os.fork() == 0: wait(); os._exit(0)\n"
        "os.wait(); say('done'); heard()"
    )
    ready = switches(server.running)
    server.ask()
    assert switches(server.running).voluntary - ready.voluntary < 50
    used = server.running.kill().used
    assert used is not None
    assert used.voluntary_switches - ready.voluntary >= 100


def test_a_child_of_any_thread_is_found(talk: Callable[[str], Talk]) -> None:
    server = talk(
        "heard()\n"
        "def fork():\n"
        "    if os.fork() == 0: signal.pause()\n"
        "    say('forked'); signal.pause()\n"
        "threading.Thread(target=fork, daemon=True).start(); signal.pause()"
    )
    server.ask()
    running = server.running
    assert len(thread_ids(running.pid)) == 2
    assert len(running.tree()) == 2
    assert running.tree()[0] == running.pid
    assert descendants_by_scan(running.supervisor_pid) == running.tree()
    if Path(f"/proc/self/task/{os.getpid()}/children").exists():
        assert descendants_by_children(running.supervisor_pid) == running.tree()


def test_a_long_lived_process_is_found_whatever_is_orphaned_meanwhile(
    talk: Callable[[str], Talk],
) -> None:
    server = talk(
        "heard(); ready, tell_ready = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.fork(); os.write(tell_ready, b'.'); signal.pause()\n"
        "for _ in range(2): os.read(ready, 1)\n"
        "say('up')\n"
        "heard()\n"
        "for _ in range(200):\n"
        "    if os.fork() == 0:\n"
        "        if os.fork() == 0: os.setsid(); os.fork()\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "say('done'); heard()"
    )
    assert server.ask() == "up"
    root, stay = server.running.supervisor_pid, set(server.running.tree())
    assert len(stay) == 3
    server.say()
    seen = 0
    while server.silent():
        assert stay <= set(descendants(root))
        assert stay <= set(descendants_by_scan(root))
        seen += 1
    assert seen > 0
