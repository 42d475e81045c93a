# SPDX-License-Identifier: BSD-3-Clause
"""A verdict does not stand by which trials were left out either."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.runner.verdict.chosen_runs import disturbed_throughout, emptied
from tests.runner.verdict.claims import A, B, make_claim, ratios, verdict_on
from tests.runner.verdict.decided_runs import ask

from fibench.record import Disturbed, LatencyBounds
from fibench.verdict.attempts.chosen import FEW
from fibench.verdict.deciding.decide import decide
from fibench.verdict.estimate import Sample

FIGURES = [1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5, 1.51, 1.49]
SLOW = Disturbed("probe", "a CPU computed slower than in other blocks")
BUSY = Disturbed("foreign", "others used 1 of 2 cores")
Spoil = Callable[[Sample], Sample]


def by_probe(one: Sample) -> Sample:
    """Disturbed in all three attempts."""
    spoilt = replace(one, disturbed=SLOW)
    return replace(spoilt, superseded=(spoilt, spoilt))


def accepted(one: Sample) -> Sample:
    """Disturbed, and not measured again, since noise is accepted."""
    return replace(one, disturbed=SLOW)


def not_full(one: Sample) -> Sample:
    return replace(one, not_full="it kept 90 %")


def left_out(
    blocks: int, was: float, spoil: Spoil = by_probe, figure_of_b: float = 1.0
) -> list[Sample]:
    """Ratios of 1.5, but that the left side's trial was spoilt in the first blocks."""
    found = []
    for one in ratios(FIGURES):
        figure = one.metrics["throughput"]
        assert figure is not None
        is_lost = one.block < blocks
        times = (was if one.cell_key == A.key else figure_of_b) if is_lost else 1.0
        kept = replace(one, metrics={"throughput": figure * times, "p99": figure * times})
        found.append(spoil(kept) if is_lost and one.cell_key == A.key else kept)
    return found


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(by_probe, "were measured again (slow CPU 2)"),
     (accepted, "were measured again or left out (slow CPU 2)"),
     (not_full, "were measured again or left out (the load generator 2)")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("blocks", "was", "outcome"),
    [(1, 0.3, "CONFIRMED"), (2, 1.0, "CONFIRMED"), (2, 0.6, "CONFIRMED"), (2, 0.3, "INCONCLUSIVE"),
     (2, 3.0, "CONFIRMED")],
)  # fmt: skip
def test_what_few_left_out_decide_must_hold_with_them(
    spoil: Spoil, words: str, blocks: int, was: float, outcome: str
) -> None:
    """Of 20 trials one is no matter; two move the mean over ten blocks by a fifth of ln(was)."""
    found = left_out(blocks, was, spoil)
    assert 1 <= FEW * len(found) < 2
    verdict = verdict_on(make_claim(low=1.3), found)
    assert verdict.outcome == outcome, verdict.reason
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == len(FIGURES) - blocks
    if outcome == "INCONCLUSIVE":
        assert verdict.reason == (
            f"the machine was not quiet: 2 of 20 trials {words}, and by their other attempts it "
            "is not decided"
        )


def test_each_end_of_the_interval_has_its_own_worst() -> None:
    below = make_claim(high=1.7)
    assert verdict_on(below, left_out(2, 0.3)).outcome == "CONFIRMED"
    assert verdict_on(below, left_out(2, 3.0)).outcome == "INCONCLUSIVE"


def test_the_other_side_of_a_block_that_was_left_out_counts_too() -> None:
    """Who spoils a trial of one side since that of the other went badly has both left out."""
    above = make_claim(low=1.3)
    assert verdict_on(above, left_out(2, 1.0, figure_of_b=3.0)).outcome == "INCONCLUSIVE"
    assert verdict_on(above, left_out(2, 1.0, figure_of_b=0.3)).outcome == "CONFIRMED"


def test_an_attempt_between_others_is_the_worst_one_that_counts() -> None:
    found = left_out(2, 1.0)
    for place, one in enumerate(found):
        if one.superseded:
            bad = replace(one, metrics={"throughput": 0.4})
            found[place] = replace(one, superseded=(bad, one))
    assert verdict_on(make_claim(low=1.3), found).outcome == "INCONCLUSIVE"


@pytest.mark.parametrize(("kind", "outcome"), [(BUSY, "INCONCLUSIVE"), (None, "CONFIRMED")])
def test_a_percentile_is_judged_with_the_blocks_that_others_disturbed(
    kind: Disturbed | None, outcome: str
) -> None:
    """The tail of a server in two of ten blocks, for which somebody burns CPU beside it."""
    claim = make_claim("p99", high=1.7)
    found = left_out(2, 3.0 if kind else 1.0, lambda one: replace(one, disturbed=kind))
    verdict = verdict_on(claim, found)
    assert verdict.outcome == outcome, verdict.reason


@pytest.mark.parametrize(
    ("bound", "outcome"),
    [(LatencyBounds(1.4, 1.6), "CONFIRMED"), (LatencyBounds(1.4, None), "INCONCLUSIVE"),
     (None, "INCONCLUSIVE")],
)  # fmt: skip
def test_an_attempt_of_which_bounds_are_known_is_as_bad_as_these(
    bound: LatencyBounds | None, outcome: str
) -> None:
    found = left_out(2, 1.0)
    for place, one in enumerate(found):
        if one.superseded:
            hidden = replace(one, metrics={}, bounds={} if bound is None else {"p99": bound})
            found[place] = replace(one, superseded=(hidden, hidden))
    assert verdict_on(make_claim("p99", high=1.7), found).outcome == outcome


def test_what_only_bounds_are_known_of_may_not_be_chosen_either() -> None:
    """Every trial has bounds alone; an attempt that was thrown away has others."""
    made = []
    for one in ratios(FIGURES):
        if one.cell_key == A.key:
            bounds = {"p99": LatencyBounds(1.4, 1.6)}
            made.append(replace(one, metrics={"throughput": 1.0}, bounds=bounds))
    claim = make_claim("p99", high=1.8, right=None)
    assert verdict_on(claim, made).outcome == "CONFIRMED"
    for most, outcome in ((1.7, "CONFIRMED"), (None, "INCONCLUSIVE")):
        before = [
            replace(one, bounds={"p99": LatencyBounds(1.4, most)}, disturbed=BUSY) for one in made
        ]
        again = [
            replace(one, superseded=(before[place],)) if place < 2 else one
            for place, one in enumerate(made)
        ]
        assert verdict_on(claim, again).outcome == outcome


RUNS = 150
MOST_WRONG = 12


@pytest.mark.parametrize(
    ("metric", "share"),
    [
        ("throughput", 0.25), ("p99", 0.1),
        pytest.param("throughput", 0.1, marks=pytest.mark.long),
        pytest.param("p99", 0.25, marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_who_chooses_which_blocks_are_left_out_gets_no_verdict_by_it(
    metric: str, share: float
) -> None:
    """The truth lies on the bound of the only claim: 2.5 of 100 are promised."""
    chance = random.Random(13)
    questions = ask([make_claim(metric, low=1.0)])
    seen = wrong = 0
    for _ in range(RUNS):
        run = emptied(chance, share, metric)
        (verdict,) = decide(questions, run, ended=True).verdicts
        wrong += verdict.outcome == "CONFIRMED"
        if share >= 0.25 and seen <= 2 * MOST_WRONG:
            lost = {one.block for one in run if one.disturbed}
            blind = [one for one in run if one.block not in lost]
            (verdict,) = decide(questions, blind, ended=True).verdicts
            seen += verdict.outcome == "CONFIRMED"
    assert wrong <= MOST_WRONG
    assert share < 0.25 or seen > 2 * wrong, "or there is nothing to be seen"


@pytest.mark.parametrize(
    ("share", "effect", "least"),
    [(0.02, 0.13, 0.98), (0.05, 0.13, 0.95), (0.1, 0.3, 0.95), (0.2, 0.3, 0.75)],
)
def test_a_machine_on_which_blocks_are_lost_by_chance_still_decides(
    share: float, effect: float, least: float
) -> None:
    """That share of blocks has a trial whose tail others made 1.2 to 3 times as long in every
    attempt; a file of eight."""
    chance = random.Random(14)
    questions = ask([make_claim("p99", low=1.0)], total_claims=8)
    right = 0
    for _ in range(RUNS):
        run = disturbed_throughout(chance, share, effect)
        (verdict,) = decide(questions, run, ended=True).verdicts
        right += verdict.outcome == "CONFIRMED"
    assert right >= least * RUNS


def test_b_is_a_side_as_a_is() -> None:
    """Left out for its right side, a block is put back likewise."""
    found = [
        by_probe(replace(one, metrics={"throughput": 3.0}))
        if one.cell_key == B.key and one.block < 2
        else one
        for one in ratios(FIGURES)
    ]
    assert verdict_on(make_claim(low=1.3), found).outcome == "INCONCLUSIVE"
    assert verdict_on(make_claim(high=1.7), found).outcome == "CONFIRMED"
