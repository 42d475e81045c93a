# SPDX-License-Identifier: BSD-3-Clause
"""Of what has points along an axis each point that decides is held to the share of trials that were
measured again, however many others there are."""

import math
from collections.abc import Collection
from dataclasses import replace

import pytest
from tests.runner.verdict.chosen_runs import DISTURBED
from tests.runner.verdict.claims import make_cell, make_claim
from tests.runner.verdict.rates import ALONE, RATES, noisy, sustains, trials, verdict_on

from fibench.experiment import Claim, Point
from fibench.verdict.estimate import Sample

BLOCKS = 6
PLACES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
CURVE = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)
"""The first side begins to win at 35."""


def _again(found: list[Sample], cells: Collection[str], blocks: int) -> list[Sample]:
    """The trials of these cells measured again in so many blocks, with the same figures."""
    return [
        replace(one, superseded=(replace(one, disturbed=DISTURBED),))
        if one.cell_key in cells and one.block < blocks
        else one
        for one in found
    ]


def _crossover(low: float) -> Claim:
    points = tuple(
        Point(at, make_cell(f"left-{at:g}"), make_cell(f"right-{at:g}")) for at in PLACES
    )
    left, right = points[0].left, points[0].right
    claim = replace(make_claim(low=low), left=left, right=right)
    return replace(claim, kind="crossover", over="n", points=points)


def _run() -> list[Sample]:
    found = []
    for block in range(BLOCKS):
        for at, advantage in zip(PLACES, CURVE, strict=True):
            off = 0.02 * ((block + at / 10.0) % 3 - 1.0)
            for key, log in ((f"left-{at:g}", advantage + off), (f"right-{at:g}", 0.0)):
                metrics = {"throughput": math.exp(log)}
                found.append(Sample(key, block, True, None, metrics, {"window_ok": 10**9}))
    return found


AT_30, AT_60 = ("left-30", "right-30"), ("left-60", "right-60")


@pytest.mark.parametrize(
    ("cells", "blocks", "outcome"),
    [((), 0, "CONFIRMED"), (AT_30, 1, "CONFIRMED"), (AT_30, 2, "INCONCLUSIVE"),
     (AT_30[:1], 3, "CONFIRMED"), (AT_30[:1], 4, "INCONCLUSIVE"),
     ((*AT_30, "left-40", "right-40"), 3, "INCONCLUSIVE"), (AT_60, 6, "CONFIRMED")],
)  # fmt: skip
def test_a_crossover_is_not_decided_by_a_point_that_was_measured_again_too_often(
    cells: Collection[str], blocks: int, outcome: str
) -> None:
    """Half of the trials of four cells are 12 of 72; far from where it crosses nothing decides."""
    claim, found = _crossover(32.0), _again(_run(), cells, blocks)
    assert len(cells) * blocks <= 0.25 * len(found)
    verdict = verdict_on(claim, found)
    assert verdict.outcome == outcome, verdict.reason
    if outcome == "INCONCLUSIVE":
        number = 2 * blocks if len(cells) > 1 else blocks
        assert verdict.reason == (
            f"the machine was not quiet: {number} of 12 trials of left-30 and right-30 were "
            f"measured again (foreign CPU {number}), more than a quarter"
        )


@pytest.mark.parametrize(
    ("place", "blocks", "outcome"),
    [(1, 0, "CONFIRMED"), (1, 1, "CONFIRMED"), (1, 2, "INCONCLUSIVE"), (2, 2, "INCONCLUSIVE"),
     (0, 4, "CONFIRMED")],
)  # fmt: skip
def test_a_sustained_rate_is_not_decided_by_a_rate_that_was_measured_again_too_often(
    place: int, blocks: int, outcome: str
) -> None:
    """It is some 283/s, and 250/s is claimed: 200/s and 400/s decide, and 100/s does not."""
    cell = ALONE[place].cell
    found = _again(trials(noisy(0.01, 0.025, 0.1, blocks=BLOCKS)), [cell.key], blocks)
    assert blocks <= 0.25 * len(found)
    verdict = verdict_on(sustains(250.0), found)
    assert verdict.outcome == outcome, verdict.reason
    if outcome == "INCONCLUSIVE":
        assert verdict.reason == (
            f"the machine was not quiet: 2 of 6 trials of a n=3 rate={RATES[place]:g} were "
            "measured again (foreign CPU 2), more than a quarter"
        )
