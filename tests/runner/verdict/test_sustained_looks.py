# SPDX-License-Identifier: BSD-3-Clause
"""Runs that may end early: a rate that is claimed keeps all its cells until it is decided."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.runner.verdict.rates import Figure, row, sustains, trials

from fibench.experiment import Claim, cells_of
from fibench.verdict import Decisions, Looks, Questions, Sample, decide

AUTO = Looks(6, 20)
WOBBLE = (1.0, 1.3, 0.75, 1.15, 0.9)


def run_of(curve: Sequence[Figure], blocks: int) -> list[Sample]:
    return trials(
        [
            [
                figure * WOBBLE[(block + 2 * place) % 5] if isinstance(figure, float) else figure
                for place, figure in enumerate(curve)
            ]
            for block in range(blocks)
        ]
    )


def followed(claim: Claim, samples: Sequence[Sample], looks: Looks = AUTO) -> Decisions:
    keys = [cell.key for cell in cells_of(claim)]
    return decide(Questions([claim], keys, looks, 2), samples)


def test_a_clear_one_is_decided_at_the_first_look() -> None:
    decisions = followed(sustains(120.0), run_of((0.001, 0.01, 0.9), 6))
    assert [(v.outcome, v.decided) for v in decisions.verdicts] == [("CONFIRMED", 6)]
    assert decisions.over


def test_all_rates_stay_until_its_repeated_interval_is_clear() -> None:
    claim = sustains(240.0)
    decisions = followed(claim, run_of((0.01, 0.025, 0.1), 20))
    (verdict,) = decisions.verdicts
    assert verdict.outcome == "CONFIRMED"
    assert verdict.decided is not None
    assert verdict.decided > 6
    assert decisions.left == {step.cell.key: verdict.decided for step in row()}


@pytest.mark.parametrize(
    ("curve", "bound", "left"),
    [
        # Clear but for what lies between 200/s and 400/s, which no block will tell.
        ((0.001, 0.002, None), 300.0, 6),
        ((0.001, 0.049, None), 300.0, 20),
    ],
)
def test_a_bracket_that_is_clear_keeps_no_cell(
    curve: Sequence[Figure], bound: float, left: int
) -> None:
    decisions = followed(sustains(bound), run_of(curve, 20))
    assert set(decisions.left.values()) == {left}
    (verdict,) = decisions.verdicts
    assert verdict.outcome == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("bound", "outcome"), [(0.85, "INCONCLUSIVE"), (1.35, "INCONCLUSIVE"), (1.5, "REFUTED")]
)
def test_a_bracket_of_one_side_that_holds_the_bound_keeps_no_cell(
    bound: float, outcome: str
) -> None:
    # a sustains some 283/s, and b between 200/s and 400/s: their ratio is 0.71 to 1.41 for ever.
    rows = (row(), row("b"))
    wild = run_of((0.01, 0.025, 0.1), 20)
    clear = run_of((0.001, 0.002, None), 20)
    samples = [*wild, *(replace(one, cell_key=f"b{one.cell_key[1:]}") for one in clear)]
    decisions = followed(sustains(bound, rows=rows), samples)
    (verdict,) = decisions.verdicts
    assert verdict.outcome == outcome
    assert (max(decisions.left.values()) == AUTO.least) == (outcome == "INCONCLUSIVE")
