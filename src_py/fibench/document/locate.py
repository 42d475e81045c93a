# SPDX-License-Identifier: BSD-3-Clause
"""Where each key and value of a TOML document stands in its text.

tomllib says what a document means, and nothing about where. This scanner says where, and nothing
about validity: it is given text that tomllib has accepted. The two are held to each other by
property tests. Should the scanner meet something that it does not know, it stops and keeps what it
has found: a position is then that of the nearest enclosing item.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_LONGEST_KEY = 100
"""Parts of a dotted key that are followed: the time taken grows with their square."""

_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
_ESCAPED = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_ESCAPED_LINES = re.compile(r'[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*', re.DOTALL)


@dataclass(frozen=True)
class Span:
    """A part of the text: offsets [start, end) into the text with `\\n` line ends."""

    start: int
    end: int


@dataclass(frozen=True)
class Location:
    """Where an item stands.

    `key` is absent for elements of arrays; `value` for tables that headers or dotted keys make.
    """

    key: Span | None
    value: Span | None

    @property
    def best(self) -> Span:
        """The value if it has a place of its own, else the key."""
        span = self.value if self.value is not None else self.key
        return span if span is not None else Span(0, 0)


def normalised(text: str) -> str:
    """The text with `\\n` line ends, as tomllib sees it; lines and columns stay what they were."""
    return text.replace("\r\n", "\n")


def locate(text: str) -> dict[Path, Location]:
    """Map the path of every item in a valid TOML document to its place in `normalised(text)`.

    Never raises: where scanning fails, the items after that point are absent.
    """
    scanner = _Scanner(normalised(text))
    with contextlib.suppress(_LostError, RecursionError):
        scanner.document()
    return scanner.found


def nearest(found: dict[Path, Location], path: Sequence[str | int]) -> Location | None:
    """The place of `path`, or of the nearest known item that encloses it.

    A single value may stand where a list is meant, so an index 0 that the text does not have is
    passed over: `("matrix", 0, "n", 0)` finds `n` in `[matrix] n = 27`.
    """
    return found.get(nearest_path(found, path))


def nearest_path(found: dict[Path, Location], path: Sequence[str | int]) -> Path:
    """The path of that item."""
    known: Path = ()
    for step in path:
        if (*known, step) in found:
            known = (*known, step)
        elif step != 0:
            break
    return known


class _LostError(Exception):
    """The scanner met text that it does not understand."""


@dataclass
class _Scanner:
    text: str
    at: int = 0
    found: dict[Path, Location] = field(default_factory=dict)
    tables: dict[Path, int] = field(default_factory=dict)  # arrays of tables: how many so far

    def document(self) -> None:
        current: Path = ()
        while True:
            self.skip(_BLANK_LINES)
            if self.at == len(self.text):
                return
            if self.text.startswith("[[", self.at):
                current = self.header("[[", "]]")
            elif self.text.startswith("[", self.at):
                current = self.header("[", "]")
            else:
                self.pair(current)

    def header(self, opening: str, closing: str) -> Path:
        self.expect(opening)
        parts = self.dotted_key()
        self.expect(closing)
        path: Path = ()
        for name, span in parts[:-1]:
            path = (*path, name)
            self.found.setdefault(path, Location(span, None))
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        name, span = parts[-1]
        path = (*path, name)
        self.found.setdefault(path, Location(span, None))
        if opening == "[[":
            count = self.tables.get(path, 0)
            self.tables[path] = count + 1
            path = (*path, count)
            self.found[path] = Location(span, None)
        return path

    def pair(self, prefix: Path) -> None:
        parts = self.dotted_key()
        self.expect("=")
        self.skip(_BLANK)
        path = prefix
        for name, span in parts:
            path = (*path, name)
            self.found.setdefault(path, Location(span, None))
        self.found[path] = Location(parts[-1][1], self.value(path))

    def dotted_key(self) -> list[tuple[str, Span]]:
        parts = []
        while True:
            self.skip(_BLANK)
            start = self.at
            parts.append((self.simple_key(), Span(start, self.at)))
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return parts
            if len(parts) == _LONGEST_KEY:
                raise _LostError
            self.at += 1

    def simple_key(self) -> str:
        start = self.at
        if self.text.startswith("'", start):
            self.string()
            return self.text[start + 1 : self.at - 1]
        if self.text.startswith('"', start):
            self.string()
            try:
                return str(tomllib.loads("key = " + self.text[start : self.at])["key"])
            except ValueError as error:
                raise _LostError from error
        self.skip(_BARE_KEY)
        if self.at == start:
            raise _LostError
        return self.text[start : self.at]

    def value(self, path: Path) -> Span:
        start = self.at
        match self.text[start : start + 1]:
            case '"' | "'":
                self.string()
            case "[":
                self.array(path)
            case "{":
                self.inline_table(path)
            case _:
                self.skip(_BARE_VALUE)
                self.at = start + len(self.text[start : self.at].rstrip(" \t"))
                if self.at == start:
                    raise _LostError
        return Span(start, self.at)

    def array(self, path: Path) -> None:
        self.expect("[")
        index = 0
        while True:
            self.skip(_BLANK_LINES)
            if self.text.startswith("]", self.at):
                break
            element = (*path, index)
            self.found[element] = Location(None, self.value(element))
            index += 1
            self.skip(_BLANK_LINES)
            if not self.text.startswith(",", self.at):
                break
            self.at += 1
        self.expect("]")

    def inline_table(self, path: Path) -> None:
        self.expect("{")
        while True:
            self.skip(_BLANK_LINES)  # line breaks inside: from TOML 1.1 on
            if self.text.startswith("}", self.at):
                break
            self.pair(path)
            self.skip(_BLANK_LINES)
            if not self.text.startswith(",", self.at):
                break
            self.at += 1
        self.expect("}")

    def string(self) -> None:
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            self.at += 3
            if quote == '"':
                self.skip(_ESCAPED_LINES)
            else:
                self.seek("'''")
            self.expect(quote * 3)
            for _ in range(2):  # up to two quotes may stand before the closing three
                if self.text.startswith(quote, self.at):
                    self.at += 1
            return
        self.at += 1
        if quote == '"':
            self.skip(_ESCAPED)
        else:
            self.seek("'")
        self.expect(quote)

    def seek(self, wanted: str) -> None:
        where = self.text.find(wanted, self.at)
        if where < 0:
            raise _LostError
        self.at = where

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def expect(self, wanted: str) -> None:
        self.skip(_BLANK)
        if not self.text.startswith(wanted, self.at):
            raise _LostError
        self.at += len(wanted)
