# SPDX-License-Identifier: BSD-3-Clause
"""Who waits where: what the threads of each cell's server did with their time, and a picture of it
with a row for each thread, from the cell's untimed trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.metrics import number
from fibench.page.draw import labels, levels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE, LEVELS, Level
from fibench.page.draw.scale import Axis
from fibench.page.sections.ticks import tick_words
from fibench.page.view import CellView, View
from fibench.report.numbers import percent
from fibench.report.waits.said import (
    STATE_NAMES,
    WaitTotal,
    method_words,
    row_names,
    row_shares,
    sentence_of_waits,
    wait_totals,
)
from fibench.timeline import LETTERS, STATES, Row, ThreadTime

MOST_PICTURES, MOST_OPEN = 40, 8
"""Cells: so many have a picture, and so many of them one that need not be unfolded."""
_BAR = 34.0
_FOOT = 20.0
_BY_LETTER: Mapping[str, Level] = {LETTERS[state]: level for state, level in LEVELS.items()}


@dataclass(frozen=True)
class WaitKey:
    """A state as the legend has it."""

    level: Level | None
    """None: what nothing accounts for, which is not drawn."""
    name: str
    said: str = ""
    """How much there is of it; empty in the legend of all."""


@dataclass(frozen=True)
class ThreadLine:
    """A thread, in words."""

    name: str
    place: str
    """Of which process."""
    said: str


@dataclass(frozen=True)
class CellTimeline:
    """What the threads of one cell's server did."""

    cell: CellView
    sentence: str
    bar: Markup | None
    """Its shares side by side; None where nothing is known."""
    main: str
    """What most of the time went into."""
    picture: Markup | None
    """None of those that have none, and of the last of very many."""
    totals: Sequence[WaitKey]
    threads: Sequence[ThreadLine]
    notes: Sequence[str]


@dataclass(frozen=True)
class Waits:
    """The section."""

    cells: Sequence[CellTimeline]
    axis: Markup
    legend: Sequence[WaitKey]

    @property
    def opened(self) -> Sequence[CellTimeline]:
        """Those whose picture is seen at once."""
        return self._pictured()[:MOST_OPEN]

    @property
    def folded(self) -> Sequence[CellTimeline]:
        """Those that are unfolded."""
        return self._pictured()[MOST_OPEN:]

    @property
    def without_picture(self) -> int:
        """Of how many cells something is known, and no picture is drawn."""
        return sum(one.bar is not None and one.picture is None for one in self.cells)

    def _pictured(self) -> list[CellTimeline]:
        return [one for one in self.cells if one.picture is not None]


def waits(view: View) -> Waits | None:
    """What is known of the threads of each cell; None where no trial has looked."""
    found: dict[str, ThreadTime] = {
        record.cell: record.timeline
        for record in view.review.run.records
        if record.timeline is not None
    }
    known = [(one, found[one.cell.key]) for one in view.drawn if one.cell.key in found]
    if not known:
        return None
    drawn, cells = 0, []
    for one, time in known:
        drawn += bool(time.rows)
        cells.append(_cell(one, time, pictured=drawn <= MOST_PICTURES))
    seen = {state for _, time in known for state, share in time.shares.items() if share > 0.0}
    legend = [WaitKey(LEVELS[state], STATE_NAMES[state]) for state in STATES if state in seen]
    wanted = [AxisLabel(100.0 * at, percent(at) if at else "0") for at in (0.0, 0.5, 1.0)]
    axis = svg.canvas(_FOOT, *labels.drawn(labels.kept(wanted, labels.IN_TABLE_PX), 14.0))
    return Waits(cells, axis, legend)


def _cell(one: CellView, time: ThreadTime, *, pictured: bool) -> CellTimeline:
    totals, sentence = wait_totals(time), sentence_of_waits(time)
    names = row_names(time.rows)
    parts = [(LEVELS[total.state], total.share) for total in totals if total.state is not None]
    most = max(totals, key=lambda total: total.share, default=None)
    return CellTimeline(
        cell=one,
        sentence=sentence[:1].upper() + sentence[1:],
        bar=svg.canvas(_BAR, levels.stacked(parts, _BAR), label=_said(totals)) if parts else None,
        main="" if most is None else f"{most.said} {most.name}",
        picture=picture_of_threads(time, names) if pictured and time.rows else None,
        totals=[_key(total) for total in totals],
        threads=[_line(name, row) for name, row in zip(names, time.rows, strict=True)],
        notes=method_words(time),
    )


def _said(totals: Sequence[WaitTotal]) -> str:
    return ", ".join(f"{total.said} {total.name}" for total in totals)


def _key(total: WaitTotal) -> WaitKey:
    level = None if total.state is None else LEVELS[total.state]
    return WaitKey(level, total.name, total.said)


def picture_of_threads(time: ThreadTime, names: Sequence[str]) -> Markup:
    """A row for each thread, and how long that was below."""
    height = levels.height_of_rows(len(time.rows))
    rows = levels.rows_of_levels([row.columns for row in time.rows], names, _BY_LETTER)
    grid: list[Markup] = []
    if time.wall_s is not None and time.wall_s > 0.0:
        scale = Axis(0.0, time.wall_s, first=0.0, last=100.0)
        ticks = scale.ticks(4)
        grid = [
            svg.line(scale.at(at), scale.at(at), 0.0, height, stroke=GRID_LINE, class_="grid")
            for at in ticks
        ]
        wanted = [AxisLabel(scale.at(at), tick_words(at, "s")) for at in ticks]
        grid += labels.drawn(labels.kept(wanted), height + 14.0)
    label = f"{sentence_of_waits(time)}. A row for each of {len(time.rows)} threads"
    if time.wall_s is not None:
        label += f", over {number(time.wall_s, 2)} s"
    return svg.canvas(height + _FOOT, *grid, rows, label=label)


def _line(name: str, row: Row) -> ThreadLine:
    said = ", ".join(f"{STATE_NAMES[state]} {percent(share)}" for state, share in row_shares(row))
    return ThreadLine(name, f"thread {row.tid} of process {row.pid}", said)
