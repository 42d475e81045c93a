# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a claim in many runs: its bound as a line, where it holds as a tint, and of each
run a mark and its interval, on a line of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE, INK, TONE, ZONE, Tone
from fibench.page.draw.scale import Axis

_TOP = 20.0
_FOOT = 20.0
_MARGIN = 7.0
"""Between the edge of the tint and the first mark."""
_STEP, _LEAST, _MOST = 9.0, 14.0, 90.0
"""Pixels between two runs at most, and of all of them together."""
_MOST_INTERVALS = 60
"""Runs: of more, their intervals would cover each other."""
_SOME, _AROUND, _ROOM = 1.02, 1.5, 0.08


@dataclass(frozen=True)
class RunDot:
    """A run."""

    run: int
    """Its number on the page."""
    title: str
    tone: Tone
    figure: float | None
    """None where no more than an end of its interval is known."""
    low: float | None = None
    high: float | None = None
    """None for an end that there is not."""
    is_marked: bool = False
    """Whether something is wrong with the run."""

    @property
    def place(self) -> float | None:
        """Where it is drawn; None: nowhere."""
        return next((one for one in (self.figure, self.low, self.high) if one is not None), None)


@dataclass(frozen=True)
class ManyRuns:
    """What is drawn, in one unit. On a logarithmic axis all figures are above 0."""

    label: str
    """The whole picture in words."""
    dots: Sequence[RunDot]
    """In the order from the top."""
    say: Callable[[float], str]
    needed: str
    above: float | None = None
    below: float | None = None
    log: bool = True
    from_zero: bool = False
    """Whether a linear axis begins at 0, as of counts."""
    is_ratio: bool = False

    @property
    def bounds(self) -> list[float]:
        """The bounds that there are."""
        return [one for one in (self.above, self.below) if one is not None]


def runs_picture(asked: ManyRuns) -> Markup:
    """The drawing; as high as its runs need."""
    scale = runs_axis(asked)
    depth = min(max(_STEP * (len(asked.dots) - 1), _LEAST), _MOST)
    bottom = _TOP + depth + 2.0 * _MARGIN
    marks = [*_zone(asked, scale, bottom), *_axis(asked, scale, bottom)]
    step = depth / max(len(asked.dots) - 1, 1)
    begins = _TOP + _MARGIN + (depth / 2.0 if len(asked.dots) == 1 else 0.0)
    lanes = [(dot, round(begins + step * place, 1)) for place, dot in enumerate(asked.dots)]
    if len(lanes) <= _MOST_INTERVALS:
        marks += [_interval(dot, scale, y) for dot, y in lanes if dot.low is not None]
    marks += [mark for dot, y in lanes for mark in _dot(dot, scale, y)]
    return svg.canvas(bottom + _FOOT, *marks, label=asked.label, class_="runsfig")


def runs_axis(asked: ManyRuns) -> Axis:
    """An axis with every run and bound on it, and of a ratio ×1. Intervals may reach beyond."""
    known = [dot.place for dot in asked.dots] + [*asked.bounds]
    known += [1.0] if asked.is_ratio else []
    figures = [one for one in known if one is not None and math.isfinite(one)]
    if not asked.log:
        figures = [*figures, 0.0, 1.0] if asked.from_zero else figures or [0.0]
        low, high = min(figures), max(figures)
        more = _ROOM * (high - low) if high > low else max(0.25 * abs(high), 1.0)
        return Axis(low if asked.from_zero else low - more, high + more, first=2.0, last=98.0)
    figures = [one for one in figures if one > 0.0] or [1.0]
    low, high = min(figures), max(figures)
    more = max((high / low) ** _ROOM, 1.02) if high / low > _SOME else _AROUND
    return Axis(low / more, high * more, True, 1.0, 99.0)


def _zone(asked: ManyRuns, scale: Axis, bottom: float) -> Iterator[Markup]:
    """Where the claim holds, with what was needed above it."""
    begins = 0.0 if asked.above is None else scale.clipped(asked.above)
    ends = 100.0 if asked.below is None else scale.clipped(asked.below)
    yield svg.rect(begins, ends, _TOP, bottom - _TOP, fill=ZONE, class_="zone", rx=3)
    at = begins if asked.below is None else ends
    at = (begins + ends) / 2.0 if len(asked.bounds) > 1 else at
    side = "start" if at < 40.0 else "end" if at > 60.0 else "middle"
    yield svg.caption(at, 13.0, asked.needed, text_anchor=side, class_="note")


def _axis(asked: ManyRuns, scale: Axis, bottom: float) -> Iterator[Markup]:
    wanted = [AxisLabel(scale.clipped(one), asked.say(one), strong=True) for one in asked.bounds]
    if asked.is_ratio:
        wanted.append(AxisLabel(scale.at(1.0), f"{asked.say(1.0)} same"))
    wanted += [AxisLabel(scale.at(tick), asked.say(tick)) for tick in scale.ticks(6)]
    shown = labels.kept(one for one in wanted if 1.0 <= one.at <= 99.0)
    for one in shown:
        if not one.strong:
            dashes = "2 3" if one.said.endswith("same") else None
            yield svg.line(one.at, one.at, _TOP, bottom, stroke=GRID_LINE, class_="grid",
                           stroke_dasharray=dashes)  # fmt: skip
    for bound in asked.bounds:
        at = scale.clipped(bound)
        yield svg.line(at, at, 16.0, bottom + 4.0, stroke=INK, stroke_width=1.6, class_="bound")
    yield from labels.drawn(shown, bottom + 15.0)


def _interval(dot: RunDot, scale: Axis, y: float) -> Markup:
    low = 0.0 if dot.low is None else scale.clipped(dot.low)
    high = 100.0 if dot.high is None else scale.clipped(dot.high)
    return svg.line(
        low, high, y, y, stroke=TONE[dot.tone], stroke_width=1.4, stroke_opacity=".45",
        class_=f"s-{dot.tone} span", data_r=dot.run,
    )  # fmt: skip


def _dot(dot: RunDot, scale: Axis, y: float) -> Iterator[Markup]:
    """Its mark tells the outcome by its shape; a square around it that something is wrong."""
    if dot.place is None:
        return
    at = scale.clipped(dot.place)
    if dot.is_marked:
        yield svg.use("d-wrong", at, y, stroke=INK, class_="bound", data_r=dot.run)
    colour = TONE[dot.tone]
    yield svg.use(
        f"d-{dot.tone}", at, y, dot.title, fill=colour, stroke=colour,
        stroke_width=1.0 if dot.tone == "ok" else 2.2,
        class_=f"dot t-{dot.tone} s-{dot.tone}", data_r=dot.run,
    )  # fmt: skip
