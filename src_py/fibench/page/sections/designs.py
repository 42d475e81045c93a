# SPDX-License-Identifier: BSD-3-Clause
"""How the designs compare: a table for each metric, with a picture in each row of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.metrics import METRICS, Unit, in_group, quantity
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.scale import Axis, around
from fibench.page.sections.sweeps import Sweep, order_along, sweep_of
from fibench.page.sections.ticks import tick_words
from fibench.page.view import CellView, View
from fibench.report.table import TableLine, shown_metrics, table_lines
from fibench.verdict import Estimate
from fibench.wording import shown

_HEIGHT = 34.0
_LOG_FROM = 8.0
"""From this factor between the least and the most on, an axis is logarithmic."""
_FARTHEST = 1.6
"""An interval that reaches further beyond all blocks than by this factor is cut off there."""
_MOST_DOTS = 6_000
"""Of a page: above, blocks are in the table of trials alone."""
_MOST_TITLED = 100
"""Trials: above, what each dot says is in that table alone."""
METRIC_NAMES: Mapping[str, tuple[str, str]] = {
    "throughput": ("Throughput", "requests per second"),
    "wall": ("Whole load", "time until every request was answered"),
    "p50": ("p50", "half of the replies took at most this long"),
    "p90": ("p90", "9 of 10 replies took at most this long"),
    "p99": ("p99", "99 of 100 replies took at most this long"),
    "p999": ("p99.9", "999 of 1,000 replies took at most this long"),
    "cpu_per_request": ("CPU per request", "CPU time of the whole server for each reply"),
    "memory": ("Memory", "of all of its processes, each page counted once"),
    "switches_per_request": ("Context switches", "for each reply"),
    "syscalls_per_request": ("System calls", "for each reply"),
}
"""What is compared, in this order, and what it is."""


@dataclass(frozen=True)
class MetricRow:
    """A cell, or a client group of it."""

    cell: CellView
    group: str
    figure: str
    spread: str
    picture: Markup | None
    absent: str = ""


@dataclass(frozen=True)
class Facet:
    """The rows that have an axis in common."""

    name: str
    rows: Sequence[MetricRow]
    axis: Markup | None
    log: bool


@dataclass(frozen=True)
class Pane:
    """One metric."""

    metric: str
    name: str
    meaning: str
    better: str
    facets: Sequence[Facet]
    sweep: Sweep | None


def panes(view: View) -> list[Pane]:
    """A pane for each metric that is known of any cell; first what most claims are about."""
    wanted = set(shown_metrics([one.cell for one in view.cells], view.review.summaries))
    wanted |= {"switches_per_request", "syscalls_per_request"}
    drawn = [name for name in METRIC_NAMES if name in wanted and _is_known(view, name)]
    dotted = len(drawn) * len(view.measured) <= _MOST_DOTS
    claimed = Counter(
        verdict.claim.metric for verdict in view.review.verdicts if verdict.claim.metric in drawn
    )
    drawn.sort(key=lambda name: -claimed[name])
    return [_pane(view, name, dotted=dotted) for name in drawn]


def _is_known(view: View, metric: str) -> bool:
    return any(
        estimate.mean is not None or estimate.is_bound
        for summary in view.review.summaries
        if summary.cell_key in view.by_key
        for name in (metric, *(in_group(group, metric) for group in summary.groups))
        if (estimate := summary.estimates.get(name)) is not None
    )


def _pane(view: View, metric: str, *, dotted: bool) -> Pane:
    name, meaning = METRIC_NAMES[metric]
    better = "higher is better" if METRICS[metric].more_is_better else "lower is better"
    facets = [
        _facet(view, _Drawn(f"g-{metric}-{place}", metric, dotted), facet, cells)
        for place, (facet, cells) in enumerate(view.facets(order_along(view)).items())
    ]
    return Pane(metric, name, meaning, better, facets, sweep_of(view, metric))


@dataclass(frozen=True)
class _Drawn:
    """What a facet is drawn with."""

    grid: str
    """What its upright lines are called."""
    metric: str
    dotted: bool
    """Whether there is a dot for each block."""


def _facet(view: View, drawn: _Drawn, name: str, cells: Sequence[CellView]) -> Facet:
    metric = drawn.metric
    lines = [
        line
        for line in table_lines([one.cell for one in cells], view.summaries)
        if line.group is None or METRICS[metric].of_groups
    ]
    middles = [figure for line in lines for figure in _figures(view, line, metric)]
    if not middles:
        return Facet(name, [_absent(view, line, metric) for line in lines], None, False)
    scale = _scale(middles, [end for line in lines for end in _ends(line, metric)])
    unit, log = METRICS[metric].unit, scale.log
    ticks = scale.ticks(5)
    places = [scale.at(tick) for tick in ticks]
    rows: list[MetricRow] = []
    for line in lines:
        is_first = all(row.picture is None for row in rows)
        grid = svg.grid(places, _HEIGHT, drawn.grid, is_first=is_first)
        rows.append(_row(view, line, drawn, scale, grid))
    return Facet(name, rows, _axis(scale, ticks, unit), log)


def _estimate(line: TableLine, metric: str) -> Estimate | None:
    if line.summary is None:
        return None
    return line.summary.estimates.get(in_group(line.group, metric))


def _scale(middles: Sequence[float], ends: Sequence[float]) -> Axis:
    """An axis with all that was found on it, and of the ends of intervals what is not far off."""
    low, high = min(middles), max(middles)
    least = max(min([low, *ends]), low / _FARTHEST)
    most = min(max([high, *ends]), high * _FARTHEST)
    return around(least, most, log=high / low > _LOG_FROM)


def _figures(view: View, line: TableLine, metric: str) -> list[float]:
    """What was found of a row, and each of its blocks."""
    found = _estimate(line, metric)
    if found is None:
        return []
    figures = [one for one in (found.mean, found.at_least) if one]
    blocks = view.index.logs(line.cell.key, in_group(line.group, metric)).values()
    return [*figures, *map(math.exp, blocks)] if figures else []


def _ends(line: TableLine, metric: str) -> list[float]:
    """The ends of its interval, where they are known."""
    found = _estimate(line, metric)
    if found is None or found.mean is None:
        return []
    return [one for one in (found.low, found.high) if one is not None and 0.0 < one < math.inf]


def _absent(view: View, line: TableLine, metric: str) -> MetricRow:
    found = _estimate(line, metric)
    why = found.absent if found is not None and found.absent else "not measured"
    group = shown(line.group) if line.group is not None else ""
    return MetricRow(view.by_key[line.cell.key], group, "", "", None, shown(why))


def _row(view: View, line: TableLine, drawn: _Drawn, scale: Axis, grid: Markup) -> MetricRow:
    metric = drawn.metric
    found, cell = _estimate(line, metric), view.by_key[line.cell.key]
    if found is None or (found.mean is None and found.at_least is None):
        return _absent(view, line, metric)
    entry = line.entry(metric)
    marks = _marks(view, cell, in_group(line.group, metric), found, scale, dotted=drawn.dotted)
    group = shown(line.group) if line.group is not None else ""
    picture = svg.canvas(_HEIGHT, grid, *marks)
    return MetricRow(cell, group, entry.figure, entry.interval, picture)


def _marks(
    view: View, cell: CellView, key: str, found: Estimate, scale: Axis, *, dotted: bool
) -> Iterator[Markup]:
    fill, family = cell.look.fill, cell.look.family
    unit = METRICS[key.rpartition("/")[2]].unit
    if found.mean is None:
        assert found.at_least is not None
        at = scale.clipped(found.at_least)
        said = f"above {quantity(found.at_least, unit)}"
        yield svg.line(
            at, 99.0, 17.0, 17.0, stroke=fill, stroke_width=2, stroke_dasharray="2 3",
            class_=f"s-{family}",
        )  # fmt: skip
        yield svg.use("m-right", at, 17.0, said, fill=fill, class_=f"f-{family}")
        return
    if not scale.log:
        yield svg.rect(
            scale.at(0.0), scale.clipped(found.mean), 12.0, 10.0, fill=fill, fill_opacity=".16",
            class_=f"f-{family}",
        )  # fmt: skip
    if dotted:
        yield _dots(view, cell, key, scale)
    yield from _bar(cell, found, scale)
    yield svg.use(f"m-{cell.look.shape}", scale.clipped(found.mean), 17.0, fill=fill,
                  class_=f"f-{family} mean")  # fmt: skip


def _bar(cell: CellView, found: Estimate, scale: Axis) -> Iterator[Markup]:
    """The interval; pale as far as others on the machine may have moved it, with an arrow where it
    reaches beyond the axis."""
    low, high, before = found.low, found.high, found.widened
    if low is None or high is None:
        return
    paint: dict[str, svg.Attribute] = {
        "stroke": cell.look.fill, "stroke_width": 4, "class_": f"s-{cell.look.family} bar"
    }  # fmt: skip
    if before is not None:
        pale = {**paint, "stroke_opacity": ".4", "class_": f"s-{cell.look.family}"}
        yield svg.line(scale.clipped(low), scale.clipped(high), 17.0, 17.0, **pale)
    arrow = {"fill": cell.look.fill, "class_": f"f-{cell.look.family}"}
    if high > scale.high:
        yield svg.use("m-right", scale.last, 17.0, **arrow)
    if low < scale.low:
        yield svg.use("m-left", scale.first, 17.0, **arrow)
    low, high = (low, high) if before is None else (before.low, before.high)
    yield svg.line(scale.clipped(low), scale.clipped(high), 17.0, 17.0, **paint)


def _dots(view: View, cell: CellView, key: str, scale: Axis) -> Markup:
    """A dot for each block, the first at the top."""
    unit = METRICS[key.rpartition("/")[2]].unit
    steps = max(view.blocks - 1, 1)
    titled = len(view.measured) <= _MOST_TITLED
    dots = [
        svg.circle(
            scale.clipped(math.exp(log)),
            round(5.5 + 23.0 * block / steps, 1),
            2.1,
            f"block {block + 1}: {quantity(math.exp(log), unit)}" if titled else "",
        )
        for block, log in view.index.logs(cell.cell.key, key).items()
    ]
    return svg.element(
        "g", *dots, fill=cell.look.fill, fill_opacity=".5", class_=f"f-{cell.look.family} dots"
    )


def _axis(scale: Axis, ticks: Sequence[float], unit: Unit) -> Markup:
    wanted = [AxisLabel(scale.at(tick), tick_words(tick, unit)) for tick in ticks]
    return svg.canvas(20.0, *labels.drawn(labels.kept(wanted, labels.IN_TABLE_PX), 14.0))
