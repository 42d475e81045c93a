# SPDX-License-Identifier: BSD-3-Clause
"""Whose the CPU time of this machine is: how much others have used, and who they are.

How much is told by /proc/stat, which has everybody's time, those included who are seen in no list
of processes since they began and ended in between. Who is told by /proc/PID/stat of all processes,
which takes longer: some 10 ms of CPU for 300 of them. Source: proc_stat(5), proc_pid_stat(5).
"""

from __future__ import annotations

import gzip
import os
import resource
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from fibench.machine.busy import BUSY_SHARE, Busy
from fibench.machine.cores import cores_in_mask
from fibench.machine.processes import TICK_NS, all_pids, cpu_clock_ns, read_proc
from fibench.wording import MOST_NAMED

NAMED_SHARE = 0.1
"""Of all that others have used: who has less is not named."""
NAME_LENGTH = 64
"""The kernel keeps 15 bytes of a name, or 63 of a kernel thread's."""
_USER, _NICE, _SYSTEM, _IRQ, _SOFTIRQ, _STEAL = 0, 1, 2, 5, 6, 7
_LONGEST_STAT = 1 << 18
"""Room for the lines of some 3,000 CPUs."""


class CpuTimes(NamedTuple):
    """What the CPUs that this process may use have done since the boot, at one moment."""

    monotonic_ns: int
    used_s: float
    """By processes and by the kernel for them."""
    steal_s: float
    """What the hypervisor gave to others while a CPU could have run."""


def cpu_times(proc: Path = Path("/proc")) -> CpuTimes | None:
    """Read them now (0.1 ms); None where /proc/stat is not there, or has none of these CPUs.

    Interrupts are nobody's process, and are left out; but a kernel that does not keep their time
    apart has them in the times of whom they interrupt, so that there they belong to all that was
    used.
    """
    monotonic_ns = time.monotonic_ns()
    try:
        with open(proc / "stat", "rb") as file:
            text = file.read(_LONGEST_STAT)
    except OSError:
        return None
    apart = irq_time_is_apart()
    cpus, used, steal, ever = os.sched_getaffinity(0), 0, 0, 0
    for line in text.splitlines():
        if not line.startswith(b"cpu"):
            break
        words = line.split()
        if words[0] == b"cpu" or len(words) < 9 or int(words[0][3:]) not in cpus:
            continue
        ticks = [int(word) for word in words[1:9]]
        used += ticks[_USER] + ticks[_NICE] + ticks[_SYSTEM]
        used += 0 if apart else ticks[_IRQ] + ticks[_SOFTIRQ]
        steal += ticks[_STEAL]
        ever += sum(ticks)
    return CpuTimes(monotonic_ns, used * TICK_NS * 1e-9, steal * TICK_NS * 1e-9) if ever else None


def counts_part_of_machine(proc: Path = Path("/proc")) -> bool:
    """Whether something stands in for /proc/stat that knows a container alone, as lxcfs does."""
    with suppress(OSError):
        return (proc / "stat").stat().st_dev != proc.stat().st_dev
    return False


@lru_cache
def irq_time_is_apart(root: Path = Path("/")) -> bool:
    """Whether the time of interrupts is kept apart from that of processes, as far as is known."""
    release = os.uname().release
    for path in (root / "proc/config.gz", root / "boot" / f"config-{release}"):
        with suppress(OSError, EOFError):
            read = gzip.open if path.suffix == ".gz" else open
            with read(path, "rb") as file:
                text = file.read(1 << 22)
            apart = b"\nCONFIG_IRQ_TIME_ACCOUNTING=y" in text
            return apart or b"\nCONFIG_VIRT_CPU_ACCOUNTING_NATIVE=y" in text
    return True


def own_cpu_s(helpers: Iterable[int] = ()) -> float:
    """CPU time of this process, of its children that have ended, and of `helpers`, by number."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living_ns = sum(map(cpu_clock_ns, helpers))
    return time.process_time() + ended.ru_utime + ended.ru_stime + living_ns * 1e-9


class Process(NamedTuple):
    """A process at one moment."""

    began: int
    parent: int
    ticks: int
    """What it has used, and what its children had used that it has waited for."""
    cpu: int
    """Where it ran last."""
    name: str


def processes() -> dict[int, Process]:
    """All processes that can be seen, by number."""
    found = {}
    for pid in all_pids():
        data = read_proc(f"/proc/{pid}/stat")
        if data is not None:
            found[pid] = process_of(data)
    return found


def process_of(data: bytes) -> Process:
    """Read what /proc/PID/stat holds."""
    name_ends = data.rindex(b")")
    fields = data[name_ends + 2 :].split(None, 38)
    name = data[data.index(b"(") + 1 : name_ends].decode("utf-8", "backslashreplace")
    return Process(
        began=int(fields[19]),
        parent=int(fields[1]),
        ticks=sum(map(int, fields[11:15])),
        cpu=int(fields[36]),
        name=name[:NAME_LENGTH],
    )


def descendants_of(root: int, among: Mapping[int, Process]) -> set[int]:
    """A process and all that descend from it, of those that were seen."""
    found = {root}
    growing = True
    while growing:
        children = {pid for pid, one in among.items() if one.parent in found and pid not in found}
        found |= children
        growing = bool(children)
    return found


def ancestors_of(pid: int, among: Mapping[int, Process]) -> set[int]:
    """A process, and all that it descends from."""
    found: set[int] = set()
    while pid in among and pid not in found:
        found.add(pid)
        pid = among[pid].parent
    return found


def used_by_others(
    before: Mapping[int, Process], after: Mapping[int, Process], own: Collection[int]
) -> dict[int, int]:
    """The ticks that each process has used in between, but for our own.

    Of who has ended, what it used is with its parent, once that has waited for it; what it had used
    before is taken off there. On a machine of many CPUs only who was last on one of ours counts.
    """
    cpus = os.sched_getaffinity(0)
    ended: defaultdict[int, int] = defaultdict(int)
    for pid, one in before.items():
        if pid not in after or after[pid].began != one.began:
            ended[one.parent] += one.ticks
    used = {}
    for pid, one in after.items():
        first = before.get(pid)
        is_same = first is not None and first.began == one.began
        ticks = one.ticks - (first.ticks + ended[pid] if first is not None and is_same else 0)
        if ticks > 0 and pid not in own and one.cpu in cpus:
            used[pid] = ticks
    return used


def busiest_names(used: Mapping[int, int], after: Mapping[int, Process]) -> list[str]:
    """The names of those who used most, at most MOST_NAMED; several of one name count together."""
    by_name: defaultdict[str, int] = defaultdict(int)
    for pid, ticks in used.items():
        by_name[after[pid].name] += ticks
    total = sum(by_name.values())
    ranked = sorted(by_name, key=lambda name: (-by_name[name], name))
    return [name for name in ranked if by_name[name] >= NAMED_SHARE * total][:MOST_NAMED]


class Glance(NamedTuple):
    """Who has used the CPUs over a short time."""

    cores: float | None
    """Those that others kept busy; None where /proc/stat does not tell."""
    usable: int
    """The cores that there are for us."""
    busy: tuple[Busy, ...]
    """The processes that took most, more than BUSY_SHARE of a core each, this one's excepted."""


class Glancing:
    """A glance at who computes, from its making to `end`. What this process does meanwhile counts
    as nobody's; and if it `starts` others, what they do.
    """

    def __init__(self, *, starts: bool) -> None:
        self._starts = starts
        self._processes = processes()
        self._own_s = own_cpu_s()
        self._times = cpu_times()
        self._began_s = time.monotonic()

    @property
    def passed_s(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._began_s

    def end(self, least_s: float) -> Glance:
        """What was seen; waits until `least_s` have passed since the begin."""
        if self.passed_s < least_s:
            time.sleep(least_s - self.passed_s)  # the glance itself: there is no event to wait for
        times = cpu_times()
        own_s = own_cpu_s() - self._own_s
        passed_s = self.passed_s
        after = processes()
        cores = None
        if times is not None and self._times is not None:
            cores = max(0.0, (times.used_s - self._times.used_s - own_s) / passed_s)
        own = ancestors_of(os.getpid(), after)  # who wait for us
        own |= descendants_of(os.getpid(), after) if self._starts else set()
        used = used_by_others(self._processes, after, own)
        shares = {pid: ticks * TICK_NS * 1e-9 / passed_s for pid, ticks in used.items()}
        busy = [
            Busy(after[pid].name, pid, round(share, 3))
            for pid, share in shares.items()
            if share > BUSY_SHARE
        ]
        return Glance(cores, cores_in_mask(), tuple(sorted(busy, key=lambda one: -one.share)))
