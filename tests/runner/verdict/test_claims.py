# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts: what a claim comes to, given samples whose truth is known."""

import math
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.verdict.claims import (
    NEAR_ONE_AND_A_HALF,
    A,
    B,
    make_claim,
    ratios,
    refusals,
    sample,
    verdict_on,
)

from fibench.experiment.absent import Absent, AbsentCell
from fibench.verdict.estimate import Sample
from fibench.verdict.judging import Outcome, judge
from fibench.verdict.verdict import claim_json


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        ({"low": 1.3}, "CONFIRMED"),
        ({"low": 1.5}, "INCONCLUSIVE"),
        ({"low": 1.8}, "REFUTED"),
        ({"high": 1.8}, "CONFIRMED"),
        ({"high": 1.5}, "INCONCLUSIVE"),
        ({"high": 1.3}, "REFUTED"),
        ({"low": 1.3, "high": 1.8}, "CONFIRMED"),
        ({"low": 1.5, "high": 1.8}, "INCONCLUSIVE"),
        ({"low": 1.3, "high": 1.5}, "INCONCLUSIVE"),
        ({"low": 1.499, "high": 1.501}, "INCONCLUSIVE"),
        ({"low": 1.7, "high": 1.8}, "REFUTED"),
        ({"low": 1.2, "high": 1.3}, "REFUTED"),
    ],
)
def test_the_whole_interval_decides(bounds: dict[str, float], outcome: Outcome) -> None:
    claim = make_claim(low=bounds.get("low"), high=bounds.get("high"))
    assert verdict_on(claim, ratios(NEAR_ONE_AND_A_HALF)).outcome == outcome


def test_an_interval_that_ends_on_the_bound_is_not_beyond_it() -> None:
    same = ratios([1.0] * 5)
    assert verdict_on(make_claim(low=1.0), same).outcome == "INCONCLUSIVE"
    assert verdict_on(make_claim(high=1.0), same).outcome == "INCONCLUSIVE"
    assert verdict_on(make_claim("p99", low=1.0, high=1.0), same).outcome == "CONFIRMED"


def test_a_value_is_judged_in_base_units() -> None:
    claim = make_claim(right=None, high=2.0)
    verdict = verdict_on(claim, ratios(NEAR_ONE_AND_A_HALF))
    assert verdict.outcome == "CONFIRMED"
    assert verdict.left == pytest.approx(1.5, rel=1e-3)
    assert verdict.right is None


def test_a_verdict_has_the_figures_of_both_sides() -> None:
    samples = [
        sample(cell, block, 6.0 if cell is A else 4.0) for cell in (A, B) for block in range(3)
    ]
    verdict = verdict_on(make_claim(low=1.2), samples)
    assert verdict.left == pytest.approx(6.0)
    assert verdict.right == pytest.approx(4.0)


def test_two_complete_blocks_are_too_few_however_clear_they_are() -> None:
    verdict = verdict_on(make_claim(low=1.3), ratios([1000.0, 1000.0]))
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "2 complete blocks, a verdict needs 3"


def test_a_block_is_complete_only_if_both_sides_are_valid_in_it() -> None:
    samples = ratios([2.0, 2.0, 2.0])
    samples[4] = sample(B, 1, None, "a client had no reply")
    verdict = verdict_on(replace(make_claim(low=1.3), tolerates=1.0), samples)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "2 complete blocks, a verdict needs 3 (a client had no reply)"


def test_a_metric_that_was_never_measured_is_inconclusive_and_says_why() -> None:
    samples = [sample(cell, block, None) for cell in (A, B) for block in range(5)]
    verdict = verdict_on(make_claim(low=1.3), samples)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "throughput was not measured on both sides of any block"


def test_a_percentile_without_replies_enough_is_inconclusive() -> None:
    few = [replace(one, counts={"window_ok": 999}) for one in ratios([2.0] * 5)]
    verdict = verdict_on(make_claim("p99", low=1.3), few)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "p99 needs 1000 replies in every trial"


def test_a_claim_that_needs_more_cpus_than_there_are_is_not_here_whatever_the_samples() -> None:
    claim = make_claim(low=1.3, needs_cpus=2)
    verdict = verdict_on(claim, ratios([2.0] * 5), cpus=1)
    assert (verdict.outcome, verdict.reason) == (
        "NOT HERE",
        "needs 2 physical cores; 1 can be used here",
    )
    assert verdict_on(claim, ratios([2.0] * 5), cpus=2).outcome == "CONFIRMED"


def test_a_claim_about_a_cell_that_cannot_run_is_not_here() -> None:
    absent = Absent((AbsentCell(B, "b: io_uring is disabled"),))
    verdict = verdict_on(make_claim(low=1.3), [], absent=absent)
    assert (verdict.outcome, verdict.reason) == ("NOT HERE", "b: io_uring is disabled")


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ({"needs_backend": ("c-mt", "c-uring")}, "needs c-uring: io_uring is disabled"),
        ({"needs_interpreter": ("3.13", "pypy3")}, "needs interpreter pypy3: not on the PATH"),
        ({"needs_backend": ("c-mt",), "needs_interpreter": ("3.13",)}, None),
    ],
)
def test_a_claim_whose_needs_are_not_met_is_not_here_whatever_the_samples(
    needs: dict[str, Any], reason: str | None
) -> None:
    absent = Absent((), {"c-uring": "io_uring is disabled"}, {"pypy3": "not on the PATH"})
    claim = replace(make_claim(low=1.3), **needs)
    verdict = verdict_on(claim, ratios([2.0] * 5), absent=absent)
    assert verdict.reason == reason
    assert verdict.outcome == ("CONFIRMED" if reason is None else "NOT HERE")


def test_a_cell_without_a_valid_trial_makes_its_claim_invalid_for_the_commonest_reason() -> None:
    samples = [sample(A, block, 2.0) for block in range(3)]
    samples += [sample(B, block, None, "wrong reply") for block in range(2)]
    samples.append(sample(B, 2, None, "the server ended"))
    verdict = verdict_on(make_claim(low=1.3), samples)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "no trial of b is valid: wrong reply")


def test_a_cell_that_did_not_run_makes_its_claim_invalid() -> None:
    verdict = verdict_on(make_claim(low=1.3), [sample(A, 0, 2.0)])
    assert (verdict.outcome, verdict.reason) == ("INVALID", "b was not measured")


def test_an_incomplete_run_has_no_verdicts() -> None:
    assert judge([make_claim(low=1.3)], ratios([2.0] * 5), 2, complete=False) == ()


# Groups


def test_a_claim_about_a_group_is_judged_by_the_figures_of_that_group() -> None:
    samples = [
        replace(
            one,
            metrics={"throughput": 1.0, "small/throughput": one.metrics["throughput"]},
            counts={"small/window_ok": 50},
        )
        for one in ratios([2.0] * 5)
    ]
    claim = replace(make_claim(low=1.3), group="small")
    verdict = verdict_on(claim, samples)
    assert verdict.outcome == "CONFIRMED"
    assert verdict.left == pytest.approx(2.0)
    assert claim_json(verdict)["group"] == "small"


def test_a_percentile_of_a_group_needs_replies_enough_of_that_group() -> None:
    samples = [
        Sample(
            cell.key,
            block,
            True,
            None,
            {"small/p99": 0.1},
            {"window_ok": 100_000, "small/window_ok": 999},
        )
        for cell in (A, B)
        for block in range(3)
    ]
    verdict = verdict_on(replace(make_claim("p99", low=1.3), group="small"), samples)
    assert verdict.reason == "small/p99 needs 1000 replies in every trial"


# Many claims


def test_the_more_claims_a_file_has_the_wider_is_each_interval() -> None:
    samples = ratios(NEAR_ONE_AND_A_HALF)
    claim = make_claim(low=1.45)
    assert verdict_on(claim, samples).outcome == "CONFIRMED"
    verdict = verdict_on(claim, samples, total_claims=50)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.alpha == pytest.approx(0.05 / 50)


def test_claims_that_cannot_be_tested_here_are_counted_among_the_claims() -> None:
    claims = [make_claim(low=1.3), make_claim(low=1.3, needs_cpus=64)]
    first, second = judge(claims, ratios(NEAR_ONE_AND_A_HALF), 2)
    assert second.outcome == "NOT HERE"
    assert first.alpha == pytest.approx(0.025)


# What was too small to see


def test_beside_an_inconclusive_verdict_stands_what_would_settle_it() -> None:
    verdict = verdict_on(make_claim(low=1.49), ratios(NEAR_ONE_AND_A_HALF))
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.detectable is not None
    assert verdict.needed is not None
    assert verdict.blocks_needed is not None
    assert verdict.needed < verdict.detectable
    assert verdict.blocks_needed > len(NEAR_ONE_AND_A_HALF)


def test_as_many_blocks_as_advised_with_the_same_figures_settle_the_claim() -> None:
    claim = make_claim(low=1.49)
    advised = verdict_on(claim, ratios(NEAR_ONE_AND_A_HALF)).blocks_needed
    assert advised is not None
    repeats = math.ceil(advised / len(NEAR_ONE_AND_A_HALF))
    assert verdict_on(claim, ratios(NEAR_ONE_AND_A_HALF * repeats)).outcome == "CONFIRMED"


def test_a_bound_of_zero_is_beyond_any_number_of_blocks_but_can_be_judged() -> None:
    verdict = verdict_on(make_claim(low=0.0), ratios(NEAR_ONE_AND_A_HALF))
    assert verdict.outcome == "CONFIRMED"
    assert verdict.needed is None


# Counts


@pytest.mark.parametrize(
    ("counts", "bounds", "outcome"),
    [
        ([0, 0, 0], {"high": 1.0}, "CONFIRMED"),
        ([0, 1, 0], {"high": 1.0}, "REFUTED"),
        ([3, 4, 5], {"low": 2.0}, "CONFIRMED"),
        ([3, 2, 5], {"low": 2.0}, "REFUTED"),
        ([1, 2, 3], {"low": 1.0, "high": 3.0}, "CONFIRMED"),
        ([1, 2, 4], {"low": 1.0, "high": 3.0}, "REFUTED"),
        ([0, 0], {"high": 1.0}, "INCONCLUSIVE"),
        ([9, 9], {"high": 1.0}, "INCONCLUSIVE"),
    ],
)
def test_a_count_must_meet_its_bound_in_every_block(
    counts: list[int], bounds: dict[str, float], outcome: Outcome
) -> None:
    low, high = bounds.get("low"), bounds.get("high")
    claim = make_claim("refused", right=None, low=low, high=high)
    assert verdict_on(claim, refusals(counts)).outcome == outcome


def test_a_count_that_misses_says_in_how_many_blocks() -> None:
    claim = make_claim("refused", right=None, high=1.0)
    verdict = verdict_on(claim, refusals([0, 7, 0, 2]))
    assert verdict.reason == "missed in 2 of 4 blocks"
    assert verdict.count is not None
    assert (verdict.count.least, verdict.count.most, verdict.count.total) == (0, 7, 9)


def test_a_count_that_no_trial_has_was_not_measured() -> None:
    verdict = verdict_on(make_claim("refused", right=None, high=1.0), ratios([1.0] * 5))
    assert (verdict.outcome, verdict.reason) == ("INCONCLUSIVE", "refused was not measured")


def test_a_ratio_of_counts_is_judged_in_every_block_even_where_one_is_zero() -> None:
    claim = make_claim("refused", low=1.5)
    clear = refusals([2, 4, 6, 1]) + refusals([1, 2, 3, 0], B)
    assert verdict_on(claim, clear).outcome == "CONFIRMED"
    nothing = refusals([2, 4, 6, 1]) + refusals([0, 0, 0, 0], B)
    assert verdict_on(claim, nothing).outcome == "CONFIRMED"
    claim = make_claim("refused", low=None, high=0.5)
    misses = refusals([100, 100, 0, 0, 0]) + refusals([0, 0, 10, 10, 10], B)
    assert verdict_on(claim, misses).outcome == "REFUTED"
