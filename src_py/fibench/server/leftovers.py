# SPDX-License-Identifier: BSD-3-Clause
"""What a run left behind that was killed together with its supervisors, ended by the next run.

Such a process keeps its memory and perhaps its port, and disturbs what is measured next. When a
runner dies, `supervise` ends all that a server had started. Only where both are killed at once can
anything remain, and then only what the server itself had started: the kernel ends the server.

What is ended is provably a dead runner's: it has the variable FIBENCH_RUN, which names the runner,
or it is in a cgroup that is named after one.
"""

from __future__ import annotations

import os
import re
import select
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from fibench.machine import all_pids
from fibench.machine.processes import began, name_of, read_stat
from fibench.server.cgroup import forgotten, own_folder
from fibench.server.supervision import MARK
from fibench.wording import escaped

_MARKED = re.compile(rb"(?:^|\0)" + MARK.encode() + rb"=([0-9]{1,10})-([0-9]{1,20})\0")
_LARGEST_ENVIRONMENT = 4 << 20
_END_LIMIT_S = 5.0
"""How long the kernel may take to end what was sent SIGKILL."""
_SUPERVISORS_LIMIT_S = 2.0
"""How long a `supervise` that has just lost its runner may take to end what it started."""
_PASSES = 10
"""What is ended may have forked in the same moment."""
_NAMED = 3


def end_leftovers() -> str | None:
    """End what runs that are no more have left behind; a line that says so, or None.

    Only processes of this user, and of this PID namespace, of which a container has its own: there
    the number of a runner means another process.
    """
    _let_supervisors_end()
    ended: list[str] = []
    for _ in range(_PASSES):
        more = _end_once()
        if not more:
            break
        ended += more
    return said_of(ended) if ended else None


def said_of(ended: Sequence[str]) -> str:
    """The line about processes that were ended."""
    listed = ", ".join(ended[:_NAMED]) + (", …" if ended[_NAMED:] else "")
    several = "1 process that" if len(ended) == 1 else f"{len(ended)} processes that"
    return f"ended {several} a killed run had left behind: {listed}"


def _let_supervisors_end() -> None:
    with ExitStack() as opened:
        ends = []
        for pid in _orphans():
            if name_of(pid) == "supervise":
                with suppress(OSError):
                    ends.append(os.pidfd_open(pid))
                    opened.callback(os.close, ends[-1])
        _wait_for(ends, _SUPERVISORS_LIMIT_S)


def _end_once() -> list[str]:
    """End what there is now; the names of those that were ended."""
    names: list[str] = []
    with ExitStack() as opened:
        ends = []
        for pid in _orphans():
            with suppress(OSError):
                end = os.pidfd_open(pid)
                opened.callback(os.close, end)
                if pid in _orphans([pid]):  # its number may have passed on since it was found
                    name = name_of(pid)
                    signal.pidfd_send_signal(end, signal.SIGKILL)
                    ends.append(end)
                    names.append(f"{escaped(name)} (pid {pid})")
        _wait_for(ends, _END_LIMIT_S)
    return names


def _wait_for(ends: Sequence[int], limit_s: float) -> None:
    """Wait until processes have ended, each for `limit_s` at most."""
    for end in ends:
        select.select([end], [], [], limit_s)


def _orphans(pids: Sequence[int] | None = None) -> list[int]:
    """Of these processes, or of all there are, those whose runner is no more."""
    parent = own_folder()
    forlorn = {
        pid for cgroup in (forgotten(parent) if parent else ()) for pid in cgroup.processes()
    }
    every = all_pids() if pids is None else pids
    return [
        pid
        for pid in every
        if (pid in forlorn or _is_marked(pid)) and _is_in_our_namespace(pid) and _is_alive(pid)
    ]


def is_of_a_live_run(pid: int) -> bool:
    """Whether a runner has started a process that is there still: of any checkout."""
    found = _mark_of(pid)
    return found is not None and began(found[0]) == found[1]


def _mark_of(pid: int) -> tuple[int, int] | None:
    """The runner that a process was started by: its number, and when it began."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            found = _MARKED.search(stream.read(_LARGEST_ENVIRONMENT))
    except OSError:  # it has ended, or is not ours to look into
        return None
    return None if found is None else (int(found[1]), int(found[2]))


def _is_marked(pid: int) -> bool:
    found = _mark_of(pid)
    return found is not None and began(found[0]) != found[1]


def _is_in_our_namespace(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    """Whether it is more than a zombie, which only its parent can do away with."""
    try:
        stat = read_stat(pid)
    except OSError:  # somebody else's
        return False
    return stat is not None and stat.alive
