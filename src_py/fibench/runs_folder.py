# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results: results/NAME/TIME-RANDOM/ for each run, and the names that people use.

A run's folder gets its final name when its plan is on the disk, so that what has a name has a plan.
A run is complete when it has its verdicts, claims.json.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from fibench import journal, writing
from fibench.run_files import StoredError, read_json

CLAIMS = "claims.json"
JOURNAL = "trials.jsonl"
PLAN = "plan.json"

_NAME = re.compile(r"(?!\.{1,2}(?:[/~]|$))[a-z0-9._-]{1,64}")
_RUN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}-[0-9a-f]{4,}")
_BACK = re.compile(r"(?P<name>[^/~]+)(?:~(?P<back>[0-9]{1,6}))?")
_SCRATCH = ".new"


class RunError(Exception):
    """The run cannot go on: its results cannot be kept."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class NoSuchRun(Exception):
    """No run has the name that was given; `hint` tells the nearest ones."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def run_name(path: Path) -> str:
    """The name under which an experiment's runs are kept: its file's name, made harmless."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip(".-")[:64]
    return name or "experiment"


def create(results: Path, name: str, files: Mapping[str, bytes], now: datetime) -> Path:
    """Make the folder of a new run with these files in it, whole and durably. Raises RunError."""
    parent = results / name
    folder = scratch = parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if not _is_inside(parent, results):
            raise RunError(f"{parent} leads outside the results folder", "remove the symbolic link")
        _remove_unborn(parent)
        folder, scratch = _free_names(parent, now)
        scratch.mkdir()
        (scratch / "trials").mkdir()
        for file, data in files.items():
            writing.write_new(scratch / file, data)
        journal.sync_folder(scratch)
        scratch.rename(folder)
        for above in (parent, results, results.parent):
            journal.sync_folder(above)
    except OSError as error:
        if scratch != parent:
            shutil.rmtree(scratch, ignore_errors=True)
        raise RunError(
            f"cannot make {folder}: {writing.reason(error)}", writing.hint(error)
        ) from error
    return folder


def _free_names(parent: Path, now: datetime) -> tuple[Path, Path]:
    """A run's folder and what it is called until it is whole: names that nothing has."""
    while True:
        folder = parent / f"{now:%Y-%m-%dT%H%M}-{secrets.token_hex(2)}"
        scratch = parent / f".{folder.name}{_SCRATCH}"
        if not os.path.lexists(folder) and not os.path.lexists(scratch):
            return folder, scratch


def _remove_unborn(parent: Path) -> None:
    """Remove what a crash left of a folder before it had its name.

    Whatever else has such a name, a link say, is not ours, and is in nobody's way.
    """
    for entry in os.scandir(parent):
        name = entry.name.removeprefix(".").removesuffix(_SCRATCH)
        is_ours = entry.name == f".{name}{_SCRATCH}" and _RUN.fullmatch(name)
        if is_ours and entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)


def keep_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document whole or not at all, and durably. Raises RunError."""
    keep(path, as_json(document))


def as_json(document: Mapping[str, Any]) -> bytes:
    """A JSON document for people too."""
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def keep(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and durably. Raises RunError."""
    try:
        writing.replace(path, data, journal.sync_folder)
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {writing.reason(error)}", writing.hint(error)
        ) from error


def runs_of(results: Path, name: str) -> list[Path]:
    """All runs of an experiment, the oldest first.

    Folders tell the minute; of runs in the same minute, each plan tells more.
    """
    folder = results / name
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if _RUN.fullmatch(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    minutes = [entry.rpartition("-")[0] for entry in entries]
    crowded = {one for one, other in pairwise(minutes) if one == other}
    keys = {
        entry: (minute, _started_at(folder / entry) if minute in crowded else "", entry)
        for entry, minute in zip(entries, minutes, strict=True)
    }
    return [folder / entry for entry in sorted(entries, key=keys.__getitem__)]


def _started_at(run: Path) -> str:
    try:
        return str(read_json(run, PLAN).get("started_at", ""))
    except StoredError:
        return ""


def is_complete(run: Path) -> bool:
    """Whether a run has come to its verdicts: what cannot be read is none."""
    try:
        return isinstance(read_json(run, CLAIMS, missing={}).get("claims"), list)
    except StoredError:
        return False


def resolve_run(text: str, results: Path) -> Path:
    """The folder that a person means by `gil`, `gil~1`, `gil/2026-…`, or a folder's path.

    `gil` is the latest run of that experiment, `gil~1` the one before; `gil.toml` is `gil` too.
    Raises NoSuchRun, which proposes the nearest names.
    """
    # ./dev goes to the checkout; a folder is still named from where the person stands.
    given = Path(os.environ.get("FIBENCH_FROM", ""), text)
    if _is_run(given):
        return given
    match = _BACK.fullmatch(text.removesuffix("/"))
    if match is not None:
        name, back = match["name"].removesuffix(".toml"), int(match["back"] or 0)
        inside = _NAME.fullmatch(name) and _is_inside(results / name, results)
        runs = runs_of(results, name) if inside else []
        if back < len(runs):
            return runs[-1 - back]
        if runs:
            raise NoSuchRun(
                f'there is no run "{_shown(text)}": {name} has {_several(len(runs))}',
                f"the oldest is {name}~{len(runs) - 1}",
            )
    name, _, run = text.removesuffix("/").partition("/")
    if _NAME.fullmatch(name) and _NAME.fullmatch(run.lower()):
        folder = results / name / run
        if _is_run(folder) and _is_inside(folder, results):
            return folder
    raise NoSuchRun(f'there is no run "{_shown(text)}"', _nearest(text, results))


def _is_inside(folder: Path, results: Path) -> bool:
    """Whether a folder is below the results, symbolic links included."""
    return results.resolve() in folder.resolve().parents


def _is_run(folder: Path) -> bool:
    try:
        return (folder / PLAN).is_file() or (folder / JOURNAL).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _nearest(text: str, results: Path) -> str:
    """The names that resemble the text; what to do when there are none."""
    from fibench.diagnostics import suggestion

    try:
        names = sorted(entry.name for entry in os.scandir(results) if _NAME.fullmatch(entry.name))
    except OSError:
        names = []
    names = [name for name in names if runs_of(results, name)]
    if not names:
        return f"there are no runs in {results} yet: begin with `run gil`"
    name = text.partition("/")[0]
    if name in names:
        return suggestion(text, [f"{name}/{run.name}" for run in runs_of(results, name)])
    return suggestion(name.partition("~")[0], names)


def _several(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _shown(text: str) -> str:
    from fibench.diagnostics import escaped

    return escaped(text)
