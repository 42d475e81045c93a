# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a claim about a count: a dot for each block beside the bound that each must meet,
on an axis that begins at 0, since a count may be that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.metrics import exact
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE, INK, TONE, ZONE, Tone
from fibench.page.draw.scale import Axis

_HEIGHT = 70.0
_TOP, _DEPTH = 20.0, 30.0


@dataclass(frozen=True)
class Count:
    """What one block counted."""

    title: str
    figure: float
    is_met: bool


@dataclass(frozen=True)
class CountPicture:
    """What is drawn."""

    tone: Tone
    label: str
    counts: Sequence[Count]
    above: float | None = None
    below: float | None = None
    """Of a ratio there is no bound: it is that of the other side, block by block."""
    needed: str = ""


def counted_picture(asked: CountPicture) -> Markup:
    """The drawing; as high as _HEIGHT."""
    known = [one.figure for one in asked.counts]
    known += [one for one in (asked.above, asked.below) if one is not None]
    scale = Axis(0.0, max(1.0, *known) * 1.08, first=2.0, last=98.0)
    marks = [*_zone(asked, scale), *_axis(asked, scale), *_dots(asked, scale)]
    return svg.canvas(_HEIGHT, *marks, label=asked.label, class_="claimfig")


def _zone(asked: CountPicture, scale: Axis) -> Iterator[Markup]:
    bounds = [one for one in (asked.above, asked.below) if one is not None]
    if bounds:
        begins = 0.0 if asked.above is None else scale.clipped(asked.above)
        ends = 100.0 if asked.below is None else scale.clipped(asked.below)
        yield svg.rect(begins, ends, _TOP, _DEPTH, fill=ZONE, class_="zone", rx=3)
    yield svg.caption(0.5, 13.0, asked.needed, class_="note")
    for bound in bounds:
        at = scale.clipped(bound)
        yield svg.line(at, at, 16.0, 54.0, stroke=INK, stroke_width=1.6, class_="bound")


def _axis(asked: CountPicture, scale: Axis) -> Iterator[Markup]:
    bounds = [one for one in (asked.above, asked.below) if one is not None]
    wanted = [AxisLabel(scale.at(one), exact(one), strong=True) for one in bounds]
    wanted += [AxisLabel(scale.at(one), exact(one)) for one in scale.ticks(5) if one == int(one)]
    shown = labels.kept(wanted)
    for one in shown:
        if not one.strong:
            yield svg.line(one.at, one.at, _TOP, 50.0, stroke=GRID_LINE, class_="grid")
    yield from labels.drawn(shown, 65.0)


def _dots(asked: CountPicture, scale: Axis) -> Iterator[Markup]:
    steps = max(len(asked.counts) - 1, 1)
    others: Tone = "off" if asked.tone == "no" else asked.tone
    for tone, met in ((others, True), ("no", False)):
        found = [
            svg.circle(
                scale.clipped(one.figure),
                round(24.0 + 22.0 * place / steps, 1),
                2.8 if met else 3.6,
                one.title,
            )
            for place, one in enumerate(asked.counts)
            if one.is_met is met
        ]
        if found:
            yield svg.element("g", *found, fill=TONE[tone], class_=f"t-{tone} dots")
