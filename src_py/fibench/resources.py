# SPDX-License-Identifier: BSD-3-Clause
"""CPU time and memory of a server's whole process tree, forked and ended children included.

The CPU time of a process that has ended is kept by the one that waited for it, and at last by
`supervise`, which inherits every orphan. So the time of a tree is what its living processes used,
plus what all of them, and `supervise`, have reaped. Living processes are read from their CPU clocks
(nanoseconds); reaped time comes in ticks of 10 ms, so that the difference of two snapshots of a
forking server is known to about 10 ms for each process that reaps children.
"""

import os
import signal
import time
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fibench.processes import TICK_NS, Stat, descendants, read_proc, read_stat, thread_ids

PASSES = 8
"""How often a snapshot is tried while children end in the middle of it."""
TOLERANCE_NS = 2 * TICK_NS
"""What may at most be reaped in the middle of a snapshot that is still used."""


class Supervised(Protocol):
    """What a snapshot needs of a running server."""

    @property
    def supervisor_pid(self) -> int:
        """The process whose descendants are the server."""


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
    voluntary_switches: int
    """Of the threads alive. One that has ended has taken its count with it, so what is gained
    between two snapshots is a lower bound for a design that ends threads or processes."""
    involuntary_switches: int
    """Likewise."""
    complete: bool
    reaped_ns: int
    """The part of `total_ns` that belongs to processes that have ended."""


@dataclass(frozen=True)
class CpuUse:
    """What a tree used between two snapshots."""

    wall_ns: int
    user_ns: int
    system_ns: int
    total_ns: int


@dataclass(frozen=True)
class MemorySnapshot:
    """Memory of the tree at one moment, `supervise` excluded.

    `pss_bytes` counts a page shared by k processes as 1/k in each; None where the kernel or the
    permissions do not tell. `rss_bytes` counts it k times.
    """

    pss_bytes: int | None
    rss_bytes: int
    processes: int


def snapshot(running: Supervised) -> CpuSnapshot:
    """Read the CPU time of the server's tree; takes about as long as reading /proc once."""
    best = _read(running.supervisor_pid)
    for _ in range(PASSES - 1):
        if best.uncertain_ns == 0:
            break
        best = min(best, _read(running.supervisor_pid), key=lambda reading: reading.uncertain_ns)
    switches = _read_switches(best.pids)
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
        voluntary_switches=switches.voluntary,
        involuntary_switches=switches.involuntary,
        complete=best.uncertain_ns <= TOLERANCE_NS and not switches.children_lost,
        reaped_ns=reaped_ns,
    )


def cpu_between(begin: CpuSnapshot, end: CpuSnapshot) -> CpuUse | None:
    """Subtract two snapshots of one server; None if one of them is not complete."""
    if not (begin.complete and end.complete):
        return None
    return CpuUse(
        wall_ns=end.monotonic_ns - begin.monotonic_ns,
        user_ns=end.user_ns - begin.user_ns,
        system_ns=end.system_ns - begin.system_ns,
        total_ns=end.total_ns - begin.total_ns,
    )


def memory(running: Supervised) -> MemorySnapshot:
    """Add up the memory of all processes of the server; who ends meanwhile is left out."""
    pss_bytes: int | None = 0
    rss_bytes = processes = 0
    for pid in descendants(running.supervisor_pid):
        resident = _resident_bytes(pid)
        if resident == 0:
            continue  # gone, or ended and waiting to be reaped
        processes += 1
        rss_bytes += resident
        proportional = _proportional_bytes(pid)
        if proportional is None and not _resident_bytes(pid):
            continue
        pss_bytes = None if pss_bytes is None or proportional is None else pss_bytes + proportional
    return MemorySnapshot(pss_bytes, rss_bytes, processes)


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
    own_ns = sum(_cpu_clock_ns(pid) for pid in pids)
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


def _cpu_clock_ns(pid: int) -> int:
    """CPU time of all threads of a process, ended ones included; 0 when it is gone.

    The clock's number is computed as by clock_getcpuclockid(3), which Python does not offer.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


class _Switches(NamedTuple):
    voluntary: int
    involuntary: int
    children_lost: bool


def _read_switches(pids: list[int]) -> _Switches:
    """Add up the context switches of all threads; see whether a process ignores SIGCHLD."""
    voluntary = involuntary = 0
    children_lost = False
    for pid in pids:
        for task in thread_ids(pid):
            status = read_proc(f"/proc/{pid}/task/{task}/status")
            if status is None:
                continue
            voluntary += int(_value(status, b"\nvoluntary_ctxt_switches:") or 0)
            involuntary += int(_value(status, b"\nnonvoluntary_ctxt_switches:") or 0)
            ignored = int(_value(status, b"\nSigIgn:") or b"0", 16)
            # The kernel reaps the children of such a process itself, and forgets their times.
            children_lost = children_lost or bool(ignored >> (signal.SIGCHLD - 1) & 1)
    return _Switches(voluntary, involuntary, children_lost)


def _value(status: bytes, key: bytes) -> bytes | None:
    """The first word after `key` in text of the form `Key:   value unit`."""
    begin = status.find(key)
    if begin < 0:
        return None
    return status[begin + len(key) :].split(None, 1)[0]


def _resident_bytes(pid: int) -> int:
    """Resident memory; 0 when the process is gone or has ended."""
    statm = read_proc(f"/proc/{pid}/statm")
    return 0 if statm is None else int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _proportional_bytes(pid: int) -> int | None:
    """Proportional share of memory; None when it cannot be read or the process is gone."""
    try:
        rollup = read_proc(f"/proc/{pid}/smaps_rollup")
    except PermissionError:
        return None
    value = None if rollup is None else _value(rollup, b"\nPss:")
    return None if value is None else int(value) * 1024
