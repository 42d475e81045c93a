# SPDX-License-Identifier: BSD-3-Clause
"""What a claim counts in each block: over all attempts, but always on the scale of one trial. Pure.

What went wrong in an attempt did go wrong, whether or not it was measured again. But three attempts
are three trials: together they count three times what one does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.metrics import in_group

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim
    from fibench.verdict.sample import Index


@dataclass(frozen=True)
class Counted:
    """What a claim finds in one block."""

    figure: int
    """The count of one trial: of an attempt that missed the bound, else of the last one; of a ratio
    the left side's, on average over its attempts."""
    is_met: bool


def counted_by_block(claim: Claim, samples: Index) -> Mapping[int, Counted]:
    """What a claim about a count finds in each block that knows of it, in the order of blocks.

    A value must meet its bound in every attempt. The sides of a ratio may have been made unequally
    often: the means over their attempts are compared, without dividing.
    """
    name = in_group(claim.group, claim.metric)
    lefts = _attempts(claim.left, name, samples)
    if claim.right is None:
        return {block: _of_value(claim, lefts[block]) for block in sorted(lefts)}
    rights = _attempts(claim.right, name, samples)
    return {
        block: _of_ratio(claim, lefts[block], rights[block])
        for block in sorted(lefts.keys() & rights.keys())
    }


def _of_value(claim: Claim, attempts: Sequence[int]) -> Counted:
    missed = [figure for figure in attempts if not _meets(figure, 1, claim.low, claim.high)]
    return Counted(missed[0] if missed else attempts[-1], not missed)


def _of_ratio(claim: Claim, left: Sequence[int], right: Sequence[int]) -> Counted:
    figure, scale = sum(left) * len(right), sum(right) * len(left)
    mean = round(sum(left) / len(left))
    return Counted(mean, _meets(figure, scale, claim.low, claim.high))


def _attempts(cell: Cell, name: str, samples: Index) -> dict[int, Sequence[int]]:
    """The counts of the attempts in each block, those that failed too."""
    found: dict[int, Sequence[int]] = {}
    for trial in samples.all(cell.key):
        if name in trial.every_count:
            found[trial.block] = trial.every_count[name]
        elif name in trial.counts:
            found[trial.block] = (trial.counts[name],)
    return found


def _meets(figure: int, scale: int, above: float | None, below: float | None) -> bool:
    """Whether figure ÷ scale meets the bounds; a scale of zero, as of a count, hides nothing."""
    low = None if above is None else above * scale
    high = None if below is None else below * scale
    if low is not None and high is not None:
        return low <= figure <= high
    return (low is None or figure > low) and (high is None or figure < high)
