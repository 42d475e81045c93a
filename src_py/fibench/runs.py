# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs, from many machines, as a table: a row for each run and claim.

Runs are judged anew, from their trials: claims.json may have been altered, or written by another
version. What contradicts it, or stands in another run as well, is marked. Nothing is read that a
link leads to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

from fibench.audit import against_itself, copies, digests_of
from fibench.claims import claims_json
from fibench.depth import parse_json
from fibench.escape import json_text
from fibench.judged import review
from fibench.places import Places, find_places
from fibench.run_files import StoredError, shown_path
from fibench.run_names import run_name
from fibench.stored import read_run

SCHEMA = 1
_RUN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}-[0-9a-f]{4,}")
_MARKS = frozenset(("plan.json", "trials.jsonl", "claims.json"))
"""A folder that has one of these is a run, and is not searched for others."""
_DEEPEST = 64
_LARGEST_BYTES = 16 * 2**20
_FIRST_BYTES = 4096
_STARTED = re.compile(rb'"started_at":"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})')
_MODEL_NOISE = re.compile(r"\((?:R|TM)\)|\bCPU\b|\bProcessor\b|@.*$|\b[0-9]+-Core\b", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A claim of a run, or what stands in its place: `interrupted`, `no claims`, `damaged: ...`."""

    run: str
    """The folder, relative to the root."""
    experiment: str
    machine: str
    cores: int | None
    when: str
    """UTC, `2026-11-23 07:15`."""
    complete: bool
    claim: str
    outcome: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    quantity: str = ""
    """What the estimate is: `ratio`, or a metric with its unit."""
    marks: str = ""
    """What is wrong with the run: altered, damaged, missing, copied. The same in all its rows."""


COLUMNS = tuple(entry.name for entry in fields(Row))


class _DamagedError(Exception):
    """A run's file is not what it should be; the text is one line."""


def find_runs(root: Path) -> Iterator[Path]:
    """Every run below a folder, or the folder itself, by name; links are not followed, and
    hidden folders, as those of runs that a crash left unborn, are passed over.

    A folder that cannot be listed is yielded too: its row says so.
    """
    stack = [(root, 0)]
    while stack:
        folder, depth = stack.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            yield folder
            continue
        if any(entry.name in _MARKS for entry in entries):
            yield folder
        elif depth < _DEEPEST:
            below = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )
            stack += [(folder / name, depth + 1) for name in reversed(below)]


def rows(root: Path, experiment: str = "") -> list[Row]:
    """The rows of all runs below a folder, of one experiment if it is named: by its file's name,
    or by that of its folder."""
    found: list[Row] = []
    trials: dict[str, frozenset[bytes]] = {}
    places = find_places()
    stem = Path(experiment).name.removesuffix(".toml")
    wanted = (experiment, run_name(Path(f"{stem}.toml")))
    for folder in find_runs(root):
        name = folder.parent.name if folder != root else folder.resolve().parent.name
        if not experiment or name in wanted:
            own = _rows_of(folder, root, name, places)
            found += own
            trials[own[0].run] = digests_of(folder)
    copied = copies(trials)
    return [
        replace(row, marks="; ".join(filter(None, (row.marks, copied.get(row.run, "")))))
        for row in found
    ]


def runs_json(found: Iterable[Row]) -> str:
    """The rows as one JSON document."""
    listed = [dict(zip(COLUMNS, astuple(row), strict=True)) for row in found]
    return json_text({"schema": SCHEMA, "runs": listed}, 1)


def _rows_of(folder: Path, root: Path, experiment: str, places: Places) -> list[Row]:
    run = str(folder.relative_to(root)) if folder != root else folder.resolve().name
    machine, cores = "", None
    when = _when(folder)
    try:
        environment = _read(folder / "environment.json")
        if environment is not None:
            machine, cores = _machine(environment)
        claims = _read(folder / "claims.json")
        known = (run, experiment, machine, cores, when)
        if "trials" not in (_read(folder / "plan.json") or {}):
            raise _DamagedError("plan.json: not what fibench writes")
        kept = None if claims is None else _kept(claims)
        return _judged(folder, known, kept, places)
    except _DamagedError as error:
        why = str(error)
    except StoredError as error:
        why = str(error).replace(f"{shown_path(folder)}/", "")
    except OSError as error:
        why = f"{Path(str(error.filename)).name}: {error.strerror}"
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError):
        why = "trials.jsonl: not what fibench writes"
    return [Row(run, experiment, machine, cores, when, False, "", f"damaged: {why}")]


def _kept(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims of claims.json. Raises _DamagedError."""
    claims = document.get("claims")
    if not isinstance(claims, list) or not all(
        isinstance(claim, dict) and isinstance(claim.get(name), str)
        for claim in claims
        for name in ("id", "outcome")
    ):
        raise _DamagedError("claims.json: not what fibench writes")
    return claims


def _judged(
    folder: Path,
    known: tuple[str, str, str, int | None, str],
    kept: list[dict[str, Any]] | None,
    places: Places,
) -> list[Row]:
    """The rows of a run as its trials have it. Raises StoredError."""
    judged = review(read_run(folder, places))
    claims = claims_json(judged.verdicts)["claims"] if judged.run.complete else []
    marks = "; ".join(against_itself(judged, claims, kept))
    if not judged.run.complete:
        return [Row(*known, False, "", "interrupted", marks=marks)]
    found = [_row(known, claim) for claim in claims] or [Row(*known, True, "", "no claims")]
    return [replace(row, marks=marks) for row in found]


def _row(known: tuple[str, str, str, int | None, str], claim: dict[str, Any]) -> Row:
    name, outcome = str(claim["id"]), str(claim["outcome"])
    estimate, count = claim.get("estimate"), claim.get("count")
    if estimate is not None:
        mean, low, high = (_number(estimate[end]) for end in ("mean", "low", "high"))
        return Row(*known, True, name, outcome, mean, low, high, str(estimate["quantity"]))
    if count is not None and count["blocks"]:
        mean = _number(count["total"] / count["blocks"])
        low, high = _number(count["least"]), _number(count["most"])
        return Row(*known, True, name, outcome, mean, low, high, str(claim["metric"]))
    return Row(*known, True, name, outcome)


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("not a number")
    return float(value) if abs(value) < float("inf") else None


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON object; None if the file is not there. Raises _DamagedError and OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as stream:
        data = stream.read(_LARGEST_BYTES + 1)
    if len(data) > _LARGEST_BYTES:
        raise _DamagedError(f"{path.name}: too large")
    try:
        document = parse_json(data)
    except ValueError as error:
        raise _DamagedError(f"{path.name}: not JSON") from error
    if not isinstance(document, dict):
        raise _DamagedError(f"{path.name}: not a JSON object")
    return document


def _machine(environment: dict[str, Any]) -> tuple[str, int | None]:
    """The processor's name without what all have in theirs, and the cores of the run."""
    model = " ".join(_MODEL_NOISE.sub(" ", str(environment.get("processor") or "")).split())
    cores = environment.get("usable_cores")
    return model, cores if type(cores) is int else None


def _when(folder: Path) -> str:
    """When the run began, from its folder's name, or where that was changed from its first trial.

    Copies keep neither name nor age for sure, and the journal is longer than need be.
    """
    name = folder.name
    if _RUN.fullmatch(name):
        return f"{name[:10]} {name[11:13]}:{name[13:15]}"
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(folder / "trials.jsonl", flags), "rb") as stream:
            started = _STARTED.search(stream.read(_FIRST_BYTES))
    except OSError:
        return ""
    return f"{started[1].decode()} {started[2].decode()}" if started else ""
