# SPDX-License-Identifier: BSD-3-Clause
"""Which attempts were begun: begun.jsonl has a line for each, on the disk before it is made.

An attempt comes into the journal when it has ended. Of one that was broken off before, by SIGKILL
or a second Ctrl-C, this is all that is left; so that who breaks off each trial that goes badly, and
goes on, is seen to. Within a session each attempt has ended before the next begins: where one has
no line in the journal and another was begun after it, the line was cut.

The file is written as the journal is, and proven by the same digests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from fibench.json_values import Object
from fibench.plan.trials import SEARCH_BLOCK
from fibench.store import journal
from fibench.store.files import NEWER, UNREADABLE, StoredError, inside, shown_path
from fibench.wording import counted

BEGUN = "begun.jsonl"
_SCHEMA = 1
_MOST = 10**7


@dataclass(frozen=True)
class Begun:
    """An attempt that was begun."""

    session: int
    """Which session of the run began it, from 1; one that began nothing has no number."""
    trial: str
    """The trial's key."""
    block: int
    """From 0; -1: before all blocks; SEARCH_BLOCK: before that."""
    attempt: int
    ended: bool = False
    """The journal has its line."""


def tell_begun(folder: Path, one: Begun) -> None:
    """Add an attempt that is about to be made. Raises JournalError."""
    said = asdict(one)
    del said["ended"]
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    journal.append(folder / BEGUN, {"schema": _SCHEMA, **said, "begun_at": at})


def read_begun(folder: Path, ended: Iterable[tuple[object, object]] = ()) -> tuple[Begun, ...]:
    """What was begun in a run, in order; nothing of runs of earlier versions, which do not tell.

    `ended` are the attempts that have a line in the journal: each a trial's key, and a number.
    Raises StoredError.
    """
    path = inside(folder, BEGUN, optional=True)
    if path is None:
        return ()
    where = shown_path(folder / BEGUN)
    try:
        documents = journal.read(path).records
    except OSError as error:
        raise StoredError(f"{where} cannot be read: {error.strerror}", UNREADABLE) from error
    if any(type(n := one.get("schema")) is int and n > _SCHEMA for one in documents):
        raise StoredError(f"{where} is of a schema that is newer than this fibench", NEWER)
    found = [one for one in map(_begun, documents) if one is not None]
    return _with_ends(found, set(ended))


def _begun(document: Object) -> Begun | None:
    trial = document.get("trial")
    session, block, attempt = (document.get(name) for name in ("session", "block", "attempt"))
    if not isinstance(trial, str):
        return None
    if type(session) is not int or type(block) is not int or type(attempt) is not int:
        return None
    proper = 1 <= session <= _MOST and SEARCH_BLOCK <= block <= _MOST and 1 <= attempt <= _MOST
    return Begun(session, trial, block, attempt) if proper else None


def _with_ends(begun: Sequence[Begun], ended: set[tuple[object, object]]) -> tuple[Begun, ...]:
    """Each with whether it has ended: of those that were begun under one number the last did."""
    found = []
    for one in reversed(begun):
        found.append(replace(one, ended=(one.trial, one.attempt) in ended))
        ended.discard((one.trial, one.attempt))
    return tuple(reversed(found))


def last_session(begun: Sequence[Begun]) -> int:
    """The number of the last session that began anything; 0: none did."""
    return max((one.session for one in begun), default=0)


def begun_again(begun: Sequence[Begun]) -> list[tuple[int, int]]:
    """By block and session, where something was begun and has not ended, and a later session began
    the block again, or a trial of it."""
    until = {one.block: one.session for one in sorted(begun, key=lambda one: one.session)}
    lost = {(one.block, one.session) for one in begun if not one.ended}
    return sorted((block, session) for block, session in lost if until[block] > session)


def cut_lines(begun: Sequence[Begun], ended: Sequence[tuple[str, int]], *, told: bool) -> list[str]:
    """What a journal contradicts, which has these attempts, in order, each a trial's key and a
    number. `told`: the run's sessions say that they have begun something."""
    if not begun:
        return ["begun.jsonl was removed, or emptied"] if told else []
    cut = sum(one.session == then.session and not one.ended for one, then in pairwise(begun))
    said = []
    if cut:
        were, have = ("was", "has") if cut == 1 else ("were", "have")
        what = f"{counted(cut, 'trial')} {were} begun, and others after"
        said.append(f"lines were cut from trials.jsonl: {what}, and {have} no line")
    unknown = _unknown({(one.trial, one.attempt) for one in begun}, ended)
    if unknown:
        have = "has a line" if unknown == 1 else "have lines"
        what = f"{counted(unknown, 'trial')} {have} in trials.jsonl and none there"
        said.append(f"lines were cut from begun.jsonl: {what}")
    return said


def _unknown(begun: Collection[tuple[str, int]], ended: Sequence[tuple[str, int]]) -> int:
    """How many attempts were not begun, of those from the first on that was: before, a version may
    have made them that does not tell."""
    places = [place for place, one in enumerate(ended) if one in begun]
    return sum(one not in begun for one in ended[places[0] :]) if places else 0
