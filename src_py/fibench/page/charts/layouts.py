# SPDX-License-Identifier: BSD-3-Clause
"""How charts that are tables or groups on the page are laid out as one picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.page.charts.plain import rounded
from fibench.page.charts.sheet import (
    FIGURE,
    HEADING,
    NAME,
    NOTE,
    PART,
    SPREAD,
    WIDTH,
    Sheet,
    Style,
    lines_of,
)
from fibench.page.draw.palette import FAMILY_NAMES, SHAPE_NAMES, Look
from fibench.page.sections.latency import Panels
from fibench.page.sections.sweeps import Sweep, SweepLine
from fibench.page.sections.timelines import WaitKey

_ROW = 34.0
_FIGURES, _SPREADS, _GAP = 72.0, 84.0, 14.0
_LONGEST_NAME = 40
_COLUMNS, _BETWEEN = 3, 24.0
_LEGEND = Style(12.0)
_SMALL = Style(11.0)


@dataclass(frozen=True)
class ChartRow:
    """A row of a table with a picture in it; without one, why there is none."""

    look: Look | None
    name: str
    picture: Markup | None
    figure: str = ""
    more: str = ""
    absent: str = ""


def heading(sheet: Sheet, title: str, *notes: str) -> None:
    """What the chart is of."""
    sheet.paragraph(title, HEADING)
    for note in notes:
        if note:
            sheet.paragraph(note)
    sheet.down += 6.0


def pictured_rows(sheet: Sheet, name: str, rows: Sequence[ChartRow], axis: Markup | None) -> None:
    """Rows below each other, with the axis that they share."""
    if name:
        sheet.paragraph(name, PART)
    longest = max(NAME.width_of(_shortened(row.name)) for row in rows)
    left = 24.0 + longest + _GAP
    width = WIDTH - left - _FIGURES - _SPREADS - _GAP
    for row in rows:
        middle = sheet.down + _ROW / 2.0
        if row.look is not None:
            sheet.mark(row.look, 8.0, middle)
        sheet.words(24.0, middle + 4.5, _shortened(row.name), NAME)
        if row.picture is None:
            sheet.words(left, middle + 4.5, row.absent, NOTE)
        else:
            sheet.drawing(row.picture, left, sheet.down, width)
            sheet.words(WIDTH - _SPREADS, middle + 4.5, row.figure, FIGURE)
            sheet.words(WIDTH, middle + 4.5, row.more, SPREAD)
        sheet.down += _ROW
    if axis is not None:
        sheet.down += sheet.drawing(axis, left, sheet.down, width)
    sheet.down += 8.0


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def looks(sheet: Sheet, every: Iterable[Look]) -> None:
    """Which colour and which shape is what."""
    known = list(every)
    across = 0.0
    for family, fill in dict.fromkeys((one.family, one.fill) for one in known):
        across = _wrapped(sheet, across, FAMILY_NAMES[family])
        box = {"x": rounded(across), "y": rounded(sheet.down + 1.0), "rx": "3", "fill": fill}
        sheet.add("rect", {**box, "width": "12", "height": "12"})
        across = _said(sheet, across + 18.0, FAMILY_NAMES[family])
    for shape in dict.fromkeys(one.shape for one in known):
        across = _wrapped(sheet, across, SHAPE_NAMES[shape])
        sheet.mark(Look("own", shape), across + 6.0, sheet.down + 7.0)
        across = _said(sheet, across + 18.0, SHAPE_NAMES[shape])
    sheet.down += 26.0


def levels(sheet: Sheet, every: Iterable[WaitKey]) -> None:
    """Which colour and height is what a thread does."""
    across = 0.0
    for one in every:
        across = _wrapped(sheet, across, one.name)
        if one.level is not None:
            middle = rounded(sheet.down + 13.0 - one.level.height / 2.0)
            paint = {"stroke": one.level.fill, "stroke-width": rounded(one.level.height)}
            if one.level.dashes:
                paint["stroke-dasharray"] = "2 2"
            ends = {"x1": rounded(across), "x2": rounded(across + 22.0), "y1": middle, "y2": middle}
            sheet.add("line", {**ends, **paint})
        across = _said(sheet, across + 28.0, one.name)
    sheet.down += 26.0


def named(sheet: Sheet, look: Look, name: str, said: str) -> None:
    """A design by its mark and name, and what is said of it below."""
    sheet.mark(look, 8.0, sheet.down + 8.0)
    sheet.words(24.0, sheet.down + 12.5, _shortened(name), NAME)
    sheet.down += 22.0
    sheet.paragraph(said, _LEGEND)


def lines(sheet: Sheet, every: Iterable[SweepLine]) -> None:
    """Which line is what."""
    across = 0.0
    for one in every:
        across = _wrapped(sheet, across, one.name)
        middle = rounded(sheet.down + 7.0)
        paint = {"stroke": one.cell.look.fill, "stroke-width": "2"}
        if one.dashes:
            paint["stroke-dasharray"] = one.dashes
        ends = {"x1": rounded(across), "x2": rounded(across + 28.0), "y1": middle, "y2": middle}
        sheet.add("line", {**ends, **paint})
        sheet.mark(one.cell.look, across + 14.0, sheet.down + 7.0, "s")
        across = _said(sheet, across + 34.0, one.name)
    sheet.down += 26.0


def _wrapped(sheet: Sheet, across: float, said: str) -> float:
    """Where the next entry of a legend begins: on a new line where this one is full."""
    if across + 34.0 + _LEGEND.width_of(said) <= WIDTH:
        return across
    sheet.down += 19.0
    return 0.0


def _said(sheet: Sheet, across: float, said: str) -> float:
    sheet.words(across, sheet.down + 11.0, said, _LEGEND)
    return across + _LEGEND.width_of(said) + 18.0


def sweep(sheet: Sheet, found: Sweep) -> None:
    """Lines over an axis, with what each is."""
    lines(sheet, found.lines)
    sheet.down += sheet.drawing(found.picture, 0.0, sheet.down, WIDTH)


def panels(sheet: Sheet, group: Panels) -> None:
    """Percentile curves beside each other."""
    width = (WIDTH - (_COLUMNS - 1) * _BETWEEN) / _COLUMNS
    every = group.panels
    for begin in range(0, len(every), _COLUMNS):
        row = every[begin : begin + _COLUMNS]
        said = [lines_of(one.said, _SMALL, width) for one in row]
        top = sheet.down + 20.0 + 15.0 * max(map(len, said))
        for place, (one, words) in enumerate(zip(row, said, strict=True)):
            left = place * (width + _BETWEEN)
            sheet.mark(one.cell.look, left + 7.0, sheet.down + 8.0)
            sheet.words(left + 20.0, sheet.down + 12.5, _shortened(one.cell.name), NAME)
            for number, line in enumerate(words):
                sheet.words(left, sheet.down + 29.0 + 15.0 * number, line, _SMALL)
            height = sheet.drawing(one.picture, left, top, width)
        sheet.down = top + height + 18.0
