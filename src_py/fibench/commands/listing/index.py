# SPDX-License-Identifier: BSD-3-Clause
"""The index over runs: a page, kept beside the runs that its links lead to."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from fibench import writing
from fibench.commands import page
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.folders import from_here
from fibench.reading import without_waiting
from fibench.wording import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fibench.report.runs import ListedRun

INDEX = "runs.html"
_HEAD_BYTES = 4096


def index_text(found: Sequence[ListedRun], folder: Path) -> str:
    """The index, whose links lead from a folder."""
    from fibench.page import index_of

    return index_of(found, folder)


def own_index(folder: Path, *, replace: bool) -> Path:
    """Where the index of a folder of runs is kept. An index that is there is written anew; what is
    none may be somebody's, and is kept unless `replace` says otherwise. Raises Refused."""
    path = folder / INDEX
    if os.path.lexists(path) and not replace and not _is_index(path):
        hint = "say where it is to be: --output FILE; or --replace"
        raise Refused(f"{escaped(str(path))} is there, and is no index of runs", hint, WRONG_INPUT)
    return path


def _is_index(path: Path) -> bool:
    """Whether a file is an index that fibench wrote; links and devices are none."""
    try:
        with open(without_waiting(str(path), os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
            is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            return is_file and b", index of runs" in stream.read(_HEAD_BYTES)
    except OSError:
        return False


def keep_index(path: Path, text: str) -> None:
    """Write an index where it is kept, whole or not at all, and never through a link. Raises
    Refused."""
    from fibench.store.journal import sync_folder

    try:
        writing.replace(path, text.encode("utf-8", "backslashreplace"), sync_folder)
    except OSError as error:
        what = f"cannot write {escaped(str(path))}: {writing.reason(error)}"
        raise Refused(what, "say where it is to be: --output FILE") from error


def show_index(path: Path, *, opened: bool) -> None:
    """Say where an index is, or open it in the person's browser."""
    if opened:
        page.show(path)
    else:
        print(f"page: {escaped(os.path.relpath(path, from_here('.')))}")
