# SPDX-License-Identifier: BSD-3-Clause
"""What goes on over time, a row for each that does something: spans on a line at the height that
its level has, all of one row and level in one path, so that thousands take little room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from markupsafe import Markup

from fibench.page.draw import svg
from fibench.page.draw.palette import HIGHEST, Level

PITCH = 18.0
"""From one row to the next, in pixels; of very many it is less."""
_CLOSE_FROM, _CLOSE = 12, 16.0
_BELOW = 2.0
"""What is left below each row."""


def height_of_rows(count: int) -> float:
    """How high so many rows are."""
    return count * _pitch(count)


def rows_of_levels(
    rows: Sequence[str], titles: Sequence[str], levels: Mapping[str, Level]
) -> Markup:
    """Rows of signs, a column each, as a drawing that fills its place from edge to edge; what has
    no level is left empty. A title says what the row is, to a pointer."""
    across = max((len(row) for row in rows), default=0)
    if not across:
        return Markup("")
    pitch = _pitch(len(rows))
    groups = []
    for place, (row, title) in enumerate(zip(rows, titles, strict=True), 1):
        paths = _paths(row, place * pitch - _BELOW, levels)
        groups.append(svg.element("g", svg.element("title", title), *paths))
    height = height_of_rows(len(rows))
    return svg.element(
        "svg",
        *groups,
        viewBox=f"0 0 {across} {svg.coordinate(height)}",
        preserveAspectRatio="none",
        width="100%",
        height=height,
        class_="levels",
    )


def _pitch(count: int) -> float:
    return PITCH if count <= _CLOSE_FROM else _CLOSE


def _paths(row: str, foot: float, levels: Mapping[str, Level]) -> Iterator[Markup]:
    """A path for each level of a row: from its first span the others are reached by a step."""
    spans: dict[str, list[tuple[int, int]]] = {}
    at = 0
    for sign, run in groupby(row):
        length = sum(1 for _ in run)
        spans.setdefault(sign, []).append((at, length))
        at += length
    for sign, level in levels.items():
        if sign not in spans:
            continue
        said, end = "", 0
        for begin, length in spans[sign]:
            middle = svg.coordinate(foot - level.height / 2.0)
            said += f"m{begin - end} 0h{length}" if said else f"M{begin} {middle}h{length}"
            end = begin + length
        yield svg.element(
            "path",
            d=said,
            stroke=level.fill,
            stroke_width=level.height,
            stroke_dasharray=level.dashes,
            class_=f"s-{level.family}",
        )


def stacked(parts: Sequence[tuple[Level, float]], height: float) -> Markup:
    """Shares of a whole side by side, from edge to edge: what is left of it stays empty."""
    marks, at = [], 0.0
    for level, share in parts:
        end = min(at + 100.0 * share, 100.0)
        dashes = None if level.dashes is None else "2 2"
        marks.append(
            svg.line(
                at, end, height / 2.0, height / 2.0, stroke=level.fill, stroke_width=HIGHEST,
                stroke_dasharray=dashes, class_=f"s-{level.family}",
            )
        )  # fmt: skip
        at = end
    return svg.joined(marks)
