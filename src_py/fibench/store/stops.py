# SPDX-License-Identifier: BSD-3-Clause
"""How the sessions of a run ended: stopped.json says why the run stands still, stops.json how each
session ended, and with what in the journal.

Who cuts lines off a journal to have a block measured again leaves a journal that stops.json does
not fit. It is no proof: who can write the one can write the other.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fibench.json_values import Object, object_or_empty, objects_in, text_or_none
from fibench.store import journal
from fibench.store.begun import last_session, read_begun
from fibench.store.files import DAMAGED, StoredError, read_json, shown_path
from fibench.store.folder import JOURNAL, keep_json

STOPPED = "stopped.json"
STOPS = "stops.json"
CRASHED = "crashed"
_SCHEMA = 1
_LONGEST = 1000
_MOST_STOPS = 10_000


@dataclass(frozen=True)
class Stop:
    """Why a run stands still."""

    reason: str
    not_quiet: bool = False
    """The machine was too busy; otherwise what it measured changed under it."""


def keep_stop(folder: Path, what: str, *, not_quiet: bool = False) -> None:
    """Say in a run's folder, durably, why it was stopped. Raises RunError."""
    document = {"schema": _SCHEMA, "stopped_at": _now(), "reason": what, "not_quiet": not_quiet}
    keep_json(folder / STOPPED, document)


def read_stop(folder: Path) -> Stop | None:
    """Why a run was stopped; None if it was not, or was gone on with. Raises StoredError."""
    document = read_json(folder, STOPPED, missing={})
    if not document:
        return None
    reason = document.get("reason")
    if not isinstance(reason, str) or len(reason) > _LONGEST:
        raise StoredError(f"{shown_path(folder / STOPPED)} has no proper reason", DAMAGED)
    return Stop(reason, document.get("not_quiet") is True)


@dataclass(frozen=True)
class Session:
    """How one session of a run ended."""

    ended: str
    """One of "interrupted", "not quiet", "stopped", "ended", or "crashed", which is seen later."""
    records: int
    """Whole lines that the journal had then."""
    digest: str
    """Of their digests."""
    broken_off: Mapping[int, int]
    """By blocks that the next session measured again, the number of these attempts."""
    lost_folders: int = 0
    """Folders of trials without a line, beyond the one that a crash can leave."""
    number: int = 0
    """That of the last session which had begun something, in begun.jsonl; 0: none had."""
    runs_meanwhile: int = 0
    """Runs of the same file on the same machine that had been begun when this one was gone on with
    again."""


def tell_end(folder: Path, ended: str) -> None:
    """Add to stops.json that a session has ended. Raises RunError."""
    sessions = [*_kept(folder), _session(folder, ended)]
    keep_json(folder / STOPS, {"schema": _SCHEMA, "sessions": [_document(s) for s in sessions]})


def tell_resumption(
    folder: Path, broken_off: Mapping[int, int], lost_folders: int, runs_meanwhile: int
) -> None:
    """Add which blocks are measured again, and how many runs were begun meanwhile, of a run whose
    last session may have crashed.

    Raises RunError.
    """
    sessions = _kept(folder)
    if not sessions or sessions[-1].broken_off or not _is_at(folder, sessions[-1]):
        sessions.append(_session(folder, CRASHED))
    last = sessions.pop()
    lost = max(lost_folders, last.lost_folders)
    sessions.append(
        replace(last, broken_off=broken_off, lost_folders=lost, runs_meanwhile=runs_meanwhile)
    )
    keep_json(folder / STOPS, {"schema": _SCHEMA, "sessions": [_document(s) for s in sessions]})


def read_sessions(folder: Path) -> tuple[Session, ...]:
    """What stops.json says; nothing where there is none. Raises StoredError."""
    found = []
    for one in objects_in(read_json(folder, STOPS, missing={}), "sessions")[:_MOST_STOPS]:
        records = one.get("records")
        broken = (object_or_empty(each) for each in objects_in(one, "broken_off"))
        pairs = ((each.get("block"), each.get("attempt")) for each in broken)
        found.append(
            Session(
                (text_or_none(one.get("ended")) or "unknown")[:_LONGEST],
                records if type(records) is int and records >= 0 else 0,
                text_or_none(one.get("digest")) or "",
                {b: n for b, n in pairs if type(b) is int and type(n) is int},
                *(_whole(one, name) for name in ("lost_folders", "number", "runs_meanwhile")),
            )
        )
    return tuple(found)


def _whole(document: Object, name: str) -> int:
    """A number that not every version has written: then 0."""
    found = document.get(name)
    return found if type(found) is int and found > 0 else 0


def at_odds(sessions: Sequence[Session], digests: Iterable[bytes]) -> list[str]:
    """What of stops.json a journal contradicts, whose records have these digests, in order."""
    known = list(digests)
    said = []
    for place, one in enumerate(sessions, start=1):
        if one.records > len(known):
            cut = f"it had {one.records} records when session {place} ended, and has {len(known)}"
            said.append(f"lines were cut from trials.jsonl: {cut}")
        elif _digest(known[: one.records]) != one.digest:
            cut = f"its first {one.records} records are not those with which session {place} ended"
            said.append(f"trials.jsonl was altered: {cut}")
        if one.lost_folders:
            said.append(
                f"lines were cut from trials.jsonl: {one.lost_folders} trials had folders and no "
                f"line when session {place + 1} began"
            )
    return said[:1]


def _kept(folder: Path) -> list[Session]:
    """What stops.json has, to be added to; of one that cannot be read, nothing."""
    try:
        return list(read_sessions(folder))
    except StoredError:
        return []


def _session(folder: Path, ended: str) -> Session:
    digests = list(journal.read_heads(folder / JOURNAL).digests)
    return Session(ended, len(digests), _digest(digests), {}, number=begun_by(folder))


def begun_by(folder: Path) -> int:
    """The number of the last session that began anything; of what cannot be read, 0."""
    try:
        return last_session(read_begun(folder))
    except StoredError:
        return 0


def _is_at(folder: Path, session: Session) -> bool:
    """Whether the journal ends where a session ended, or before: then it was cut, which shows; and
    nothing was begun since."""
    records = len(journal.read_heads(folder / JOURNAL).digests)
    return records <= session.records and begun_by(folder) <= session.number


def _digest(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _document(session: Session) -> Object:
    broken = [{"block": b, "attempt": n} for b, n in session.broken_off.items()]
    return {**vars(session), "broken_off": broken}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
