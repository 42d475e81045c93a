# SPDX-License-Identifier: BSD-3-Clause
"""Memory of a server's whole process tree, which strangers that map the same files do not change.

A proportional set size divides the pages of the C library by all who map it, so that a small server
has half the memory where many programs run. Here a page that belongs to processes alone counts as
in the proportional set size (Pss_Anon and Pss_Shmem of smaps_rollup), and each mapping of a file
once, at the largest size at which it is resident in a process of the tree (smaps). What still
depends on strangers are files on a tmpfs that they map as well.

Writing smaps takes the kernel most of the time, some 8 µs for a mapping. CPU time of the runner for
one reading, on the machine of docs/findings.md; smaps_rollup alone would be the first column:

| server | processes | smaps_rollup | first reading | further ones |
|---|---|---|---|---|
| c-sync | 1 | 0.07 ms | 0.3 ms | 0.15 ms |
| py-sync | 1 | 0.2 ms | 1.6 ms | 0.3 ms |
| c-mp-pool, 80 workers | 81 | 4 ms | 21 ms | 8 ms |
| py-mp-pool, 80 workers | 81 | 21 ms | 150 ms | 30 ms |

So a process whose files have as many pages resident as at an earlier reading is not asked again.
"""

import mmap
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from fibench.machine import descendants
from fibench.machine.processes import name_of, read_stat, read_whole_proc, resident_bytes

LISTINGS = 8
"""How often the tree is listed at most, for processes that were forked while others were read."""

_SHARED_MEMORY = (b"tmpfs", b"devtmpfs")
"""Kinds of file systems whose pages are Pss_Shmem."""
_KIB = 1024
_NAMED = 5
"""The first line of a mapping has a name behind so many words."""


class Tree(Protocol):
    """What is needed of a running server."""

    @property
    def supervisor_pid(self) -> int:
        """The process whose descendants are the server."""


class FilePart(NamedTuple):
    """What is mapped: the same wherever the same part of the same file is."""

    device: bytes
    inode: bytes
    offset: bytes


@dataclass(frozen=True)
class Mappings:
    """What smaps says of the files that a process maps, in bytes."""

    resident: Mapping[FilePart, int]
    """Pages of each file, but for those that the process has copied to write on."""
    of_kernel: int = 0
    """The share of the process in what it maps of the kernel's, as the rings of io_uring: these
    are of one inode, however many there are."""


NOTHING_MAPPED = Mappings({})


@dataclass(frozen=True)
class MemorySnapshot:
    """Memory of the tree at one moment, `supervise` excluded.

    `memory_bytes` counts each page once, whoever else maps it; None where that is not known for
    every process, and `absent` says why. `rss_bytes` counts a page for each process that has it.
    """

    memory_bytes: int | None
    rss_bytes: int
    processes: int
    threads: int
    absent: str | None = None


@dataclass(frozen=True)
class _Process:
    """One process, in bytes."""

    rss: int
    threads: int
    own: int = 0
    """Its share of the pages that belong to processes."""
    mappings: Mappings = NOTHING_MAPPED
    absent: str | None = None


@dataclass(frozen=True)
class _Mapped:
    """What a process maps of files, and how many bytes of them were resident when it was read."""

    resident: int
    mappings: Mappings


Known = dict[tuple[int, int], _Mapped]
"""What earlier readings found, by the process's number and when it began."""


def memory(running: Tree, known: Known | None = None) -> MemorySnapshot:
    """Add up the memory of all processes of the server.

    The moment is that of the last look at the tree: who is in it has been read, or has ended since.
    Of a process that has as much of files resident as at an earlier reading, which is most of the
    cost, that one is used: `known` is filled with it, and belongs to one server.
    """
    known = {} if known is None else known
    read: dict[int, _Process | None] = {}
    pids: list[int] = []
    for _ in range(LISTINGS):
        pids = descendants(running.supervisor_pid)
        new = [pid for pid in pids if pid not in read]
        if not new:
            break
        read |= {pid: _read(pid, known) for pid in new}
    return _total([process for pid in pids if (process := read[pid]) is not None])


def _total(processes: list[_Process]) -> MemorySnapshot:
    files: dict[FilePart, int] = {}
    for process in processes:
        for part, resident in process.mappings.resident.items():
            files[part] = max(resident, files.get(part, 0))
    absent = next((process.absent for process in processes if process.absent), None)
    own = sum(process.own + process.mappings.of_kernel for process in processes)
    return MemorySnapshot(
        memory_bytes=own + sum(files.values()) if absent is None else None,
        rss_bytes=sum(process.rss for process in processes),
        processes=len(processes),
        threads=sum(process.threads for process in processes),
        absent=absent,
    )


def _read(pid: int, known: Known) -> _Process | None:
    """One process; None when it is gone, or has ended and waits to be reaped."""
    rss, stat = resident_bytes(pid), read_stat(pid)
    if rss == 0 or stat is None:
        return None
    try:
        rollup = _rollup(pid)
        mapped = known.get((pid, stat.began))
        if mapped is None or mapped.resident != rollup.of_files:
            mapped = _Mapped(rollup.of_files, _mappings(pid, rollup))
            known[pid, stat.began] = mapped
    except _Untold as untold:
        # A process that has ended tells nothing, and has nothing.
        return _Process(rss, stat.threads, absent=str(untold)) if resident_bytes(pid) else None
    return _Process(rss, stat.threads, rollup.anonymous + rollup.shared, mapped.mappings)


class _Untold(Exception):
    """What the kernel does not tell of a process, or not us; the text is a clause."""


class _Rollup(NamedTuple):
    """Of smaps_rollup, in bytes."""

    anonymous: int
    """Pss_Anon: its share of pages that belong to processes."""
    shared: int
    """Pss_Shmem: its share of pages of shared memory."""
    of_files: int
    """Pages that belong to files, shared memory among them, each as a whole."""


def _rollup(pid: int) -> _Rollup:
    text = _told(pid, "smaps_rollup", "4.14")
    names = (b"\nPss_Anon:", b"\nPss_Shmem:", b"\nRss:", b"\nAnonymous:")
    anonymous, shared, rss, copied = (_bytes_after(text, name) for name in names)
    if anonymous is None or shared is None or rss is None or copied is None:
        raise _Untold("this kernel does not tell Pss_Anon and Pss_Shmem, as Linux 5.4 does")
    return _Rollup(anonymous, shared, rss - copied)


def _mappings(pid: int, rollup: _Rollup) -> Mappings:
    return parse_smaps(
        _told(pid, "smaps", "2.6"), shared_memory_devices(pid) if rollup.shared else ()
    )


def _told(pid: int, name: str, since: str) -> bytes:
    """A file about the memory of a process. Raises _Untold."""
    try:
        text = read_whole_proc(f"/proc/{pid}/{name}")
    except PermissionError as error:
        raise _Untold(f"/proc/PID/{name} of {name_of(pid)} may not be read") from error
    if text is None:
        raise _Untold(f"this kernel has no /proc/PID/{name}, as Linux {since} has")
    return text


def parse_smaps(smaps: bytes, shared_memory: Iterable[bytes] = ()) -> Mappings:
    """What a process maps of files that are not on one of the devices of shared memory."""
    resident: dict[FilePart, int] = {}
    of_kernel = 0
    left_out = frozenset(shared_memory)
    # The last line of each mapping is that of its flags; what follows is the next one's first.
    for mapping in (b"\n" + smaps).split(b"VmFlags:")[:-1]:
        head = mapping.split(b"\n", 2)[1].split(None, 5)  # range, rights, offset, device, inode
        offset, device, inode = head[2:5]
        if inode == b"0" or device in left_out:
            continue
        if len(head) > _NAMED and head[_NAMED].startswith(b"anon_inode:"):
            of_kernel += _bytes_after(mapping, b"\nPss:") or 0
            continue
        of_file = (_bytes_after(mapping, b"\nRss:") or 0) - (
            _bytes_after(mapping, b"\nAnonymous:") or 0
        )
        part = FilePart(device, inode, offset)
        resident[part] = max(of_file, resident.get(part, 0))
    return Mappings(resident, of_kernel)


def _bytes_after(text: bytes, key: bytes) -> int | None:
    """The bytes that the first line of the form `Key:   value kB` tells."""
    found = text.find(key)
    if found < 0:
        return None
    found += len(key)
    return int(text[found : text.index(b" kB", found)]) * _KIB


def shared_memory_devices(pid: int) -> frozenset[bytes]:
    """The devices, as smaps names them, whose mapped files are shared memory for a process."""
    mounts = read_whole_proc(f"/proc/{pid}/mountinfo") or b""
    found = {_device_of_shared_memory()}
    for line in mounts.splitlines():
        before, _, behind = line.partition(b" - ")
        if behind.split(b" ", 1)[0] in _SHARED_MEMORY:
            major, minor = before.split(b" ")[2].split(b":")
            found.add(b"%02x:%02x" % (int(major), int(minor)))
    return frozenset(found)


@lru_cache
def _device_of_shared_memory() -> bytes:
    """The device of what processes share without a file of a mounted file system; it has no mount
    that could be looked up, so we ask for a page and see where that is."""
    with mmap.mmap(-1, mmap.PAGESIZE):
        maps = read_whole_proc("/proc/self/maps") or b""
    of_zero = re.search(
        rb" ([0-9a-f]+:[0-9a-f]+) [0-9]+ +/dev/zero \(deleted\)$", maps, re.MULTILINE
    )
    return of_zero[1] if of_zero else b""
