# SPDX-License-Identifier: BSD-3-Clause
"""Which folder a RUN names: `gil` is its latest run, `gil~1` the one before."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fibench.diagnostics import did_you_mean, escaped, one_of

_NAME = re.compile(r"([a-z0-9._-]{1,64})(?:~([0-9]{1,6}))?")
_RUN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}-[0-9a-f]+")


class NoSuchRun(Exception):
    """A RUN names nothing; `hint` says what there is."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def resolve_run(text: str, results: Path) -> Path:
    """The folder that `gil`, `gil~1`, `gil/2026-...` or a path names. Raises NoSuchRun."""
    if not text.strip() or "\0" in text:
        raise NoSuchRun("no run is named", _there(results))
    # ./dev goes to the checkout; a folder is still named from where the person stands.
    for candidate in (Path(os.environ.get("FIBENCH_FROM", ""), text), results / text):
        if candidate.is_dir() and not _is_experiment(candidate, results):
            return candidate
    match = _NAME.fullmatch(text)
    runs = _runs(results / match[1]) if match is not None else []
    if match is None or not runs:
        close = did_you_mean(text.partition("~")[0], _experiments(results))
        meant = f'did you mean "{close}"? ' if close is not None else ""
        raise NoSuchRun(f"there is no run {escaped(text[:200])}", meant + _there(results))
    back = int(match[2] or 0)
    if back >= len(runs):
        only = f"there are {len(runs)}: {match[1]} to {match[1]}~{len(runs) - 1}"
        raise NoSuchRun(f"{match[1]} has no run {back} before its latest", only)
    return runs[-1 - back]


def _is_experiment(folder: Path, results: Path) -> bool:
    """Whether a folder holds runs rather than being one."""
    return folder.parent.resolve() == results.resolve() and bool(_runs(folder))


def _runs(folder: Path) -> list[Path]:
    """The runs of one experiment, the latest last: names begin with the time, in UTC."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _RUN.fullmatch(path.name))


def _experiments(results: Path) -> list[str]:
    if not results.is_dir():
        return []
    return sorted(path.name for path in results.iterdir() if _runs(path))


def _there(results: Path) -> str:
    names = _experiments(results)
    return f"there are runs of: {one_of(names)}" if names else "give the folder of a run"
