# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts: what a claim comes to, given samples whose truth is known."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fibench.commands.refused import exit_code
from fibench.experiment.absent import Absent, AbsentCell
from fibench.experiment.cells import Cell, Value
from fibench.experiment.experiment import Claim
from fibench.verdict.estimate import Sample
from fibench.verdict.judging import Outcome, Verdict, claims_json, judge
from fibench.verdict.verdict import claim_json


def make_cell(backend: str) -> Cell:
    parameters: dict[str, Value] = {"backend": backend, "n": 27, "clients": 8, "kind": "fibload"}
    axes: tuple[tuple[str, Value], ...] = (("backend", backend),)
    return Cell(backend=backend, parameters=parameters, axes=axes, label=backend, key=backend)


A, B = make_cell("a"), make_cell("b")


def make_claim(
    metric: str = "throughput",
    *,
    low: float | None = None,
    high: float | None = None,
    right: Cell | None = B,
    needs_cpus: int = 1,
) -> Claim:
    return Claim(
        id="a-beats-b",
        says="a beats b",
        because=None,
        kind="value" if right is None else "ratio",
        metric=metric,
        left=A,
        right=right,
        low=low,
        high=high,
        needs_cpus=needs_cpus,
    )


def sample(cell: Cell, block: int, figure: float | None, reason: str | None = None) -> Sample:
    metrics = {"throughput": figure, "p99": figure}
    return Sample(cell.key, block, reason is None, reason, metrics, {"window_ok": 10**12})


def ratios(figures: Sequence[float]) -> list[Sample]:
    """Samples in which a has these figures, block by block, and b has 1."""
    found = [sample(A, block, figure) for block, figure in enumerate(figures)]
    return found + [sample(B, block, 1.0) for block in range(len(figures))]


def refusals(counts: Sequence[int], cell: Cell = A) -> list[Sample]:
    return [
        Sample(cell.key, block, True, None, {}, {"refused": count})
        for block, count in enumerate(counts)
    ]


def verdict_on(claim: Claim, samples: Sequence[Sample], **options: Any) -> Verdict:
    (verdict,) = judge([claim], samples, **{"cpus": 2, **options})
    return verdict


# Around 1.5, between about 1.44 and 1.56.
NEAR_ONE_AND_A_HALF = [1.5, 1.47, 1.53, 1.5, 1.48, 1.52]


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
    samples[4] = sample(B, 1, None, "the server ended")
    verdict = verdict_on(make_claim(low=1.3), samples)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "2 complete blocks, a verdict needs 3 (the server ended)"


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
    assert (verdict.outcome, verdict.reason) == ("NOT HERE", "needs 2 CPUs; 1 can be used here")
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


# Was the meter the limit?


def bound_in(samples: Sequence[Sample], cell: Cell, *blocks: int) -> list[Sample]:
    why = "it used 94 % of its core"
    return [
        replace(one, bound=why) if one.cell_key == cell.key and one.block in blocks else one
        for one in samples
    ]


def test_a_claim_that_rests_on_a_generator_bound_trial_is_invalid_and_says_which() -> None:
    samples = bound_in(ratios([2.0] * 5), B, 2)
    verdict = verdict_on(make_claim(low=1.3), samples)
    assert verdict.outcome == "INVALID"
    assert verdict.reason == (
        "the load generator was the limit in b in block 3: it used 94 % of its core"
    )
    assert verdict.estimate is not None
    verdict = verdict_on(make_claim(low=1.3), bound_in(samples, A, 4, 1))
    assert verdict.reason == (
        "the load generator was the limit in 3 of 10 trials, the first is a in block 2: "
        "it used 94 % of its core"
    )


@pytest.mark.parametrize(
    "metric", ["cores", "cpu_per_request", "memory", "memory_peak", "switches_per_request"]
)
def test_what_the_server_used_stands_whoever_was_the_limit(metric: str) -> None:
    samples = [
        replace(one, metrics={metric: one.metrics["throughput"]}) for one in ratios([2.0] * 5)
    ]
    assert verdict_on(make_claim(metric, low=1.3), bound_in(samples, A, 1)).outcome == "CONFIRMED"
    counted = bound_in(refusals([0, 0, 0]), A, 0, 1, 2)
    claim = make_claim("refused", right=None, high=1.0)
    assert verdict_on(claim, counted).outcome == "CONFIRMED"


def test_a_trial_in_a_block_that_does_not_count_limits_nothing() -> None:
    samples = bound_in(ratios([2.0] * 5), A, 4)
    samples[-1] = sample(B, 4, None, "the server ended")
    assert verdict_on(make_claim(low=1.3), samples).outcome == "CONFIRMED"


@pytest.mark.parametrize(
    ("metric", "lag_us", "outcome"),
    [
        ("p50", 99.0, "CONFIRMED"),
        ("p50", 499.0, "CONFIRMED"),
        ("p50", 501.0, "INVALID"),
        ("p99", 501.0, "CONFIRMED"),
        ("p99", 2001.0, "INVALID"),
        ("throughput", 5000.0, "CONFIRMED"),
    ],
)
def test_a_late_generator_is_held_against_the_percentile_that_is_claimed(
    metric: str, lag_us: float, outcome: Outcome
) -> None:
    metrics = {"p50": 0.010, "p99": 0.040, "throughput": 500.0}
    samples = [
        Sample(A.key, block, True, None, metrics, {"window_ok": 5000}, lag_p99_s=lag_us * 1e-6)
        for block in range(3)
    ]
    verdict = verdict_on(make_claim(metric, right=None, low=1e-6), samples)
    assert verdict.outcome == outcome
    if outcome == "INVALID":
        assert verdict.reason is not None
        assert f"lag p99 {lag_us:,.0f} µs, above 5 % of {metric}" in verdict.reason


def test_a_lag_below_a_hundred_microseconds_is_never_held_against_a_trial() -> None:
    fast = [
        Sample(A.key, block, True, None, {"p50": 1e-4}, {"window_ok": 5000}, lag_p99_s=99e-6)
        for block in range(3)
    ]
    claim = make_claim("p50", right=None, high=1.0)
    assert verdict_on(claim, fast).outcome == "CONFIRMED"
    late = [replace(one, lag_p99_s=101e-6) for one in fast]
    assert verdict_on(claim, late).outcome == "INVALID"


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


def test_a_ratio_of_counts_is_judged_in_every_block_even_where_one_is_zero() -> None:
    claim = make_claim("refused", low=1.5)
    clear = refusals([2, 4, 6, 1]) + refusals([1, 2, 3, 0], B)
    assert verdict_on(claim, clear).outcome == "CONFIRMED"
    nothing = refusals([2, 4, 6, 1]) + refusals([0, 0, 0, 0], B)
    assert verdict_on(claim, nothing).outcome == "CONFIRMED"
    claim = make_claim("refused", low=None, high=0.5)
    misses = refusals([100, 100, 0, 0, 0]) + refusals([0, 0, 10, 10, 10], B)
    assert verdict_on(claim, misses).outcome == "REFUTED"


# Consistency

blocks = st.lists(st.floats(min_value=0.1, max_value=10.0), min_size=3, max_size=10)
bounds = st.floats(min_value=0.05, max_value=20.0)


@given(blocks, bounds, bounds)
def test_what_is_confirmed_above_a_bound_is_confirmed_above_every_lower_one(
    figures: list[float], one: float, other: float
) -> None:
    lower, higher = sorted((one, other))
    if verdict_on(make_claim(low=higher), ratios(figures)).outcome == "CONFIRMED":
        assert verdict_on(make_claim(low=lower), ratios(figures)).outcome == "CONFIRMED"
    if verdict_on(make_claim(low=lower), ratios(figures)).outcome == "REFUTED":
        assert verdict_on(make_claim(low=higher), ratios(figures)).outcome == "REFUTED"


@given(blocks, bounds)
def test_above_is_confirmed_exactly_where_below_is_refuted(
    figures: list[float], bound: float
) -> None:
    opposite = {"CONFIRMED": "REFUTED", "REFUTED": "CONFIRMED", "INCONCLUSIVE": "INCONCLUSIVE"}
    above = verdict_on(make_claim(low=bound), ratios(figures)).outcome
    below = verdict_on(make_claim(high=bound), ratios(figures)).outcome
    assert below == opposite[above]


@given(blocks, bounds, bounds)
def test_within_is_confirmed_only_where_both_its_halves_are(
    figures: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assume(low < high)
    within = verdict_on(make_claim(low=low, high=high), ratios(figures))
    assert within.estimate is not None
    assume(not {within.estimate.low, within.estimate.high} & {low, high})
    halves = {
        verdict_on(make_claim(low=low), ratios(figures)).outcome,
        verdict_on(make_claim(high=high), ratios(figures)).outcome,
    }
    assert (within.outcome == "CONFIRMED") == (halves == {"CONFIRMED"})
    assert (within.outcome == "REFUTED") == ("REFUTED" in halves)


@given(blocks, bounds)
def test_what_an_inconclusive_run_could_have_seen_is_more_than_what_was_asked(
    figures: list[float], bound: float
) -> None:
    verdict = verdict_on(make_claim(low=bound), ratios(figures))
    assert verdict.detectable is not None
    assert verdict.needed is not None
    if verdict.outcome == "INCONCLUSIVE":
        assert verdict.detectable >= verdict.needed
    if verdict.needed > verdict.detectable * 1.000001 + 1e-9:
        assert verdict.outcome != "INCONCLUSIVE"


# The exit status


def verdicts(*outcomes: Outcome) -> list[Verdict]:
    return [Verdict(make_claim(low=1.0), outcome, 0.05) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "failed", "interrupted", "status"),
    [
        ([], 0, False, 0),
        (["CONFIRMED", "NOT HERE"], 0, False, 0),
        (["CONFIRMED", "INCONCLUSIVE"], 0, False, 4),
        (["CONFIRMED", "INVALID"], 0, False, 4),
        (["INCONCLUSIVE", "REFUTED"], 0, False, 3),
        (["CONFIRMED"], 1, False, 5),
        (["REFUTED"], 2, False, 5),
        (["REFUTED"], 2, True, 130),
        ([], 0, True, 130),
    ],
)
def test_the_exit_status_is_the_first_that_applies(
    outcomes: list[Outcome], failed: int, interrupted: bool, status: int
) -> None:
    assert exit_code(verdicts(*outcomes), failed, interrupted) == status


# JSON


def test_the_json_of_a_ratio_names_its_units_and_can_be_read_back() -> None:
    verdict = verdict_on(make_claim(low=1.3), ratios(NEAR_ONE_AND_A_HALF))
    document = json.loads(json.dumps(claims_json([verdict]), allow_nan=False))
    assert set(document) == {"schema", "confidence", "claims"}
    assert document["schema"] == 2
    (claim,) = document["claims"]
    assert set(claim) == {
        *("id", "says", "because", "kind", "metric", "needs_cpus", "above", "below", "outcome"),
        *("reason", "left", "right", "estimate", "count", "smallest_detectable_effect"),
        *("effect_asked_for", "blocks_needed", "group", "crossover"),
        *("needs_backend", "needs_interpreter"),
    }
    assert (claim["outcome"], claim["above"], claim["below"]) == ("CONFIRMED", 1.3, None)
    assert set(claim["left"]) == {"cell", "label", "throughput_per_s"}
    assert claim["estimate"]["quantity"] == "ratio"
    assert claim["estimate"]["low"] < claim["estimate"]["mean"] < claim["estimate"]["high"]
    assert claim["estimate"]["blocks"] == 6


def test_the_json_of_a_value_says_what_is_measured_and_in_which_unit() -> None:
    verdict = verdict_on(make_claim(right=None, high=2.0), ratios(NEAR_ONE_AND_A_HALF))
    claim: Any = claim_json(verdict)
    assert claim["right"] is None
    assert claim["estimate"]["quantity"] == "throughput_per_s"


def test_the_json_of_a_count_has_its_range_and_no_estimate() -> None:
    verdict = verdict_on(make_claim("refused", right=None, high=1.0), refusals([0, 2, 0]))
    claim: Any = claim_json(verdict)
    assert claim["estimate"] is None
    assert claim["count"] == {"blocks": 3, "least": 0, "most": 2, "total": 2}
    assert set(claim["left"]) == {"cell", "label"}


def test_an_interval_without_an_end_is_null_in_json() -> None:
    verdict = verdict_on(make_claim(low=1.3), ratios([1e-300, 1e300, 1e-300]))
    document = json.loads(json.dumps(claims_json([verdict]), allow_nan=False))
    assert document["claims"][0]["estimate"]["high"] is None
