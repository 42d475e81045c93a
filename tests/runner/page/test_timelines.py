# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of threads on the page: a row for each, whose marks are as long as the data says."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

import pytest
from tests.runner.page.conftest import ReadPages, Reviewed
from tests.runner.page.kinds import HOSTILE
from tests.runner.page.svg_reading import Element, extent, read_drawing
from tests.runner.thread_times import a_thousand, in_processes, one_loop, seen, with_a_gil

from fibench.page import charts_of
from fibench.page.draw.levels import stacked
from fibench.page.draw.palette import HIGHEST, LEVELS, Level
from fibench.page.draw.svg import canvas
from fibench.page.sections.timelines import picture_of_threads, waits
from fibench.page.view import View
from fibench.report.waits.said import row_names
from fibench.timeline import COLUMNS, LETTERS, NOT_THERE, STATES, State, ThreadTime

MOST_BYTES = 30_000
"""Of a picture of eight rows."""
STEP = re.compile(r"(?:M(\d+) [0-9.]+|m(\d+) 0)h(\d+)")
STATE_OF: dict[tuple[str, str], State] = {
    (level.fill, f"{level.height:g}"): state for state, level in LEVELS.items()
}


def drawn(time: ThreadTime) -> Element:
    return read_drawing(picture_of_threads(time, row_names(time.rows)))


def spans_of(path: Element) -> list[tuple[int, int]]:
    """From where to where the spans of a path reach, in columns."""
    found, end = [], 0
    for begin, step, length in STEP.findall(path.get("d", "")):
        first = int(begin) if begin else end + int(step)
        end = first + int(length)
        found.append((first, end))
    assert STEP.sub("", path.get("d", "")) == ""
    return found


def letters_of(row: Element) -> str:
    """A row read back from its marks."""
    letters = [NOT_THERE] * COLUMNS
    for path in row.iter("path"):
        letter = LETTERS[STATE_OF[path.get("stroke", ""), path.get("stroke-width", "")]]
        for begin, end in spans_of(path):
            assert set(letters[begin:end]) == {NOT_THERE}, "nothing covers anything"
            letters[begin:end] = letter * (end - begin)
    return "".join(letters)


def noise(rows: int) -> ThreadTime:
    chance = random.Random(rows)
    letters = [*LETTERS.values(), NOT_THERE]
    return seen(["".join(chance.choices(letters, k=COLUMNS)) for _ in range(rows)])


@pytest.mark.parametrize(
    "time", [with_a_gil(), in_processes(), one_loop(), a_thousand(), noise(8), noise(24)]
)
def test_marks_are_the_data_in_count_and_extent(time: ThreadTime) -> None:
    rows = list(drawn(time).iter("g"))
    assert [letters_of(row) for row in rows] == [row.columns for row in time.rows]


def test_rows_do_not_touch_and_lie_in_the_picture() -> None:
    for time in (with_a_gil(), a_thousand()):
        drawing = drawn(time)
        (inner,) = drawing.iter("svg") if drawing.tag != "svg" else drawing.findall("svg")
        height, tops = float(inner.get("height", 0)), []
        for row in inner.iter("g"):
            spans = [
                (float(at) - float(path.get("stroke-width", 0)) / 2.0,
                 float(at) + float(path.get("stroke-width", 0)) / 2.0)
                for path in row.iter("path")
                for at in re.findall(r"M\d+ ([0-9.]+)h", path.get("d", ""))
            ]  # fmt: skip
            feet = {foot for _, foot in spans}
            assert len(feet) == 1, "all stand on one line"
            tops.append((feet.pop() - HIGHEST, max(foot for _, foot in spans)))
        assert tops[0][0] >= 0.0
        assert tops[-1][1] <= height
        assert all(above[1] < below[0] for above, below in pairwise(tops))


def test_a_picture_of_eight_rows_is_small() -> None:
    for time in (with_a_gil(), noise(8)):
        assert len(picture_of_threads(time, row_names(time.rows)).encode()) <= MOST_BYTES


def test_who_sees_no_picture_is_told_what_it_shows() -> None:
    assert drawn(with_a_gil()).get("aria-label") == (
        "9 threads: one runs at a time, 76 % of their time they wait for the GIL. "
        "A row for each of 9 threads, over 0.40 s"
    )


def test_states_differ_in_more_than_colour() -> None:
    """Two that are as high as each other and not striped have colours that all tell apart."""
    assert LEVELS.keys() == set(STATES)
    for one, other in combinations(LEVELS.values(), 2):
        assert one != other
        same_form = (one.height, one.dashes) == (other.height, other.dashes)
        assert not same_form or one.family != other.family
        assert one.family != other.family or (
            one.height != other.height and one.dashes != other.dashes
        )
    assert max(level.height for level in LEVELS.values()) == HIGHEST == LEVELS["running"].height


def test_shares_lie_side_by_side_and_are_as_long_as_they_are() -> None:
    parts: Sequence[tuple[Level, float]] = [
        (LEVELS["running"], 0.1), (LEVELS["gil"], 0.7), (LEVELS["network"], 0.15)
    ]  # fmt: skip
    lines = list(read_drawing(canvas(34.0, stacked(parts, 34.0))).iter("line"))
    assert [extent(line) for line in lines] == [
        pytest.approx(ends) for ends in ((0.0, 10.0), (10.0, 80.0), (80.0, 95.0))
    ]


def test_each_cell_that_was_watched_has_its_picture_and_its_totals(
    reviewed: Reviewed, read_pages: ReadPages
) -> None:
    found = waits(View(reviewed("watched")))
    assert found is not None
    section = read_pages("watched").by_id("threads")
    figures = section.every("figure", "threads")
    assert len(figures) == 4
    for figure in figures:
        assert len(figure.every("svg", "levels")) == 1
        totals = figure.every("ul", "legend")[0].every("li")
        assert totals
        assert all("%" in total.text for total in totals)
        threads = figure.every("details")[0].every("li")
        assert len(threads) == len(figure.every("svg", "levels")[0].every("g"))
    assert "8 processes: they keep 2.0 cores busy" in section.text
    assert "976 more threads not drawn; who holds locks: not told" in section.text


def test_of_a_server_that_could_not_be_watched_it_is_said_why(read_pages: ReadPages) -> None:
    section = read_pages("watched").by_id("threads")
    absent = [cell.text for cell in section.every("td", "absent")]
    assert len(absent) == 1
    assert absent[0].startswith("What its threads did is not known: <b onclick='x'>")


def test_names_of_threads_are_text(read_pages: ReadPages) -> None:
    section = read_pages("watched").by_id("threads")
    assert section.every("b", "") == [
        b for b in section.every("b") if "onclick" not in b.attributes
    ]
    names = Counter(one.text for one in section.every("title"))
    assert any(name.startswith(HOSTILE[:10]) for name in names)


def test_what_was_not_watched_has_no_section(reviewed: Reviewed, read_pages: ReadPages) -> None:
    assert waits(View(reviewed("outcomes"))) is None
    assert [
        one for one in read_pages("outcomes").every("section") if one.attributes["id"] == "threads"
    ] == []
    assert "Who waits" not in read_pages("outcomes").every("nav")[0].text


def test_pictures_are_charts_as_well(reviewed: Reviewed) -> None:
    charts = {chart.name: chart.svg() for chart in charts_of(reviewed("watched"))}
    assert {"thread-time", "timelines"} <= charts.keys()
    moved = [one.get("transform", "") for one in read_drawing(charts["timelines"]).iter()]
    stretched = [one for one in moved if "scale" in one]
    assert len(stretched) == sum(
        len(list(drawn(time).iter("path")))
        for time in (in_processes(), with_a_gil(), one_loop(), a_thousand())
    )
    for one in stretched:
        assert re.fullmatch(r"translate\(0 [0-9.]+\) scale\(4\.8000 1\)", one)
