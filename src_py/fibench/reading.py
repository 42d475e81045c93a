# SPDX-License-Identifier: BSD-3-Clause
"""From the name of an experiment to its file, its text, and what that means as TOML."""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fibench.depth import TooDeepError, check_toml
from fibench.diagnostics import (
    Diagnostic,
    ExperimentError,
    meant,
    one_of,
    point,
)
from fibench.escape import escaped
from fibench.locate import Span, normalised

LARGEST_FILE_BYTES = 256 * 1024

_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOO_LONG = re.compile(rf"[0-9][0-9_]{{{sys.get_int_max_str_digits() or 10**6},}}")
_SYNTAX_HINTS = {
    "Invalid value": 'text needs quotes: backend = "py-mt"',
    "Cannot overwrite a value": "a key is given twice: keep one of them",
    "Unclosed array": "a list ends with ]",
    "Unterminated string": 'text ends with "',
}


def find_experiment(name: str, folders: Path | Sequence[Path]) -> Path:
    """The file that `experiments/gil.toml`, `gil.toml` or `gil` names.

    A path to a file is taken as it is; then the folders are searched in their order. Raises
    ExperimentError with the nearest names there are.
    """
    searched = [folders] if isinstance(folders, Path) else list(folders)
    if "\0" in name or not name.strip():
        raise ExperimentError([_without_place("", "no experiment is named", _there(searched))])
    candidates = [Path(name)] if name.endswith(".toml") or os.sep in name else []
    for folder in searched:
        candidates += [folder / name, folder / f"{name}.toml", folder.parent / name]
    for candidate in candidates:
        if candidate.suffix == ".toml" and os.path.lexists(candidate) and not candidate.is_dir():
            return candidate
    for candidate in candidates:
        if os.sep in name and os.path.lexists(candidate):
            return candidate
    hint = f"{meant(Path(name).stem, _names(searched))} {_there(searched)}".lstrip()
    raise ExperimentError([_without_place(name, "there is no such experiment", hint)])


def file_called(name: str, folders: Path | Sequence[Path]) -> Path | None:
    """The experiment's file that a person calls so, as `find_experiment` does; None: there is none.

    ./dev goes to the checkout; a file is still named from where the person stands.
    """
    origin = os.environ.get("FIBENCH_FROM")
    try:
        if origin and (Path(origin).absolute() / name).is_file():
            return Path(origin).absolute() / name
        return find_experiment(name, folders)
    except (ExperimentError, OSError, ValueError):
        return None


def _names(folders: Sequence[Path]) -> list[str]:
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


def _there(folders: Sequence[Path]) -> str:
    names = _names(folders)
    return f"there are: {one_of(names)}" if names else "give the path of a .toml file"


def read(path: Path, name: str) -> bytes:
    """What a file holds; `name` is what it is called in messages. Raises ExperimentError."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ExperimentError([_without_place(name, "is not a regular file")])
            return stream.read(LARGEST_FILE_BYTES + 1)
    except IsADirectoryError as error:
        hint = "give a .toml file in it"
        raise ExperimentError([_without_place(name, "is a folder", hint)]) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot be read: {reason[:1].lower()}{reason[1:]}"
        raise ExperimentError([_without_place(name, what)]) from error


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO would make us wait


def brief_name(path: Path) -> str:
    """The path as a person would write it: relative for what is below the working folder."""
    try:
        # ./dev goes to the checkout; a person is still where the command was given.
        relative = os.path.relpath(path, os.environ.get("FIBENCH_FROM") or os.curdir)
    except (OSError, ValueError):
        return str(path)
    return str(path) if relative.startswith(os.pardir) else relative


def _without_place(file: str, what: str, hint: str = "") -> Diagnostic:
    return Diagnostic(file, None, None, 0, what, hint)


def decode(data: str | bytes, filename: str) -> str:
    """The text that bytes hold, without a byte order mark. Raises ExperimentError."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > LARGEST_FILE_BYTES:
        what = f"is larger than {LARGEST_FILE_BYTES // 1024} KiB"
        raise ExperimentError([_without_place(filename, what, "is this an experiment?")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = len(data[: error.start].decode("utf-8-sig", "replace"))
        text = data.decode("utf-8-sig", "replace")
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise ExperimentError(
            [_at_offset(filename, text, start, what, "save it as UTF-8")]
        ) from error
    if "\0" in text:
        what = "the file contains a NUL byte"
        fault = _at_offset(filename, text, text.index("\0"), what, "is this a text file?")
        raise ExperimentError([fault])
    return text


def _at_offset(filename: str, text: str, offset: int, what: str, hint: str) -> Diagnostic:
    before = normalised(text[:offset])
    return point(filename, normalised(text), Span(len(before), len(before) + 1), what, hint)


def parse_toml(text: str, filename: str) -> dict[str, Any]:
    """What TOML text means. Raises ExperimentError, before it costs much, for what is too deep."""
    try:
        check_toml(text)
        return tomllib.loads(text)
    except TooDeepError as error:
        hint = "an experiment is a few levels deep: is this one?"
        raise ExperimentError(
            [_at_offset(filename, text, error.offset, str(error), hint)]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError([_syntax_fault(str(error), text, filename)]) from error
    except ValueError as error:  # a whole number with more digits than Python converts
        what, hint = "a number has too many digits", "no key takes more than 19"
        found = _TOO_LONG.search(text)
        start = found.start() if found else 0
        raise ExperimentError([_at_offset(filename, text, start, what, hint)]) from error


def _syntax_fault(message: str, text: str, filename: str) -> Diagnostic:
    """tomllib's message as a diagnostic: it ends with the place."""
    text = normalised(text)
    match = _PLACE.fullmatch(message)
    said = match[1] if match is not None else message
    offset = len(text.rstrip())
    if match is not None and match[2] is not None:
        lines = text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: int(match[2]) - 1]) + int(match[3]) - 1
    hint = _SYNTAX_HINTS.get(said, "")
    what = f"not TOML: {said[:1].lower()}{escaped(said[1:200])}"
    return point(filename, text, Span(offset, offset + 1), what, hint)
