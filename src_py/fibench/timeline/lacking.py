# SPDX-License-Identifier: BSD-3-Clause
"""What a recording cannot tell: which states are then absent, and why, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping

from fibench.timeline.recording import NotRead, Recording
from fibench.timeline.states import State

_NEGLIGIBLE = 0.01
"""So small a share of thread-time of which nothing is known is left to the residual."""
_FUTEX, _UNKNOWN = "f", "?"
_MANY = 10
"""So many processes and threads of the server began that others of it may have ended unseen."""
_WAITS: frozenset[State] = frozenset({"gil", "lock", "network", "sleeping", "other"})
_LOCKS: frozenset[State] = frozenset({"gil", "lock"})
_RUNS: frozenset[State] = frozenset({"running", "ready"})
_UNREAD = frozenset({"call", "foreign"})
"""Why all waits of a thread are unknown; else some are, of who lived too short to be looked at."""


def lacked(recording: Recording, spent: Mapping[str, int], total_ns: int) -> frozenset[State]:
    """The states of which no share is known, given how long threads did what, by letters."""

    def counts(letter: str) -> bool:
        return spent.get(letter, 0) > _NEGLIGIBLE * total_ns

    return (
        (_RUNS if "schedstat" in recording.lacks else frozenset())
        | (_WAITS if counts(_UNKNOWN) and not _UNREAD.isdisjoint(recording.lacks) else frozenset())
        | (_LOCKS if counts(_FUTEX) else frozenset())
    )


def told_of(recording: Recording, spent: Mapping[str, int], total_ns: int) -> tuple[str, ...]:
    """What cannot be known, and why: a clause each."""
    return tuple(_told(recording, lacked(recording, spent, total_ns)))


def _told(recording: Recording, states: frozenset[State]) -> Iterator[str]:
    lacks = recording.lacks
    if states >= _RUNS:
        yield f"whether threads ran or were ready: {_why('schedstat', lacks['schedstat'])}"
    if states >= _WAITS:
        call, foreign = lacks.get("call"), lacks.get("foreign")
        if call is not None:
            yield f"what threads waited for: {_why('syscall', call)}"
        elif foreign is not None:
            yield "what threads waited for: the program is for another architecture than fibench"
    elif states >= _LOCKS and "gil" in lacks:
        yield f"which lock is the GIL: {_why('maps', lacks['gil'])}"
    if (room := lacks.get("room")) is not None:
        yield f"what {room.threads} threads did: there was no room for more"
    if recording.full_ns is not None:
        yield "what threads did at the end: there was no room for more samples"
    unseen = recording.given_out - recording.seen_to_begin
    many = recording.seen_to_begin >= _MANY and unseen > recording.seen_to_begin
    if many and not recording.has_switches:
        yield (
            f"what those did that ended before they were seen: of {recording.given_out} processes"
            f" and threads that began on this machine {recording.seen_to_begin} were seen to be"
            " the server's"
        )


def _why(file: str, lack: NotRead) -> str:
    """Why a file of /proc was not read; of how many threads."""
    if lack.error == errno.ENOSYS:
        return f"this kernel does not tell it in /proc/PID/{file}"
    why = os.strerror(lack.error)
    if lack.error in (errno.EPERM, errno.EACCES):
        why += ", as Yama, hidepid or the program itself may have it"
    return f"/proc/PID/{file} of {lack.threads} threads cannot be read: {why}"
