# SPDX-License-Identifier: BSD-3-Clause
"""The files of a run's folder, which may come from anywhere: checked before they are used.

Nothing outside the folder is read, whatever symbolic links it holds, and nothing makes us wait.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fibench.document import parse_json
from fibench.json_values import Object
from fibench.reading import without_waiting
from fibench.wording import escaped

NEWEST_SCHEMA = 3
_LARGEST_JSON_BYTES = 64 * 2**20


class StoredError(Exception):
    """A run cannot be read; the text is one line of what, `hint` one of what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def read_json(folder: Path, name: str, missing: Object | None = None) -> Object:
    """A JSON object of a run's folder; `missing` stands in for an absent file if it is given.

    Raises StoredError, also for a document of a later schema than this version knows.
    """
    data = read_inside(folder, name, _LARGEST_JSON_BYTES, optional=missing is not None)
    if data is None:
        return dict(missing or {})
    where = shown_path(folder / name)
    try:
        document = parse_json(data)
    except ValueError as error:
        raise StoredError(f"{where} is not JSON, or no such as fibench writes", DAMAGED) from error
    if not isinstance(document, dict):
        raise StoredError(f"{where} is not a JSON object", DAMAGED)
    schema = document.get("schema", 1)
    if type(schema) is not int or schema < 1:
        raise StoredError(f"{where} has no schema number", DAMAGED)
    if schema > NEWEST_SCHEMA:
        raise StoredError(f"{where} has schema {schema}, which is newer than this fibench", NEWER)
    return document


DAMAGED = "the file is damaged: copy the run's folder again, or leave this run out"
UNREADABLE = "make the run's folder readable, or copy it again"
NOT_UNDERSTOOD = "the file is damaged, or of a later version: copy the run's folder again"
NEWER = "use the version of fibench that made the run, or a later one"


def read_inside(folder: Path, name: str, most: int, *, optional: bool = False) -> bytes | None:
    """The bytes of a file of a run's folder; None if it is absent and `optional`.

    Raises StoredError.
    """
    path = inside(folder, name, optional=optional)
    if path is None:
        return None
    where = shown_path(folder / name)
    try:
        with open(path, "rb", opener=without_waiting) as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise StoredError(f"{where} cannot be read: {error.strerror}", UNREADABLE) from error
    if len(data) > most:
        raise StoredError(f"{where} is larger than {most // 1024} KiB", DAMAGED)
    return data


def inside(folder: Path, name: str, *, optional: bool) -> Path | None:
    """Where a regular file of a run's folder is; None if it is absent and `optional`.

    A symbolic link that leads out of the folder is an error, and so is a FIFO or a device, which
    would make us wait. Raises StoredError.
    """
    where = shown_path(folder / name)
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            hint = "fibench reads nothing outside of it: copy the file there"
            raise StoredError(f"{where} is a link out of the run's folder", hint)
        if not stat.S_ISREG(path.stat().st_mode):
            raise StoredError(f"{where} is not a regular file", DAMAGED)
    except FileNotFoundError as error:
        if optional and not (folder / name).is_symlink():
            return None
        raise StoredError(f"{where} is missing", "copy the whole folder of the run") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links go in circles"
        raise StoredError(f"{where} cannot be read: {reason}", UNREADABLE) from error
    return path


def shown_path(path: Path) -> str:
    """A path in a message: relative below the working folder, harmless to a terminal."""
    relative = os.path.relpath(path)
    return escaped(str(path) if relative.startswith(os.pardir) else relative)
