# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a claim: its bound as a line, where it holds as a tint, the interval as a bar, and
each block as a dot. It is drawn on a logarithmic axis, on which equal factors are equal steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE, INK, TONE, ZONE, Tone
from fibench.page.draw.scale import Axis

_HEIGHT = 84.0
_ZONE_TOP, _ZONE_HEIGHT = 20.0, 44.0
_BAR_Y, _BAR_HEIGHT = 28.0, 9.0
_DOTS_TOP, _DOTS_HEIGHT = 45.0, 14.0
_TICKS_Y = 79.0
_SOME, _AROUND = 1.02, 1.5
"""Of figures that are this near each other, as of a bound alone, so much around them is shown."""
_ROOM = 0.08
"""Of the axis beyond what it has to show."""


@dataclass(frozen=True)
class Dot:
    """One block."""

    title: str
    figure: float | None
    at_least: float | None = None
    at_most: float | None = None
    counts: bool = True
    """Whether the verdict rests on it."""
    name: str = ""
    """What stands beside it, where it is to be seen."""


@dataclass(frozen=True)
class IntervalPicture:
    """What is drawn; figures in one unit, all above 0. An end may be 0 or infinite: then the
    figures do not bound it."""

    tone: Tone
    say: Callable[[float], str]
    label: str
    """The whole picture in words."""
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    sure_low: float | None = None
    """Of an interval that was widened, what it was before."""
    sure_high: float | None = None
    above: float | None = None
    below: float | None = None
    needed: str = ""
    is_ratio: bool = False
    dots: Sequence[Dot] = ()


def interval_picture(asked: IntervalPicture) -> Markup:
    """The drawing; as high as _HEIGHT."""
    scale = interval_axis(asked)
    marks = [
        *_zone(asked, scale),
        *_axis(asked, scale),
        *_dots(asked, scale),
        *_bar(asked, scale),
    ]
    return svg.canvas(_HEIGHT, *marks, label=asked.label, class_="claimfig")


def interval_axis(asked: IntervalPicture) -> Axis:
    """An axis with everything on it that is known, the bounds, and of a ratio ×1."""
    known = [asked.mean, asked.low, asked.high, asked.above, asked.below]
    known += [1.0 if asked.is_ratio else None]
    for dot in asked.dots:
        known += [dot.figure, dot.at_least, dot.at_most]
    figures = [one for one in known if one is not None and 0.0 < one < math.inf] or [1.0]
    low, high = min(figures), max(figures)
    more = max((high / low) ** _ROOM, 1.02) if high / low > _SOME else _AROUND
    return Axis(low / more, high * more, True, 0.5, 99.5)


def _zone(asked: IntervalPicture, scale: Axis) -> Iterator[Markup]:
    """Where the claim holds, with what was needed above it."""
    begins = 0.0 if asked.above is None else scale.clipped(asked.above)
    ends = 100.0 if asked.below is None else scale.clipped(asked.below)
    if asked.above is not None or asked.below is not None:
        yield svg.rect(begins, ends, _ZONE_TOP, _ZONE_HEIGHT, fill=ZONE, class_="zone", rx=3)
    middle = (begins + ends) / 2.0
    at = begins if asked.below is None else ends if asked.above is None else middle
    side = "start" if at < 40.0 else "end" if at > 60.0 else "middle"
    yield svg.caption(at, 13.0, asked.needed, text_anchor=side, class_="note")


def _axis(asked: IntervalPicture, scale: Axis) -> Iterator[Markup]:
    bounds = [one for one in (asked.above, asked.below) if one is not None and one > 0.0]
    wanted = [AxisLabel(scale.clipped(one), asked.say(one), strong=True) for one in bounds]
    lines = []
    if asked.is_ratio:
        wanted.append(AxisLabel(scale.at(1.0), f"{asked.say(1.0)} same"))
    wanted += [AxisLabel(scale.at(tick), asked.say(tick)) for tick in scale.ticks(5)]
    shown = labels.kept(one for one in wanted if 1.0 <= one.at <= 99.0)
    for one in shown:
        if not one.strong:
            dashes = "2 3" if one.said.endswith("same") else None
            lines.append(
                svg.line(
                    one.at, one.at, _ZONE_TOP, 64.0, stroke=GRID_LINE, class_="grid",
                    stroke_dasharray=dashes,
                )
            )  # fmt: skip
    yield from lines
    for bound in bounds:
        at = scale.clipped(bound)
        yield svg.line(at, at, 16.0, 68.0, stroke=INK, stroke_width=1.6, class_="bound")
    yield from labels.drawn(shown, _TICKS_Y)


def _dots(asked: IntervalPicture, scale: Axis) -> Iterator[Markup]:
    """A dot for each block, the first at the top; hollow where the verdict does not rest on it."""
    steps = max(len(asked.dots) - 1, 1)
    solid: list[Markup] = []
    hollow: list[Markup] = []
    names: list[Markup] = []
    for place, dot in enumerate(asked.dots):
        y = round(_DOTS_TOP + _DOTS_HEIGHT * place / steps, 1)
        marks = list(_dot(dot, scale, y))
        (solid if dot.counts else hollow).extend(marks)
        at = dot.figure if dot.figure is not None else dot.at_least
        if dot.name and at is not None:
            x = scale.clipped(at)
            side, by = ("start", 1.8) if x < 60.0 else ("end", -1.8)
            names.append(
                svg.caption(x + by, y + 4.0, dot.name, text_anchor=side, class_="note small")
            )
    tone = asked.tone
    if solid:
        yield svg.element("g", *solid, fill=TONE[tone], fill_opacity=".65", class_=f"t-{tone} dots")
    if hollow:
        yield svg.element("g", *hollow, fill="none", stroke=TONE[tone], class_=f"s-{tone} out")
    yield from names


def _dot(dot: Dot, scale: Axis, y: float) -> Iterator[Markup]:
    if dot.figure is not None:
        yield svg.circle(scale.clipped(dot.figure), y, 2.4, dot.title)
        return
    if dot.at_least is not None:
        yield svg.use("m-right", scale.clipped(dot.at_least), y, dot.title)
    if dot.at_most is not None:
        yield svg.use("m-left", scale.clipped(dot.at_most), y, dot.title)


def _bar(asked: IntervalPicture, scale: Axis) -> Iterator[Markup]:
    """The interval, and what lies in its middle; arrows at ends that there are not."""
    tone = asked.tone
    paint = {"fill": TONE[tone], "class_": f"t-{tone}"}
    if asked.low is not None and asked.high is not None:
        begins = scale.clipped(asked.low) if asked.low > 0.0 else 0.6
        ends = scale.clipped(asked.high) if asked.high < math.inf else 99.4
        if asked.sure_low is not None and asked.sure_high is not None:
            yield _piece(begins, ends, fill_opacity=".4", **paint)
            begins = max(begins, scale.clipped(asked.sure_low))
            ends = min(ends, scale.clipped(asked.sure_high))
        yield _piece(begins, ends, **{**paint, "class_": f"t-{tone} bar"})
        if asked.low <= 0.0:
            yield svg.use("m-left", 1.0, _BAR_Y + _BAR_HEIGHT / 2.0, **paint)
        if asked.high == math.inf:
            yield svg.use("m-right", 99.0, _BAR_Y + _BAR_HEIGHT / 2.0, **paint)
    if asked.mean is not None:
        yield svg.circle(
            scale.clipped(asked.mean), _BAR_Y + _BAR_HEIGHT / 2.0, 5.6, fill=TONE[tone],
            stroke="#ffffff", stroke_width=1.8, class_=f"t-{tone} halo",
        )  # fmt: skip


def _piece(begins: float, ends: float, **more: svg.Attribute) -> Markup:
    """A piece of the bar, at least as wide as can be seen."""
    least = 0.8
    if ends - begins < least:
        middle = (begins + ends) / 2.0
        begins, ends = middle - least / 2.0, middle + least / 2.0
    return svg.rect(begins, ends, _BAR_Y, _BAR_HEIGHT, rx=2, **more)
