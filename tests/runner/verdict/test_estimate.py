# SPDX-License-Identifier: BSD-3-Clause
"""Estimates: what they are worth on made-up samples whose truth is known."""

import math
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.verdict.throughputs import cell_samples, ends, pair_samples, sample

from fibench.parameters import FEWEST_BLOCKS
from fibench.verdict.estimate import (
    Estimate,
    contrast,
    paired_values,
    summarise,
    t_quantile,
    value,
)
from fibench.verdict.looks import MOST_ADVISED, blocks_needed, seen_from

figures = st.floats(min_value=1e-6, max_value=1e9)


pairs_of_figures = st.lists(st.tuples(figures, figures), min_size=2, max_size=12)


# Student's t


@pytest.mark.parametrize(
    ("probability", "degrees", "table"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 9, 2.262),
        (0.975, 29, 2.045),
        (0.995, 9, 3.250),
        (0.95, 4, 2.132),
        (0.5, 7, 0.0),
    ],
)
def test_the_quantiles_are_those_of_the_printed_table(
    probability: float, degrees: int, table: float
) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(table, abs=5e-4)


def test_scipy_is_not_loaded_by_importing_estimate_and_its_statistics_never() -> None:
    program = (
        "import sys, fibench.verdict.estimate as e, fibench.verdict.judging, fibench.report\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('scipy', 'numpy', 'rich')]\n"
        "e.t_quantile(0.975, 9)\n"
        "assert 'scipy.special' in sys.modules and 'scipy.stats' not in sys.modules\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


# A value


def test_a_value_is_the_geometric_mean_with_the_interval_of_the_textbook() -> None:
    estimate = value(cell_samples("a", [1.0, math.e, math.e**2]), "a", "throughput", 0.05)
    low, mean, high = ends(estimate)
    # Logarithms 0, 1, 2: mean 1, standard deviation 1, t(2 degrees) 4.3027.
    assert math.log(mean) == pytest.approx(1.0)
    assert math.log(low) == pytest.approx(1.0 - 4.30265 / math.sqrt(3), abs=1e-4)
    assert math.log(high) == pytest.approx(1.0 + 4.30265 / math.sqrt(3), abs=1e-4)
    assert estimate.sd_log == pytest.approx(1.0)
    # An effect is seen from t(0.975) + t(0.8) standard errors on; t(0.8) is 1.0607.
    seen = (4.30265 + 1.06066) / math.sqrt(3)
    assert estimate.detectable == pytest.approx(math.exp(seen) - 1, rel=1e-4)


def test_without_any_sample_a_value_is_absent_and_says_so() -> None:
    estimate = value([], "a", "throughput", 0.05)
    assert (estimate.mean, estimate.low, estimate.high, estimate.blocks) == (None, None, None, 0)
    assert estimate.absent == "throughput was not measured"


def test_one_block_gives_a_figure_without_an_interval() -> None:
    estimate = value(cell_samples("a", [5.0]), "a", "throughput", 0.05)
    assert estimate.mean == pytest.approx(5.0)
    assert (estimate.low, estimate.high, estimate.detectable) == (None, None, None)


def test_two_blocks_give_an_interval_as_wide_as_t_with_one_degree_makes_it() -> None:
    low, _, high = ends(value(cell_samples("a", [1.0, 1.1]), "a", "throughput", 0.05))
    assert math.log(high / low) == pytest.approx(12.706 * math.log(1.1), rel=1e-3)


def test_figures_that_do_not_vary_have_an_interval_without_width() -> None:
    samples = [sample("a", block, None, p50=2.0) for block in range(5)]
    low, mean, high = ends(value(samples, "a", "p50", 0.05))
    assert low == mean == high == pytest.approx(2.0)


@pytest.mark.parametrize("figure", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_figure_without_a_logarithm_is_left_out_and_never_taken_for_zero(
    figure: float | None,
) -> None:
    estimate = value(cell_samples("a", [4.0, figure, 4.0]), "a", "throughput", 0.05)
    assert estimate.blocks == 2
    assert estimate.mean == pytest.approx(4.0)


def test_invalid_trials_and_other_cells_do_not_count() -> None:
    samples = [sample("a", 0, 4.0), sample("a", 1, 1e9, valid=False), sample("b", 2, 1e9)]
    assert value(samples, "a", "throughput", 0.05).mean == pytest.approx(4.0)


def test_figures_at_the_ends_of_floating_point_do_not_overflow() -> None:
    low, _, high = ends(value(cell_samples("a", [1e-300, 1e300]), "a", "throughput", 0.05))
    assert (low, high) == (0.0, math.inf)


def test_two_samples_of_a_cell_in_a_block_are_an_error() -> None:
    with pytest.raises(ValueError, match="cell a has two samples in block 0"):
        value([sample("a", 0, 1.0), sample("a", 0, 1.0)], "a", "throughput", 0.05)


def test_a_rate_is_not_taken_to_be_finer_than_the_replies_that_were_counted() -> None:
    # Eight replies in each window: a ninth was on its way, or had only just been missed.
    samples = [sample("a", block, 20.0, window_ok=8, memory=5e6) for block in range(5)]
    estimate = value(samples, "a", "throughput", 0.05)
    assert estimate.sd_log == pytest.approx(1 / 8 / math.sqrt(12))
    assert value(samples, "a", "memory", 0.05).sd_log == pytest.approx(0.0, abs=1e-12)
    varied = [sample("a", block, 20.0 + block, window_ok=800) for block in range(5)]
    assert value(varied, "a", "throughput", 0.05).sd_log == pytest.approx(
        value(cell_samples("a", [20.0, 21.0, 22.0, 23.0, 24.0]), "a", "throughput", 0.05).sd_log
    )


# Percentiles


@pytest.mark.parametrize(
    ("metric", "least"), [("p50", 10), ("p90", 100), ("p99", 1000), ("p999", 10_000)]
)
def test_a_percentile_needs_enough_replies_in_every_trial(metric: str, least: int) -> None:
    def estimate(window_ok: int) -> Estimate:
        samples = [
            sample("a", 0, None, p50=0.1, p90=0.2, p99=0.3, p999=0.4, window_ok=100_000),
            sample("a", 1, None, p50=0.1, p90=0.2, p99=0.3, p999=0.4, window_ok=window_ok),
        ]
        return value(samples, "a", metric, 0.05)

    assert estimate(least).mean is not None
    short = estimate(least - 1)
    assert short.mean is None
    assert short.absent == f"{metric} needs {least} replies in every trial"


def test_a_percentile_is_withheld_from_a_contrast_if_one_side_has_too_few_replies() -> None:
    lefts = [sample("a", block, None, p99=0.1, window_ok=1000) for block in range(3)]
    rights = [sample("b", block, None, p99=0.1, window_ok=999) for block in range(3)]
    assert contrast(lefts + rights, "a", "b", "p99", 0.05).absent is not None


def test_a_percentile_that_unfinished_requests_hide_in_one_trial_is_withheld_for_all() -> None:
    samples = [sample("a", block, None, p99=0.1) for block in range(3)]
    samples.append(sample("a", 3, None, p99=None))
    estimate = value(samples, "a", "p99", 0.05)
    assert estimate.mean is None
    assert estimate.absent == "p99 is hidden by unfinished requests in 1 of 4 trials"


def test_a_percentile_that_no_trial_has_was_not_measured() -> None:
    closed = [sample("a", block, None) for block in range(3)]
    assert value(closed, "a", "p99", 0.05).absent == "p99 was not measured"
    opened = [replace(one, lag_p99_s=1e-5) for one in closed]
    hidden = "p99 is hidden by unfinished requests in 3 of 3 trials"
    assert value(opened, "a", "p99", 0.05).absent == hidden


def test_a_window_without_a_reply_is_not_left_out_of_a_mean_of_rates() -> None:
    samples = [sample("a", block, 5.0) for block in range(3)]
    samples.append(sample("a", 3, 0.0, window_ok=0))
    estimate = value(samples, "a", "throughput", 0.05)
    assert estimate.absent == "throughput needs a reply in every trial"


def test_an_invalid_trial_with_few_replies_withholds_nothing() -> None:
    samples = [sample("a", block, None, p99=0.1) for block in range(3)]
    samples.append(sample("a", 3, None, p99=0.1, window_ok=1, valid=False))
    assert value(samples, "a", "p99", 0.05).mean == pytest.approx(0.1)


# A contrast


def test_a_contrast_is_paired_so_that_drift_common_to_a_block_cancels() -> None:
    drift = [1.0, 2.0, 0.5, 8.0]
    samples = pair_samples([(3.0 * d, 2.0 * d) for d in drift])
    low, mean, high = ends(contrast(samples, "a", "b", "throughput", 0.05))
    assert low == pytest.approx(1.5)
    assert mean == pytest.approx(1.5)
    assert high == pytest.approx(1.5)


def test_only_blocks_in_which_both_sides_are_valid_and_known_count() -> None:
    lefts = cell_samples("a", [2.0, 2.0, 100.0, None, 2.0])
    rights = cell_samples("b", [1.0, 1.0, None, 1.0])
    estimate = contrast(lefts + rights, "a", "b", "throughput", 0.05)
    assert estimate.blocks == 2
    assert estimate.mean == pytest.approx(2.0)


def test_without_a_common_block_a_contrast_is_absent() -> None:
    samples = [sample("a", 0, 1.0), sample("b", 1, 1.0)]
    estimate = contrast(samples, "a", "b", "throughput", 0.05)
    assert estimate.mean is None
    assert estimate.absent == "throughput was not measured on both sides of any block"
    assert paired_values(samples, "a", "b", "throughput") == (None, None)


@given(pairs_of_figures, st.floats(min_value=1e-3, max_value=1e3))
def test_scaling_one_side_scales_the_ratio_and_its_interval(
    pairs: list[tuple[float, float]], factor: float
) -> None:
    before = contrast(pair_samples(pairs), "a", "b", "throughput", 0.05)
    scaled = pair_samples([(left * factor, right) for left, right in pairs])
    after = contrast(scaled, "a", "b", "throughput", 0.05)
    for one, other in zip(ends(before), ends(after), strict=True):
        # Of figures that hardly vary, the ends carry the rounding of the logarithms.
        assert other == pytest.approx(one * factor, rel=1e-6)


@given(pairs_of_figures)
def test_swapping_the_sides_inverts_the_ratio_and_its_interval(
    pairs: list[tuple[float, float]],
) -> None:
    samples = pair_samples(pairs)
    low, mean, high = ends(contrast(samples, "a", "b", "throughput", 0.05))
    swapped = ends(contrast(samples, "b", "a", "throughput", 0.05))
    inverse = [math.inf if end == 0.0 else 1.0 / end for end in (high, mean, low)]
    assert swapped == pytest.approx(inverse, rel=1e-6)


@given(pairs_of_figures, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(
    pairs: list[tuple[float, float]], order: random.Random
) -> None:
    samples = pair_samples(pairs)
    shuffled = list(samples)
    order.shuffle(shuffled)
    first = contrast(samples, "a", "b", "throughput", 0.05)
    assert contrast(shuffled, "a", "b", "throughput", 0.05) == first
    assert summarise(shuffled, ["a", "b"]) == summarise(samples, ["a", "b"])


@given(pairs_of_figures)
def test_the_ratio_of_the_sides_own_figures_is_the_contrast(
    pairs: list[tuple[float, float]],
) -> None:
    samples = pair_samples(pairs)
    left, right = paired_values(samples, "a", "b", "throughput")
    assert left is not None
    assert right is not None
    _, mean, _ = ends(contrast(samples, "a", "b", "throughput", 0.05))
    assert left / right == pytest.approx(mean, rel=1e-6)


@given(pairs_of_figures, st.floats(min_value=1e-4, max_value=0.2))
def test_more_confidence_never_makes_an_interval_narrower(
    pairs: list[tuple[float, float]], alpha: float
) -> None:
    samples = pair_samples(pairs)
    low, mean, high = ends(contrast(samples, "a", "b", "throughput", alpha))
    lower, _, higher = ends(contrast(samples, "a", "b", "throughput", alpha / 5))
    assert lower <= low <= mean <= high <= higher


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(20)
    runs, covered = 400, 0
    for _ in range(runs):
        drift = [chance.gauss(0.0, 0.5) for _ in range(10)]
        pairs = [
            (1.3 * math.exp(d + chance.gauss(0.0, 0.05)), math.exp(d + chance.gauss(0.0, 0.05)))
            for d in drift
        ]
        low, _, high = ends(contrast(pair_samples(pairs), "a", "b", "throughput", 0.05))
        covered += low <= 1.3 <= high
    assert 0.92 <= covered / runs <= 0.98


# How many blocks


@given(st.floats(min_value=1e-3, max_value=2.0), st.floats(min_value=1e-3, max_value=1.0))
def test_the_blocks_needed_are_enough_and_one_fewer_is_not(target: float, sd: float) -> None:
    needed = blocks_needed(target, sd, 0.01)
    if needed is None:
        assert seen_from(MOST_ADVISED, sd, 0.01) > target
        return
    assert FEWEST_BLOCKS <= needed <= MOST_ADVISED
    assert seen_from(needed, sd, 0.01) <= target
    if needed > FEWEST_BLOCKS:
        assert seen_from(needed - 1, sd, 0.01) > target


def test_no_number_of_blocks_is_advised_to_tell_a_figure_from_a_bound_that_it_equals() -> None:
    assert blocks_needed(0.0, 0.1, 0.05) is None


def test_without_any_spread_the_fewest_blocks_are_enough() -> None:
    assert blocks_needed(0.01, 0.0, 0.05) == FEWEST_BLOCKS


def test_an_effect_of_the_size_that_a_run_could_have_seen_is_seen_in_four_of_five() -> None:
    chance = random.Random(3)
    runs, blocks, sd, seen = 1500, 8, 0.05, 0
    effect = seen_from(blocks, sd, 0.05)
    for _ in range(runs):
        logs = [math.exp(effect + chance.gauss(0.0, sd)) for _ in range(blocks)]
        low, _, _ = ends(value(cell_samples("a", logs), "a", "throughput", 0.05))
        seen += low > 1.0
    assert 0.75 <= seen / runs <= 0.85
