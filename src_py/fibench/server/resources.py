# SPDX-License-Identifier: BSD-3-Clause
"""CPU time and context switches of a server's whole process tree, ended children included.

CPU time comes from a cgroup v2 of the server's own where there is one (cgroup.py), and otherwise
from the tree itself. The CPU time of a process that has ended is kept by the one that waited for
it, and at last by `supervise`, which inherits every orphan: so the time of a tree is what its
living processes used, plus what all of them, and `supervise`, have reaped.

Both sources know living processes equally well: the kernel adds what a running thread uses at each
tick of its CPU (1 to 10 ms, CONFIG_HZ), and when the thread is switched, so that either figure is
late by up to one tick for each running CPU, and the same at both edges of a window on average. The
cgroup is the better one, since it keeps ended processes to the microsecond whoever reaped them, in
one read. The tree knows reaped time in ticks of 10 ms for each process that reaps, and loses the
children of one that ignores SIGCHLD.
"""

import signal
import time
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from fibench.machine import descendants, read_proc
from fibench.machine.processes import TICK_NS, Stat, cpu_clock_ns, read_stat, thread_ids
from fibench.server.cgroup import Cgroup, CpuTime

PASSES = 8
"""How often a snapshot is tried while children end in the middle of it."""
TOLERANCE_NS = 2 * TICK_NS
"""What may at most be reaped in the middle of a snapshot that is still used."""


Accounting = Literal["cgroup", "subreaper"]
"""Where CPU times come from."""


class Observed(Protocol):
    """What a snapshot needs of a running server."""

    @property
    def supervisor_pid(self) -> int:
        """The process whose descendants are the server."""

    @property
    def cgroup(self) -> Cgroup | None:
        """The cgroup of its own, if it has one."""


@dataclass(frozen=True)
class CpuSnapshot:
    """What the tree had used since it started, at one moment of CLOCK_MONOTONIC.

    Where `complete` is false a part of the CPU time cannot be known (a process ignores SIGCHLD, so
    that its children's times are lost, or children ended faster than they could be read): the
    figures are too low and must not be used.
    """

    monotonic_ns: int
    user_ns: int
    system_ns: int
    total_ns: int
    processes: int
    threads: int
    complete: bool
    accounting: Accounting
    children_lost: bool
    """A process ignores SIGCHLD: its children are in no parent's account. A cgroup's has them."""
    reaped_ns: int = 0
    """The part of `total_ns` that belongs to processes that have ended; 0 from a cgroup."""


@dataclass(frozen=True)
class CpuUse:
    """What a tree used between two snapshots."""

    wall_ns: int
    user_ns: int
    system_ns: int
    total_ns: int


def snapshot(running: Observed) -> CpuSnapshot:
    """Read the CPU time of the server's tree; takes about as long as reading /proc once."""
    if running.cgroup is not None:
        monotonic_ns = time.monotonic_ns()
        used = running.cgroup.cpu_time()
        if used is not None:
            return _with_tree(running.supervisor_pid, monotonic_ns, used)
    return _snapshot_of_tree(running.supervisor_pid)


def _with_tree(supervisor: int, monotonic_ns: int, used: CpuTime) -> CpuSnapshot:
    """What a cgroup has used, and the tree's processes and threads, which it does not tell."""
    pids = descendants(supervisor)
    living = [stat for pid in pids if (stat := read_stat(pid)) is not None]
    return CpuSnapshot(
        monotonic_ns=monotonic_ns,
        user_ns=used.total_ns - used.system_ns,
        system_ns=used.system_ns,
        total_ns=used.total_ns,
        processes=len(living),
        threads=sum(stat.threads for stat in living),
        complete=True,
        accounting="cgroup",
        children_lost=_ignores_children(pids),
    )


def _snapshot_of_tree(supervisor: int) -> CpuSnapshot:
    best = _read(supervisor)
    for _ in range(PASSES - 1):
        if best.uncertain_ns == 0:
            break
        best = min(best, _read(supervisor), key=lambda reading: reading.uncertain_ns)
    children_lost = _ignores_children(best.pids)
    reaped_ns = best.reaped_ns + best.uncertain_ns // 2
    total_ns = best.own_ns + reaped_ns
    system_ns = min(best.system_ns, total_ns)
    return CpuSnapshot(
        monotonic_ns=best.monotonic_ns,
        user_ns=total_ns - system_ns,
        system_ns=system_ns,
        total_ns=total_ns,
        processes=best.processes,
        threads=best.threads,
        complete=best.uncertain_ns <= TOLERANCE_NS and not children_lost,
        accounting="subreaper",
        children_lost=children_lost,
        reaped_ns=reaped_ns,
    )


def cpu_between(begin: CpuSnapshot, end: CpuSnapshot) -> CpuUse | None:
    """Subtract two snapshots of one server; None if one lacks something, or they differ in kind."""
    if not (begin.complete and end.complete) or begin.accounting != end.accounting:
        return None
    return CpuUse(
        wall_ns=end.monotonic_ns - begin.monotonic_ns,
        user_ns=end.user_ns - begin.user_ns,
        system_ns=end.system_ns - begin.system_ns,
        total_ns=end.total_ns - begin.total_ns,
    )


class _Reading(NamedTuple):
    """One pass over the tree."""

    monotonic_ns: int
    pids: list[int]
    own_ns: int
    system_ns: int
    reaped_ns: int
    """Reaped time before the clocks were read: no process is in both."""
    uncertain_ns: int
    """Reaped time that was added while the clocks were read: some of it may be in both."""
    processes: int
    threads: int


def _read(supervisor: int) -> _Reading:
    """Read reaped times, the clocks of the living, then reaped times again.

    First parents before children and last children before parents, so that a process that ends
    meanwhile is missing from the first sum and not counted twice, and is in the last one. If both
    sums agree, nobody was reaped in between, and the clocks complete them exactly.
    """
    pids = descendants(supervisor)
    first = {pid: stat for pid in [supervisor, *pids] if (stat := read_stat(pid)) is not None}
    monotonic_ns = time.monotonic_ns()
    own_ns = sum(cpu_clock_ns(pid) for pid in pids)
    last = [stat for pid in [*reversed(pids), supervisor] if (stat := read_stat(pid)) is not None]
    supervisor_stat = first.pop(supervisor, None)
    living = list(first.values())
    everyone = living if supervisor_stat is None else [supervisor_stat, *living]
    reaped_ns = _reaped_ns(everyone)
    system_ticks = sum(stat.reaped_system for stat in everyone) + sum(s.system for s in living)
    return _Reading(
        monotonic_ns=monotonic_ns,
        pids=pids,
        own_ns=own_ns,
        system_ns=system_ticks * TICK_NS,
        reaped_ns=reaped_ns,
        uncertain_ns=max(0, _reaped_ns(last) - reaped_ns),
        processes=len(living),
        threads=sum(stat.threads for stat in living),
    )


def _reaped_ns(stats: list[Stat]) -> int:
    return sum(stat.reaped_user + stat.reaped_system for stat in stats) * TICK_NS


class Switches(NamedTuple):
    """Context switches: given up by itself, waiting; and taken away, its time over."""

    voluntary: int
    involuntary: int


def switches(running: Observed) -> Switches:
    """Those of all threads alive. A thread that has ended has taken its count with it."""
    voluntary = involuntary = 0
    for pid in descendants(running.supervisor_pid):
        for task in thread_ids(pid):
            status = read_proc(f"/proc/{pid}/task/{task}/status")
            if status is not None:
                voluntary += int(_value(status, b"\nvoluntary_ctxt_switches:") or 0)
                involuntary += int(_value(status, b"\nnonvoluntary_ctxt_switches:") or 0)
    return Switches(voluntary, involuntary)


def _ignores_children(pids: list[int]) -> bool:
    """Whether one ignores SIGCHLD. The kernel reaps its children itself, and forgets their times:
    wait(2), NOTES."""
    for pid in pids:
        ignored = int(_value(read_proc(f"/proc/{pid}/status") or b"", b"\nSigIgn:") or b"0", 16)
        if ignored >> (signal.SIGCHLD - 1) & 1:
            return True
    return False


def _value(status: bytes, key: bytes) -> bytes | None:
    """The first word after `key` in text of the form `Key:   value unit`."""
    begin = status.find(key)
    if begin < 0:
        return None
    return status[begin + len(key) :].split(None, 1)[0]
