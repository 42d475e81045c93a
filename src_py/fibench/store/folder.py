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
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from fibench import called, writing
from fibench.document import file_called
from fibench.folders import from_here
from fibench.json_values import Object
from fibench.store import journal
from fibench.store.files import StoredError, read_json
from fibench.store.names import PLAN, head_of, known_as, run_name, source_path
from fibench.wording import counted, escaped

CLAIMS = "claims.json"
JOURNAL = "trials.jsonl"

_NAME = re.compile(r"(?!\.{1,2}(?:[/~]|$))[a-z0-9._-]{1,64}")
_RUN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}-[0-9a-f]{4,}")
_BACK = re.compile(r"(?P<name>.+)~(?P<back>[0-9]{1,6})", re.DOTALL)
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


def create_run(results: Path, name: str, files: Mapping[str, bytes], now: datetime) -> Path:
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


def keep_json(path: Path, document: Object) -> None:
    """Write a JSON document whole or not at all, and durably. Raises RunError."""
    keep_file(path, as_json(document))


def as_json(document: Object) -> bytes:
    """A JSON document for people too."""
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def keep_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and durably. Raises RunError."""
    try:
        writing.replace(path, data, journal.sync_folder)
    except OSError as error:
        raise RunError(
            f"cannot write {path}: {writing.reason(error)}", writing.hint(error)
        ) from error


def runs_of(results: Path, name: str) -> list[Path]:
    """All runs of an experiment, the first that was made first, whatever the clock said then.

    Plans say in which order they were made; those of earlier versions do not, and stand where
    their folders' times put them, which tell the minute, and of one minute their plans more.
    """
    folder = results / name
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if _RUN.fullmatch(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    minutes = [entry.rpartition("-")[0] for entry in entries]
    crowded = {one for one, other in pairwise(minutes) if one == other}
    times = {
        entry: (minute, _started_at(folder / entry) if minute in crowded else "", entry)
        for entry, minute in zip(entries, minutes, strict=True)
    }
    keys: dict[str, tuple[int, tuple[str, str, str]]] = {}
    before = 0
    for entry in sorted(entries, key=times.__getitem__):
        number = head_of(folder / entry).number
        before = before if number is None else number
        keys[entry] = (before, times[entry])
    return [folder / entry for entry in sorted(entries, key=keys.__getitem__)]


def next_number(results: Path, name: str) -> int:
    """The place of a new run in the order in which an experiment's runs are made, from 1."""
    return 1 + max((head_of(run).number or 0 for run in runs_of(results, name)), default=0)


def of_source(runs: Iterable[Path], source: str) -> list[Path]:
    """Those runs that are of this file, by its `source_path`, or do not say of which they are."""
    return [run for run in runs if head_of(run).source_path in (None, source)]


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


def resolve_run(text: str, results: Path, experiments: Sequence[Path] = ()) -> Path:
    """The folder that a person means by `gil`, `gil~1`, `gil/2026-…`, or a folder's path.

    `gil` is the latest run of that experiment, `gil~1` the one before; whatever `run` takes for the
    name of an experiment's file, in one of the folders `experiments` or elsewhere, is one here too.
    Raises NoSuchRun, which proposes the nearest names.
    """
    # ./dev goes to the checkout; a folder is still named from where the person stands.
    given = from_here(text)
    if _is_run(given):
        return given
    text = text.removesuffix("/")
    match = _BACK.fullmatch(text)
    wanted = [(text, 0)]  # a file's name may end with ~1
    wanted += [(match["name"], int(match["back"]))] if match is not None else []
    fullest = 0
    for name, back in wanted:
        runs = _runs_meant(name, results, experiments)
        if back < len(runs):
            return runs[-1 - back]
        fullest = max(fullest, len(runs))
    if fullest:
        assert match is not None
        name = match["name"]
        raise NoSuchRun(
            f'there is no run "{escaped(text)}": {escaped(name)} has {counted(fullest, "run")}',
            f"the oldest is {escaped(name)}~{fullest - 1}",
        )
    name, _, run = text.partition("/")
    for own in _folders_called(name) if _NAME.fullmatch(run.lower()) else ():
        folder = results / own / run
        if _NAME.fullmatch(own) and _is_run(folder) and _is_inside(folder, results):
            return folder
    raise NoSuchRun(f'there is no run "{escaped(text)}"', _nearest(text, results))


def _runs_meant(name: str, results: Path, experiments: Sequence[Path]) -> list[Path]:
    """The runs of the experiment that a person calls by a name, the first that was made first."""
    source = file_called(name, experiments)
    if source is not None:
        runs = _runs_inside(results, run_name(source))
        own = of_source(runs, source_path(source, results))
        if own or os.sep in name:  # a path means just that file
            return own
        if runs:
            return runs
    if os.sep in name:  # the file is not there any more, or not seen from here
        path = os.path.normpath(name)
        runs = _runs_inside(results, run_name(Path(path)))
        return [run for run in runs if head_of(run).source_path == path]
    found = (runs for own in _folders_called(name) if (runs := _runs_inside(results, own)))
    return next(found, [])


def _folders_called(name: str) -> tuple[str, ...]:
    """The folders in which the runs of an experiment of this name may be, the nearest first."""
    stem = name.removesuffix(".toml")
    return (stem, run_name(Path(f"{stem}.toml"))) if stem else ()


def _runs_inside(results: Path, folder: str) -> list[Path]:
    inside = _NAME.fullmatch(folder) and _is_inside(results / folder, results)
    return runs_of(results, folder) if inside else []


def other_sources(run: Path) -> list[str]:
    """Of which other files, of the same name in other folders, there are runs beside a run."""
    own = head_of(run).source_path
    beside = runs_of(run.parent.parent, run.parent.name)
    found = {head_of(one).source_path for one in beside} - {own, None}
    return sorted(str(one) for one in found) if own is not None else []


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
    from fibench.wording import suggestion

    try:
        names = sorted(entry.name for entry in os.scandir(results) if _NAME.fullmatch(entry.name))
    except OSError:
        names = []
    folders = [name for name in names if runs_of(results, name)]
    if not folders:
        begin = called.command("run gil")
        return f"there are no runs in {escaped(str(results))} yet: begin with `{begin}`"
    name = text.partition("/")[0]
    for folder in _folders_called(name):
        if folder in folders:
            return suggestion(text, [f"{name}/{run.name}" for run in runs_of(results, folder)])
    return suggestion(name.partition("~")[0], _experiments(results, folders))


def _experiments(results: Path, folders: Iterable[str]) -> list[str]:
    """What people call the experiments that have runs in folders of the results."""
    return sorted(
        {
            known_as(folder, head_of(run).source_path)
            for folder in folders
            for run in runs_of(results, folder)
        }
    )
