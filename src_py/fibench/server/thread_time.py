# SPDX-License-Identifier: BSD-3-Clause
"""How long a server's threads ran, and were ready to run without a CPU, between two readings.

Of each living thread /proc/PID/task/TID/schedstat tells both, in nanoseconds since it began, and
how often it was given a CPU (sched-stats.rst of the kernel; CONFIG_SCHED_INFO). Like every CPU time
they are late by up to a tick of the kernel for a thread that runs, and by one wait for one that is
ready: the same at both readings on average.

A thread that ends takes its run delay with it, and nobody keeps for how long it was there: of a
server whose threads come and go between two readings nothing is known but what it used. So what is
told here is known of nearly all of its threads, or is absent with the reason. Who is at one reading
and not at the other, who was seen between them, and what the accounts of the tree have that its
living threads have not used, show it; what comes and goes between them all, without any of these,
is not seen.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fibench.machine import descendants
from fibench.machine.processes import TICK_NS, cpu_clock_ns, parse_stat, read_proc, read_stat
from fibench.server.resources import TOLERANCE_NS, Observed

UNSURE_SHARE = 0.01
"""So much of the time of all threads may at most be of threads that had ended, or were not seen at
either reading; more, and nothing is told."""
UNSEEN_SHARE = 0.02
"""So much of the CPU time may at most be of threads that are not there."""
NOT_KEPT = (
    "this kernel keeps no /proc/PID/schedstat (CONFIG_SCHED_INFO; where it can be had, "
    "`sysctl kernel.task_delayacct=1` has it kept)"
)
_LONGEST_LINE = 64
_MOST_KEPT = 100_000
_LEFT_TO_OTHERS = 256
"""So many descriptors of those that this process may have are not for files of threads."""
_NOTHING = b"0 0 0\n"


class ThreadKey(NamedTuple):
    """What names one."""

    pid: int
    tid: int


class SchedStat(NamedTuple):
    """What a thread's schedstat held, and when; it is read as numbers when nobody waits."""

    at_ns: int
    line: bytes

    def numbers(self) -> tuple[int, int, int]:
        """Time it ran and time it was ready, in ns, and how often it was given a CPU."""
        ran_ns, ready_ns, times = (int(word) for word in self.line.split())
        return ran_ns, ready_ns, times


@dataclass(frozen=True)
class ThreadsSnapshot:
    """What schedstat held of every thread of a server's tree, `supervise` excluded."""

    begin_ns: int
    """When the reading began, and when it was done, of CLOCK_MONOTONIC."""
    end_ns: int
    threads: Mapping[ThreadKey, SchedStat]
    used_ns: int | None
    """CPU time of the tree just before, ended threads and processes included; None: not known."""
    used_within_ns: int
    """How well that is known."""
    began_ns: Mapping[ThreadKey, int | None] = field(default_factory=dict)
    """When those began that an earlier reading has not (to TICK_NS); None of what has ended."""
    ended: frozenset[ThreadKey] = frozenset()
    """Those that are zombies by now: they are listed, and no threads."""
    absent: str | None = None
    """Why nothing is known."""

    @property
    def middle_ns(self) -> int:
        """When most of it was read, about."""
        return (self.begin_ns + self.end_ns) // 2


@dataclass(frozen=True)
class ThreadUse:
    """What the threads of a server did between two readings, in ns of all of them together."""

    thread_ns: int
    """For how long they were there: wall time × threads, where all lived all the time."""
    ran_ns: int
    ready_ns: int
    """Ready to run without a CPU."""
    wall_ns: int
    """Between the readings."""

    @property
    def running(self) -> float:
        """The share of thread-time; a tick may have made it a little more than all."""
        return min(1.0, self.ran_ns / self.thread_ns)

    @property
    def ready(self) -> float:
        """Likewise."""
        return min(1.0, self.ready_ns / self.thread_ns)


class ThreadReader:
    """Reads the threads of a server, again and again.

    Their files stay open from one reading to the next, as far as descriptors go: to open one takes
    longer than to read it. So a reading takes the runner some 5 µs of CPU time for each thread that
    an earlier one has read, 10 µs for another, and 8 µs more where no cgroup lists the processes.
    """

    def __init__(self, running: Observed) -> None:
        self._running = running
        self._files: dict[ThreadKey, int] = {}
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._room = _MOST_KEPT if most == resource.RLIM_INFINITY else most - _LEFT_TO_OTHERS

    def read(self, since: ThreadsSnapshot | None = None) -> ThreadsSnapshot:
        """Read every thread; the second time with what was read `since`."""
        begin_ns = time.monotonic_ns()
        pids = _processes(self._running)
        used_ns, used_within_ns = _used(self._running, pids)
        found: dict[ThreadKey, SchedStat] = {}
        listed = 0
        absent: str | None = None
        try:
            for pid in pids:
                for thread, told in self._told(pid):
                    listed += 1
                    if told is not None:
                        found[thread] = told
        except PermissionError:
            absent = "/proc/PID/task/TID/schedstat of the server may not be read"
        if absent is None:
            absent = _why_nothing(found, listed)
        end_ns = time.monotonic_ns()
        new = {} if since is None else {key: _began_ns(key) for key in found.keys() - since.threads}
        ended = frozenset() if since is None else frozenset(_zombies(found, since))
        return ThreadsSnapshot(
            *(begin_ns, end_ns, found, used_ns, used_within_ns),
            began_ns=new,
            ended=ended,
            absent=absent,
        )

    def close(self) -> None:
        """Close the files."""
        for fd in self._files.values():
            os.close(fd)
        self._files.clear()

    def _told(self, pid: int) -> Iterator[tuple[ThreadKey, SchedStat | None]]:
        """What each thread of a process tells, None of one without the file. Raises
        PermissionError."""
        try:
            folder = os.open(f"/proc/{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):
            return
        try:
            for name in os.listdir(folder):
                key = ThreadKey(pid, int(name))
                line = self._line(folder, key)
                yield key, None if line is None else SchedStat(time.monotonic_ns(), line)
        except (FileNotFoundError, ProcessLookupError):
            return  # it has ended meanwhile
        finally:
            os.close(folder)

    def _line(self, folder: int, thread: ThreadKey) -> bytes | None:
        fd = self._files.get(thread)
        if fd is not None:
            try:
                return os.pread(fd, _LONGEST_LINE, 0) or None
            except ProcessLookupError:
                os.close(self._files.pop(thread))  # its number may be another's by now
        try:
            fd = os.open(f"{thread.tid}/schedstat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        except (FileNotFoundError, ProcessLookupError):
            return None
        if len(self._files) < self._room:
            self._files[thread] = fd
        try:
            return os.pread(fd, _LONGEST_LINE, 0) or None
        except ProcessLookupError:
            return None
        finally:
            if thread not in self._files:
                os.close(fd)


def _processes(running: Observed) -> Sequence[int]:
    """All processes of the server: one file tells it of a cgroup, and of a tree one a thread."""
    if running.cgroup is not None:
        return running.cgroup.processes()
    return descendants(running.supervisor_pid)


def _why_nothing(found: Mapping[ThreadKey, SchedStat], listed: int) -> str | None:
    if listed == 0:
        return "no thread of the server can be seen in /proc"
    if not found or all(told.line == _NOTHING for told in found.values()):
        return NOT_KEPT
    return None


def _used(running: Observed, pids: Sequence[int]) -> tuple[int | None, int]:
    """CPU time of the whole tree in ns, whoever of it has ended, and how well it is known.

    resources.py has the sources; one pass is enough here, where it is only held against threads.
    """
    if running.cgroup is not None:
        used = running.cgroup.cpu_time()
        return (None, 0) if used is None else (used.total_ns, TICK_NS)
    stats = [read_stat(pid) for pid in (running.supervisor_pid, *pids)]
    reaped = sum(stat.reaped_user + stat.reaped_system for stat in stats if stat is not None)
    return reaped * TICK_NS + sum(cpu_clock_ns(pid) for pid in pids), TICK_NS + TOLERANCE_NS


def _began_ns(thread: ThreadKey) -> int | None:
    """When a thread began, of CLOCK_MONOTONIC; None of one that has ended."""
    data = read_proc(f"/proc/{thread.pid}/task/{thread.tid}/stat")
    stat = None if data is None else parse_stat(data)
    if stat is None or not stat.alive:
        return None
    asleep_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    return stat.began * TICK_NS - asleep_ns


def _zombies(found: Mapping[ThreadKey, SchedStat], since: ThreadsSnapshot) -> Iterator[ThreadKey]:
    """Those that have ended, and are listed since nobody has waited for them: first threads of
    their processes, which have not run since."""
    for thread, told in found.items():
        before = since.threads.get(thread)
        if thread.pid == thread.tid and before is not None and told.line == before.line:
            stat = read_stat(thread.pid)
            if stat is None or not stat.alive:
                yield thread


def threads_between(
    begin: ThreadsSnapshot, end: ThreadsSnapshot, *, until_ns: int, seen: int
) -> ThreadUse | str:
    """What the threads did from one reading to the next, or why that is not known, in a clause.

    Nobody had anything to do from `until_ns` on, if that is before the second reading. `seen` is
    how many threads were there at some moment between them.
    """
    absent = begin.absent or end.absent
    if absent is not None:
        return absent
    wall_ns = min(end.middle_ns, until_ns) - begin.middle_ns
    thread_ns = ran_ns = ready_ns = unsure_ns = lived = 0
    for thread, told in end.threads.items():
        one = _of_one(begin.threads.get(thread), told, until_ns, end.began_ns.get(thread))
        if one is None or thread in end.ended:
            continue
        lived += thread in begin.threads
        unsure_ns += 0 if thread in begin.threads else TICK_NS
        thread_ns, ran_ns, ready_ns = thread_ns + one[0], ran_ns + one[1], ready_ns + one[2]
    if wall_ns <= 0 or thread_ns <= 0:
        return "the window was too short to read its threads twice"
    use = ThreadUse(thread_ns, ran_ns, ready_ns, wall_ns)
    gone = len(begin.threads.keys() - end.ended) - lived
    unseen = max(0, seen - len(begin.threads.keys() | end.threads.keys()))
    unsure_ns += (gone + unseen) * wall_ns
    if gone and unsure_ns > UNSURE_SHARE * (thread_ns + unsure_ns):
        return f"{gone} of the {gone + lived} threads at its begin ended before its end"
    if unsure_ns > UNSURE_SHARE * (thread_ns + unsure_ns):
        return "threads came and went in the window"
    return _with_all_there(use, begin, end)


def _of_one(
    before: SchedStat | None, after: SchedStat, until_ns: int, began_ns: int | None
) -> tuple[int, int, int] | None:
    """For how long a thread was there, ran, and was ready; None of one that has ended, or whose
    number another one had at the first reading."""
    ran_ns, ready_ns, times = after.numbers()
    there_ns = min(after.at_ns, until_ns)
    if before is None:
        return None if began_ns is None else (max(0, there_ns - began_ns), ran_ns, ready_ns)
    gained = (ran_ns - before.numbers()[0], ready_ns - before.numbers()[1])
    if min(*gained, times - before.numbers()[2]) < 0:
        return None
    return max(0, there_ns - before.at_ns), *gained


def _with_all_there(
    use: ThreadUse, begin: ThreadsSnapshot, end: ThreadsSnapshot
) -> ThreadUse | str:
    """The same if these threads have used what the tree has; or else, why it is not known."""
    if begin.used_ns is None or end.used_ns is None:
        return "the CPU time of the server is not known"
    used_ns = end.used_ns - begin.used_ns
    unseen_ns = used_ns - use.ran_ns
    # A running thread goes on while the others are read, and is late by a tick.
    took_ns = max(begin.end_ns - begin.begin_ns, end.end_ns - end.begin_ns)
    within_ns = max(begin.used_within_ns, end.used_within_ns) + took_ns
    bearable_ns = max(UNSEEN_SHARE * used_ns, within_ns * (1.0 + used_ns / use.wall_ns))
    if unseen_ns > bearable_ns:
        share = unseen_ns / used_ns
        return f"threads that had ended by then used {share:.0%} of the CPU time of its window"
    return use
