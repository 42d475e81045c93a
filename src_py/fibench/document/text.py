# SPDX-License-Identifier: BSD-3-Clause
"""From the name of an experiment to its file, its text, and what that means as TOML."""

from __future__ import annotations

import codecs
import os
import re
import shlex
import stat
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from fibench import called
from fibench.document.depth import TooDeepError, check_toml
from fibench.document.diagnostics import Diagnostic, ExperimentError, point
from fibench.document.locate import Span, normalised
from fibench.folders import from_here, origin
from fibench.reading import without_waiting
from fibench.wording import did_you_mean, escaped, meant, one_of

LARGEST_FILE_BYTES = 256 * 1024
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOO_LONG = re.compile(rf"[0-9][0-9_]{{{sys.get_int_max_str_digits() or 10**6},}}")
_HEADER = re.compile(r"\[{1,2}[ \t]*([A-Za-z0-9_-]+)[ \t]*\]")
_ONE_LINE = "a line is [table], key = value, or # and a comment; text needs quotes"
_OTHER_QUOTES = "“”„‟«»‘’‚‛`´"
_SYNTAX_HINTS: tuple[tuple[str, str], ...] = (
    (r"Invalid value", 'text needs quotes: backend = "py-mt"'),
    (r"Cannot overwrite a value", "a key is given twice: keep one of them"),
    (r"Duplicate inline table key .*", "a key is given twice: keep one of them"),
    (r"Cannot (declare|redefine|mutate).*", "it is given twice: put both under one [table]"),
    (r"Unclosed array", "a list ends with ]"),
    (r"Unclosed inline table", 'a side ends with }: { backend = "py-mt", n = 27 }'),
    (r"Unterminated string", 'text ends with "'),
    (r"Illegal character '\\n'", 'text ends with ", on the line that it began on'),
    (r"(Illegal|Found invalid) character .*", "remove this character"),
    (r"Expected '=' after a key.*", 'a key and its value have = between them: title = "..."'),
    (r"Invalid initial character for a key part", _ONE_LINE),
    (r"Invalid statement", _ONE_LINE),
    (r"Expected newline or end of document after a statement", f"one value alone: {_ONE_LINE}"),
    (r"Expected '\]\]' .*", "write [[claim]], with two brackets on either side"),
    (r"Expected '\]' .*", "write [load], with a bracket on either side"),
    (r"Expected .*", _ONE_LINE),
    (r"Unescaped '\\' in a string", "write \\\\ for one backslash, or text in '...'"),
    (r"Invalid hex value|Escaped character.*", "write \\\\ for one backslash, or text in '...'"),
    (r"Invalid date or datetime", 'text needs quotes: title = "2026-11-23"'),
)
"""By what tomllib says, what to do about it: the first that fits."""
_JOINED = ("matrix", "claim", "exclude", "prepare")
"""Tables of which there may be several."""


def find_experiment(name: str, folders: Path | Sequence[Path]) -> Path:
    """The file that `experiments/gil.toml`, `gil.toml` or `gil` names.

    A path to a file is taken as it is, from where the person stands (./dev goes to the checkout);
    then the folders are searched in their order. What is there and can be no experiment is
    returned too: reading it says what is wrong with it. Raises ExperimentError with the nearest
    names there are.
    """
    searched = _searched(folders)
    if "\0" in name or not name.strip():
        raise ExperimentError([_without_place("", "no experiment is named", _there(searched))])
    given = [_origin() / name, Path(name)]
    candidates = given if name.endswith(".toml") or os.sep in name else []
    for folder in searched:
        candidates = [*candidates, folder / name, folder / f"{name}.toml", folder.parent / name]
    for candidate in candidates:
        if candidate.suffix == ".toml" and os.path.lexists(candidate) and not candidate.is_dir():
            return candidate
    for candidate in [*given, *(candidates if os.sep in name else [])]:
        if os.path.lexists(candidate):
            return candidate
    hint = f"{_meant(name, searched)} {_there(searched)}".lstrip()
    raise ExperimentError([_without_place(name, "there is no such experiment", hint)])


def file_called(name: str, folders: Path | Sequence[Path]) -> Path | None:
    """The file that `find_experiment` finds by a name; None: there is none."""
    try:
        found = find_experiment(name, folders)
    except (ExperimentError, OSError, ValueError):
        return None
    return None if found.is_dir() else found


def namesakes(name: str, found: Path, folders: Path | Sequence[Path]) -> list[str]:
    """The other files that a bare name could have meant, each as the person can call it."""
    if os.sep in name or name.endswith(".toml"):
        return []
    file = f"{name}.toml"
    others = [(_origin() / file, os.path.join(os.curdir, file))]
    others += [(folder / file, brief_name(folder / file)) for folder in _searched(folders)]
    return [shown for path, shown in others if path.is_file() and not os.path.samefile(path, found)]


def _origin() -> Path:
    """The folder where the person stands: ./dev goes to the checkout."""
    return from_here(os.curdir)


def _searched(folders: Path | Sequence[Path]) -> list[Path]:
    return [folders] if isinstance(folders, Path) else list(folders)


def _names(folders: Sequence[Path]) -> list[str]:
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


def _meant(name: str, folders: Sequence[Path]) -> str:
    """What resembles a name: of the experiments, or of the files in the folder that it names."""
    folder, file = os.path.split(name)
    wanted = Path(file).stem
    ready = meant(wanted, _names(folders))
    if ready and not folder:
        return ready
    beside = {path.stem: path.name for path in (_origin() / folder).glob("*.toml")}
    close = did_you_mean(wanted, beside)
    return ready if close is None else meant(name, [os.path.join(folder, beside[close])]) or ready


def _there(folders: Sequence[Path]) -> str:
    names = _names(folders)
    return f"there are: {escaped(one_of(names))}" if names else "give the path of a .toml file"


def read(path: Path, name: str) -> bytes:
    """What a file holds; `name` is what it is called in messages. Raises ExperimentError."""
    try:
        with open(path, "rb", opener=without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ExperimentError(
                    [_without_place(name, "is not a regular file", "name a .toml file")]
                )
            return stream.read(LARGEST_FILE_BYTES + 1)
    except IsADirectoryError as error:
        hint = "give a .toml file in it"
        if (path / "plan.json").is_file():
            hint = f"it is a run: `{called.command(shlex.join(['report', name]))}` shows it"
        raise ExperimentError([_without_place(name, "is a folder", hint)]) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot be read: {reason[:1].lower()}{reason[1:]}"
        hint = "it is a link: mend where it leads" if path.is_symlink() else ""
        hint = "make it yours to read" if isinstance(error, PermissionError) else hint
        raise ExperimentError([_without_place(name, what, hint)]) from error


def brief_name(path: Path) -> str:
    """The path as a person would write it: relative for what is below the working folder."""
    try:
        # ./dev goes to the checkout; a person is still where the command was given.
        relative = os.path.relpath(path, origin())
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
        if b"\0" in data and not data.startswith(_UTF_16):
            what = "is no text file, and so no experiment"
            raise ExperimentError([_without_place(filename, what, "name a .toml file")]) from error
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


def parse_toml(text: str, filename: str) -> dict[str, object]:
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
    if not filename.endswith(".toml"):
        what = "is no experiment: it is not TOML"
        return _without_place(filename, what, "name a file such as experiments/gil.toml")
    text = normalised(text)
    match = _PLACE.fullmatch(message)
    said = match[1] if match is not None else message
    offset = len(text.rstrip())
    if match is not None and match[2] is not None:
        lines = text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: int(match[2]) - 1]) + int(match[3]) - 1
    what, hint = _in_words(said, text, offset)
    return point(filename, text, Span(offset, offset + 1), f"not TOML: {what}", hint)


def _in_words(said: str, text: str, offset: int) -> tuple[str, str]:
    """What tomllib says, which stops at an offset into a text, and what to do about it."""
    header = _HEADER.match(text[text.rfind("\n", 0, offset) + 1 :].lstrip(" \t"))
    if header is not None and said.startswith("Cannot "):
        table = header[1][:40]
        several = f"write [[{table}]] each time, and they are joined"
        hint = several if table in _JOINED else "put the keys of both under one"
        return f"[{table}] is given twice", hint
    character = text[offset : offset + 1]
    if character and character in _OTHER_QUOTES:
        return f"{character} is no quote of TOML", 'write straight quotes: backend = "py-mt"'
    hints = (hint for form, hint in _SYNTAX_HINTS if re.fullmatch(form, said, re.DOTALL))
    return f"{said[:1].lower()}{escaped(said[1:200])}", next(hints, _ONE_LINE)
