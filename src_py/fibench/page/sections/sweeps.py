# SPDX-License-Identifier: BSD-3-Clause
"""Where cells differ along an axis: a line for each design over it, with intervals at its points.

Of a sweep of rates, what a server answers is drawn beside what it was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.metrics import METRICS, Unit, exact, quantity
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import DASHES, GRID_LINE, INK
from fibench.page.draw.scale import Axis
from fibench.page.sections.ticks import tick_words
from fibench.page.view import CellView, View
from fibench.report.numbers import axis_scale, spread
from fibench.verdict import Estimate
from fibench.verdict.crossover import scale_of

HEIGHT = 280.0
"""Of a plot, in pixels; below are the words of its axis."""
LEFT, RIGHT = 12.0, 84.0
"""Its edges, in per cent: on the right the lines have their names."""
_FEWEST = 3
"""An axis has so many places at least…"""
_SHORTEST = 2
"""…and a line so many points."""
_FARTHEST = 3.0
"""An interval that reaches further beyond all figures than by this factor is cut off there."""
_LOG_FROM = 8.0


@dataclass(frozen=True)
class SweepPoint:
    """A cell at its place on the axis."""

    at: float
    cell: CellView
    found: Estimate


@dataclass(frozen=True)
class SweepLine:
    """The cells of one design."""

    name: str
    points: Sequence[SweepPoint]
    dashes: str | None

    @property
    def cell(self) -> CellView:
        """One that looks as all of them do."""
        return self.points[0].cell


@dataclass(frozen=True)
class Sweep:
    """A figure over an axis."""

    over: str
    picture: Markup
    lines: Sequence[SweepLine]
    log: bool
    note: str = ""


def sweep_axis(view: View) -> str | None:
    """The axis along which most cells differ, if it has points enough: numbers alone are one."""
    values: dict[str, set[float]] = {}
    for one in view.cells:
        for name, value in one.cell.axes:
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(name, set()).add(float(value))
    long = {name: len(own) for name, own in values.items() if len(own) >= _FEWEST}
    return max(long, key=lambda name: long[name]) if long else None


def order_along(view: View) -> Callable[[CellView], float]:
    """By what cells are put in order along the axis of the sweep; all alike where there is none."""
    over = sweep_axis(view)

    def place(one: CellView) -> float:
        at = dict(one.cell.axes).get(over) if over is not None else None
        return float(at) if isinstance(at, int | float) else -math.inf

    return place


def rows_along(view: View, over: str) -> dict[str, list[tuple[float, CellView]]]:
    """By what a line is called, its cells by rising place; without those of too few points."""
    found: dict[str, list[tuple[float, CellView]]] = {}
    for one in view.cells:
        at = dict(one.cell.axes).get(over)
        if isinstance(at, int | float):
            words = [w for w in one.facet.split(" ") if w and not w.startswith(f"{over}=")]
            found.setdefault(" ".join([one.name, *words]), []).append((float(at), one))
    return {
        name: sorted(own, key=lambda pair: pair[0])
        for name, own in found.items()
        if len({at for at, _ in own}) >= _SHORTEST
    }


def sweep_of(view: View, metric: str) -> Sweep | None:
    """The lines of one metric; None where there is no axis, or nothing is known along it."""
    over = sweep_axis(view)
    if over is None:
        return None
    lines = list(lines_along(view, over, metric))
    if not lines:
        return None
    places = sorted({point.at for line in lines for point in line.points})
    x = Axis(places[0], places[-1], scale_of(over, places) == "log", LEFT + 2.0, RIGHT - 2.0)
    y = upright(lines)
    said = f"{METRICS[metric].heading} over {over} of {', '.join(line.name for line in lines)}"
    marks = [
        *upright_grid(y, METRICS[metric].unit),
        *_curves(lines, x, y, metric),
        *names_at_ends((x.at(line.points[-1].at), _end(line, y), line) for line in lines),
        *_x_axis(over, places, x),
    ]
    if over == "rate" and metric == "throughput":
        marks.append(_asked_for(x, y))
    label = f"{said}; the figures are in the tables"
    note = "The dashed line is what was asked for." if over == "rate" else ""
    note = note if metric == "throughput" else _open_note(lines)
    return Sweep(over, svg.canvas(HEIGHT + 26.0, *marks, label=label), lines, y.log, note)


def _open_note(lines: Sequence[SweepLine]) -> str:
    bounded = any(point.found.mean is None for line in lines for point in line.points)
    if not bounded:
        return ""
    return "An arrow: more than that, since the server could not answer all that it was asked for."


def lines_along(view: View, over: str, metric: str) -> Iterator[SweepLine]:
    """A line for each design, of a metric over an axis."""
    used: dict[tuple[str, str], int] = {}
    for name, row in rows_along(view, over).items():
        points = []
        for at, cell in row:
            summary = view.summaries.get(cell.cell.key)
            found = summary.estimates.get(metric) if summary is not None else None
            if found is not None and (found.mean is not None or found.at_least is not None):
                points.append(SweepPoint(at, cell, found))
        if len(points) < _SHORTEST:
            continue
        look = points[0].cell.look
        before = used.get((look.family, look.shape), 0)
        used[look.family, look.shape] = before + 1
        yield SweepLine(name, points, DASHES[before % len(DASHES)])


def upright(lines: Sequence[SweepLine]) -> Axis:
    """An axis with every figure of some lines on it, in per cent of the plot's height."""
    every = [point.found for line in lines for point in line.points]
    middles = [one for found in every for one in (found.mean, found.at_least) if one]
    ends = [one for found in every for one in _ends_of(found) if one is not None]
    low = max(min([*middles, *ends]), min(middles) / _FARTHEST)
    high = min(max([*middles, *ends]), max(middles) * _FARTHEST)
    if high / low > _LOG_FROM:
        return Axis(low / 1.25, high * 1.25, True, 0.0, 100.0)
    return Axis(0.0, high * 1.08, False, 0.0, 100.0)


def _ends_of(found: Estimate) -> tuple[float | None, float | None]:
    """The interval of a figure that is known."""
    return (found.low, found.high) if found.mean is not None else (None, None)


def down(y: Axis, figure: float) -> float:
    """How far below the plot's top a figure stands, in pixels."""
    return round(HEIGHT * (1.0 - y.clipped(figure) / 100.0), 1)


def upright_grid(y: Axis, unit: Unit) -> Iterator[Markup]:
    """A line for each tick, with its figure."""
    for tick in y.ticks(6):
        at = down(y, tick)
        yield svg.line(LEFT, RIGHT, at, at, stroke=GRID_LINE, class_="grid")
        said = tick_words(tick, unit)
        yield svg.caption(LEFT - 1.0, at + 4.0, said, text_anchor="end", class_="tick")


def _curves(lines: Sequence[SweepLine], x: Axis, y: Axis, metric: str) -> Iterator[Markup]:
    width, unit = RIGHT - LEFT, METRICS[metric].unit
    for line in lines:
        look = line.cell.look
        known = [(one.at, one.found.mean) for one in line.points if one.found.mean is not None]
        places = [
            ((x.at(at) - LEFT) / width * 1000.0, 1000.0 - 10.0 * y.clipped(mean))
            for at, mean in known
        ]
        curve = svg.element(
            "polyline", points=svg.points(places), fill="none", stroke=look.fill,
            stroke_width=2, stroke_dasharray=line.dashes, class_=f"s-{look.family}",
        )  # fmt: skip
        group = svg.element("g", curve, class_="curve")
        yield svg.stretched(LEFT, width, HEIGHT, group)
        for point in line.points:
            yield from _point(point, x, y, unit)


def _point(point: SweepPoint, x: Axis, y: Axis, unit: Unit) -> Iterator[Markup]:
    found, look, at = point.found, point.cell.look, x.at(point.at)
    label = point.cell.label
    if found.mean is None:
        assert found.at_least is not None
        said = f"{label}: above {quantity(found.at_least, unit)}"
        yield svg.use("m-up", at, down(y, found.at_least), said, fill=look.fill,
                      class_=f"f-{look.family} point")  # fmt: skip
        return
    low, high = _ends_of(found)
    if low is not None and high is not None:
        yield svg.line(
            at, at, down(y, low), down(y, high), stroke=look.fill, stroke_width=3,
            stroke_opacity=".45", class_=f"s-{look.family}",
        )  # fmt: skip
    said = f"{label}: {quantity(found.mean, unit)} {spread(found)}"
    yield svg.use(f"s-{look.shape}", at, down(y, found.mean), said, fill=look.fill,
                  class_=f"f-{look.family} point")  # fmt: skip


def _end(line: SweepLine, y: Axis) -> float:
    found = line.points[-1].found
    figure = found.mean if found.mean is not None else found.at_least
    assert figure is not None
    return down(y, figure)


def names_at_ends(ends: Iterable[tuple[float, float, SweepLine]]) -> Iterator[Markup]:
    """The name of each line where it ends, across and down: none upon another."""
    at = -math.inf
    for across, height, line in sorted(ends, key=lambda end: end[1]):
        at = max(height, at + 15.0)
        look = line.cell.look
        yield svg.caption(
            max(RIGHT + 0.8, across + 1.2), at + 4.0, line.name, fill=look.fill,
            class_=f"f-{look.family} end",
        )  # fmt: skip


def _x_axis(over: str, places: Sequence[float], x: Axis) -> Iterator[Markup]:
    def said(at: float) -> str:
        scale = axis_scale(over, at)
        return exact(at / scale.size) + scale.suffix

    wanted = [AxisLabel(x.at(at), said(at)) for at in places]
    yield from labels.drawn(labels.kept([wanted[0], wanted[-1], *wanted]), HEIGHT + 16.0)


def _asked_for(x: Axis, y: Axis) -> Markup:
    """The line on which a server answers all that it is asked for."""
    width = RIGHT - LEFT
    steps = [x.low * (x.high / x.low) ** (step / 40.0) for step in range(41)]
    places = [
        ((x.at(rate) - LEFT) / width * 1000.0, 1000.0 - 10.0 * y.at(rate))
        for rate in steps
        if y.has(rate)
    ]
    curve = svg.element(
        "polyline", points=svg.points(places), fill="none", stroke=INK, stroke_width=1,
        stroke_dasharray="3 3", class_="inkline",
    )  # fmt: skip
    return svg.stretched(LEFT, width, HEIGHT, svg.element("g", curve, class_="curve"))
