# SPDX-License-Identifier: BSD-3-Clause
"""The figures of a claim as people read them: ratios with ×, values in the unit that suits all of
them, places in that of their axis."""

from __future__ import annotations

from dataclasses import dataclass

from fibench.metrics import METRICS, Scale, Unit, exact, number, quantity, scale_for
from fibench.report.numbers import NO_FIGURE, RATIO, axis_scale
from fibench.verdict import Verdict
from fibench.verdict.explaining.by_block import BlockFigure


@dataclass(frozen=True)
class Teller:
    """How the figures of one claim are written."""

    scale: Scale
    sign: str
    side_unit: Unit
    """Of the sides' own figures."""
    unit: Unit | None = None
    """Of the claim's figure; a ratio has none."""

    def figure(self, figure: float) -> str:
        """With three digits: `×1.86`, `24.9 ms`."""
        return f"{self.sign}{number(figure / self.scale.size)}{self.scale.suffix}"

    def exactly(self, figure: float) -> str:
        """As it was written: `×1.3`, `5 ms`."""
        return f"{self.sign}{exact(figure / self.scale.size)}{self.scale.suffix}"

    def side(self, figure: float | None) -> str:
        """A side's own figure."""
        return NO_FIGURE if figure is None else quantity(figure, self.side_unit)

    def block(self, one: BlockFigure) -> str:
        """The figure of a block, or between what it lies."""
        if one.figure is not None:
            return self.figure(one.figure)
        least = None if one.at_least is None else self.figure(one.at_least)
        most = None if one.at_most is None else self.figure(one.at_most)
        if least is not None and most is not None:
            return f"{least} to {most}"
        if least is not None:
            return f"> {least}"
        return NO_FIGURE if most is None else f"< {most}"


def teller(verdict: Verdict) -> Teller:
    """How the figures of a claim are written."""
    claim, found = verdict.claim, verdict.shown_estimate
    unit = METRICS[claim.metric].unit
    known = [claim.low, claim.high]
    if found is not None:
        known = [found.mean, found.at_least, found.at_most, found.low, *known]
    size = next((one for one in known if one is not None and one > 0.0), 1.0)
    if claim.kind == "crossover":
        return Teller(axis_scale(claim.over or "", size), "", unit)
    if claim.kind == "sustains":
        own = RATIO if claim.right is not None else scale_for(1.0, "1/s")
        is_ratio = claim.right is not None
        return Teller(own, "×" if is_ratio else "", "1/s", None if is_ratio else "1/s")
    if claim.right is not None and not METRICS[claim.metric].is_count:
        return Teller(RATIO, "×", unit)
    return Teller(scale_for(size, unit), "", unit, unit)
