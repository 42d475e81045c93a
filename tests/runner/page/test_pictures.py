# SPDX-License-Identifier: BSD-3-Clause
"""Where the marks of pictures are, for figures that are given."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.runner.page.svg_reading import extent, marks, per_cent, read_drawing

from fibench.page.claims.counted import Count, CountPicture, counted_picture
from fibench.page.claims.curve import AlongAxis, CurvePoint, Half, curve_picture
from fibench.page.claims.interval import Dot, IntervalPicture, interval_axis, interval_picture
from fibench.page.draw import svg

RATIOS = st.floats(1e-3, 1e3)


def ratio(figure: float) -> str:
    return f"×{figure:.3g}"


@st.composite
def intervals(draw: st.DrawFn) -> IntervalPicture:
    low, mean, high = sorted(draw(st.tuples(RATIOS, RATIOS, RATIOS)))
    dots = draw(st.lists(RATIOS, max_size=20))
    above = draw(st.none() | RATIOS)
    below = draw(RATIOS) if above is None else draw(st.none() | RATIOS)
    return IntervalPicture(
        "ok", ratio, "a picture", mean, low, high, above=above, below=below, is_ratio=True,
        dots=[Dot(f"block {place}", figure, counts=place % 3 > 0)
              for place, figure in enumerate(dots)],
    )  # fmt: skip


@given(intervals())
def test_the_bar_is_the_interval_and_each_block_a_dot(asked: IntervalPicture) -> None:
    drawing, axis = read_drawing(interval_picture(asked)), interval_axis(asked)
    assert asked.low is not None
    assert asked.high is not None
    assert asked.mean is not None
    (bar,) = marks(drawing, "rect", "bar")
    begins, ends = extent(bar)
    wide = axis.at(asked.high) - axis.at(asked.low) >= 0.8
    if wide:
        assert begins == pytest.approx(axis.at(asked.low), abs=0.02)
        assert ends == pytest.approx(axis.at(asked.high), abs=0.02)
    assert begins - 0.01 <= axis.at(asked.mean) <= ends + 0.01
    solid = [per_cent(dot, "cx") for dot in marks(drawing, "circle", "dots")]
    hollow = [per_cent(dot, "cx") for dot in marks(drawing, "circle", "out")]
    for drawn, counts in ((solid, True), (hollow, False)):
        known = [dot.figure for dot in asked.dots if dot.counts is counts]
        expected = [axis.at(figure) for figure in known if figure is not None]
        assert drawn == pytest.approx(expected, abs=0.02)


@given(intervals())
def test_the_tint_begins_and_ends_at_the_bounds(asked: IntervalPicture) -> None:
    drawing, axis = read_drawing(interval_picture(asked)), interval_axis(asked)
    assume(asked.above is None or asked.below is None or asked.above < asked.below)
    (zone,) = marks(drawing, "rect", "zone")
    begins, ends = extent(zone)
    assert begins == pytest.approx(0.0 if asked.above is None else axis.at(asked.above), abs=0.02)
    assert ends == pytest.approx(100.0 if asked.below is None else axis.at(asked.below), abs=0.02)
    bounds = [bound for bound in (asked.above, asked.below) if bound is not None]
    lines = [per_cent(line, "x1") for line in marks(drawing, "line", "bound")]
    assert lines == pytest.approx([axis.at(bound) for bound in bounds], abs=0.02)


@given(intervals())
def test_everything_lies_within_the_drawing(asked: IntervalPicture) -> None:
    for element in read_drawing(interval_picture(asked)).iter():
        for attribute in ("x", "x1", "x2", "cx"):
            if element.get(attribute, "").endswith("%"):
                assert -2.0 <= per_cent(element, attribute) <= 102.0


@pytest.mark.parametrize(("low", "high", "left", "right"), [
    (0.0, 2.0, True, False), (1.5, math.inf, False, True), (0.0, math.inf, True, True),
])  # fmt: skip
def test_an_end_that_there_is_not_is_an_arrow_at_the_edge(
    low: float, high: float, left: bool, right: bool
) -> None:
    asked = IntervalPicture("maybe", ratio, "a picture", None, low, high, above=1.2)
    drawing = read_drawing(interval_picture(asked))
    arrows = [element.get("href") for element in drawing.iter("use")]
    assert arrows == ["#m-left"] * left + ["#m-right"] * right
    (bar,) = marks(drawing, "rect", "bar")
    begins, ends = extent(bar)
    assert (begins < 1.0) is left
    assert (ends > 99.0) is right


def test_of_a_widened_interval_the_sure_part_is_darker() -> None:
    asked = IntervalPicture(
        "maybe", ratio, "", 1.2, 0.5, 3.0, sure_low=1.1, sure_high=1.3, above=1.0
    )
    drawing, axis = read_drawing(interval_picture(asked)), interval_axis(asked)
    pale = next(one for one in drawing.iter("rect") if one.get("fill-opacity") == ".4")
    (sure,) = marks(drawing, "rect", "bar")
    assert extent(pale) == pytest.approx((axis.at(0.5), axis.at(3.0)), abs=0.02)
    assert extent(sure) == pytest.approx((axis.at(1.1), axis.at(1.3)), abs=0.02)


def test_a_block_that_is_far_is_named() -> None:
    dots = [Dot("block 1", 1.0), Dot("block 2", 0.4, name="block 2")]
    asked = IntervalPicture("maybe", ratio, "", 0.8, 0.5, 1.2, below=1.1, dots=dots)
    said = [element.text for element in read_drawing(interval_picture(asked)).iter("text")]
    assert said.count("block 2") == 1


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30), st.integers(1, 20))
def test_counts_stand_on_an_axis_from_zero(counts: list[int], bound: int) -> None:
    asked = CountPicture(
        "no", "a picture",
        [Count(f"block {n}", float(one), one < bound) for n, one in enumerate(counts, 1)],
        below=float(bound), needed="needed below",
    )  # fmt: skip
    drawing = read_drawing(counted_picture(asked))
    dots = list(marks(drawing, "circle", "dots"))
    assert len(dots) == len(counts)
    (line,) = marks(drawing, "line", "bound")
    at = per_cent(line, "x1")
    beyond = sum(per_cent(dot, "cx") >= at - 0.01 for dot in dots)
    assert beyond == sum(one >= bound for one in counts)


def curve(points: list[CurvePoint], lines: list[list[tuple[float, float]]]) -> AlongAxis:
    half = Half("ahead", "#253340", "f-one")
    return AlongAxis(
        "ok", "a picture", False, points, lines, 1.0, "×1", half, half, str, ratio, "n",
        mean=18.0, low=17.0, high=19.5, above=15.0,
    )  # fmt: skip


def test_a_crossing_has_its_points_its_lines_and_its_interval() -> None:
    points = [CurvePoint(10.0, "", 0.5, 0.4, 0.6), CurvePoint(20.0, "", 1.2, 1.1, 1.3),
              CurvePoint(30.0, "", 1.9, 1.8, 2.0)]  # fmt: skip
    lines = [[(10.0, 0.4), (20.0, 1.1), (30.0, 1.8)], [(10.0, 0.6), (20.0, 1.3), (30.0, 2.0)]]
    drawing = read_drawing(curve_picture(curve(points, lines)))
    places = [per_cent(one, "cx") for one in marks(drawing, "circle", "point")]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.02)
    polylines = list(drawing.iter("polyline"))
    assert len(polylines) == len(lines) + 1, "a line for each block, and that of the means"
    (bar,) = marks(drawing, "rect", "bar")
    step = (places[2] - places[0]) / 20.0
    assert extent(bar) == pytest.approx((places[0] + 7.0 * step, places[0] + 9.5 * step), abs=0.02)


def test_a_point_of_which_no_more_is_known_is_an_arrow_at_the_top() -> None:
    points = [CurvePoint(10.0, "", 0.5), CurvePoint(20.0, "above so much", None)]
    drawing = read_drawing(curve_picture(curve(points, [[(10.0, 0.5)]])))
    (arrow,) = marks(drawing, "use", "point")
    assert arrow.get("href") == "#m-up"
    assert [title.text for title in arrow.iter("title")] == ["above so much"]


@given(st.text(max_size=60))
def test_what_comes_from_outside_is_text_and_nothing_else(text: str) -> None:
    """Whatever a name is, it comes out as one text, with what reorders a line written out."""
    drawing = read_drawing(svg.canvas(10.0, svg.caption(5.0, 5.0, text), label=f"x{text}"))
    assert [element.tag for element in drawing.iter()] == ["svg", "text"]
    assert set(drawing.attrib) == {"width", "height", "role", "aria-label"}
    said = drawing[0].text or ""
    assert all(one.isprintable() or one == "\N{ZERO WIDTH JOINER}" or one.isspace()
               for one in said)  # fmt: skip
    printable = "".join(one for one in text if one.isprintable())
    assert not text.isprintable() or said == printable
