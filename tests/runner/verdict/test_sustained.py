# SPDX-License-Identifier: BSD-3-Clause
"""The rate up to which a limit is held: curves for which it is known."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.verdict.rates import (
    LIMIT_S,
    RATES,
    Figure,
    noisy,
    row,
    sustains,
    trials,
    verdict_on,
)

from fibench.record import LatencyBounds, Saturated
from fibench.verdict import Index, Verdict, judge
from fibench.verdict.estimate import value
from fibench.verdict.sustaining.sustained import Reach, Sustained, find_sustained


def found(curves: Sequence[Sequence[Figure]], alpha: float = 0.05) -> Sustained:
    return find_sustained(Index(trials(curves)), row(), "p99", LIMIT_S, alpha)


def ends(of: Sustained) -> tuple[float | None, float | None, float | None]:
    return of.estimate.low, of.estimate.mean, of.estimate.high


# One side


def test_it_is_interpolated_on_logarithms_between_the_rates_around_the_limit() -> None:
    side = found(noisy(0.01, 0.025, 0.1))
    low, mean, high = ends(side)
    assert mean == pytest.approx(200.0 * math.sqrt(2.0), rel=0.01)
    assert low is not None
    assert high is not None
    assert 270.0 < low < 282.8 < high < 295.0
    assert side.half is not None
    assert not side.final


def test_each_block_has_its_own() -> None:
    side = found([[0.01, 0.025, 0.1], [0.01, 0.02, None], [0.01, 0.02, 0.03], [0.06, 0.1, 0.2]])
    at = side.blocks[0].at
    assert at == pytest.approx(200.0 * math.sqrt(2.0))
    assert side.blocks == {
        0: Reach(at, 200.0, 400.0),
        1: Reach(None, 200.0, 400.0),
        2: Reach(None, 400.0, None),
        3: Reach(None, None, 100.0),
    }


def test_up_to_a_rate_that_saturates_nothing_is_interpolated() -> None:
    side = found(noisy(0.01, 0.02, None))
    assert ends(side) == (200.0, None, 400.0)
    assert (side.estimate.at_least, side.estimate.at_most) == (200.0, 400.0)
    assert side.saturated == (400.0,)
    assert side.final


def test_a_saturated_rate_is_above_a_limit_that_its_bounds_are_below() -> None:
    curves = noisy(0.01, None, None)
    assert all(trial.bounds["p99"].at_least < LIMIT_S for trial in trials(curves)[1::3])
    assert ends(found(curves)) == (100.0, None, 200.0)


def test_an_interval_may_reach_further_than_its_bracket() -> None:
    # Up to 200/s it is not clear that the limit is held, and 400/s saturates.
    wide = [[0.01, 0.05 * by, None] for by in (0.9, 1.05, 0.93, 1.02, 0.95)]
    low, mean, high = ends(found(wide))
    assert low is not None
    assert 150.0 < low < 200.0
    assert (mean, high) == (None, 400.0)


def test_what_holds_at_every_rate_has_no_upper_end() -> None:
    side = found(noisy(0.01, 0.02, 0.03))
    assert ends(side) == (400.0, None, math.inf)
    assert (side.estimate.at_least, side.estimate.at_most) == (400.0, None)
    assert side.final


def test_what_holds_at_no_rate_has_no_lower_end() -> None:
    for curve in ((0.06, 0.1, 0.2), (None, None, None)):
        side = found(noisy(*curve))
        assert ends(side) == (0.0, None, 100.0)
        assert (side.estimate.at_least, side.estimate.at_most) == (None, 100.0)


def test_a_rate_that_saturates_in_some_blocks_is_never_held() -> None:
    curves = noisy(0.01, 0.02, None)
    curves[0][1] = None
    side = found(curves)
    assert ends(side) == (100.0, None, 400.0)
    assert side.saturated == (400.0,)
    assert not side.final


def test_it_is_exceeded_where_the_other_blocks_say_so() -> None:
    curves = noisy(0.01, 0.02, 0.3)
    curves[0][2] = None
    assert ends(found(curves)) == (200.0, None, 400.0)


def test_what_the_end_of_windows_hid_takes_part_as_its_bounds() -> None:
    held, above = LatencyBounds(0.01, 0.02), LatencyBounds(0.06, None)
    assert ends(found(noisy(0.01, held, above))) == (200.0, None, 400.0)
    around = LatencyBounds(0.04, 0.06)
    assert ends(found(noisy(0.01, around, above))) == (100.0, None, 400.0)


def test_a_curve_that_falls_has_no_interval() -> None:
    side = found(noisy(0.2, 0.06, 0.01))
    assert side.falls
    assert ends(side) == (None, None, None)


def test_a_block_counts_only_with_all_its_rates() -> None:
    samples = [
        one
        for one in trials(noisy(0.01, 0.025, 0.1))
        if (one.block, one.cell_key) != (1, row()[1].cell.key)
    ]
    side = find_sustained(Index(samples), row(), "p99", LIMIT_S, 0.05)
    assert (sorted(side.blocks), side.incomplete) == ([0, 2, 3, 4], 1)


def test_too_few_replies_withhold_it_but_not_those_of_a_saturated_server() -> None:
    few = find_sustained(
        Index(trials(noisy(0.01, 0.02, 0.1), replies=999)), row(), "p99", LIMIT_S, 0.05
    )
    assert few.estimate.absent == (
        "p99 needs 1000 replies in every trial of a server that keeps up"
    )
    samples = [
        replace(one, counts={"window_ok": 7}) if one.saturated else one
        for one in trials(noisy(0.01, 0.02, None))
    ]
    assert find_sustained(Index(samples), row(), "p99", LIMIT_S, 0.05).estimate.low == 200.0


FULL = Saturated(90.0, 100.0)


def test_a_client_group_is_judged_by_its_own_schedule() -> None:
    samples = [
        replace(
            one,
            metrics={"small/p99": one.metrics["p99"]},
            counts={"small/window_ok": 10**4},
            bounds={f"small/{name}": bound for name, bound in one.bounds.items()},
            saturated={None: FULL, "small" if one.saturated else "other": FULL},
        )
        for one in trials(noisy(0.01, 0.02, None))
    ]
    side = find_sustained(Index(samples), row(), "small/p99", LIMIT_S, 0.05)
    assert ends(side) == (200.0, None, 400.0)


latencies = st.floats(0.01, 0.2) | st.none() | st.just(LatencyBounds(0.03, 0.07))
runs = st.lists(st.lists(latencies, min_size=3, max_size=3), min_size=3, max_size=7)


@given(runs, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(
    curves: list[list[Figure]], order: random.Random
) -> None:
    samples = trials(curves)
    shuffled = list(samples)
    order.shuffle(shuffled)
    one, other = (
        find_sustained(Index(each), row(), "p99", LIMIT_S, 0.05) for each in (samples, shuffled)
    )
    assert one == other


@given(runs)
def test_the_interval_agrees_with_every_rate_whose_latency_is_known(
    curves: list[list[Figure]],
) -> None:
    side, samples = found(curves), Index(trials(curves))
    if side.estimate.low is None or side.estimate.high is None:
        return
    for place, step in enumerate(row()):
        latency = value(samples, step.cell.key, "p99", 0.05)
        if any(curve[place] is None for curve in curves):
            assert not step.at < side.estimate.low
        elif latency.mean is not None and latency.low is not None and latency.high is not None:
            if step.at < side.estimate.low * (1 - 1e-9):
                assert latency.high < LIMIT_S
            if step.at > side.estimate.high * (1 + 1e-9):
                assert latency.low > LIMIT_S


@given(runs, st.floats(0.001, 0.2))
def test_more_confidence_never_makes_an_interval_narrower(
    curves: list[list[Figure]], alpha: float
) -> None:
    narrow, wide = found(curves, alpha).estimate, found(curves, alpha / 5).estimate
    if narrow.low is None or narrow.high is None or wide.low is None or wide.high is None:
        return
    assert wide.low <= narrow.low * (1 + 1e-9)
    assert narrow.high <= wide.high * (1 + 1e-9)


@given(runs)
def test_a_worse_trial_never_lets_a_server_sustain_more(curves: list[list[Figure]]) -> None:
    worse = [[*curve[:2], None] for curve in curves]
    before, after = found(curves).estimate, found(worse).estimate
    if before.low is None or after.low is None or before.high is None or after.high is None:
        return
    assert after.low <= before.low * (1 + 1e-9)


# Claims


@pytest.mark.parametrize(
    ("curve", "bounds", "outcome"),
    [
        ((0.01, 0.025, 0.1), (250.0, None), "CONFIRMED"),
        ((0.01, 0.025, 0.1), (283.0, None), "INCONCLUSIVE"),
        ((0.01, 0.025, 0.1), (320.0, None), "REFUTED"),
        ((0.01, 0.025, 0.1), (None, 320.0), "CONFIRMED"),
        ((0.01, 0.025, 0.1), (250.0, 320.0), "CONFIRMED"),
        ((0.01, 0.025, 0.1), (100.0, 200.0), "REFUTED"),
        # A rate that was measured and is held is sustained.
        ((0.01, 0.025, None), (200.0, None), "CONFIRMED"),
        ((0.01, 0.025, None), (201.0, None), "INCONCLUSIVE"),
        ((0.01, 0.025, None), (400.0, None), "REFUTED"),
        ((0.01, 0.025, None), (None, 400.0), "CONFIRMED"),
        ((0.01, 0.025, None), (None, 200.0), "REFUTED"),
        ((0.01, 0.02, 0.03), (400.0, None), "CONFIRMED"),
        ((0.01, 0.02, 0.03), (None, 400.0), "REFUTED"),
        ((0.06, 0.1, 0.2), (None, 100.0), "CONFIRMED"),
        ((0.06, 0.1, 0.2), (100.0, None), "REFUTED"),
        ((None, None, None), (None, 100.0), "CONFIRMED"),
    ],
)
def test_the_whole_interval_decides(
    curve: tuple[Figure, ...], bounds: tuple[float | None, float | None], outcome: str
) -> None:
    assert verdict_on(sustains(*bounds), trials(noisy(*curve))).outcome == outcome


def test_two_blocks_are_too_few() -> None:
    verdict = verdict_on(sustains(150.0), trials(noisy(0.01, 0.025, 0.1, blocks=2)))
    assert (verdict.outcome, verdict.reason) == (
        "INCONCLUSIVE",
        "2 complete blocks, a verdict needs 3",
    )


def test_a_falling_curve_decides_nothing() -> None:
    verdict = verdict_on(sustains(150.0), trials(noisy(0.2, 0.06, 0.01)))
    assert (verdict.outcome, verdict.reason) == (
        "INCONCLUSIVE",
        "p99 of a does not rise along the rate from 100/s to 400/s",
    )


@pytest.mark.parametrize(
    ("at", "outcome"), [(50.0, "CONFIRMED"), (100.0, "INVALID"), (200.0, "INVALID"),
                        (400.0, "INVALID"), (800.0, "CONFIRMED")]
)  # fmt: skip
def test_a_meter_that_was_the_limit_counts_at_the_rates_around_what_decides(
    at: float, outcome: str
) -> None:
    wide = row(rates=(50.0, 100.0, 200.0, 400.0, 800.0))
    samples = [
        replace(one, bound="it was") if f"rate={at:g}" in one.cell_key else one
        for one in trials(noisy(0.01, 0.01, 0.025, None, None), wide)
    ]
    assert verdict_on(sustains(150.0, rows=[wide]), samples).outcome == outcome


def two(one: Sequence[Figure], other: Sequence[Figure], low: float) -> Verdict:
    rows = (row(), row("b"))
    return verdict_on(
        sustains(low, rows=rows), [*trials(noisy(*one)), *trials(noisy(*other), rows[1])]
    )


@pytest.mark.parametrize(
    ("one", "other", "low", "outcome"),
    [
        ((0.01, 0.025, 0.1), (0.025, 0.1, 0.4), 1.8, "CONFIRMED"),
        ((0.01, 0.025, 0.1), (0.025, 0.1, 0.4), 2.0, "INCONCLUSIVE"),
        ((0.01, 0.025, 0.1), (0.025, 0.1, 0.4), 2.2, "REFUTED"),
        # Between 200 and 400 by between 100 and 200: from 1 to 4.
        ((0.01, 0.025, None), (0.025, None, None), 1.0, "CONFIRMED"),
        ((0.01, 0.025, None), (0.025, None, None), 1.1, "INCONCLUSIVE"),
        ((0.01, 0.025, None), (0.025, None, None), 4.0, "REFUTED"),
        # At least 400 by less than 100.
        ((0.01, 0.02, 0.03), (None, None, None), 4.0, "CONFIRMED"),
        ((0.01, 0.02, 0.03), (0.01, 0.02, 0.03), 1.0, "INCONCLUSIVE"),
    ],
)
def test_two_sides_are_compared_by_the_ratio_of_their_rates(
    one: Sequence[Figure], other: Sequence[Figure], low: float, outcome: str
) -> None:
    assert two(one, other, low).outcome == outcome


def test_both_sides_of_a_ratio_have_half_of_its_error() -> None:
    verdict = two((0.01, 0.025, 0.1), (0.025, 0.1, 0.4), 1.5)
    alone = [
        find_sustained(Index(trials(noisy(*curve))), row(), "p99", LIMIT_S, 0.025).estimate
        for curve in ((0.01, 0.025, 0.1), (0.025, 0.1, 0.4))
    ]
    assert verdict.estimate is not None
    assert alone[0].low is not None
    assert alone[1].high is not None
    assert verdict.estimate.low == pytest.approx(alone[0].low / alone[1].high)
    assert verdict.estimate.mean == pytest.approx(2.0, rel=0.02)


def test_it_is_simultaneous_with_the_other_claims_of_its_file() -> None:
    samples = trials(noisy(0.01, 0.025, 0.1))
    (alone,) = judge([sustains(250.0)], samples, 2)
    (in_ten,) = judge([sustains(250.0)], samples, 2, total_claims=10)
    assert alone.estimate is not None
    assert in_ten.estimate is not None
    assert alone.estimate.low is not None
    assert in_ten.estimate.low is not None
    assert in_ten.estimate.low < alone.estimate.low
    assert RATES[1] < in_ten.estimate.low
