# SPDX-License-Identifier: BSD-3-Clause
"""Where designs break: of a sweep of rates, the latency of the slowest replies over the rate that
each achieved, beside that which it was asked for.

The knee of a line is the highest rate that was asked for and answered in every block, before the
first that was not: there a queue grows, and latency says how long one has measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.metrics import METRICS, exact, number, quantity
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE
from fibench.page.draw.scale import Axis, around
from fibench.page.sections.designs import METRIC_NAMES
from fibench.page.sections.sweeps import (
    HEIGHT,
    LEFT,
    RIGHT,
    SweepLine,
    SweepPoint,
    down,
    lines_along,
    names_at_ends,
    sweep_axis,
    upright,
    upright_grid,
)
from fibench.page.sections.ticks import tick_words
from fibench.page.view import View
from fibench.report.numbers import NO_FIGURE, lower_bound

_METRICS = ("p99", "p90", "p50")
"""The first of which anything is known: of few replies there is no p99."""


@dataclass(frozen=True)
class AskedRate:
    """What came of a rate that a design was asked for."""

    point: SweepPoint
    answered: float
    """Requests per second."""
    kept_up: bool
    """Whether every block answered all of them."""

    @property
    def figure(self) -> float:
        """The latency, or what it lies above."""
        found = self.point.found
        figure = found.mean if found.mean is not None else found.at_least
        assert figure is not None, "a line has points of which something is known"
        return figure


@dataclass(frozen=True)
class KneeRow:
    """A design."""

    line: SweepLine
    steps: Sequence[AskedRate]
    """By rising rate."""
    held: str
    """The highest rate that it kept up with…"""
    latency: str
    """…and the latency there."""
    broke: str
    """What it answered of the first that it did not."""


@dataclass(frozen=True)
class Knee:
    """The figure, with a table."""

    metric: str
    title: str
    note: str
    rows: Sequence[KneeRow]
    picture: Markup


def knee(view: View) -> Knee | None:
    """The figure of a sweep of rates; None of anything else."""
    if sweep_axis(view) != "rate":
        return None
    found = {metric: list(_rows(view, metric)) for metric in _METRICS}
    for metric, rows in found.items():
        if any(step.point.found.mean is not None for row in rows for step in row.steps):
            return _made(metric, rows)
    return next((_made(metric, rows) for metric, rows in found.items() if rows), None)


def _rows(view: View, metric: str) -> Iterator[KneeRow]:
    for line in lines_along(view, "rate", metric):
        steps = list(_steps(view, line))
        if steps:
            yield _row(line, steps, metric)


def knee_of(steps: Sequence[AskedRate]) -> AskedRate | None:
    """The last step before the first that was not kept up with; None if that is the first."""
    found = None
    for step in steps:
        if not step.kept_up:
            return found
        found = step
    return found


def broken_of(steps: Sequence[AskedRate]) -> AskedRate | None:
    """The first step that was not kept up with."""
    return next((step for step in steps if not step.kept_up), None)


def _steps(view: View, line: SweepLine) -> Iterator[AskedRate]:
    for point in line.points:
        answered = view.summaries[point.cell.cell.key].estimates["throughput"].mean
        if answered is not None and answered > 0.0 and point.cell.cell.parameters.rate:
            records = view.records_of(point.cell.cell.key)
            yield AskedRate(point, answered, all(one.checks.saturated is None for one in records))


def _row(line: SweepLine, steps: Sequence[AskedRate], metric: str) -> KneeRow:
    held, first = knee_of(steps), broken_of(steps)
    unit, latency = METRICS[metric].unit, NO_FIGURE
    if held is not None:
        found = held.point.found
        known = found.mean is not None
        latency = quantity(found.mean or 0.0, unit) if known else lower_bound(found, unit)
    return KneeRow(
        line,
        steps,
        f"{exact(held.point.at)}/s" if held is not None else "none",
        latency,
        "" if first is None else f"{number(first.answered)}/s of {exact(first.point.at)}/s",
    )


def _made(metric: str, rows: Sequence[KneeRow]) -> Knee:
    name = METRIC_NAMES[metric][0]
    x, y = _x_axis(rows), upright([row.line for row in rows])
    marks = [
        *upright_grid(y, METRICS[metric].unit),
        *_below(x),
        *(mark for row in rows for mark in _line(row, x, y, metric)),
        *names_at_ends(
            (x.at(row.steps[-1].answered), down(y, row.steps[-1].figure), row.line) for row in rows
        ),
    ]
    told = "; ".join(_told(row) for row in rows)
    label = f"{name} over the rate that was achieved. Asked for and answered up to {told}"
    note = (
        "A point for each rate that was asked for, at the rate that was answered. A ring is the "
        "knee: the highest rate that was answered in full."
    )
    if any(not step.kept_up for row in rows for step in row.steps):
        note += (
            " A hollow mark is the next rate that was asked for, and the dotted line to it what "
            "was not answered: there a queue grew."
        )
    if any(step.point.found.mean is None for row in rows for step in row.steps):
        note += " An arrow: slower than that; how much, the end of the window has hidden."
    picture = svg.canvas(HEIGHT + 26.0, *marks, label=label)
    title = f"{name} over the rate that was achieved, in requests per second"
    return Knee(name, title, note, rows, picture)


def _told(row: KneeRow) -> str:
    broke = f", then {row.broke}" if row.broke else ""
    return f"{row.line.name}: {row.held}{broke}"


def _x_axis(rows: Sequence[KneeRow]) -> Axis:
    """With every rate that was answered, and the first of each line that was not."""
    rates = [step.answered for row in rows for step in row.steps]
    rates += [step.point.at for row in rows if (step := broken_of(row.steps)) is not None]
    wide = around(min(rates), max(rates), log=True)
    return Axis(wide.low, wide.high, True, LEFT + 1.0, RIGHT - 1.0)


def _below(x: Axis) -> Iterator[Markup]:
    wanted = [AxisLabel(x.at(tick), tick_words(tick, "1/s")) for tick in x.ticks(7)]
    for label in wanted:
        yield svg.line(label.at, label.at, 0.0, HEIGHT, stroke=GRID_LINE, class_="grid")
    yield from labels.drawn(labels.kept(wanted), HEIGHT + 16.0)


def _line(row: KneeRow, x: Axis, y: Axis, metric: str) -> Iterator[Markup]:
    look, width = row.line.cell.look, RIGHT - LEFT
    places = [
        ((x.at(step.answered) - LEFT) / width * 1000.0, 1000.0 - 10.0 * y.clipped(step.figure))
        for step in row.steps
    ]
    curve = svg.element(
        "polyline", points=svg.points(places), fill="none", stroke=look.fill, stroke_width=2,
        stroke_dasharray=row.line.dashes, class_=f"s-{look.family}",
    )  # fmt: skip
    yield svg.stretched(LEFT, width, HEIGHT, svg.element("g", curve, class_="curve"))
    first = broken_of(row.steps)
    if first is not None:
        at, end, height = x.at(first.answered), x.at(first.point.at), down(y, first.figure)
        paint: dict[str, svg.Attribute] = {"stroke": look.fill, "class_": f"s-{look.family}"}
        yield svg.line(at, end, height, height, stroke_dasharray="1 3", **paint)
        yield svg.circle(
            end, height, 3.4, f"{row.line.name}: asked for {exact(first.point.at)}/s", fill="none",
            **{**paint, "class_": f"s-{look.family} asked"},
        )  # fmt: skip
    held = knee_of(row.steps)
    if held is not None:
        yield svg.circle(
            x.at(held.answered), down(y, held.figure), 7.5, fill="none", stroke=look.fill,
            stroke_width=1.6, class_=f"s-{look.family} ring",
        )  # fmt: skip
    for step in row.steps:
        yield _point(row.line, step, x.at(step.answered), down(y, step.figure), metric)


def _point(line: SweepLine, step: AskedRate, across: float, height: float, metric: str) -> Markup:
    found, look, unit = step.point.found, line.cell.look, METRICS[metric].unit
    is_known = found.mean is not None
    told = quantity(step.figure, unit) if is_known else f"above {quantity(step.figure, unit)}"
    said = f"{line.name}: {number(step.answered)}/s of {exact(step.point.at)}/s, {metric} {told}"
    return svg.use(
        f"s-{look.shape}" if is_known else "m-up", across, height, said, fill=look.fill,
        class_=f"f-{look.family} point",
    )  # fmt: skip
