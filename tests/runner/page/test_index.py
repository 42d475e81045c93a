# SPDX-License-Identifier: BSD-3-Clause
"""The index over runs: what is on it, and that it is what `runs` says."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from tests.runner.page.class_runs import (
    CLAIMS,
    TEXT,
    every_run,
    hand_in,
    history,
    hostile_class,
    many_runs,
    person_run,
    spoilt_class,
)
from tests.runner.page.html_reading import Node, read_page_text
from tests.runner.page.kinds import HOSTILE
from tests.runner.page.svg_reading import marks, read_drawing

from fibench.page import index_of
from fibench.page.document import scripts
from fibench.page.index.columns import columns_of
from fibench.page.index.dots import ManyRuns, RunDot, runs_axis, runs_picture
from fibench.page.index.names import short_names
from fibench.page.index.parts import BELIEVED, claim_cell, is_history
from fibench.report.runs import rows

MOST_SCRIPT_BYTES = 4000
MOST_BYTES_OF_400 = 2_500_000


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("class") / "handed-in"
    spoilt_class(root)
    return root


@pytest.fixture(scope="module")
def spoilt_text(spoilt: Path) -> str:
    return index_of(every_run(spoilt), spoilt)


@pytest.fixture(scope="module")
def page(spoilt_text: str) -> Node:
    return read_page_text(spoilt_text)


def lines(page: Node) -> dict[str, Node]:
    """The rows of the table, by the runs' places."""
    found = [row for row in page.every("tr") if "data-r" in row.attributes]
    return {row.attributes["data-n"]: row for row in found}


def said(node: Node) -> str:
    return " ".join(node.text.split())


def test_every_run_has_a_line_with_the_outcome_of_each_claim(spoilt: Path, page: Node) -> None:
    """The same that the table on the terminal has."""
    listed = rows(spoilt)
    table = lines(page)
    readable = {row.run for row in listed if not row.outcome.startswith("damaged")}
    assert set(table) == readable
    for run, line in table.items():
        own = [row for row in listed if row.run == run and row.claim]
        cells = [td for td in line.every("td") if "data-c" in td.attributes]
        assert len(cells) == CLAIMS
        for cell, row in zip(cells, own, strict=False):
            assert row.outcome.lower() in said(cell)
    outcomes = Counter(row.outcome for row in listed if row.claim)
    shown = Counter(
        name.upper()
        for line in table.values()
        for td in line.every("td")
        for name in ("confirmed", "refuted", "inconclusive", "not here", "invalid")
        if "data-c" in td.attributes and said(td).startswith(name)
    )
    for name in ("CONFIRMED", "REFUTED", "INCONCLUSIVE", "NOT HERE"):
        assert shown[name] == outcomes[name] > 0


def test_what_is_wrong_with_a_run_is_told_as_on_the_terminal(spoilt: Path, page: Node) -> None:
    wrong = {row.run: row.marks for row in rows(spoilt) if row.marks}
    assert {"ada", "eve", "fay", "ida", "jon"} <= {run.partition("/")[0] for run in wrong}
    told = {item.every("a")[0].text: said(item) for item in page.by_id("wrong").every("li")}
    assert told == {run: f"{run}: {mark}" for run, mark in wrong.items()}
    for run, line in lines(page).items():
        assert bool(line.every("a", "mark")) is (run in wrong)


def test_what_cannot_be_read_is_told(spoilt: Path, page: Node) -> None:
    told = [said(item) for item in page.by_id("unreadable").every("li")]
    damaged = [row for row in rows(spoilt) if row.outcome.startswith("damaged: ")]
    assert told == [f"{row.run}: {row.outcome.removeprefix('damaged: ')}" for row in damaged]
    assert len(told) == 2
    assert [a.attributes["href"] for a in page.by_id("unreadable").every("a")] == ["leo.html"]
    assert "9 in folders, 3 pages" in page.text


def test_a_copy_under_another_name_is_found_out(spoilt: Path) -> None:
    wrong = {row.run.partition("/")[0]: row.marks for row in rows(spoilt)}
    assert "it was not made as fay" in wrong["fay"]
    assert wrong["fay"].endswith(", which is of ada"), "whose it is"
    assert "all of its" in wrong["eve"]
    assert wrong["bob"] == ""


def test_each_picture_has_a_mark_for_each_run_that_has_a_figure(spoilt: Path, page: Node) -> None:
    parts = page.every("article", "one")
    assert len(parts) == CLAIMS
    columns = columns_of([run for run in every_run(spoilt) if not run.is_damaged])
    numbers = {line.attributes["data-r"]: run for run, line in lines(page).items()}
    for part, column in zip(parts, columns, strict=True):
        alike = [one for one in column.alike() if one.verdict is not None]
        drawn = {
            one.run.head.run
            for one in alike
            if one.verdict is not None and (one.verdict.shown_estimate or one.verdict.count)
        }
        usual = part.every("svg", "runsfig")[:1]
        dots = [
            numbers[dot.attributes["data-r"]] for svg in usual for dot in svg.every("use", "dot")
        ]
        assert set(dots) == drawn
        assert len(dots) == len(drawn)
        spans = [line for svg in usual for line in svg.every("line", "span")]
        assert len(spans) == sum(
            one.verdict.known_ends != (None, None) or bool(one.verdict.count)
            for one in alike
            if one.verdict and one.run.head.run in drawn
        )


def test_marks_tell_the_outcome_by_shape_and_what_is_wrong_by_a_square(
    spoilt: Path, page: Node
) -> None:
    for part in page.every("article", "one"):
        for svg in part.every("svg", "runsfig"):
            for dot in svg.every("use", "dot"):
                title = dot.text
                shape = dot.attributes["href"].removeprefix("#d-")
                word = {"ok": "confirmed", "no": "refuted", "maybe": "inconclusive"}.get(shape)
                assert f"; {word or 'invalid'}" in title
            squares = {use.attributes["data-r"] for use in svg.every("use")
                       if use.attributes["href"] == "#d-wrong"}  # fmt: skip
            wrong = {dot.attributes["data-r"] for dot in svg.every("use", "dot")
                     if "something is wrong" in dot.text}  # fmt: skip
            assert squares == wrong


def test_other_bounds_and_other_cells_lie_on_pictures_of_their_own(page: Node) -> None:
    table = lines(page)
    (gus,) = (line for run, line in table.items() if run.startswith("gus"))
    (hal,) = (line for run, line in table.items() if run.startswith("hal"))
    cells = [td for td in gus.every("td") if "data-c" in td.attributes]
    assert "other bound" in said(cells[0])
    assert "other bound" not in said(cells[1])
    assert "data-o" not in cells[0].attributes, "the tally does not count it"
    assert all("measured otherwise" in said(td) for td in hal.every("td")
               if "data-c" in td.attributes)  # fmt: skip
    first = page.every("article", "one")[0]
    assert [said(one.every("summary")[0]) for one in first.every("details")] == [
        "other bound: 1 run", "measured otherwise: 1 run",
    ]  # fmt: skip


def test_the_tallies_are_those_of_the_table(page: Node) -> None:
    cells = [td for line in lines(page).values() for td in line.every("td")]
    for part in page.every("article", "one"):
        tally = {
            item.attributes["data-o"]: int(item.every("b")[0].text)
            for item in part.every("ul", "tally")[0].every("li")
        }
        own = Counter(
            td.attributes["data-o"]
            for td in cells
            if td.attributes.get("data-c") == part.attributes["data-c"]
            and "data-o" in td.attributes
        )
        assert tally == dict(own)


@pytest.mark.parametrize("make", [spoilt_class, hostile_class, history])
def test_it_is_well_formed_and_its_links_lead_to_pages_that_are_there(
    make: "object", tmp_path: Path
) -> None:
    root = tmp_path / "class"
    make(root)  # type: ignore[operator]
    first, *_ = sorted(root.glob("**/trials.jsonl"))
    (first.parent / "report.html").write_text("a page")
    page = read_page_text(index_of(every_run(root), root))
    ids = [node.attributes["id"] for node in page.every() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    links = [node.attributes["href"] for node in page.every() if "href" in node.attributes]
    links = [link for link in links if not link.startswith("data:")]
    assert {link[1:] for link in links if link.startswith("#")} - set(ids) == set()
    outside = [link for link in links if not link.startswith("#")]
    assert outside
    for link in outside:
        assert ":" not in link
        assert (root / unquote(link)).is_file()
    named = [node.attributes[name] for node in page.every() for name in ("aria-labelledby", "for")
             if name in node.attributes]  # fmt: skip
    assert set(named) - set(ids) == set()


def test_links_lead_from_where_the_index_is(spoilt: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    page = read_page_text(index_of(every_run(spoilt), place))
    links = {a.attributes["href"] for line in lines(page).values() for a in line.every("a")
             if not a.attributes["href"].startswith("#")}  # fmt: skip
    assert links
    for link in links:
        assert (place / unquote(link)).is_file()


def test_a_page_that_is_a_link_is_not_linked_to(tmp_path: Path) -> None:
    run = person_run(tmp_path / "class" / "ann", "ann")
    (run / "report.html").symlink_to("/etc/passwd")
    page = read_page_text(index_of(every_run(tmp_path / "class"), tmp_path / "class"))
    (line,) = lines(page).values()
    assert line.every("th")[0].every("a") == []


def test_its_policy_lets_in_one_style_sheet_and_one_script(spoilt_text: str, page: Node) -> None:
    (policy,) = (node.attributes["content"] for node in page.every("meta")
                 if node.attributes.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
    assert policy.startswith("default-src 'none'; ")
    (style,), (script,) = page.every("style"), page.every("script")
    for node in (style, script):
        digest = base64.b64encode(hashlib.sha256(node.text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert re.findall(r"(\w+-src) (?!'sha256-|'none'|data:;)", policy) == []
    for node in page.every():
        assert "style" not in node.attributes
        assert [name for name in node.attributes if name.startswith("on")] == []
    assert len(scripts("index.js").encode()) <= MOST_SCRIPT_BYTES
    assert "application/gzip" not in spoilt_text, "it carries no run"


def test_what_comes_from_outside_is_shown_as_what_it_is(tmp_path: Path) -> None:
    root = tmp_path / "class"
    hostile_class(root)
    text = index_of(every_run(root), root)
    page = read_page_text(text)
    assert all("onclick" not in node.attributes for node in page.every())
    assert "\u202e" not in text
    assert "\\u202e" in page.text
    assert "{{ 7*7 }}" in page.text
    assert HOSTILE not in text


def test_a_history_is_told_from_a_class(tmp_path: Path) -> None:
    history(tmp_path / "mine", 4)
    hand_in(tmp_path / "class", ["ada", "bob", "cyd", "dee"])
    assert is_history(every_run(tmp_path / "mine"))
    assert not is_history(every_run(tmp_path / "class"))
    mine = read_page_text(index_of(every_run(tmp_path / "mine"), tmp_path))
    assert "the first at the top" in mine.text
    first = mine.every("svg", "runsfig")[0]
    order = [dot.attributes["data-r"] for dot in first.every("use", "dot")]
    assert order == ["1", "2", "3", "4"], "in the order of time"
    theirs = read_page_text(index_of(every_run(tmp_path / "class"), tmp_path))
    places = [float(dot.attributes["x"].rstrip("%"))
              for dot in theirs.every("svg", "runsfig")[0].every("use", "dot")]  # fmt: skip
    assert places == sorted(places)


def test_what_was_expected_of_a_claim_has_its_place(tmp_path: Path) -> None:
    person_run(tmp_path / "ann", "ann")
    (run,) = every_run(tmp_path)
    column, *_ = columns_of([run])
    (entry,) = column.entries.values()
    for belief, words in BELIEVED.items():
        assert claim_cell(column, entry, belief).belief == words
    assert claim_cell(column, entry).belief == claim_cell(column, entry, "else").belief == ""


def test_what_was_expected_stands_beside_what_came(tmp_path: Path) -> None:
    """Of each run in its row, of all of them beside the picture."""
    for number, name in enumerate(("ann", "bob", "cyd")):
        person_run(tmp_path / name, name, number)
    runs = every_run(tmp_path)
    claim = runs[0].claims[0].id
    said = ("holds", "does not hold", "holds")
    told = [replace(run, beliefs={claim: one}) for run, one in zip(runs, said, strict=True)]
    page = read_page_text(index_of(told, tmp_path))
    first, second, *_ = page.every("article", "one")
    assert "expected before: 2 it holds, 1 it does not" in first.text
    assert "expected" not in second.text
    cells = [line.every("td") for line in lines(page).values()]
    assert ["expected: " in "".join(td.text for td in own) for own in cells] == [True] * 3


def test_no_runs_have_an_index_too(tmp_path: Path) -> None:
    page = read_page_text(index_of([], tmp_path))
    assert "There are no runs here yet." in page.text
    assert said(page.every("h1")[0]) == "0 runs"


def test_runs_of_several_experiments_have_a_section_each(tmp_path: Path) -> None:
    person_run(tmp_path / "ann", "ann")
    other = TEXT[: TEXT.index("[[claim]]")].replace("Every outcome", "No outcome")
    run = person_run(tmp_path / "bob", "bob", 1, other)
    run.parent.rename(tmp_path / "bob" / "plain")
    page = read_page_text(index_of(every_run(tmp_path), tmp_path))
    found = page.every("section", "experiment")
    assert len(found) == 2
    assert [one.every("article", "one") != [] for one in found] == [True, False]
    options = [one.text for one in page.by_id("f-experiment").every("option")]
    assert options == ["all", "gil", "plain"]


def test_400_runs_stay_usable(tmp_path: Path) -> None:
    text = index_of(many_runs(tmp_path, 400), tmp_path)
    assert len(text.encode()) < MOST_BYTES_OF_400
    page = read_page_text(text)
    assert len(lines(page)) == 400
    picture = page.every("svg", "runsfig")[0]
    assert len(picture.every("use", "dot")) == 360
    assert float(picture.attributes["height"]) < 200.0


@pytest.mark.parametrize(("runs", "names"), [
    (["ada.html", "bob.html"], ["ada.html", "bob.html"]),
    (["gil/1", "gil/2"], ["1", "2"]),
    (["c/ada/gil/1", "c/bob/gil/1"], ["ada", "bob"]),
    (["ada/r/gil/1", "ada/r/gil/2", "bob/r/gil/1"], ["ada/1", "ada/2", "bob"]),
    (["ada/x/1", "ada/y/1", "bob/x/1"], ["ada/x/1", "ada/y/1", "bob"]),
    (["1"], ["1"]),
    ([], []),
])  # fmt: skip
def test_names_are_as_short_as_tells_them_apart(runs: list[str], names: list[str]) -> None:
    assert list(short_names(runs).values()) == names


def place(figure: float | None, low: float | None = None, high: float | None = None) -> RunDot:
    return RunDot(1, "a run", "ok", figure, low, high)


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("from_zero", [True, False])
@pytest.mark.parametrize(
    "dots",
    [
        [],
        [place(1.5)],
        [place(2.0), place(2.0)],
        [place(0.5), place(80.0, None, 400.0)],
        [place(None, 3.0)],
        [place(None, None, 3.0)],
        [place(None)],
    ],
)
@pytest.mark.parametrize(("above", "below"), [(1.3, None), (None, 1.1), (0.9, 1.1), (None, None)])
def test_every_run_and_bound_is_on_the_axis(
    log: bool, from_zero: bool, dots: list[RunDot], above: float | None, below: float | None
) -> None:
    asked = ManyRuns("label", dots, str, "needed", above, below, log=log, from_zero=from_zero)
    axis = runs_axis(asked)
    for figure in (*asked.bounds, *(dot.place for dot in dots)):
        assert figure is None or axis.has(figure)
    drawing = read_drawing(str(runs_picture(asked)))
    assert len(list(marks(drawing, "use", "dot"))) == sum(dot.place is not None for dot in dots)


def test_intervals_of_very_many_runs_are_left_out() -> None:
    for count, drawn in ((60, 60), (61, 0)):
        dots = [place(2.0, 1.0, 3.0) for _ in range(count)]
        drawing = read_drawing(str(runs_picture(ManyRuns("label", dots, str, "needed", 1.3))))
        assert len(list(marks(drawing, "line", "span"))) == drawn
