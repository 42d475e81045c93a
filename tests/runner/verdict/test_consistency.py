# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts on the same samples do not contradict each other, whatever the bounds."""

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.runner.verdict.claims import make_claim, ratios, verdict_on

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
