# SPDX-License-Identifier: BSD-3-Clause
"""Numbers with units: what is written is read again as the same, and nothing else is a number."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.quantities import (
    DURATION_PATTERN,
    RATE_PATTERN,
    RATE_UNITS,
    SIZE_UNITS,
    TIME_UNITS,
    decimal,
    format_duration,
    parse_quantity,
)

DAY_S = 86_400.0
EVERY_UNIT = [*TIME_UNITS, *SIZE_UNITS, *RATE_UNITS]
UNITS = {**TIME_UNITS, **SIZE_UNITS, **RATE_UNITS}
NUMBERS = st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True)


@given(st.floats(1e-9, DAY_S))
def test_a_duration_that_is_written_is_read_as_it_was(seconds: float) -> None:
    text = format_duration(seconds)
    assert parse_quantity(text, TIME_UNITS) == pytest.approx(seconds, rel=1e-8, abs=1e-15)
    assert re.search(DURATION_PATTERN, text), "the schema allows what we write"


@given(st.integers(0, 2 * 24 * 3600 * 1000))
def test_whole_milliseconds_lose_nothing(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_quantity(format_duration(seconds), TIME_UNITS) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.2, "0.2s"), (0.05, "50ms"), (90, "90s"), (120, "2min"), (121, "121s"),
     (1e-6, "1us"), (2.5e-7, "250ns")],
)  # fmt: skip
def test_a_duration_has_the_unit_that_a_person_would_take(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.decimals(0, 10**6, places=3, allow_nan=False))
def test_a_rate_that_is_written_is_read_as_it_was(rate: object) -> None:
    wanted = float(str(rate))
    text = f"{decimal(wanted)}/s"
    assert parse_quantity(text, RATE_UNITS) == wanted
    assert re.search(RATE_PATTERN, text)


@pytest.mark.parametrize("unit", EVERY_UNIT)
@given(NUMBERS, st.sampled_from(["", " "]))
def test_a_number_with_a_unit_is_that_many_of_it(unit: str, number: str, between: str) -> None:
    found = parse_quantity(f" {number}{between}{unit} ", UNITS)
    assert found == pytest.approx(float(number) * UNITS[unit], abs=1e-15)


@pytest.mark.parametrize("unit", EVERY_UNIT)
def test_a_unit_of_another_kind_is_none(unit: str) -> None:
    kinds = [units for units in (TIME_UNITS, SIZE_UNITS, RATE_UNITS) if unit not in units]
    assert [parse_quantity(f"1{unit}", units) for units in kinds] == [None, None]


@pytest.mark.parametrize(
    "text",
    ["", "1", "s", "-1s", "+1s", "1e3s", ".5s", "1.s", "1  s", "1\ts", "1s\n", "1 s s", "inf s",
     "nan s", "1_0s", "0x1s", "١s", "1" * 16 + "s", "1,5s", "1S"],
)  # fmt: skip
def test_what_is_no_number_with_a_unit_is_none(text: str) -> None:
    assert parse_quantity(text, UNITS) is None


@given(st.text())
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    found = parse_quantity(text, UNITS)
    assert found is None or 0 <= found < 1e25
