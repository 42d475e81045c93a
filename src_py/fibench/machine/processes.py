# SPDX-License-Identifier: BSD-3-Clause
"""What /proc says about processes: their figures, their descendants and what they write there."""

import os
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
"""The unit in which /proc/PID/stat tells CPU times: 10 ms on every common Linux."""


class Stat(NamedTuple):
    """The part of /proc/PID/stat that is used here; CPU times in ticks."""

    state: str
    """One letter: T is stopped, Z a zombie, which only its parent can do away with (proc(5))."""
    parent: int
    user: int
    system: int
    reaped_user: int
    """User time of children that have ended and were waited for, and of theirs."""
    reaped_system: int
    threads: int
    began: int
    """In ticks since the boot."""

    @property
    def alive(self) -> bool:
        """Whether it is more than a zombie."""
        return self.state not in ("Z", "X")


def read_stat(pid: int) -> Stat | None:
    """Read the figures of one process; None when it is gone."""
    data = read_proc(f"/proc/{pid}/stat")
    return None if data is None else parse_stat(data)


def parse_stat(data: bytes) -> Stat:
    """Read what /proc/PID/stat or /proc/PID/task/TID/stat holds."""
    # "PID (NAME) STATE PPID …": a name may hold spaces and parentheses, so look from the right.
    fields = data[data.rindex(b")") + 2 :].split(None, 20)
    return Stat(
        state=fields[0].decode(),
        parent=int(fields[1]),
        user=int(fields[11]),
        system=int(fields[12]),
        reaped_user=int(fields[13]),
        reaped_system=int(fields[14]),
        threads=int(fields[17]),
        began=int(fields[19]),
    )


def began(pid: int) -> int | None:
    """When a process began, in ticks since the boot; None when it is gone.

    With its number it names a process for good: numbers come again.
    """
    stat = read_stat(pid)
    return None if stat is None else stat.began


def read_proc(path: str) -> bytes | None:
    """Read the start of a small file of /proc (8 KiB); None when its process is gone.

    Raises PermissionError where the process belongs to somebody else and the file is private.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        return os.read(fd, 8192) or None
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)


def read_whole_proc(path: str) -> bytes | None:
    """Read a file of /proc of any length, as smaps; None when its process is gone.

    Raises PermissionError likewise.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read() or None
    except (FileNotFoundError, ProcessLookupError):
        return None


def resident_bytes(pid: int) -> int:
    """Resident memory; 0 when the process is gone or has ended."""
    statm = read_proc(f"/proc/{pid}/statm")
    return 0 if statm is None else int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def name_of(pid: int) -> str:
    """The name of a process, as `ps` shows it; "?" when it is gone."""
    name = read_proc(f"/proc/{pid}/comm") or b"?"
    return name.rstrip(b"\n").decode("utf-8", "backslashreplace")


def cpu_clock_ns(pid: int) -> int:
    """CPU time of all threads of a process, ended ones included; 0 when it is gone.

    The clock's number is computed as by clock_getcpuclockid(3), which Python does not offer.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def all_pids() -> Iterator[int]:
    """Every process there is, smallest number first."""
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def thread_ids(pid: int) -> list[int]:
    """The threads of a process, its first one first; none when it is gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(root: int) -> list[int]:
    """All descendants of a child subreaper, parents before their children.

    Who was there before the call and outlives it is never missed, whatever forks or ends meanwhile:
    a process that loses its parent becomes a child of `root`, and that is looked at again.
    """
    if os.path.exists(f"/proc/{root}/task/{root}/children"):
        return descendants_by_children(root)
    return descendants_by_scan(root)


def descendants_by_children(root: int) -> list[int]:
    """Follow /proc/PID/task/TID/children, which only some kernels have (CONFIG_PROC_CHILDREN)."""
    found: dict[int, None] = {}
    someone_ended = True
    while someone_ended:
        someone_ended = False
        waiting = deque([root])
        while waiting:
            children = _children(waiting.popleft())
            if children is None:
                someone_ended = True
                continue
            new = [child for child in children if child not in found]
            found.update(dict.fromkeys(new))
            waiting.extend(new)
    return list(found)


def _children(pid: int) -> list[int] | None:
    """The children of all threads; None when the process is gone.

    The first thread comes last: it inherits the children of a thread that ends meanwhile.
    """
    threads = thread_ids(pid)
    if not threads:
        return None
    children: dict[int, None] = {}
    for thread in reversed(threads):
        path = f"/proc/{pid}/task/{thread}/children"
        first = read_proc(path)
        # Where a child is reaped while the list is read, the next one can be missing: proc(5).
        again = read_proc(path) if first else None
        children |= {int(child): None for data in (first, again) if data for child in data.split()}
    return list(children)


def descendants_by_scan(root: int) -> list[int]:
    """Read the parent of every process there is."""
    parents = {pid: stat.parent for pid in all_pids() if (stat := read_stat(pid)) is not None}
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        if parent not in parents:
            # The parent ended while we read: by now the child has another one.
            again = read_stat(pid)
            parent = again.parent if again is not None else parent
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = deque([root])
    while waiting:
        new = children.get(waiting.popleft(), [])
        found.extend(new)
        waiting.extend(new)
    return found
