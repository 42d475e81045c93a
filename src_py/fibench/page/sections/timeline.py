# SPDX-License-Identifier: BSD-3-Clause
"""Every trial in the order in which it ran, as a factor of its cell's median: drift, disturbances
and the odd ones out. Attempts that do not count are there too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from fibench.metrics import METRICS, exact, number, quantity
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import BAND, GRID_LINE, TONE, Look
from fibench.page.draw.scale import Axis
from fibench.page.view import View
from fibench.plan import TWIN
from fibench.record import Record
from fibench.wording import shown

_HEIGHT = 190.0
_FOOT = 18.0
"""Below: where trials are that have no figure."""
_LEFT = 8.0
_FAR_LOG = 0.14
_MOST_NAMED = 3
_MOST_TITLED = 1000
"""Trials: of more, what each is stands in the table of trials alone."""
_SMALLEST_REACH = 1.08
_STEPS = (1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class TimelineDot:
    """An attempt at a trial."""

    place: int
    record: Record
    factor: float | None
    """Of its cell's median; None: it has no figure."""
    counts: bool
    """Whether it is the last attempt, and valid."""
    disturbed: bool


@dataclass(frozen=True)
class Timeline:
    """The picture, and what it is of."""

    picture: Markup
    metric: str
    unknown: int
    """Of how many trials that did not fail there is no figure."""
    far: Sequence[str]
    """The trials that are far from their cells' medians, in words."""


def timeline(view: View) -> Timeline | None:
    """The trials of a run; None where none has a figure."""
    attempts = [one for one in view.review.run.attempts if one.role in ("measure", "twin")]
    is_open = any(one.parameters.is_open for one in attempts)
    metric = "p50" if is_open else "throughput"
    name = METRICS[metric].name_with_unit
    last = {id(one) for one in view.measured}
    middles = _middles(view, name)
    dots = [
        TimelineDot(
            place,
            one,
            _factor(one, name, middles),
            counts=id(one) in last and one.valid,
            disturbed=one.disturbed is not None,
        )
        for place, one in enumerate(attempts)
    ]
    known = [dot for dot in dots if dot.factor is not None]
    if not known:
        return None
    reach = _reach([dot.factor or 1.0 for dot in known])
    far = sorted(
        (dot for dot in known if dot.counts and abs(math.log(dot.factor or 1.0)) > _FAR_LOG),
        key=lambda dot: -abs(math.log(dot.factor or 1.0)),
    )
    x = Axis(-0.5, max(len(dots) - 0.5, 1.0), first=_LEFT, last=99.5)
    marks = [
        *_bands(dots, x),
        *_grid(reach),
        svg.element(
            "g",
            *(mark for dot in dots for mark in _mark(view, dot, x, reach, metric)),
            opacity=".85",
        ),
        *_names(far[:_MOST_NAMED], x, reach),
    ]
    label = f"{METRICS[metric].heading} of {len(dots)} trials in their order, each as a factor of "
    label += f"its cell's median; {len(far)} are more than 15 % away from it"
    picture = svg.canvas(_HEIGHT + _FOOT + 18.0, *marks, label=label)
    unknown = sum(dot.record.valid and dot.factor is None for dot in dots)
    return Timeline(picture, METRICS[metric].heading, unknown, [_far_words(dot) for dot in far])


def _middles(view: View, name: str) -> Mapping[str, float]:
    """The median of each cell; a twin is the same cell."""
    figures: dict[str, list[float]] = {}
    for one in view.measured:
        figure = one.metrics.get(name)
        if one.valid and figure is not None and figure > 0.0:
            figures.setdefault(one.cell.removesuffix(TWIN), []).append(figure)
    return {key: median(own) for key, own in figures.items()}


def _factor(record: Record, name: str, middles: Mapping[str, float]) -> float | None:
    figure, middle = record.metrics.get(name), middles.get(record.cell.removesuffix(TWIN))
    if not record.valid or figure is None or figure <= 0.0 or middle is None:
        return None
    return figure / middle


def _reach(factors: Sequence[float]) -> float:
    """The factor at the upper edge: nearly all trials are within."""
    sizes = sorted(max(one, 1.0 / one) for one in factors)
    most = math.log(sizes[int(0.95 * (len(sizes) - 1))])
    return max(_SMALLEST_REACH, min(math.exp(1.3 * most), sizes[-1] * 1.05))


def _down(factor: float, reach: float) -> float:
    share = math.log(factor) / math.log(reach)
    return round(min(max(_HEIGHT / 2.0 * (1.0 - 0.92 * share), 6.0), _HEIGHT - 6.0), 1)


def _bands(dots: Sequence[TimelineDot], x: Axis) -> Iterator[Markup]:
    """A band for each block, every other one tinted."""
    spans: list[tuple[int, int, int]] = []
    for dot in dots:
        block = dot.record.block
        if spans and spans[-1][0] == block:
            spans[-1] = (block, spans[-1][1], dot.place)
        else:
            spans.append((block, dot.place, dot.place))
    wanted = []
    for number_, (block, first, last) in enumerate(spans):
        begins, ends = x.at(first - 0.5), x.at(last + 0.5)
        if number_ % 2 == 0:
            yield svg.rect(begins, ends, 0.0, _HEIGHT + _FOOT, fill=BAND, class_="band")
        wanted.append(AxisLabel((begins + ends) / 2.0, str(block + 1)))
    yield from labels.drawn(labels.kept(wanted), _HEIGHT + _FOOT + 14.0)
    yield svg.caption(0.0, _HEIGHT + _FOOT + 14.0, "block", class_="tick")


def _grid(reach: float) -> Iterator[Markup]:
    shown_at: list[float] = []
    steps = [1.0, *(step for step in reversed(_STEPS) if step <= reach)]
    for step in [each for one in steps for each in dict.fromkeys((one, 1.0 / one))]:
        at = _down(step, reach)
        if all(abs(at - other) > 15.0 for other in shown_at):
            shown_at.append(at)
            yield svg.line(_LEFT, 100.0, at, at, stroke=GRID_LINE, class_="grid")
            said = f"×{exact(step, 3)}"
            yield svg.caption(0.0, at + 4.0, said, class_="tick")


def _mark(view: View, dot: TimelineDot, x: Axis, reach: float, metric: str) -> Iterator[Markup]:
    record, at = dot.record, x.at(dot.place)
    title = _title(dot, metric) if len(view.measured) <= _MOST_TITLED else ""
    look, foot = _look(view, record), _HEIGHT + _FOOT / 2.0
    if not record.valid:
        yield svg.use("m-x", at, foot, title, stroke=TONE["no"], class_="s-no")
        return
    if dot.factor is None:
        yield svg.use("m-up", at, foot, title, fill=look.fill, class_=f"f-{look.family} trial")
        return
    y = _down(dot.factor, reach)
    if dot.counts and not dot.disturbed:
        yield svg.use(
            f"s-{look.shape}", at, y, title, fill=look.fill,
            class_=f"f-{look.family} trial",
        )  # fmt: skip
        return
    yield svg.circle(
        at, y, 3.2, title, fill="none", stroke=look.fill, stroke_width=1.2,
        class_=f"s-{look.family} trial out",
    )  # fmt: skip


def _look(view: View, record: Record) -> Look:
    one = view.by_key.get(record.cell.removesuffix(TWIN))
    return one.look if one is not None else Look("own", "own")


def _title(dot: TimelineDot, metric: str) -> str:
    record = dot.record
    said = f"{shown(record.label)}, block {record.block + 1}"
    said += f", attempt {record.attempt}" if record.attempt > 1 else ""
    if not record.valid:
        return f"{said}: failed: {shown(record.reason or 'no reason given')}"
    figure = record.metrics.get(METRICS[metric].name_with_unit)
    if figure is None:
        said += f": no {metric}" + (", for a queue grew" if record.checks.saturated else "")
    elif dot.factor is not None:
        said += f": {quantity(figure, METRICS[metric].unit)}, ×{number(dot.factor)} of its median"
    if record.disturbed is not None:
        said += f"; disturbed: {shown(record.disturbed.says)}"
    return said


def _far_words(dot: TimelineDot) -> str:
    assert dot.factor is not None
    return f"{shown(dot.record.label)} in block {dot.record.block + 1}: ×{number(dot.factor)}"


def _names(far: Sequence[TimelineDot], x: Axis, reach: float) -> Iterator[Markup]:
    placed: list[tuple[float, float]] = []
    for dot in far:
        assert dot.factor is not None
        at, y = x.at(dot.place), _down(dot.factor, reach) + 4.0
        while any(abs(at - left) < 40.0 and abs(y - top) < 13.0 for left, top in placed):
            y += -13.0 if y > _HEIGHT / 2.0 else 13.0
        placed.append((at, y))
        side, by = ("end", -1.2) if at > 50.0 else ("start", 1.2)
        said = f"{shown(dot.record.label)}: ×{number(dot.factor)}"
        yield svg.caption(at + by, y, said, text_anchor=side, class_="note small")
