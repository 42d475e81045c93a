# SPDX-License-Identifier: BSD-3-Clause
"""The experiment's file as the page shows it: line by line, with the places of its claims."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.document import slug
from fibench.document.locate import locate, normalised
from fibench.store.files import StoredError, read_inside
from fibench.wording import escaped

if TYPE_CHECKING:
    from fibench.experiment import Claim

FILE = "experiment.toml"
_MOST_BYTES = 1 << 20
_PIECES = re.compile(
    r"""(?P<comment>\#.*)|(?P<string>"(?:[^"\\]|\\.)*"?|'[^']*'?)|(?P<plain>[^#"']+)""", re.VERBOSE
)
_KEY = re.compile(r"(?P<key>\s*[A-Za-z0-9_.\-\"']+\s*)(?P<rest>=.*)", re.DOTALL)
_LONG = ('"""', "'''")


@dataclass(frozen=True)
class SourceLine:
    """A line, in pieces that have a kind each: comment, string, header, key, or empty."""

    number: int
    pieces: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SourceFile:
    """What the run keeps of its experiment's file."""

    lines: Sequence[SourceLine] = ()
    places: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By the id of a claim and what it says, the line where it begins."""

    def line_of(self, claim: Claim) -> int | None:
        """Where a claim is written; None of one that is of another file."""
        return self.places.get((claim.id, claim.says))


def read_source(folder: Path) -> SourceFile:
    """The file of a run's folder; nothing where it cannot be read."""
    try:
        data = read_inside(folder, FILE, _MOST_BYTES, optional=True)
    except StoredError:
        data = None
    return SourceFile() if data is None else source_of(data.decode("utf-8", "replace"))


def source_of(text: str) -> SourceFile:
    """The same of a text, which may be anything."""
    return SourceFile(list(_lines(text)), dict(_claims(text)))


def _claims(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    try:
        listed = tomllib.loads(text).get("claim")
        found = locate(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    for place, table in enumerate(listed if isinstance(listed, list) else ()):
        where = found.get(("claim", place))
        says = table.get("says") if isinstance(table, dict) else None
        if where is None or not isinstance(says, str):
            continue
        name = table.get("id") or slug(says) or f"claim-{place + 1}"
        yield (str(name), says), normalised(text).count("\n", 0, where.best.start) + 1


def _lines(text: str) -> Iterator[SourceLine]:
    """Every line, escaped; a string over several lines is one."""
    closing = ""
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        shown = escaped(line.rstrip("\r").replace("\t", "    "))
        if closing:
            yield SourceLine(number, [("string", shown)])
            closing = "" if closing in line else closing
            continue
        yield SourceLine(number, list(_pieces(shown)))
        begun = [mark for mark in _LONG if line.count(mark) % 2 == 1]
        closing = begun[0] if begun and not line.lstrip().startswith("#") else ""


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    if line.lstrip().startswith("["):
        head, mark, comment = line.partition("#")
        yield "header", head
        if mark:
            yield "comment", mark + comment
        return
    found = _KEY.fullmatch(line)
    if found is not None:
        yield "key", found["key"]
        line = found["rest"]
    for piece in _PIECES.finditer(line):
        kind = piece.lastgroup or ""
        yield ("" if kind == "plain" else kind), piece[0]
