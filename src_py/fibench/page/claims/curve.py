# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a claim about a place on an axis, as a crossover: a figure at every point that was
measured, block by block, where it passes a threshold, and the interval of that place below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE, INK, TONE, ZONE, Tone
from fibench.page.draw.scale import Axis

_HEIGHT = 190.0
"""Of the plot; the interval and the axis are below it."""
BELOW = 62.0
_LEFT, _RIGHT = 13.0, 99.0
_STRIP = _HEIGHT + 9.0


@dataclass(frozen=True)
class CurvePoint:
    """What was found at one place of the axis."""

    at: float
    title: str
    mean: float | None
    """None: no more is known than that it lies beyond the top."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Half:
    """What lies on one side of the threshold."""

    said: str
    fill: str
    class_: str


@dataclass(frozen=True)
class AlongAxis:
    """What is drawn; an end of the interval may lie beyond the axis."""

    tone: Tone
    label: str
    log: bool
    points: Sequence[CurvePoint]
    lines: Sequence[Sequence[tuple[float, float]]]
    """Of each block, the figures by place."""
    threshold: float
    threshold_said: str
    upper: Half
    lower: Half
    say_x: Callable[[float], str]
    say_y: Callable[[float], str]
    caption: str
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None


def curve_picture(asked: AlongAxis) -> Markup:
    """The drawing; as high as _HEIGHT and BELOW."""
    x = Axis(asked.points[0].at, asked.points[-1].at, asked.log, _LEFT + 1.5, _RIGHT - 1.0)
    y = y_axis(asked)
    marks = [
        *_halves(asked, y),
        *_grid(asked, y),
        *_lines(asked, x, y),
        *_points(asked, x, y),
        *_place(asked, x, y),
        *_axis(asked, x),
    ]
    return svg.canvas(_HEIGHT + BELOW, *marks, label=asked.label, class_="claimfig")


def y_axis(asked: AlongAxis) -> Axis:
    """From the bottom to the top, with everything on it, in per cent of the height."""
    known = [asked.threshold, *(y for line in asked.lines for _, y in line)]
    for point in asked.points:
        known += [one for one in (point.mean, point.low, point.high) if one is not None]
    figures = [one for one in known if 0.0 < one < math.inf]
    low, high = min(figures), max(figures)
    low, high = min(low / 1.1, asked.threshold / 1.25), max(high * 1.1, asked.threshold * 1.25)
    return Axis(low, high, True, 0.0, 100.0)


def _down(y: Axis, figure: float) -> float:
    """How far below the top of the plot, in pixels."""
    return round(_HEIGHT * (1.0 - y.clipped(figure) / 100.0), 1)


def _halves(asked: AlongAxis, y: Axis) -> Iterator[Markup]:
    """Who is ahead on either side of the threshold, in colour and in words."""
    middle = _down(y, asked.threshold)
    for half, top, depth in ((asked.upper, 0.0, middle), (asked.lower, middle, _HEIGHT - middle)):
        yield svg.rect(
            _LEFT, 100.0, top, depth, fill=half.fill, fill_opacity=".08", class_=half.class_
        )


def _grid(asked: AlongAxis, y: Axis) -> Iterator[Markup]:
    middle = _down(y, asked.threshold)
    heights = [middle]
    for tick in y.ticks(5):
        at = _down(y, tick)
        if all(abs(at - other) > 14.0 for other in heights):
            heights.append(at)
            yield svg.line(_LEFT, 100.0, at, at, stroke=GRID_LINE, class_="grid")
            yield _y_label(at, asked.say_y(tick))
    yield svg.line(_LEFT, 100.0, middle, middle, stroke=INK, stroke_width=1.4, class_="bound")
    yield _y_label(middle, asked.threshold_said, " strong")


def _y_label(at: float, said: str, more: str = "") -> Markup:
    return svg.caption(_LEFT - 1.0, at + 4.0, said, text_anchor="end", class_=f"tick{more}")


def _lines(asked: AlongAxis, x: Axis, y: Axis) -> Iterator[Markup]:
    """A thin line for each block, and a thick one through the means, with its band."""
    width = 100.0 - _LEFT

    def place(at: float, figure: float) -> tuple[float, float]:
        return (x.at(at) - _LEFT) / width * 1000.0, 1000.0 - 10.0 * y.clipped(figure)

    thin = [
        svg.element("polyline", points=svg.points(place(at, one) for at, one in line))
        for line in asked.lines
    ]
    known = [(one.at, one.mean) for one in asked.points if one.mean is not None]
    thick = svg.element("polyline", points=svg.points(place(at, one) for at, one in known))
    ends = [
        (one.at, one.low, one.high)
        for one in asked.points
        if one.low is not None and one.high is not None
    ]
    band = [place(at, high) for at, _, high in ends]
    band += [place(at, low) for at, low, _ in reversed(ends)]
    parts = [
        _group(svg.element("polygon", points=svg.points(band)), fill=INK, fill_opacity=".1",
               class_="ink"),
        _group(*thin, fill="none", stroke=INK, stroke_width=1, stroke_opacity=".3",
               class_="curve inkline"),
        _group(thick, fill="none", stroke=INK, stroke_width=2, class_="curve inkline"),
    ]  # fmt: skip
    yield svg.stretched(_LEFT, width, _HEIGHT, *parts)


def _group(*marks: str, **more: svg.Attribute) -> Markup:
    return svg.element("g", *marks, **more) if marks else Markup("")


def _points(asked: AlongAxis, x: Axis, y: Axis) -> Iterator[Markup]:
    for one in asked.points:
        if one.mean is None:
            yield svg.use("m-up", x.at(one.at), 8.0, one.title, fill=INK, class_="ink point")
        else:
            yield svg.circle(
                x.at(one.at), _down(y, one.mean), 3.2, one.title, fill=INK, class_="ink point"
            )


def _place(asked: AlongAxis, x: Axis, y: Axis) -> Iterator[Markup]:
    """Where the threshold is passed: the bar on its strip, and where the claim wants it."""
    begins = _LEFT if asked.above is None else x.clipped(asked.above)
    ends = 100.0 if asked.below is None else x.clipped(asked.below)
    yield svg.rect(begins, ends, _STRIP, 10.0, fill=ZONE, class_="zone", rx=2)
    for bound in (asked.above, asked.below):
        if bound is not None:
            at = x.clipped(bound)
            yield svg.line(
                at, at, _HEIGHT + 4.0, _HEIGHT + 24.0, stroke=INK, stroke_width=1.6, class_="bound"
            )
    tone = asked.tone
    paint = {"fill": TONE[tone], "class_": f"t-{tone}"}
    if asked.low is not None and asked.high is not None:
        low = x.clipped(asked.low) if asked.low > 0.0 or not asked.log else _LEFT
        high = x.clipped(asked.high) if asked.high < math.inf else 100.0
        bar = {**paint, "class_": f"t-{tone} bar"}
        yield svg.rect(low, max(high, low + 0.8), _STRIP + 0.5, 9.0, rx=2, **bar)
    if asked.mean is not None:
        at = x.clipped(asked.mean)
        yield svg.line(
            at, at, _down(y, asked.threshold), _STRIP + 5.0, stroke=TONE[tone],
            stroke_width=1.4, stroke_dasharray="2 3", class_=f"s-{tone}",
        )  # fmt: skip
        yield svg.circle(
            at, _STRIP + 5.0, 5.6, fill=TONE[tone], stroke="#ffffff", stroke_width=1.8,
            class_=f"t-{tone} halo",
        )  # fmt: skip


def _axis(asked: AlongAxis, x: Axis) -> Iterator[Markup]:
    wanted = [AxisLabel(x.at(one.at), asked.say_x(one.at)) for one in asked.points]
    first_and_last = [wanted[0], wanted[-1]]
    yield from labels.drawn(labels.kept([*first_and_last, *wanted]), _HEIGHT + 38.0)
    yield svg.caption(_LEFT, _HEIGHT + 56.0, asked.caption, class_="tick")
    yield svg.caption(_LEFT + 1.0, 14.0, asked.upper.said, class_="note")
    yield svg.caption(99.0, _HEIGHT - 6.0, asked.lower.said, text_anchor="end", class_="note")
