# SPDX-License-Identifier: BSD-3-Clause
"""What a claim about throughput would come to if its cells answered all that they can. Pure.

Of a value that is a bound; of a ratio it is none, since either side may stay below its own: it is
what who knows the bounds alone would expect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fibench.experiment import Belief, Claim
from fibench.verdict.asymptotic.asymptotes import Possible


@dataclass(frozen=True)
class Foretold:
    """A claim by the bounds alone."""

    figure: float
    """The ratio, or the throughput in 1/s."""
    is_ratio: bool
    belief: Belief
    """Whether it would hold so."""


def foretold(claim: Claim, possible: Mapping[str, Possible]) -> Foretold | None:
    """What the bounds alone say of a claim; None where they say nothing of it."""
    if claim.metric != "throughput" or claim.group is not None:
        return None
    if claim.kind not in ("ratio", "value"):
        return None
    figure = possible.get(claim.left.key, Possible()).per_s
    if figure is not None and claim.right is not None:
        other = possible.get(claim.right.key, Possible()).per_s
        figure = None if other is None else figure / other
    if figure is None:
        return None
    above = -math.inf if claim.low is None else claim.low
    below = math.inf if claim.high is None else claim.high
    holds = above < figure < below
    return Foretold(figure, claim.right is not None, "holds" if holds else "does not hold")
