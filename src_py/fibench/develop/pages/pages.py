# SPDX-License-Identifier: BSD-3-Clause
"""The pages of docs/designs, and the blocks in them that are generated.

A block begins with a line that says what is in it, and ends with one that is always the same:

    <!-- waits: c-epoll -->                      what the threads of a backend do, as a picture
    <!-- calls: c-epoll -->                      system calls per request of a backend
    <!-- diff: src_c/a.c src_c/b.c -->           what differs between two sources
    <!-- code: src_c/a.c -->                     one source
    <!-- memory: 300 -->                         of each backend that serves so many at once
    <!-- end -->
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

Kind = Literal["waits", "calls", "diff", "code", "memory"]

FOLDER = Path("docs") / "designs"
INDEX = "README.md"

_BEGIN = re.compile(r"<!-- (waits|calls|diff|code|memory): (.*?) -->")
_END = "<!-- end -->"


class PageError(Exception):
    """The markers of a page are broken; the text is one line."""


@dataclass(frozen=True)
class Block:
    """A generated part of a page."""

    kind: Kind
    of: tuple[str, ...]
    """A backend's name, the paths of sources, or a number of connections."""
    lines: tuple[str, ...]
    """What stands between the markers."""

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)


def pages(checkout: Path) -> list[Path]:
    """Every page, by name; the index is none."""
    return [path for path in sorted((checkout / FOLDER).glob("*.md")) if path.name != INDEX]


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in its order. Raises PageError."""
    found: list[Block] = []
    fill(text, lambda block: found.append(block))
    return found


def fill(text: str, write: Callable[[Block], str | None]) -> str:
    """A page with each block's lines replaced; where `write` returns None they stay.

    Raises PageError.
    """
    lines: list[str] = []
    begin: str | None = None
    held: list[str] = []
    for line in text.splitlines():
        is_begin = _BEGIN.fullmatch(line)
        if is_begin and begin is None:
            begin, held = line, []
        elif is_begin:
            raise PageError(f"{begin}: another block begins before it ends")
        elif line == _END and begin is None:
            raise PageError(f"{_END} ends no block")
        elif line == _END and begin is not None:
            lines += [begin, *_written(begin, held, write), _END]
            begin = None
        else:
            (lines if begin is None else held).append(line)
    if begin is not None:
        raise PageError(f"{begin}: does not end")
    return "\n".join(lines) + "\n"


def _written(begin: str, held: list[str], write: Callable[[Block], str | None]) -> list[str]:
    match = _BEGIN.fullmatch(begin)
    assert match is not None
    block = Block(cast(Kind, match[1]), tuple(match[2].split()), tuple(held))
    text = write(block)
    return held if text is None else text.splitlines()


def refresh(
    checkout: Path, writers: Mapping[Kind, Callable[[Block], str | None]]
) -> Iterator[tuple[Path, str]]:
    """Each page, and at last the index, with its blocks of these kinds written anew.

    Raises PageError, naming the page.
    """

    def write(block: Block) -> str | None:
        return writers[block.kind](block) if block.kind in writers else None

    for path in [*pages(checkout), checkout / FOLDER / INDEX]:
        try:
            yield path, fill(path.read_text(encoding="utf-8"), write)
        except PageError as error:
            raise PageError(f"{FOLDER / path.name}: {error}") from error
