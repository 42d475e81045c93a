# SPDX-License-Identifier: BSD-3-Clause
"""How long replies take: percentile curves of each cell, a line for each block.

Across: the share of replies that were faster, stretched so that the slowest show (each step to the
right leaves a tenth as many beyond). Up: the latency, logarithmic. Cells that are compared share
both axes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

from fibench.export.histogram import COUNTS, median_at
from fibench.json_values import list_or_empty, object_or_empty
from fibench.metrics import quantity
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE
from fibench.page.draw.scale import Axis
from fibench.page.sections.knee import Knee, knee
from fibench.page.sections.sweeps import order_along
from fibench.page.sections.ticks import tick_words
from fibench.page.view import CellView, View
from fibench.record import Record
from fibench.report.lines import group_loops
from fibench.store import StoredError
from fibench.store.stored_run import read_load
from fibench.wording import listed_with

_HEIGHT = 168.0
_LEFT = 17.0
_FIRST = 0.12
"""Panels begin at p24, so that the first replies take no room."""
_STEPS = 30
"""Points of a line."""
_SURE = 10
"""With fewer replies beyond it a percentile says nothing."""
_FEWEST = 5
_MOST_LINES = 60
"""Of a cell: of more blocks every second, third and so on has one."""
_MOST_FOLDED = 3
"""So many groups of panels are open; where there are more, all but the first are folded."""
_NS = 1e-9


@dataclass(frozen=True)
class Percentiles:
    """One trial."""

    below: Sequence[int]
    """How many replies were no slower than each of…"""
    latencies: Sequence[float]
    """…these, in s, rising."""

    @property
    def replies(self) -> int:
        """How many there were."""
        return self.below[-1]

    def at(self, share: float) -> float:
        """The latency within which that share of the replies came."""
        place = bisect_left(self.below, share * self.replies)
        return self.latencies[min(place, len(self.latencies) - 1)]


@dataclass(frozen=True)
class Panel:
    """A cell."""

    cell: CellView
    said: str
    picture: Markup


@dataclass(frozen=True)
class Panels:
    """Cells on the same axes."""

    name: str
    panels: Sequence[Panel]
    folded: bool


@dataclass(frozen=True)
class LatencySection:
    """The section."""

    groups: Sequence[Panels]
    note: str
    knee: Knee | None


def latency(view: View) -> LatencySection | None:
    """The curves of every cell of which loads are kept, and of rates the knee; None of neither."""
    curves = {one.cell.key: list(_curves(view, one)) for one in view.drawn}
    parts: dict[str, list[CellView]] = {}
    for one in sorted(view.drawn, key=order_along(view)):
        if curves[one.cell.key]:
            language = {"c": "C", "python": "Python", "own": ""}[one.look.shape]
            parts.setdefault(", ".join(filter(None, (one.facet, language))), []).append(one)
    broken = knee(view)
    if not parts and broken is None:
        return None
    many = len(parts) > _MOST_FOLDED
    groups = [
        Panels(name, _panels(view, cells, curves), folded=many and place > 0)
        for place, (name, cells) in enumerate(parts.items())
    ]
    return LatencySection(groups, _note(view), broken)


_OPEN = "a request counts from when it was due, whatever became of those before it"
_CLOSED = "a client that waits asks nothing meanwhile"


def _note(view: View) -> str:
    shapes = [one.cell.parameters for one in view.cells]
    loops = group_loops(shapes)
    if loops.open and loops.closed:
        asked_open, asked_closed = (f"Clients of {listed_with('and', one)} asked" for one in loops)
        return f"{asked_open} in an open loop: {_OPEN}. {asked_closed} in a closed loop: {_CLOSED}."
    if any(shape.is_open for shape in shapes):
        return f"This was an open loop: {_OPEN}, so the tail is what users meet."
    return f"This was a closed loop: {_CLOSED}, so the tail is that of the service, not of a crowd."


def _curves(view: View, one: CellView) -> Iterator[Percentiles]:
    records = list(view.records_of(one.cell.key))
    for record in records[:: math.ceil(len(records) / _MOST_LINES) or 1]:
        steps = _histogram(view, record)
        if sum(count for count, _ in steps) >= _FEWEST:
            below = list(accumulate(count for count, _ in steps))
            yield Percentiles(below, [latency for _, latency in steps])


def _histogram(view: View, record: Record) -> list[tuple[int, float]]:
    """What fibload counted in a trial; nothing where that is not kept, or is nothing like it."""
    try:
        load = read_load(view.review.run, record)
    except StoredError:
        return []
    kept = object_or_empty(object_or_empty((load or {}).get("latency")).get("histogram"))
    pairs = []
    for pair in list_or_empty(kept.get("counts")):
        index, count = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
        if type(index) is not int or type(count) is not int:
            return []
        if not 0 <= index < COUNTS or not 0 <= count < 2**53:
            return []
        pairs.append((index, count))
    return [(count, median_at(index) * _NS) for index, count in sorted(pairs) if count]


def _panels(
    view: View, cells: Sequence[CellView], curves: Mapping[str, Sequence[Percentiles]]
) -> list[Panel]:
    every = [curve for one in cells for curve in curves[one.cell.key]]
    last = max(1.6, *(-math.log10(0.5 / curve.replies) for curve in every))
    shares = [1.0 - 10.0 ** -(_FIRST + (last - _FIRST) * k / _STEPS) for k in range(_STEPS + 1)]
    drawn = {id(curve): [curve.at(share) for share in shares] for curve in every}
    known = [figure for own in drawn.values() for figure in own if figure > 0.0]
    low, high = min(known, default=1e-6) / 1.18, max(known, default=1.0) * 1.18
    if high / low < 3.0:
        more = math.sqrt(3.0 * low / high)
        low, high = low / more, high * more
    y = Axis(low, high, True, 0.0, 100.0)
    found = []
    for one in cells:
        own = curves[one.cell.key]
        marks = [
            *_grid(y, last),
            _lines(one, [(curve, drawn[id(curve)]) for curve in own], shares, y),
        ]
        said, fewest = _said(view, one), min(curve.replies for curve in own)
        label = (
            f"Latency percentiles of {one.label}{': ' if said else ''}{said}; "
            f"{len(own)} blocks, a line each"
        )
        replies = f"{fewest:,} replies or more"
        picture = svg.canvas(_HEIGHT + 20.0, *marks, label=label)
        found.append(Panel(one, f"{said} · {replies}" if said else replies, picture))
    return found


def _said(view: View, one: CellView) -> str:
    """`p50 3.66 ms, p99 3.98 ms`, as far as that is known."""
    summary = view.summaries.get(one.cell.key)
    if summary is None:
        return ""
    known = [(name, summary.estimates[name].mean) for name in ("p50", "p99")]
    return ", ".join(f"{name} {quantity(mean, 's')}" for name, mean in known if mean is not None)


def _down(y: Axis, figure: float) -> float:
    return round(_HEIGHT * (1.0 - y.clipped(figure) / 100.0), 1)


def _grid(y: Axis, last: float) -> Iterator[Markup]:
    ticks = y.ticks(5)
    for tick in ticks[:: math.ceil(len(ticks) / 6)]:
        at = _down(y, tick)
        yield svg.line(_LEFT, 100.0, at, at, stroke=GRID_LINE, class_="grid")
        said = tick_words(tick, "s").replace(" ", "\N{NARROW NO-BREAK SPACE}")
        yield svg.caption(_LEFT - 1.5, at + 4.0, said, text_anchor="end", class_="tick")
    wanted = []
    for name, beyond in (("p50", 0.5), ("p90", 0.1), ("p99", 0.01), ("p99.9", 0.001)):
        share = (-math.log10(beyond) - _FIRST) / (last - _FIRST)
        if share <= 1.0:
            at = _LEFT + (100.0 - _LEFT) * share
            yield svg.line(at, at, 0.0, _HEIGHT, stroke=GRID_LINE, class_="grid")
            wanted.append(AxisLabel(at, name))
    yield from labels.drawn(labels.kept(reversed(wanted), 230.0), _HEIGHT + 15.0)


def _lines(
    one: CellView,
    curves: Sequence[tuple[Percentiles, Sequence[float]]],
    shares: Sequence[float],
    y: Axis,
) -> Markup:
    """A line for each block; dotted where too few replies lie beyond."""
    sure, rest = [], []
    for curve, figures in curves:
        # Beyond the last reply there is nothing.
        end = 1.0 - 0.5 / curve.replies
        places = [
            (1000.0 * k / (len(shares) - 1), 1000.0 - 10.0 * y.clipped(figure), share)
            for k, (share, figure) in enumerate(zip(shares, figures, strict=True))
            if share <= end + 1e-12
        ]
        reach = 1.0 - _SURE / curve.replies
        solid = [(across, up) for across, up, share in places if share <= reach]
        dotted = solid[-1:] + [(across, up) for across, up, share in places if share > reach]
        sure += _polyline(solid)
        rest += _polyline(dotted)
    look = one.look
    shape: dict[str, svg.Attribute] = {
        "fill": "none", "stroke": look.fill, "class_": f"s-{look.family} curve"
    }  # fmt: skip
    parts = []
    if sure:
        parts.append(svg.element("g", *sure, stroke_width="1.5", stroke_opacity=".8", **shape))
    if rest:
        dots: dict[str, svg.Attribute] = {"stroke_dasharray": "1 3", "stroke_opacity": ".7"}
        parts.append(svg.element("g", *rest, stroke_width="1.3", **dots, **shape))
    return svg.stretched(_LEFT, 100.0 - _LEFT, _HEIGHT, *parts)


def _polyline(places: Sequence[tuple[float, float]]) -> list[Markup]:
    return [svg.element("polyline", points=svg.points(places))] if len(places) > 1 else []
