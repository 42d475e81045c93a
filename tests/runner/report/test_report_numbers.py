# SPDX-License-Identifier: BSD-3-Clause
"""Figures and texts as people read them: digits, units, intervals, and nothing a terminal obeys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.metrics import exact, number, quantity, scale_for
from fibench.report.numbers import (
    RATIO,
    bound_quantity,
    effect,
    percent,
    spread,
    time_taken,
    with_interval,
)
from fibench.verdict.estimate import Estimate
from fibench.wording import prose, shown

# Numbers


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (0.0249, "24.9 ms"),
        (312e-6, "312 µs"),
        (850e-9, "850 ns"),
        (0.9996, "1.00 s"),
        (0.99949, "999 ms"),
        (1.0, "1.00 s"),
        (75.0, "75.0 s"),
        (1e-12, "0.00100 ns"),
    ],
)
def test_times_are_shown_in_the_unit_that_suits(figure: float, text: str) -> None:
    assert quantity(figure, "s") == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (9.13 * 2**20, "9.13 MiB"),
        (512.0, "512 B"),
        (1000.0, "1,000 B"),
        (1023.9, "1.00 KiB"),
        (2.0**30, "1.00 GiB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_suits(figure: float, text: str) -> None:
    assert quantity(figure, "bytes") == text


def test_rates_and_cores_have_three_digits() -> None:
    assert quantity(71.34, "1/s") == "71.3/s"
    assert quantity(38912.0, "1/s") == "38,900/s"
    assert quantity(1.984, "cores") == "1.98"


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_a_number_reads_back_as_itself_to_three_digits(figure: float) -> None:
    text = number(figure)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(figure, rel=5.1e-3, abs=1e-9)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.08, "8 %"), (0.123, "12 %"), (0.0035, "0.4 %"), (0.0001, "<0.1 %"), (1.4, "140 %")],
)
def test_percentages_have_two_digits_at_most(share: float, text: str) -> None:
    assert percent(share) == text


def test_an_effect_of_more_than_double_is_a_factor() -> None:
    assert effect(0.99) == "99 %"
    assert effect(4.17) == "a factor of 5.2"


def test_durations_of_runs_have_minutes_when_they_are_long() -> None:
    assert [time_taken(s) for s in (8.24, 125.0, 7300.0)] == ["8.2 s", "2 min 05 s", "2 h 01 min"]


def estimate_of(low: float, mean: float, high: float) -> Estimate:
    return Estimate(5, mean, low, high, 0.1, 0.05)


def test_an_interval_stands_in_brackets_in_the_unit_of_its_figure() -> None:
    ratio = estimate_of(1.744, 1.832, 1.926)
    assert with_interval(ratio, RATIO, "×", [1.3]) == "×1.83 [1.74, 1.93]"
    latency = estimate_of(0.00098, 0.00105, 0.00112)
    assert with_interval(latency, scale_for(0.00105, "s"), "", []) == "1.05 ms [0.980, 1.12]"


def test_an_end_that_is_near_the_bound_has_digits_enough_to_tell_them_apart() -> None:
    near = estimate_of(1.3004, 1.4, 1.5)
    assert with_interval(near, RATIO, "×", [1.3]) == "×1.4000 [1.3004, 1.5000]"


@pytest.mark.parametrize(
    ("sd", "text"),
    [(0.04, "±3 %"), (0.004, "±0.3 %"), (0.0, "±0.1 %"), (0.2, "±14 %"), (1.0, "×÷2.0")],
)
def test_a_spread_is_a_percentage_or_a_factor_where_it_is_wide(sd: float, text: str) -> None:
    assert spread(Estimate(10, 1.0, 1.0, 1.0, sd, 0.05)) == text


def test_one_block_has_no_spread() -> None:
    assert spread(Estimate(1, 1.0, None, None, None, 0.05)) == ""


# What comes from outside


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_shown(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]", shown(text))


def test_controls_are_shown_as_escapes_and_other_text_as_it_is() -> None:
    assert shown("a\x1b[31mb\n\u202ec ×µ") == "a\\x1b[31mb\\n\\u202ec ×µ"
    assert prose("two\n  lines\x07") == "two lines\\x07"


@given(st.floats(1e-8, 1e12))
def test_no_figure_is_shown_in_exponents(figure: float) -> None:
    for text in (exact(figure), number(figure), quantity(figure, "s", digits=2)):
        assert "e" not in text


@pytest.mark.parametrize(
    ("bound", "text"), [(1.3, "1.3"), (1e6, "1,000,000"), (0.00005, "0.00005"), (20.0, "20")]
)
def test_a_bound_is_as_exact_as_it_was_written(bound: float, text: str) -> None:
    assert bound_quantity(bound, RATIO) == text
