# SPDX-License-Identifier: BSD-3-Clause
"""Words along an axis, none of which covers another, however narrow the drawing is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.page.draw import svg

NARROWEST_PX = 290.0
"""No chart is narrower than on a phone of 390 px…"""
IN_TABLE_PX = 200.0
"""…nor one that shares its row with other columns, on a screen somewhat wider than that."""
_CHARACTER_PX = 6.6
"""Of a figure in the page's small type, on average."""
_GAP_PX = 8.0


@dataclass(frozen=True)
class AxisLabel:
    """Words that are to stand at a place."""

    at: float
    """In per cent."""
    said: str
    strong: bool = False


def anchor(at: float, edge: float = 4.0) -> str:
    """On which side of its place text stands, so that it does not leave the drawing."""
    return "start" if at < edge else "end" if at > 100.0 - edge else "middle"


def span(label: AxisLabel, narrowest_px: float = NARROWEST_PX) -> tuple[float, float]:
    """From where to where it reaches, in per cent of the narrowest drawing."""
    width = 100.0 * (len(label.said) * _CHARACTER_PX + _GAP_PX) / narrowest_px
    left = {"start": 0.0, "middle": width / 2.0, "end": width}[anchor(label.at)]
    return label.at - left, label.at - left + width


def kept(wanted: Iterable[AxisLabel], narrowest_px: float = NARROWEST_PX) -> list[AxisLabel]:
    """Those that have room, the first of the wanted before the others."""
    found: list[AxisLabel] = []
    for label in wanted:
        low, high = span(label, narrowest_px)
        spans = [span(one, narrowest_px) for one in found]
        if all(high <= left or low >= right for left, right in spans):
            found.append(label)
    return found


def drawn(labels: Sequence[AxisLabel], y: float) -> list[Markup]:
    """The labels as text at a height."""
    return [
        svg.caption(
            label.at,
            y,
            label.said,
            text_anchor=anchor(label.at),
            class_="tick strong" if label.strong else "tick",
        )
        for label in labels
    ]
