# SPDX-License-Identifier: BSD-3-Clause
"""Who keeps a trial from starting, where another one of its block went badly, gets no verdict by
it."""

import math
import random
from collections.abc import Collection
from dataclasses import replace

import pytest
from tests.runner.verdict.claims import A, B, make_claim, ratios, sample, verdict_on
from tests.runner.verdict.decided_runs import ask

from fibench.experiment import Cell
from fibench.record import Disturbed
from fibench.verdict.deciding.decide import decide
from fibench.verdict.estimate import Sample
from fibench.verdict.looks import Looks

SPREAD = 0.03
IN_USE = "port 80 is in use"
FIGURES = [1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5]


def _unstarted(cell: Cell, block: int) -> Sample:
    return replace(sample(cell, block, None, IN_USE), unstarted=True)


def _without(cell: Cell, blocks: Collection[int], was: float = 1.0) -> list[Sample]:
    """Ratios of 1.5; in some blocks a trial of one side could not start, and that of the other was
    so many times as fast."""
    found = []
    for one in ratios(FIGURES):
        figure = one.metrics["throughput"]
        assert figure is not None
        if one.block not in blocks:
            found.append(one)
        elif one.cell_key == cell.key:
            found.append(_unstarted(cell, one.block))
        else:
            found.append(replace(one, metrics={"throughput": figure * was}))
    return found


@pytest.mark.parametrize(
    ("cell", "was", "outcome"),
    [(B, 1.0, "CONFIRMED"), (B, 0.8, "CONFIRMED"), (B, 0.3, "INCONCLUSIVE"), (B, 3.0, "CONFIRMED"),
     (A, 1.0, "CONFIRMED"), (A, 3.0, "INCONCLUSIVE"), (A, 0.3, "CONFIRMED")],
)  # fmt: skip
def test_the_trial_that_was_measured_counts_and_the_other_might_have_been_as_ever(
    cell: Cell, was: float, outcome: str
) -> None:
    verdict = verdict_on(make_claim(low=1.3), _without(cell, (2, 5), was))
    assert verdict.outcome == outcome, verdict.reason
    assert verdict.blocks == 6
    if outcome == "INCONCLUSIVE":
        assert verdict.reason == (
            "4 of 16 trials count for nothing (beside one that could not 2, could not start 2), "
            "and by what they may have been it is not decided"
        )


def test_above_a_quarter_of_the_blocks_nothing_is_decided() -> None:
    verdict = verdict_on(make_claim(low=1.3), _without(B, (1, 2, 5)))
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == (
        f"a trial could not start in 3 of 8 blocks ({IN_USE}), more than a quarter"
    )
    slow = Disturbed("probe", "a CPU computed slower than in other blocks")
    found = [
        replace(one, disturbed=slow) if (one.cell_key, one.block) == (A.key, 7) else one
        for one in _without(B, (1, 5))
    ]
    assert verdict_on(make_claim(low=1.3), found).reason == (
        f"a trial could not start in 2 of 8 blocks ({IN_USE}), and 1 more is left out for what "
        "disturbed them"
    )


def _attacked(chance: random.Random, edge: float, blocks: int) -> list[Sample]:
    """Where the first trial of a block went badly for a, the other one is kept from starting."""
    found = []
    for block in range(blocks):
        a, b = (chance.gauss(0.0, SPREAD) for _ in "ab")
        first = chance.choice("ab")
        is_bad = (a if first == "a" else -b) < edge * SPREAD
        for cell, log in ((A, a), (B, b)):
            kept = is_bad and cell.key != first
            made = sample(cell, block, math.exp(log))
            found.append(_unstarted(cell, block) if kept else made)
    return found


RUNS = 100


@pytest.mark.parametrize(
    ("edge", "blocks"),
    [
        (-1.3, 20), (-0.9, 60), (-0.5, 60),
        pytest.param(-0.9, 20, marks=pytest.mark.long),
        pytest.param(-0.5, 20, marks=pytest.mark.long),
        pytest.param(-1.3, 60, marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_who_drops_blocks_by_keeping_their_second_trial_from_starting(
    edge: float, blocks: int
) -> None:
    """The truth lies on the bound of the only claim: 2.5 of 100 are promised. The seed is fixed."""
    looks = Looks(6, 20) if blocks == 20 else Looks(blocks, blocks)
    questions, chance = ask([make_claim(low=1.0)], looks=looks), random.Random(4)
    is_seen = blocks > 20 and edge > -1.0
    wrong = seen = 0
    for _ in range(RUNS):
        run = _attacked(chance, edge, blocks)
        (verdict,) = decide(questions, run, ended=True).verdicts
        wrong += verdict.outcome == "CONFIRMED"
        if is_seen and seen <= RUNS / 4:
            lost = {one.block for one in run if one.unstarted}
            blind = [one for one in run if one.block not in lost]
            (verdict,) = decide(questions, blind, ended=True).verdicts
            seen += verdict.outcome == "CONFIRMED"
    assert wrong <= 8
    assert not is_seen or seen > RUNS / 4, "or there is nothing to be seen"
