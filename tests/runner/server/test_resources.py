# SPDX-License-Identifier: BSD-3-Clause
"""CPU time and memory are those of the server's whole tree, or said to be unknown."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from tests.here import require
from tests.processes import wait_until
from tests.runner.small_servers import PATIENCE_S, Starter, command

from fibench.machine import processes
from fibench.machine.processes import (
    descendants,
    descendants_by_children,
    descendants_by_scan,
    thread_ids,
)
from fibench.server import resources
from fibench.server.cgroup import own_folder
from fibench.server.resources import CpuSnapshot, cpu_between, memory, snapshot, switches
from fibench.server.starting import RunningServer

ASK = """
import resource, threading
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
listen(); tell()
connection, _ = listener.accept()
talk = connection.makefile("rw")
def heard(): return talk.readline()
def say(*words): print(*words, file=talk, flush=True)
"""
"""A server that does one thing for each line it is sent on its only connection."""


class Talk:
    """A running small server and the connection to it."""

    def __init__(self, running: RunningServer) -> None:
        self.running = running
        self._socket = socket.create_connection(("127.0.0.1", running.port), PATIENCE_S)
        self._file = self._socket.makefile("rw")

    def ask(self) -> str:
        """Send a line, return the line that comes back."""
        self.say()
        return self.hear()

    def say(self) -> None:
        """Send a line."""
        self._file.write("go\n")
        self._file.flush()

    def hear(self) -> str:
        """The next line that the server says."""
        return self._file.readline().rstrip()

    def silent(self) -> bool:
        """Whether the server has not said anything yet; does not wait."""
        return not select.select([self._socket], [], [], 0)[0]

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()


@pytest.fixture
def talk(programs: Path, tmp_path: Path) -> Iterator[Callable[[str], Talk]]:
    """Starts small servers that are talked to."""
    yield from _talks(Starter(programs / "supervise", tmp_path))


def _talks(start: Starter) -> Iterator[Callable[[str], Talk]]:
    with ExitStack() as stack:

        def begin(text: str) -> Talk:
            running = stack.enter_context(start(command(ASK + text)))
            talking = Talk(running)
            stack.callback(talking.close)
            return talking

        yield begin


@pytest.fixture
def talk_in_cgroup(programs: Path, tmp_path: Path) -> Iterator[Callable[[str], Talk]]:
    """Starts small servers that have a cgroup of their own."""
    require("cgroup v2")
    yield from _talks(Starter(programs / "supervise", tmp_path, cgroup=True))


def used_s(begin: CpuSnapshot, end: CpuSnapshot) -> float:
    used = cpu_between(begin, end)
    assert used is not None
    assert used.total_ns == used.user_ns + used.system_ns
    return used.total_ns / 1e9


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


FORK_STORM = (
    "while heard():\n"
    "    told = 0.0\n"
    "    for _ in range(60):\n"
    "        pid = os.fork()\n"
    "        if pid == 0:\n"
    "            burn(0.005); os._exit(0)\n"
    "        used = os.wait4(pid, 0)[2]; told += used.ru_utime + used.ru_stime\n"
    "    say(told)"
)


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
    honest = resources._cpu_clock_ns
    child = server.running.tree()[-1]
    answers: list[str] = []

    def reaped_meanwhile(pid: int) -> int:
        used_ns = honest(pid)
        if pid == child and not answers:
            answers.append(server.ask())
            return used_ns if when == "after" else honest(pid)
        return used_ns

    monkeypatch.setattr(resources, "_cpu_clock_ns", reaped_meanwhile)
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


def test_memory_shared_by_forked_processes_is_counted_once_in_pss(
    talk: Callable[[str], Talk],
) -> None:
    server = talk(
        "block = bytearray(os.urandom(32 << 20)); heard()\n"
        "ready, tell_ready = os.pipe()\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0: os.write(tell_ready, b'.'); signal.pause()\n"
        "for _ in range(3): os.read(ready, 1)\n"
        "say('forked'); heard()"
    )
    server.ask()
    seen = memory(server.running)
    block = 32 << 20
    assert seen.processes == 4
    assert seen.rss_bytes > 4 * block
    assert seen.pss_bytes is not None
    assert block < seen.pss_bytes < 2 * block


def test_memory_that_may_not_be_read_is_unknown_not_low(
    talk: Callable[[str], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = talk("heard()")
    honest = processes.read_proc

    def without_rollup(path: str) -> bytes | None:
        if path.endswith("smaps_rollup"):
            raise PermissionError(path)
        return honest(path)

    monkeypatch.setattr(resources, "read_proc", without_rollup)
    seen = memory(server.running)
    assert seen.pss_bytes is None
    assert seen.rss_bytes > 0
    assert seen.processes == 1


THREADED = (
    "import ctypes\n"
    "def work():\n"
    "    for _ in range(40): ctypes.CDLL(None).usleep(1000); burn(0.001)\n"
    "while heard():\n"
    "    threads = [threading.Thread(target=work) for _ in range(4)]\n"
    "    for t in threads: t.start()\n"
    "    for t in threads: t.join()\n"
    "    say('done')"
)


@pytest.mark.parametrize("text", [FORK_STORM, THREADED], ids=["forking", "threaded"])
def test_both_ways_of_accounting_agree(talk_in_cgroup: Callable[[str], Talk], text: str) -> None:
    server = talk_in_cgroup(text)
    supervisor = server.running.supervisor_pid
    begins = snapshot(server.running), resources._snapshot_of_tree(supervisor)
    server.ask()
    ends = snapshot(server.running), resources._snapshot_of_tree(supervisor)
    assert [end.accounting for end in ends] == ["cgroup", "subreaper"]
    by_cgroup, by_tree = map(used_s, begins, ends)
    assert by_cgroup > 0.1
    # Two ticks of reaped time and, at each edge, one of the clock of each running CPU.
    assert by_cgroup == pytest.approx(by_tree, rel=0.03, abs=0.04)


def test_a_cgroup_knows_children_that_nobody_waits_for(
    talk_in_cgroup: Callable[[str], Talk],
) -> None:
    server = talk_in_cgroup(
        "heard(); signal.signal(signal.SIGCHLD, signal.SIG_IGN); alive, hold = os.pipe()\n"
        "if os.fork() == 0: burn(0.1); os._exit(0)\n"
        "os.close(hold); os.read(alive, 1); say('gone'); heard()"
    )
    begin = snapshot(server.running)
    server.ask()
    end = snapshot(server.running)
    assert end.complete
    assert end.children_lost
    assert 0.1 <= used_s(begin, end) < 0.5


def test_figures_of_two_kinds_are_not_subtracted(talk_in_cgroup: Callable[[str], Talk]) -> None:
    server = talk_in_cgroup("heard()")
    begin = resources._snapshot_of_tree(server.running.supervisor_pid)
    assert cpu_between(begin, snapshot(server.running)) is None


def test_a_cgroup_is_removed_with_its_server(talk_in_cgroup: Callable[[str], Talk]) -> None:
    server = talk_in_cgroup("heard()")
    cgroup = server.running.cgroup
    assert cgroup is not None
    assert cgroup.path.is_dir()
    server.running.kill()
    assert not cgroup.path.exists()


def test_a_cgroup_that_cannot_be_removed_hinders_nothing(
    talk_in_cgroup: Callable[[str], Talk],
) -> None:
    server = talk_in_cgroup("heard()")
    cgroup = server.running.cgroup
    assert cgroup is not None
    nested = cgroup.path / "nested"
    nested.mkdir()
    try:
        assert server.running.kill().forced
        assert cgroup.path.is_dir()
    finally:
        nested.rmdir()
        cgroup.remove()


@pytest.mark.parametrize(
    ("own", "mount", "folder"),
    [
        ("/", "/ /sys/fs/cgroup", "/sys/fs/cgroup"),
        ("/", "/ /sys/fs/cgroup/unified", "/sys/fs/cgroup/unified"),
        ("/user.slice/a.scope", "/ /sys/fs/cgroup", "/sys/fs/cgroup/user.slice/a.scope"),
        ("/docker/1/x", "/docker/1 /sys/fs/cgroup", "/sys/fs/cgroup/x"),
        ("/a", r"/ /mnt/two\040words", "/mnt/two words/a"),
        ("/other", "/docker/1 /sys/fs/cgroup", None),
        ("/../outside", "/ /sys/fs/cgroup", None),
    ],
)
def test_the_own_cgroup_is_found_through_mountinfo(
    tmp_path: Path, own: str, mount: str, folder: str | None
) -> None:
    membership, mounts = tmp_path / "cgroup", tmp_path / "mountinfo"
    membership.write_text(f"9:name=systemd:/v1\n1:cpu:/v1\n0::{own}\n")
    mounts.write_text(
        "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
        f"41 31 0:38 {mount} rw,relatime shared:1 - cgroup2 cgroup2 rw\n"
    )
    assert own_folder(membership, mounts) == (None if folder is None else Path(folder))
    membership.write_text("1:cpu:/v1\n")
    assert own_folder(membership, mounts) is None
    assert own_folder(tmp_path / "none", mounts) is None
