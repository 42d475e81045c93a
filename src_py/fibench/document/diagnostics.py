# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong with an experiment file, and how a person is told.

    experiments/gil.toml:4:12: unknown backend "py-mtt"
        backend = ["py-mtt", "py-mp"]
                   ^^^^^^^^
    did you mean "py-mt"?

Text that comes from the file is escaped before it is shown, so that a file cannot send commands to
a terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fibench.document.locate import (
    Location,
    Path,
    Span,
    locate,
    nearest,
    nearest_path,
    normalised,
)
from fibench.wording import escaped

_INDENT = "    "
_TAB = 4
_WIDEST = 96
"""Columns of a source line that are shown; of a longer one, the part around the fault."""
MOST = 100
"""Faults that are listed for one file."""


@dataclass(frozen=True)
class Diagnostic:
    """One fault: where, what, and what to do about it."""

    file: str
    """The file, or the option of the command line, that is at fault."""
    line: int | None
    """From 1; None when the fault has no place in the text."""
    column: int | None
    """From 1, in characters."""
    length: int
    """Characters to underline."""
    what: str
    hint: str = ""
    source: str = ""
    """The source line."""
    path: Path | None = field(default=None, compare=False)
    """The item of the file that it is about."""

    def __str__(self) -> str:
        """The lines that a person sees, without a line end at the end."""
        where = "".join(f":{number}" for number in (self.line, self.column) if number is not None)
        lines = [f"{escaped(self.file)}{where}: {self.what}"]
        if self.line is not None and self.column is not None and self.source.strip():
            lines += _underlined(self.source, self.column - 1, self.length)
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class ExperimentError(Exception):
    """An experiment, or the options that change it, cannot be used; says everything at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Keep the faults; the exception's text is all of them as a person sees them."""
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = list(diagnostics)


@dataclass
class Source:
    """The text that diagnostics point into, and the diagnostics so far.

    `options` names the option that put a value at a path which the text does not explain.
    """

    file: str
    text: str
    options: Mapping[Path, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    left_out: int = field(default=0, init=False)
    """Faults beyond the first `MOST`: nobody reads them, and each costs time to place."""
    forgiven: set[Path] = field(default_factory=set, init=False)
    """Items of which something was let pass, since options may be why it is so."""

    def __post_init__(self) -> None:
        """Find where everything stands."""
        self.text = normalised(self.text)
        self.locations: dict[Path, Location] = locate(self.text)

    def report(
        self, path: Sequence[str | int], what: str, hint: str = "", *, key: bool = False
    ) -> None:
        """Add a fault of the item at `path`; `key` underlines the item's key, not its value."""
        if self.full:
            self.leave_out(1)
            return
        option = self._option(path)
        if option is not None:
            found = Diagnostic(option, None, None, 0, what, hint, path=tuple(path))
            self.diagnostics.append(found)
            return
        location = nearest(self.locations, path)
        if location is None:  # the file as a whole: its begin
            span = Span(0, 1)
        else:
            span = location.key if key and location.key is not None else location.best
        found = point(self.file, self.text, span, what, hint)
        self.diagnostics.append(replace(found, path=tuple(path)))

    def called(self, written: Path, meant: str) -> None:
        """Let faults of an item that is `meant` to have another name be shown where the file has
        it."""
        known = nearest_path(self.locations, written)
        for path, location in list(self.locations.items()):
            if path[: len(known)] == known and known[-1:] == written[-1:]:
                self.locations.setdefault((*known[:-1], meant, *path[len(known) :]), location)

    def leave_out(self, faults: int) -> None:
        """Count faults that are not to be listed."""
        self.left_out += faults

    def forgive(self, *items: Path) -> None:
        """Remember items of which something was let pass that may be a fault of the file itself."""
        self.forgiven |= set(items)

    @property
    def full(self) -> bool:
        """Whether further faults are only counted."""
        return len(self.diagnostics) >= MOST

    def _option(self, path: Sequence[str | int]) -> str | None:
        for length in range(len(path), -1, -1):
            option = self.options.get(tuple(path[:length]))
            if option is not None:
                return option
        return None

    def forgave(self, fault: Diagnostic) -> bool:
        """Whether a fault is of an item of which something was let pass."""
        path = fault.path
        return path is not None and any(path[: len(one)] == one for one in self.forgiven)

    def sorted(self) -> list[Diagnostic]:
        """The diagnostics in the order of the text, each once; those without a place come first."""
        unique = dict.fromkeys(self.diagnostics)
        faults = sorted(unique, key=lambda fault: (fault.line or 0, fault.column or 0))
        if self.left_out:
            what = f"{self.left_out} more faults; only the first {MOST} found are listed"
            faults.append(Diagnostic(self.file, None, None, 0, what))
        return faults


def point(file: str, text: str, span: Span, what: str, hint: str = "") -> Diagnostic:
    """A diagnostic that underlines a span of `text`, as far as the span's first line goes."""
    start = min(span.start, len(text))
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    return Diagnostic(
        file=file,
        line=text.count("\n", 0, start) + 1,
        column=start - begin + 1,
        length=max(1, min(span.end, end) - start),
        what=what,
        hint=hint,
        source=text[begin:end],
    )


def _underlined(source: str, start: int, length: int) -> list[str]:
    """A source line and the line of carets below the part [start, start + length)."""
    first = 0
    if len(source) > _WIDEST:
        first = max(0, min(start - _WIDEST // 3, len(source) - _WIDEST))
    last = min(len(source), first + _WIDEST)
    line, marks = ("…", " ") if first > 0 else ("", "")
    for at in range(first, last):
        text = " " * (_TAB - len(marks) % _TAB) if source[at] == "\t" else escaped(source[at])
        line += text
        marks += ("^" if start <= at < start + length else " ") * sum(map(_width, text))
    if "^" not in marks:  # beyond the line's end, or a character without width
        marks += "^"
    if last < len(source):
        line += "…"
    return [f"{_INDENT}{line}".rstrip(), f"{_INDENT}{marks}".rstrip()]


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
