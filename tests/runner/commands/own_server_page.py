# SPDX-License-Identifier: BSD-3-Clause
"""docs/own-server.md taken apart: the programs and files of its examples, and what it shows of
fibench's words."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from tests.runner.desk import CHECKOUT

TEXT = (CHECKOUT / "docs" / "own-server.md").read_text(encoding="utf-8")
_HEADING = re.compile(r"^(#{2,3}) (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+) ([\w. ]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^`([\w.]+)`:\n\n```\w+ ([\w.]+)\n", re.MULTILINE)


class Section(NamedTuple):
    """What is below a heading."""

    files: Mapping[str, str]
    """Those of an example, by their names."""
    shown: Mapping[str, str]
    """What fibench prints, by the command: "plan", "run"."""


class Mistake(NamedTuple):
    """What is said of one, and the exit status."""

    said: str
    status: int


def sections() -> dict[str, Section]:
    """Those that have a file, by their headings."""
    parts = _HEADING.split(TEXT)[1:]
    found = {}
    for title, text in zip(parts[1::3], parts[2::3], strict=True):
        blocks = _BLOCK.findall(text)
        files = {name: content for kind, name, content in blocks if kind != "text"}
        shown = {name: content for kind, name, content in blocks if kind == "text"}
        if files:
            found[title] = Section(files, shown)
    return found


def names_before_files() -> list[tuple[str, str]]:
    """What a reader is told that a file is called, and what it is called."""
    return _NAMED.findall(TEXT)


def mistakes() -> dict[str, list[Mistake]]:
    """By how the page calls them, without what is beside a name; one may have several messages."""
    _, _, chapter = TEXT.partition("\n## Mistakes\n")
    chapter, _, _ = chapter.partition("\n## ")
    found: dict[str, list[Mistake]] = {}
    for paragraph in re.split(r"^(?=\*\*)", chapter, flags=re.MULTILINE):
        title = re.match(r"\*\*(.+?)\.?\*\*", paragraph)
        said = [
            Mistake(text, int(info.removeprefix("exit ")))
            for kind, info, text in _BLOCK.findall(paragraph)
            if kind == "text"
        ]
        if title is not None and said:
            found[title[1]] = said
    return found


def is_shown(page: str, printed: str) -> bool:
    """Whether what the page shows was printed, in its order: "…" stands for anything, and where
    lines are broken does not matter."""
    pieces = [r"\s+".join(map(re.escape, piece.split())) for piece in page.split("…")]
    return re.search(".*?".join(pieces), printed, re.DOTALL) is not None
