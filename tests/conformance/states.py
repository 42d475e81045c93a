# SPDX-License-Identifier: BSD-3-Clause
"""The processes that a server consists of, as /proc shows them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from fibench.machine.processes import all_pids, read_stat


@dataclass(frozen=True)
class ProcessState:
    """One process of a server's tree, as /proc shows it."""

    pid: int
    parent: int
    state: str
    threads: int
    descriptors: int
    own_bytes: int


def states(session: int, mark: str, since: int) -> list[ProcessState]:
    """All processes of a session, zombies included, and those that have the mark elsewhere.

    The mark is a variable of their environment, `NAME=VALUE`. None of them began before `since`, in
    the kernel's ticks: to look into the environment of every process takes long.
    """
    found = (_state(pid, session, mark, since) for pid in all_pids())
    return [state for state in found if state is not None]


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
