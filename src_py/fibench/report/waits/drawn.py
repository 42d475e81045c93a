# SPDX-License-Identifier: BSD-3-Clause
"""What threads did, drawn in a terminal: a row for each, time to the right.

A block is the higher the more its thread does, and has a colour. Where there are no colours, or no
blocks, letters stand in their place.
"""

from __future__ import annotations

import os
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import IO, TYPE_CHECKING

from fibench.metrics import number
from fibench.report.live.signs import Signs, signs_of
from fibench.report.output import page
from fibench.report.waits.said import method_words, row_names, sentence_of_waits, wait_totals
from fibench.timeline import LETTERS, NOT_THERE, STATES, State, ThreadTime

if TYPE_CHECKING:
    from rich.console import Console

Piece = tuple[str, str]
"""Text, and its style."""
BLOCKS: Mapping[State, Piece] = {
    "running": ("█", "green"),
    "ready": ("▆", "yellow"),
    "gil": ("▄", "red"),
    "lock": ("▄", "magenta"),
    "network": ("▁", "blue"),
    "sleeping": ("▁", "bright_black"),
    "other": ("▂", "cyan"),
}
"""The terminal's own colours, which its user has chosen to be told apart on its background."""
_STATE_OF = {letter: state for state, letter in LETTERS.items()}
_ORDER = [*(LETTERS[state] for state in STATES), NOT_THERE]
_LONGEST_NAME = 16
_FEWEST_COLUMNS = 12


@dataclass(frozen=True)
class Marks:
    """What is drawn in the place of a state."""

    coloured: bool

    def of(self, letter: str) -> Piece:
        """The sign of a letter, and its style."""
        state = _STATE_OF.get(letter)
        if state is None:
            return (NOT_THERE if letter == NOT_THERE and not self.coloured else " "), ""
        return BLOCKS[state] if self.coloured else (letter, "")


def squeezed(columns: str, width: int) -> str:
    """A row in fewer columns, in which each state keeps its share.

    A column has one of the states that its span has: the one that the columns before owe most.
    """
    if len(columns) <= width:
        return columns
    owed: Counter[str] = Counter()
    found = []
    for place in range(width):
        begin, end = place * len(columns) // width, (place + 1) * len(columns) // width
        span = columns[begin:end]
        owed.update(span)
        chosen = max(set(span), key=lambda one: (owed[one], -_ORDER.index(one)))
        owed[chosen] -= len(span)
        found.append(chosen)
    return "".join(found)


def timeline_lines(time: ThreadTime, width: int, marks: Marks) -> Iterator[list[Piece]]:
    """The picture with its axis, and what each sign is beside how much there is of it: each a line
    of pieces, no wider than `width`."""
    names = row_names(time.rows)
    longest = max((len(name) for name in names), default=0)
    left = min(longest, _LONGEST_NAME, max(3, width // 4), max(0, width - 1 - _FEWEST_COLUMNS))
    most = max((len(row.columns) for row in time.rows), default=0)
    room = min(most, width - left - 1)
    for name, row in zip(names, time.rows, strict=True):
        label = f"{_shortened(name, left):<{left}} "
        yield [(label, ""), *_run(squeezed(row.columns, room), marks)]
    if time.rows:
        yield [(" " * (left + 1) + _axis(time.wall_s, room), "dim")]
    yield [("", "")]
    totals = wait_totals(time)
    figures = max((len(total.said) for total in totals), default=0)
    words = [f"  {total.said:>{figures}}  {total.name}" for total in totals]
    indent = max(0, min(left + 1, width - 1 - max(map(len, words), default=0)))
    for total, said in zip(totals, words, strict=True):
        yield [(" " * indent, ""), marks.of(total.letter), (said, "")]


def letter_lines(time: ThreadTime, width: int) -> list[str]:
    """The same in letters, as plain lines."""
    every = timeline_lines(time, width, Marks(coloured=False))
    return ["".join(text for text, _ in line).rstrip() for line in every]


def _run(columns: str, marks: Marks) -> Iterator[Piece]:
    for letter, run in groupby(columns):
        sign, style = marks.of(letter)
        yield sign * sum(1 for _ in run), style


def _shortened(name: str, most: int) -> str:
    """A name as long as there is room: of a numbered one the number stays."""
    if len(name) <= most:
        return name
    head, _, number_ = name.rpartition(" ")
    if head and number_.isdecimal() and len(number_) + 2 <= most:
        return f"{head[: most - len(number_) - 1]} {number_}"
    return name[:most]


def _axis(wall_s: float | None, room: int) -> str:
    end = "" if wall_s is None else f"{number(wall_s, 2)} s"
    return f"0{end:>{max(0, room - 1)}}" if len(end) < room else ""


def render_timeline(out: Console | IO[str] | None, heading: str, time: ThreadTime) -> None:
    """Print the picture under a heading, and below it the sentence and how it was seen."""
    from rich.text import Text

    with page(out) as console:
        width, marks = console.width, Marks(coloured=_has_blocks(console))
        if heading:
            console.print(Text(heading, style="bold"), overflow="fold")
        if time.absent is None:
            for line in timeline_lines(time, width, marks):
                console.print(Text.assemble(*line), soft_wrap=True)
            console.print()
        below = [(sentence_of_waits(time), "bold"), *((one, "dim") for one in method_words(time))]
        for said, style in below:
            for wrapped in textwrap.wrap(said, width):
                console.print(Text(wrapped, style=style), soft_wrap=True)


def _has_blocks(console: Console) -> bool:
    """Whether colours are wanted, and blocks can be written."""
    if console.no_color or console.color_system is None:
        return False
    encoding = getattr(console.file, "encoding", None) or "utf-8"
    return signs_of(encoding, os.environ).levels == Signs().levels
