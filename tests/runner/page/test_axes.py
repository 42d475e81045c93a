# SPDX-License-Identifier: BSD-3-Clause
import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fibench.page.draw.labels import AxisLabel, kept, span
from fibench.page.draw.scale import Axis, around, round_figures

POSITIVE = st.floats(1e-9, 1e12)
FIGURES = st.floats(-1e12, 1e12)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    log = draw(st.booleans())
    figures = POSITIVE if log else FIGURES
    low, high = sorted((draw(figures), draw(figures)))
    assume(high - low > 1e-9 * max(abs(low), abs(high)))
    return Axis(low, high, log)


@given(axes(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_what_is_more_stands_further_to_the_right(axis: Axis, one: float, other: float) -> None:
    shares = sorted((one, other))
    if axis.log:
        figures = [axis.low * (axis.high / axis.low) ** share for share in shares]
    else:
        figures = [axis.low + (axis.high - axis.low) * share for share in shares]
    places = [axis.at(figure) for figure in figures]
    assert places[0] <= places[1] + 1e-9
    for place, share in zip(places, shares, strict=True):
        assert place == pytest.approx(axis.first + share * (axis.last - axis.first), abs=1e-4)


@given(axes())
def test_its_ends_are_at_its_ends(axis: Axis) -> None:
    assert axis.at(axis.low) == pytest.approx(axis.first)
    assert axis.at(axis.high) == pytest.approx(axis.last)
    assert axis.clipped(axis.high * 2.0 if axis.high > 0 else 1.0) == pytest.approx(axis.last)
    assert axis.clipped(-math.inf) == axis.first
    assert axis.clipped(math.inf) == axis.last


@given(axes(), st.integers(2, 10))
def test_ticks_are_on_the_axis_rising_and_not_too_many(axis: Axis, most: int) -> None:
    ticks = axis.ticks(most)
    slack = 1e-6 * (axis.high - axis.low) + 1e-9 * abs(axis.low)
    assert all(axis.low - slack <= tick <= axis.high + slack for tick in ticks)
    assert all(one < other for one, other in pairwise(ticks))
    assert len(ticks) <= most + 1


@given(FIGURES, st.floats(1e-3, 1e9), st.integers(2, 10))
def test_round_figures_are_multiples_of_their_distance(
    low: float, length: float, most: int
) -> None:
    assume(length > 1e-6 * abs(low))
    figures = round_figures(low, low + length, most)
    if len(figures) > 2:
        steps = [other - one for one, other in pairwise(figures)]
        assert max(steps) == pytest.approx(min(steps), rel=1e-3)


@pytest.mark.parametrize(("low", "high", "log"), [(1.0, 1.0, False), (2.0, 1.0, False),
                                                  (0.0, 1.0, True), (math.nan, 1.0, False),
                                                  (1.0, math.inf, True)])  # fmt: skip
def test_what_is_no_axis_is_an_error(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match=r"an axis|a logarithmic axis"):
        Axis(low, high, log)


@given(POSITIVE, POSITIVE, st.booleans())
def test_there_is_an_axis_around_any_figures(one: float, other: float, log: bool) -> None:
    low, high = sorted((one, other))
    axis = around(low, high, log=log)
    assert axis.has(low)
    assert axis.has(high)


LABELS = st.lists(
    st.builds(AxisLabel, st.floats(0.0, 100.0), st.text("0123456789.×µms", min_size=1, max_size=9)),
    max_size=12,
)


@given(LABELS)
def test_no_label_covers_another(wanted: list[AxisLabel]) -> None:
    spans = sorted(span(label) for label in kept(wanted))
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert not wanted or wanted[0] in kept(wanted), "the first one wanted has room always"
