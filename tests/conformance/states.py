# SPDX-License-Identifier: BSD-3-Clause
"""The processes that a server consists of, as /proc shows them."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fibench.machine.processes import all_pids, read_stat

_UNCOUNTED = 1000
"""Numbers may have gone to so many that are not counted yet, or that never came to run."""


@dataclass(frozen=True)
class ProcessState:
    """One process of a server's tree, as /proc shows it."""

    pid: int
    parent: int
    state: str
    threads: int
    descriptors: int
    own_bytes: int


class Start(NamedTuple):
    """When a session was started, whose first process has its number."""

    ticks: int
    """Since the boot, in the kernel's unit."""
    forks: int
    """So many there had been on the machine before."""


def states(session: int, mark: str, start: Start) -> list[ProcessState]:
    """All processes of a session, zombies included, and those that have the mark elsewhere.

    The mark is a variable of their environment, `NAME=VALUE`. None of them began before the first:
    to look at every process takes long, and longer still into its environment.
    """
    found = (_state(pid, session, mark, start.ticks) for pid in _since(session, start.forks))
    return [state for state in found if state is not None]


def forks_so_far() -> int:
    """How many processes and threads the machine has started since its boot."""
    found = re.search(rb"^processes (\d+)$", Path("/proc/stat").read_bytes(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _since(first: int, forks: int) -> Iterator[int]:
    """The processes that may have been started since that one, whatever their numbers.

    Numbers are given in turn, and after the largest from the smallest on again: where that may have
    happened since, it may be any.
    """
    pids = all_pids()
    largest = int(Path("/proc/sys/kernel/pid_max").read_text())
    given = forks_so_far() - forks + _UNCOUNTED
    return (pid for pid in pids if pid >= first or first + given >= largest)


def _state(pid: int, session: int, mark: str, since: int) -> ProcessState | None:
    folder = Path("/proc", str(pid))
    stat = read_stat(pid)
    if stat is None or stat.began < since:
        return None
    # A zombie of others is passed by: it has no environment to look at.
    if not _is_in_session(pid, session) and not (stat.alive and _is_marked(folder, mark)):
        return None
    return ProcessState(
        pid=pid,
        parent=stat.parent,
        state=stat.state,
        threads=stat.threads,
        descriptors=_descriptors(folder),
        own_bytes=_own_bytes(folder),
    )


def _is_in_session(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session
    except ProcessLookupError:
        return False


def _own_bytes(folder: Path) -> int:
    """Its private memory: what is shared with the kernel or a file may come and go by itself."""
    try:
        found = re.search(r"^RssAnon:\s+(\d+) kB$", (folder / "status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else 0  # one that has just ended has none


def _descriptors(folder: Path) -> int:
    try:
        return len(os.listdir(folder / "fd"))
    except OSError:  # a zombie has none, and may not be looked into
        return 0


def _is_marked(folder: Path, mark: str) -> bool:
    try:
        return mark.encode() in (folder / "environ").read_bytes()
    except OSError:
        return False
