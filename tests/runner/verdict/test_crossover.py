# SPDX-License-Identifier: BSD-3-Clause
"""Where one cell begins to beat another: curves whose crossing is known."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fibench.develop.bench.simulation import made_cell
from fibench.experiment.claims import Claim, Point
from fibench.report.words import verdict_lines
from fibench.verdict.crossover import Crossover, crossing, find_crossover, rising, scale_of
from fibench.verdict.crossover import Sides as At
from fibench.verdict.estimate import Sample, contrast
from fibench.verdict.judging import Verdict, judge
from fibench.verdict.sample import Index
from fibench.verdict.verdict import claim_json

NUMBERS = (10.0, 20.0, 30.0)
figures = st.floats(min_value=-2.0, max_value=2.0).map(lambda figure: round(figure, 4))
curves = st.lists(figures, min_size=2, max_size=8)


def sides(points: Sequence[float]) -> list[At]:
    return [At(at, f"left-{at}", f"right-{at}") for at in points]


def run_of(
    advantages: Sequence[Sequence[float]], points: Sequence[float] = NUMBERS
) -> list[Sample]:
    """Trials in which the throughput of the left side is above the right one's by these logarithms,
    block by block."""
    found = []
    for block, curve in enumerate(advantages):
        for at, d in zip(points, curve, strict=True):
            for key, rate in ((f"left-{at}", 50.0 * math.exp(d)), (f"right-{at}", 50.0)):
                metrics = {"throughput": rate, "p50": 1.0 / rate}
                counts = {"window_ok": 10**12}
                found.append(Sample(key, block, True, None, metrics, counts, foreign_cores=0.0))
    return found


def crossover_of(
    samples: Sequence[Sample],
    points: Sequence[float] = NUMBERS,
    over: str = "n",
    metric: str = "throughput",
    alpha: float = 0.05,
) -> Crossover:
    return find_crossover(Index(samples), over, sides(points), metric, alpha)


# The nearest rising curve


@given(curves)
def test_the_nearest_rising_curve_is_that_of_scipy(curve: list[float]) -> None:
    from scipy.optimize import isotonic_regression

    assert rising(curve) == pytest.approx(list(isotonic_regression(curve).x), abs=1e-9)


@given(curves)
def test_a_curve_that_rises_is_left_as_it_is(curve: list[float]) -> None:
    assert rising(sorted(curve)) == pytest.approx(sorted(curve), abs=1e-12)


# The crossing of one curve


@pytest.mark.parametrize(
    ("curve", "at"),
    [
        ([-1.0, 1.0, 2.0], 15.0),
        ([-3.0, -1.0, 1.0], 25.0),
        ([-1.0, 0.0, 1.0], 20.0),
        ([-2.0, 2.0, 1.0], 10.0 + 10.0 * 2.0 / 3.5),
        ([-1.0, -2.0, -3.0], "nowhere"),
        ([1.0, 2.0, 3.0], "everywhere"),
        ([3.0, 0.0, -3.0], "nowhere"),
        ([0.0, 0.0, 1.0], "everywhere"),
        ([-1.0, 0.0, 0.0], "nowhere"),
    ],
)
def test_a_curve_crosses_where_the_line_between_its_fitted_points_does(
    curve: list[float], at: float | str
) -> None:
    assert crossing(NUMBERS, curve) == (pytest.approx(at) if isinstance(at, float) else at)


def test_a_stretch_that_is_exactly_zero_counts_its_middle() -> None:
    assert crossing([1.0, 2.0, 6.0, 7.0], [-1.0, 0.0, 0.0, 1.0]) == pytest.approx(4.0)


@given(curves, st.floats(0.1, 10.0), st.floats(-5.0, 5.0), st.floats(0.1, 10.0))
def test_a_crossing_moves_with_its_axis_and_not_with_the_size_of_the_advantage(
    curve: list[float], stretch: float, shift: float, size: float
) -> None:
    places = [float(place) for place in range(len(curve))]
    before = crossing(places, curve)
    after = crossing([stretch * x + shift for x in places], [size * d for d in curve])
    if isinstance(before, str) or isinstance(after, str):
        # A pool that is exactly zero may not be after it was scaled.
        assert before == after or min(abs(d) for d in rising(curve)) < 1e-9
    else:
        assume(min(abs(d) for d in rising(curve)) > 1e-9)
        assert after == pytest.approx(stretch * before + shift, abs=1e-6)


@given(curves)
def test_a_curve_seen_from_the_other_end_by_the_other_side_crosses_at_the_same_place(
    curve: list[float],
) -> None:
    assume(min(abs(d) for d in rising(curve)) > 1e-9)
    places = [float(place) for place in range(len(curve))]
    here = crossing(places, curve)
    there = crossing([-x for x in reversed(places)], [-d for d in reversed(curve)])
    if isinstance(here, str):
        assert {here, there} == {"nowhere", "everywhere"}
    else:
        assert there == pytest.approx(-here)


# Over blocks

CLEAR = [[-1.0, 0.1, 1.0], [-1.1, -0.1, 1.1], [-0.9, 0.05, 0.9], [-1.05, -0.05, 1.0]]


def ends(found: Crossover) -> tuple[float, float, float]:
    estimate = found.estimate
    assert estimate.low is not None
    assert estimate.mean is not None
    assert estimate.high is not None
    return estimate.low, estimate.mean, estimate.high


def test_the_interval_encloses_the_crossing_of_the_mean_curve() -> None:
    low, mean, high = ends(crossover_of(run_of(CLEAR)))
    assert 18.0 < low < mean < high < 22.0
    assert mean == pytest.approx(20.0)


def test_blocks_that_are_all_alike_have_an_interval_without_width() -> None:
    low, mean, high = ends(crossover_of(run_of([[-1.0, -0.5, 0.5]] * 4)))
    assert low == pytest.approx(mean)
    assert high == pytest.approx(mean)
    assert mean == pytest.approx(25.0)


def test_each_block_has_its_own_crossing_beside() -> None:
    found = crossover_of(run_of([[-1.0, -0.5, 0.5], [-1.0, -0.9, -0.8], [0.5, 0.6, 0.7]]))
    assert [(block.block, block.wins) for block in found.blocks] == [
        (0, None),
        (1, "nowhere"),
        (2, "everywhere"),
    ]
    assert found.blocks[0].at == pytest.approx(25.0)


def test_a_block_counts_only_with_all_its_points() -> None:
    samples = [
        sample for sample in run_of(CLEAR) if (sample.block, sample.cell_key) != (1, "right-20.0")
    ]
    found = crossover_of(samples)
    assert [block.block for block in found.blocks] == [0, 2, 3]
    assert found.incomplete == 1


def test_where_a_smaller_figure_is_better_the_smaller_wins() -> None:
    rate, latency = (crossover_of(run_of(CLEAR), metric=m) for m in ("throughput", "p50"))
    assert ends(latency) == pytest.approx(ends(rate))


def test_clients_are_interpolated_on_logarithms_and_n_is_not() -> None:
    assert scale_of("n", [1.0, 30.0]) == "linear"
    assert scale_of("clients", [1.0, 64.0]) == "log"
    assert scale_of("io_wait", [0.0, 0.1]) == "linear"
    points = (1.0, 4.0, 16.0)
    found = crossover_of(run_of([[-1.0, -0.5, 0.5]] * 3, points), points, "clients")
    assert found.estimate.mean == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("curve", "low", "high"),
    [
        ([-2.0, -1.5, -1.0], 30.0, math.inf),
        ([1.0, 1.5, 2.0], -math.inf, 10.0),
        ([-2.0, -1.0, 0.0], None, math.inf),
        ([0.0, 1.0, 2.0], -math.inf, None),
    ],
)
def test_what_the_points_do_not_bound_has_no_end(
    curve: list[float], low: float | None, high: float | None
) -> None:
    noisy = [[d + off for d in curve] for off in (0.1, -0.1, 0.05, -0.05)]
    estimate = crossover_of(run_of(noisy)).estimate
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low == low if low is not None else 20.0 < estimate.low < 30.0
    assert estimate.high == high if high is not None else 10.0 < estimate.high < 20.0


def test_an_advantage_that_falls_along_the_axis_has_no_interval() -> None:
    found = crossover_of(run_of([[-d for d in curve] for curve in CLEAR]))
    assert found.falls
    assert (found.estimate.low, found.estimate.high) == (None, None)


blocks = st.lists(st.lists(figures, min_size=3, max_size=3), min_size=3, max_size=7)


@given(blocks, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(
    advantages: list[list[float]], order: random.Random
) -> None:
    samples = run_of(advantages)
    shuffled = list(samples)
    order.shuffle(shuffled)
    assert crossover_of(shuffled) == crossover_of(samples)


@given(blocks)
def test_the_crossing_lies_above_a_point_only_where_the_ratio_there_is_below_one(
    advantages: list[list[float]],
) -> None:
    samples = run_of(advantages)
    estimate = crossover_of(samples).estimate
    if estimate.low is None or estimate.high is None:
        return
    for at in NUMBERS:
        ratio = contrast(samples, f"left-{at}", f"right-{at}", "throughput", 0.05)
        assert ratio.low is not None
        assert ratio.high is not None
        if estimate.low > at + 1e-6:
            assert ratio.high < 1.0
        if estimate.high < at - 1e-6:
            assert ratio.low > 1.0
        if not estimate.low - 1e-6 <= at <= estimate.high + 1e-6:
            assert not ratio.low <= 1.0 <= ratio.high


@given(blocks, st.floats(0.5, 50.0))
def test_an_interval_moves_with_its_axis(advantages: list[list[float]], factor: float) -> None:
    scaled = [at * factor for at in NUMBERS]
    before = crossover_of(run_of(advantages), over="clients").estimate
    after = crossover_of(run_of(advantages, scaled), scaled, "clients").estimate
    for one, other in ((before.low, after.low), (before.high, after.high)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert other == pytest.approx(one * factor, rel=1e-5)


@given(blocks, st.floats(0.001, 0.2))
def test_more_confidence_never_makes_an_interval_narrower(
    advantages: list[list[float]], alpha: float
) -> None:
    samples = run_of(advantages)
    narrow, wide = (crossover_of(samples, alpha=a).estimate for a in (alpha, alpha / 5))
    if narrow.low is None or narrow.high is None or wide.low is None or wide.high is None:
        return
    assert wide.low <= narrow.low + 1e-9
    assert narrow.high <= wide.high + 1e-9


# Claims


def claim_of(low: float | None = None, high: float | None = None) -> Claim:
    points = tuple(
        Point(at, made_cell(f"left-{at}", n=at), made_cell(f"right-{at}", n=at)) for at in NUMBERS
    )
    first = (points[0].left, points[0].right)
    return Claim(
        "x", "it pays", None, "crossover", "throughput", *first, low, high, 1, None, "n", points
    )


def verdict_on(
    claim: Claim, advantages: Sequence[Sequence[float]], cut: slice = slice(None)
) -> Verdict:
    (verdict,) = judge([claim], run_of(advantages)[cut], 1)
    return verdict


NEVER = [[-1.0, -0.5, -0.2], [-1.1, -0.6, -0.3], [-0.9, -0.4, -0.25]]
ALWAYS = [[-d for d in reversed(curve)] for curve in NEVER]


@pytest.mark.parametrize(
    ("at", "outcome"),
    [(10.0, "CONFIRMED"), (20.0, "INVALID"), (30.0, "INVALID"), (40.0, "CONFIRMED")],
)
def test_a_meter_that_was_the_limit_counts_where_the_crossing_is(at: float, outcome: str) -> None:
    points = (10.0, 20.0, 30.0, 40.0)
    curves = [[-1.0, -0.5, 0.5 + shift, 1.0] for shift in (-0.02, 0.0, 0.02)]
    samples = [
        replace(sample, bound="it was") if sample.cell_key == f"left-{at}" else sample
        for sample in run_of(curves, points)
    ]
    made = tuple(
        Point(one, made_cell(f"left-{one}", n=one), made_cell(f"right-{one}", n=one))
        for one in points
    )
    claim = replace(claim_of(22.0, 28.0), points=made)
    assert judge([claim], samples, 1)[0].outcome == outcome


@pytest.mark.parametrize(
    ("advantages", "bounds", "outcome"),
    [
        (CLEAR, (15.0, None), "CONFIRMED"),
        (CLEAR, (20.0, None), "INCONCLUSIVE"),
        (CLEAR, (25.0, None), "REFUTED"),
        (CLEAR, (None, 25.0), "CONFIRMED"),
        (CLEAR, (None, 15.0), "REFUTED"),
        (CLEAR, (15.0, 25.0), "CONFIRMED"),
        (CLEAR, (5.0, 15.0), "REFUTED"),
        (ALWAYS, (None, 15.0), "CONFIRMED"),
        (ALWAYS, (15.0, None), "REFUTED"),
        (NEVER, (None, 15.0), "REFUTED"),
        (NEVER, (15.0, None), "INCONCLUSIVE"),
        (NEVER, (40.0, None), "INCONCLUSIVE"),
    ],
)
def test_the_whole_interval_decides(
    advantages: list[list[float]], bounds: tuple[float | None, float | None], outcome: str
) -> None:
    assert verdict_on(claim_of(*bounds), advantages).outcome == outcome


def test_two_blocks_are_too_few() -> None:
    verdict = verdict_on(claim_of(15.0), CLEAR[:2])
    assert (verdict.outcome, verdict.reason) == (
        "INCONCLUSIVE",
        "2 complete blocks, a verdict needs 3",
    )


def test_a_point_that_was_not_measured_makes_the_claim_invalid() -> None:
    (verdict,) = judge([claim_of(15.0)], [s for s in run_of(CLEAR) if s.cell_key != "left-20.0"], 1)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "left-20.0 was not measured")


def test_a_crossover_reads_as_in_the_guide() -> None:
    confirmed = verdict_on(claim_of(15.0), CLEAR)
    words = verdict_lines(confirmed)[0].replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("left-10.0 begins to beat right-10.0 at n = 20.0 [1")
    assert words.endswith("], needed > 15")


def test_a_block_without_a_crossing_is_told_of() -> None:
    mixed = [[-1.0, -0.6, 0.9], [-1.1, -0.5, -0.1], [-0.9, -0.4, 0.8], [-1.0, -0.5, 0.9]]
    lines = verdict_lines(verdict_on(claim_of(15.0), mixed))
    assert "left-10.0 wins at no n up to 30 in 1 of 4 blocks" in lines[0]


def test_a_first_side_that_wins_at_every_point_is_told_of_in_words() -> None:
    line = verdict_lines(verdict_on(claim_of(None, 15.0), ALWAYS))[0]
    assert line.replace("\N{NO-BREAK SPACE}", " ") == (
        "left-10.0 wins at every n from 10 on in 3 of 3 blocks; needed n < 15"
    )


def test_an_advantage_that_falls_is_told_of_in_words() -> None:
    falling = [[-d for d in curve] for curve in CLEAR]
    lines = verdict_lines(verdict_on(claim_of(15.0), falling))
    assert "the advantage does not rise along n from 10 to 30" in lines


def test_a_claim_that_is_not_won_says_what_the_run_could_have_seen() -> None:
    lines = verdict_lines(verdict_on(claim_of(20.1), CLEAR))
    assert lines[1].startswith("four of five such runs show a difference of ")
    assert " of n; with --blocks " in lines[1]
    lines = verdict_lines(verdict_on(claim_of(15.0), NEVER))
    assert "not clear that it wins at any n" in lines[1]
    assert lines[2] == "an axis that reaches further, or more blocks, would show where"


def test_the_json_of_a_crossover_has_its_axis_and_every_block() -> None:
    claim: Any = claim_json(verdict_on(claim_of(15.0), CLEAR))
    assert claim["kind"] == "crossover"
    assert claim["estimate"]["quantity"] == "n"
    assert claim["estimate"]["sd_log"] is None
    crossover = claim["crossover"]
    assert (crossover["over"], crossover["scale"], crossover["falls"]) == ("n", "linear", False)
    assert crossover["points"][0] == {"at": 10.0, "left": "left-10.0", "right": "right-10.0"}
    assert [block["block"] for block in crossover["blocks"]] == [0, 1, 2, 3]
    assert crossover["incomplete_blocks"] == 0
