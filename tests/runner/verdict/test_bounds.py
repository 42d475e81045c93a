# SPDX-License-Identifier: BSD-3-Clause
"""What lower bounds of latencies may decide: CONFIRMED above, REFUTED below, and nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.verdict.claims import make_cell, make_claim

from fibench.experiment import Cell, Claim
from fibench.metrics import METRICS
from fibench.plan import TWIN
from fibench.record import LatencyBounds
from fibench.verdict import Index, Sample, Verdict, judge
from fibench.verdict.bounds import Between, may_decide
from fibench.verdict.crossover import Sides, find_crossover
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.estimate import contrast, value
from fibench.verdict.looks import Looks
from fibench.verdict.twin import check_twin

Figure = float | LatencyBounds
"""A latency of a trial in seconds, or between what it lies."""

LEFT, RIGHT = make_cell("left"), make_cell("right")


def at_least(seconds: float) -> LatencyBounds:
    return LatencyBounds(seconds, None)


def samples(**figures: Sequence[Figure]) -> list[Sample]:
    """A trial for each figure of each cell, all of p50."""
    return [
        Sample(
            cell_key=name,
            block=block,
            valid=True,
            reason=None,
            metrics={"p50": None if isinstance(figure, LatencyBounds) else figure},
            counts={"window_ok": 1000},
            bounds={"p50": figure} if isinstance(figure, LatencyBounds) else {},
            lag_p99_s=20e-6,
        )
        for name, row in figures.items()
        for block, figure in enumerate(row)
    ]


def claim(low: float | None, high: float | None, right: Cell | None = None) -> Claim:
    return replace(make_claim("p50", low=low, high=high, right=right), left=LEFT)


def judged(asked: Claim, trials: Sequence[Sample]) -> Verdict:
    return judge([asked], trials, cpus=2)[0]


SATURATED = [at_least(0.80), at_least(0.81), at_least(0.79), at_least(0.80)]
KNOWN = [0.100, 0.101, 0.099, 0.100]


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.2, None, "CONFIRMED"),
        (None, 0.2, "REFUTED"),
        (0.9, None, "INCONCLUSIVE"),
        (None, 0.9, "INCONCLUSIVE"),
        (0.1, 0.2, "REFUTED"),
        (0.1, 0.9, "INCONCLUSIVE"),
        (0.9, 1.5, "INCONCLUSIVE"),
    ],
)
def test_a_lower_bound_confirms_above_and_refutes_below(
    low: float | None, high: float | None, outcome: str
) -> None:
    verdict = judged(claim(low, high), samples(left=SATURATED))
    assert verdict.outcome == outcome
    assert (verdict.reason is None) == (outcome != "INCONCLUSIVE")
    estimate = verdict.estimate
    assert estimate is not None
    assert estimate.mean is None
    assert estimate.at_least == pytest.approx(0.8, rel=0.01)
    assert estimate.at_most is None
    assert estimate.high == math.inf


def test_the_first_round_of_a_closed_loop_is_a_lower_bound_as_well() -> None:
    """32 clients of a server that takes one at a time for 50 ms: p50 is 1.6 s once all have had a
    reply, and 1.15 s in a window of 1 s that opens after 0.2 s."""
    first = [replace(one, lag_p99_s=None) for one in samples(left=[at_least(1.15)] * 5)]
    assert judged(claim(None, 1.4), first).outcome == "INCONCLUSIVE"
    assert judged(claim(1.0, None), first).outcome == "CONFIRMED"
    assert judged(claim(None, 1.0), first).outcome == "REFUTED"


@pytest.mark.parametrize(
    ("left", "right", "low", "high", "outcome"),
    [
        (SATURATED, KNOWN, 2.0, None, "CONFIRMED"),
        (SATURATED, KNOWN, None, 2.0, "REFUTED"),
        (SATURATED, KNOWN, 9.0, None, "INCONCLUSIVE"),
        (SATURATED, KNOWN, None, 9.0, "INCONCLUSIVE"),
        # Of a ratio whose right side may be anything above a bound the most is known.
        (KNOWN, SATURATED, None, 0.5, "CONFIRMED"),
        (KNOWN, SATURATED, 0.5, None, "REFUTED"),
        (KNOWN, SATURATED, None, 0.01, "INCONCLUSIVE"),
        (KNOWN, SATURATED, 0.01, None, "INCONCLUSIVE"),
        (SATURATED, SATURATED, 0.5, None, "INCONCLUSIVE"),
        (SATURATED, SATURATED, None, 2.0, "INCONCLUSIVE"),
    ],
)
def test_of_a_ratio_the_side_that_is_bounded_decides_which_way(
    left: Sequence[Figure],
    right: Sequence[Figure],
    low: float | None,
    high: float | None,
    outcome: str,
) -> None:
    verdict = judged(claim(low, high, RIGHT), samples(left=left, right=right))
    assert verdict.outcome == outcome


def test_of_two_saturated_sides_it_says_why_nothing_is_known() -> None:
    verdict = judged(claim(2.0, None, RIGHT), samples(left=SATURATED, right=SATURATED))
    assert verdict.reason == "of both sides bounds alone are known: their ratio may be anything"
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == 0


def test_one_trial_that_is_saturated_makes_a_lower_bound_of_all() -> None:
    mixed: list[Figure] = [*KNOWN[:3], at_least(0.1)]
    estimate = value(samples(left=mixed), "left", "p50", 0.05)
    known = value(samples(left=KNOWN), "left", "p50", 0.05)
    assert estimate.low == known.low
    assert estimate.at_least == known.mean
    assert (estimate.mean, estimate.high) == (None, math.inf)


def test_what_lies_between_two_has_an_interval_about_both() -> None:
    estimate = value(samples(left=[LatencyBounds(0.1, 0.2)] * 4), "left", "p50", 0.05)
    ends = (estimate.at_least, estimate.at_most, estimate.low, estimate.high)
    assert ends == pytest.approx((0.1, 0.2, 0.1, 0.2))
    verdict = judged(claim(None, 0.25), samples(left=[LatencyBounds(0.1, 0.2)] * 4))
    assert verdict.outcome == "CONFIRMED"
    both = samples(left=[LatencyBounds(0.1, 0.2)] * 4, right=[LatencyBounds(0.1, 0.4)] * 4)
    ratio = contrast(both, "left", "right", "p50", 0.05)
    assert (ratio.at_least, ratio.at_most) == pytest.approx((0.25, 2.0))


def test_what_is_hidden_or_short_stays_withheld_beside_bounds() -> None:
    hidden = samples(left=SATURATED)
    hidden[1] = replace(hidden[1], bounds={})
    verdict = judged(claim(0.2, None), hidden)
    assert verdict.outcome == "INCONCLUSIVE"
    assert "hidden" in str(verdict.reason)
    short = samples(left=SATURATED)
    short[1] = replace(short[1], counts={"window_ok": 9})
    assert judged(claim(0.2, None), short).reason == "p50 needs 10 replies in every trial"


@given(
    truths=st.lists(st.floats(0.01, 10.0), min_size=3, max_size=8),
    shares=st.lists(st.floats(0.1, 1.0), min_size=8, max_size=8),
    limit=st.floats(0.01, 10.0),
)
def test_no_lower_bound_decides_what_the_truth_would_decide_otherwise(
    truths: list[float], shares: list[float], limit: float
) -> None:
    # Whatever the latencies are above their bounds, what is decided of the bounds' mean holds.
    bounds = [at_least(t * share) for t, share in zip(truths, shares, strict=False)]
    mean = math.exp(math.fsum(map(math.log, truths)) / len(truths))
    above = judged(claim(limit, None), samples(left=bounds)).outcome
    below = judged(claim(None, limit), samples(left=bounds)).outcome
    assert above in ("CONFIRMED", "INCONCLUSIVE")
    assert below in ("REFUTED", "INCONCLUSIVE")
    if above == "CONFIRMED" or below == "REFUTED":
        assert mean > limit * (1 - 1e-9)


def test_a_crossover_is_not_interpolated_between_bounds() -> None:
    figures: Mapping[str, Sequence[Figure]] = {
        "a1": KNOWN, "b1": [0.2] * 4, "a2": SATURATED, "b2": [0.1] * 4,
    }  # fmt: skip
    sides = [Sides(1.0, "a1", "b1"), Sides(2.0, "a2", "b2")]
    found = find_crossover(Index(samples(**figures)), "rate", sides, "p50", 0.05)
    assert found.estimate.absent == "p50 is known by bounds alone in 4 of 16 trials"


def test_a_late_generator_spoils_a_bound_as_it_spoils_a_figure() -> None:
    late = [replace(trial, lag_p99_s=0.1) for trial in samples(left=SATURATED)]
    verdict = judged(claim(0.2, None), late)
    assert verdict.outcome == "INVALID"
    assert "woke up late" in str(verdict.reason)


@pytest.mark.parametrize(
    ("low", "high", "least", "most", "helps"),
    [
        (0.2, None, 0.3, None, True),
        (0.2, None, 0.1, None, False),
        (None, 0.2, 0.3, None, True),
        (None, 0.2, 0.1, None, False),
        (None, 0.2, None, 0.1, True),
        (0.2, None, None, 0.1, True),
        (0.1, 0.3, 0.15, 0.25, True),
        (0.1, 0.3, 0.15, None, False),
    ],
)
def test_more_blocks_help_where_the_mean_of_the_bounds_is_on_the_side_that_decides(
    low: float | None, high: float | None, least: float | None, most: float | None, helps: bool
) -> None:
    assert may_decide((low, high), least, most) is helps


def test_a_cell_leaves_whose_bounds_can_never_decide() -> None:
    looks = Looks(3, 6)
    for limit, stays in ((0.805, False), (0.795, True)):
        questions = Questions([claim(limit, None)], ["left"], looks, cpus=2)
        found = decide(questions, samples(left=SATURATED[:3]))
        assert found.standings[0].verdict is not None
        assert found.standings[0].verdict.outcome == "INCONCLUSIVE"
        assert bool(found.staying) is stays


@given(
    ends=st.lists(
        st.tuples(st.floats(-5, 5), st.floats(0, 5), st.floats(-5, 5), st.floats(0, 5)), min_size=1
    )
)
def test_the_ratio_of_what_lies_between_ends_lies_between_its_ends(
    ends: list[tuple[float, float, float, float]],
) -> None:
    left = Between(
        {n: a for n, (a, _, _, _) in enumerate(ends)},
        {n: a + more for n, (a, more, _, _) in enumerate(ends)},
    )
    right = Between(
        {n: b for n, (_, _, b, _) in enumerate(ends)},
        {n: b + more for n, (_, _, b, more) in enumerate(ends)},
    )
    ratio = left.over(right)
    for n, (a, up, b, over) in enumerate(ends):
        for one in (a, a + up / 2, a + up):
            for other in (b, b + over / 2, b + over):
                assert ratio.low[n] - 1e-9 <= one - other <= ratio.high[n] + 1e-9


def test_every_latency_may_have_bounds_and_nothing_else() -> None:
    assert [name for name, metric in METRICS.items() if metric.is_percentile] == [
        "p50", "p90", "p99", "p999", "max",
    ]  # fmt: skip


def test_a_saturated_cell_is_compared_with_its_twin_by_the_rate_that_is_its_own() -> None:
    parameters = replace(LEFT.parameters, rate=200.0)
    pairs = samples(**{"left": SATURATED, f"left{TWIN}": SATURATED})
    trials = [replace(t, metrics={**t.metrics, "throughput": 100.0}) for t in pairs]
    found = check_twin(Index(trials), "left", "left", parameters)
    assert found is not None
    assert found.metric == "throughput"
    assert found.estimate.mean == pytest.approx(1.0)
    known = samples(**{"left": KNOWN, f"left{TWIN}": KNOWN})
    usual = check_twin(Index(known), "left", "left", parameters)
    assert usual is not None
    assert usual.metric == "p50"
