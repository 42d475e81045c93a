# SPDX-License-Identifier: BSD-3-Clause
"""A claim whose trials the load generator limited is invalid, and says which they are."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.runner.verdict.claims import A, B, make_claim, ratios, refusals, sample, verdict_on

from fibench.experiment.cells import Cell
from fibench.metrics import quantity
from fibench.verdict.estimate import Sample
from fibench.verdict.judging import Outcome


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


@pytest.mark.parametrize(
    ("metric", "p50_us", "p99_us", "outcome"),
    [
        ("p50", 499.0, 9000.0, "CONFIRMED"),
        ("p50", 501.0, 9000.0, "INVALID"),
        ("p99", 499.0, 1999.0, "CONFIRMED"),
        ("p99", 499.0, 2001.0, "INVALID"),
        ("p99", 1999.0, None, "CONFIRMED"),
        ("p99", 2001.0, None, "INVALID"),
        ("throughput", 9000.0, 9000.0, "CONFIRMED"),
    ],
)
def test_replies_that_waited_are_held_against_the_percentile_at_their_rank(
    metric: str, p50_us: float, p99_us: float | None, outcome: Outcome
) -> None:
    metrics = {"p50": 0.010, "p99": 0.040, "throughput": 500.0}
    lags = {"": (p50_us * 1e-6, None if p99_us is None else p99_us * 1e-6)}
    samples = [
        Sample(A.key, block, True, None, metrics, {"window_ok": 5000}, read_lags_s=lags)
        for block in range(3)
    ]
    verdict = verdict_on(make_claim(metric, right=None, low=1e-6), samples)
    assert verdict.outcome == outcome
    if outcome == "INVALID":
        assert "replies waited for the generator (lag p" in str(verdict.reason)


@pytest.mark.parametrize(
    ("flagged", "outcome"), [(0, "CONFIRMED"), (2, "CONFIRMED"), (3, "INVALID")]
)
def test_trials_that_were_not_kept_full_are_left_out_up_to_a_quarter(
    flagged: int, outcome: Outcome
) -> None:
    samples = ratios([2.0] * 8)
    of_a = [at for at, one in enumerate(samples) if one.cell_key == A.key][:flagged]
    for at in of_a:  # what such a trial says moves the interval, and must not widen it
        metrics = dict.fromkeys(samples[at].metrics, 0.5)
        samples[at] = replace(samples[at], not_full="it kept 90 %", metrics=metrics)
    verdict = verdict_on(make_claim(low=1.3), samples)
    assert verdict.outcome == outcome
    if outcome == "INVALID":
        assert verdict.reason is not None
        assert verdict.reason.startswith("the load generator was the limit in 3 of 8 blocks")
        assert verdict.reason.endswith("in block 1: it kept 90 %")
    else:
        assert verdict.estimate is not None
        assert verdict.estimate.blocks == 8 - flagged


def test_a_trial_in_a_block_that_does_not_count_limits_nothing() -> None:
    samples = bound_in(ratios([2.0] * 5), A, 4)
    samples[-1] = replace(sample(B, 4, None, "its port was in use"), unstarted=True)
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
        assert f"lag p99 {quantity(lag_us * 1e-6, 's')}, above 5 % of {metric}" in verdict.reason
        assert "a CPU of its own (cpus in [load]) or spin = true would help" in verdict.reason


def test_a_lag_below_a_hundred_microseconds_is_never_held_against_a_trial() -> None:
    fast = [
        Sample(A.key, block, True, None, {"p50": 1e-4}, {"window_ok": 5000}, lag_p99_s=99e-6)
        for block in range(3)
    ]
    claim = make_claim("p50", right=None, high=1.0)
    assert verdict_on(claim, fast).outcome == "CONFIRMED"
    late = [replace(one, lag_p99_s=101e-6) for one in fast]
    assert verdict_on(claim, late).outcome == "INVALID"
