# SPDX-License-Identifier: BSD-3-Clause
"""Made-up runs that may end after any block: a short, seeded form of docs/statistics.md."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fibench.develop.bench.sequential import (
    ALPHAS,
    KINDS,
    LOOKS,
    MOST,
    PLANS,
    decide_crossovers,
    decide_runs,
    file_of_ten,
    holds,
    tables,
)
from fibench.develop.bench.simulation import covers, made_claim, runs_of
from fibench.develop.bench.simulation import file_of_ten as real_file_of_ten
from fibench.experiment import Claim
from fibench.verdict import Sample
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.estimate import value
from fibench.verdict.looks import Looks

SIDES = {"CONFIRMED": 1, "REFUTED": -1, "INCONCLUSIVE": 0}
PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"


def samples_of(d: np.ndarray) -> list[Sample]:
    """A run in which a ÷ c is exp(d), by block."""
    counts = {"window_ok": 10**12}
    return [
        Sample(key, block, True, None, {"throughput": figure}, counts)
        for block, log in enumerate(d)
        for key, figure in (("a", float(np.exp(log))), ("c", 1.0))
    ]


@pytest.mark.parametrize(("kind", "plan"), [
    pytest.param(
        kind, plan,
        marks=() if kind == "normal" or PLANS[plan] == LOOKS else pytest.mark.long,
    )
    for kind in KINDS for plan in PLANS
])  # fmt: skip
def test_what_is_simulated_is_what_real_runs_are_decided_by(kind: str, plan: str) -> None:
    looks, claim = PLANS[plan], made_claim(0, 2, 1.0, None)
    d = KINDS[kind](np.random.default_rng(5), 20)
    d += np.linspace(-0.05, 0.05, len(d))[:, None]
    for total, alpha in ((1, 0.05), (8, 0.05 / 8)):
        known = decide_runs(d, looks, alpha)
        for run, row in enumerate(d):
            questions = Questions([claim], ["a", "c"], looks, 1, total_claims=total)
            found = decide(questions, samples_of(row))
            assert found.blocks == known.blocks[run]
            assert [SIDES[verdict.outcome] for verdict in found.verdicts] == [known.side[run]]


def test_the_ten_claims_are_those_of_the_other_simulation() -> None:
    # Both draw the same figures first; of the real runs, the truth of each claim is its bound.
    runs, claims = 3, real_file_of_ten()
    d = file_of_ten("normal", np.random.default_rng(9), runs)
    for run, samples in enumerate(runs_of("normal", MOST, runs, np.random.default_rng(9))):
        logs = {(s.cell_key, s.block): np.log(s.metrics["throughput"] or 0.0) for s in samples}
        for number, (claim, own) in enumerate(zip(claims_in_order(claims), d, strict=True)):
            bound = claim.low if claim.low is not None else claim.high
            assert bound is not None
            for block in range(MOST):
                real = logs[claim.left.key, block] - np.log(bound)
                real -= 0.0 if claim.right is None else logs[claim.right.key, block]
                assert abs(own[run, block]) == pytest.approx(abs(real), abs=1e-9), number


def claims_in_order(claims: Sequence[Claim]) -> list[Claim]:
    """As sequential.file_of_ten has them: the two of `within` after those above."""
    return [*claims[:4], *claims[8:], *claims[4:8]]


@pytest.mark.parametrize("plan", PLANS)
def test_of_normal_noise_every_plan_keeps_what_is_promised(plan: str) -> None:
    d = KINDS["normal"](np.random.default_rng(2), 20_000)
    for alpha in ALPHAS.values():
        chance = (alpha / 2 / len(d)) ** 0.5
        assert decide_runs(d, PLANS[plan], alpha).false() < alpha / 2 + 4 * chance


def test_looks_from_the_third_block_are_deceived_by_two_humps_and_those_from_the_sixth_less() -> (
    None
):
    d = KINDS["sharp humps 50:50"](np.random.default_rng(2), 20_000)
    third, sixth = (decide_runs(d, PLANS[plan], 0.05).false() for plan in ("from 3", "from 6"))
    assert third > 0.07
    assert sixth < 0.05


def test_looks_need_fewer_blocks_for_a_clear_effect_and_see_nearly_as_much_as_all_blocks() -> None:
    d = KINDS["normal"](np.random.default_rng(2), 5_000) + np.log(1.05)
    looked, whole = (decide_runs(d, looks, 0.05) for looks in (LOOKS, Looks(MOST, MOST)))
    assert looked.blocks.mean() < 11
    assert looked.power() > whole.power() - 0.02


def test_the_interval_of_a_cell_that_leaves_is_that_of_the_estimate() -> None:
    trials = 0.05 * np.random.default_rng(6).standard_normal((40, MOST))
    blocks = np.tile(np.arange(LOOKS.least, LOOKS.least + 8), 5)
    for looks in (None, LOOKS):
        estimates = [
            value(samples_of(own[:count]), "a", "throughput", 0.05, looks)
            for own, count in zip(trials, blocks, strict=True)
        ]
        assert holds(trials, blocks, looks) == np.mean([covers(one, 1.0) for one in estimates])


def test_a_crossover_on_its_bound_is_decided_no_more_often_than_is_promised() -> None:
    tally, blocks = decide_crossovers("normal", 0.03, 100, seed=3)
    assert tally.share("covered") >= 0.9
    assert tally.share("false CONFIRMED") + tally.share("false REFUTED") <= 0.1
    assert blocks > 18


@pytest.mark.parametrize("kind", ["normal", "drift", "two humps 80:20", "10 % disturbed"])
def test_noise_has_the_truth_as_its_mean(kind: str) -> None:
    d = KINDS[kind](np.random.default_rng(4), 20_000)
    assert d.shape == (20_000, MOST)
    assert abs(d.mean()) < 5 * d.std() / d.size**0.5


def test_the_page_has_the_tables_that_are_written_into_it() -> None:
    written = PAGE.read_text(encoding="utf-8").split("<!-- sequential -->")[1]
    written = written.split("<!-- end -->")[0]
    rows = [line.split("|")[1] for line in written.splitlines() if line.startswith("|")]
    assert rows == [line.split("|")[1] for line in tables(40, 1) if line.startswith("|")]
