# SPDX-License-Identifier: BSD-3-Clause
"""What a run says to GitHub's runner, where that has asked for it, and nothing elsewhere.

GITHUB_ACTIONS: annotations, on standard error, which the runner reads as it does standard output;
that may be a document. GITHUB_STEP_SUMMARY: the file to which a summary is appended. Neither
changes how a command ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from fibench import writing
from fibench.folders import Places, from_here
from fibench.reading import without_waiting
from fibench.wording import escaped

if TYPE_CHECKING:
    from fibench.export.graders.github import WhereWritten
    from fibench.export.graders.plain import ToldClaim
    from fibench.verdict import Review

ACTIONS, STEP_SUMMARY, WORKSPACE = "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"
MOST_SUMMARY_BYTES = 1 << 20
"""Of all summaries of a step: GitHub shows nothing of a larger file."""


def is_asked() -> bool:
    """Whether anything is to be said."""
    return bool(os.environ.get(ACTIONS) or os.environ.get(STEP_SUMMARY))


def tell_of_run(folder: Path, places: Places, source: Path, allowed: Collection[str] = ()) -> None:
    """Say what came of a run that has just ended; `source` is its file."""
    if not is_asked():
        return
    from fibench.store import StoredError, read_run
    from fibench.verdict import review

    try:
        judged = review(read_run(folder, places))
    except StoredError as error:
        print(f"warning: nothing is said to GitHub: {escaped(str(error))}", file=sys.stderr)
        return
    tell(judged, source, allowed)


def tell(judged: Review, source: Path | None = None, allowed: Collection[str] = ()) -> None:
    """Say what a run has found, where that is asked for. `source` is the file with its claims; by
    default that of its experiment, where it still is."""
    if not is_asked():
        return
    from fibench.export.graders.github import annotated, summary

    if os.environ.get(ACTIONS):
        for line in annotated(judged, _placing(judged, source), allowed):
            print(line, file=sys.stderr, flush=True)
    target = os.environ.get(STEP_SUMMARY)
    if target:
        try:
            there = os.stat(target).st_size if os.path.exists(target) else 0
            text = summary(judged, max(0, MOST_SUMMARY_BYTES - there))
            _append(target, text.encode("utf-8", "backslashreplace"))
        except (OSError, ValueError) as error:
            why = writing.reason(error) if isinstance(error, OSError) else str(error)
            print(f"warning: no summary for GitHub was written: {escaped(why)}", file=sys.stderr)


def _append(target: str, data: bytes) -> None:
    """Add to a file in one piece, made if need be. Raises OSError."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(without_waiting(target, flags), "ab") as stream:
        stream.write(data)


def _placing(judged: Review, source: Path | None) -> WhereWritten:
    """Where the claims of a run stand: in a file as it is now, or as the run has kept its own."""
    from fibench.page.source import read_source, source_of

    path = _source_of(judged) if source is None else source
    name = None if path is None else _in_repository(path)
    text = None if source is None else _text(source)
    found = read_source(judged.run.folder) if text is None else source_of(text)
    lines = {known: line for (known, _), line in found.places.items()}

    def place(claim: ToldClaim) -> tuple[str, int] | None:
        line = lines.get(claim.id)
        return None if name is None or line is None else (name, line)

    return place


def _text(path: Path) -> str | None:
    """What is in a file; None of what is none, as a pipe that was read already."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    except (OSError, ValueError):
        return None


def _source_of(judged: Review) -> Path | None:
    """The file of a run's experiment, where it still is as its plan has it."""
    kept = judged.run.plan.source_path
    if kept is None or judged.run.page is not None:
        return None
    try:
        path = judged.run.place.parents[2] / kept
        return path if path.is_file() else None
    except (OSError, ValueError, IndexError):
        return None


def _in_repository(path: Path) -> str | None:
    """A file as GitHub knows it, from the root of what it has checked out; None of one outside."""
    root = os.environ.get(WORKSPACE) or str(from_here("."))
    name = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
    return None if name == os.pardir or name.startswith(os.pardir + os.sep) else name
