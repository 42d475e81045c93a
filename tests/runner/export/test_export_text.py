# SPDX-License-Identifier: BSD-3-Clause
"""Markdown, CSV and JSON of a run: whole, documented, and harmless whatever names are in it."""

import csv
import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import (
    CLAIMS,
    EXPERIMENT,
    MACHINE,
    WITH_GROUPS,
    leave_out,
    make_run,
    places_with,
    rewrite_journal,
)

from fibench.export import OF_LISTS, OF_RUNS, exported, listing
from fibench.export.csv import CSV_COLUMNS, field, written_rows
from fibench.export.formats import maker_of
from fibench.export.md import escape, table
from fibench.report.runs import RunRow
from fibench.report.runs import rows as listing_rows
from fibench.store.planned import claims_for
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import Review, review
from fibench.wording import escaped

PLACES = places_with(Path("/nonexistent"))
EVIL = "a|b `c` <script>alert(1)</script> *d* [e](f) @team & \\x"


def test_each_format_has_who_makes_it() -> None:
    assert tuple(listing.FORMATS) == OF_LISTS
    for name in OF_RUNS:
        if name not in ("text", "html"):  # of `report` and of `page`
            assert callable(maker_of(name).export)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Review:
    return judged_run(tmp_path_factory.mktemp("gil") / "run")


@pytest.fixture(scope="module")
def rejudged(judged: Review) -> Review:
    """The same run, judged by other claims."""
    claims, _ = claims_for(CLAIMS.encode(), "claims.toml", judged.run.experiment.cells)
    return review(judged.run, claims)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_a_row_for_each_cell_and_metric(judged: Review) -> None:
    found = {(row["name"], row["metric"]): row for row in rows(exported(judged, "csv"))}
    row = found["py-mp", "throughput"]
    assert row["row"] == "cell"
    assert float(row["low"]) < float(row["estimate"]) < float(row["high"])
    assert (row["unit"], row["blocks"], row["interval"]) == ("1/s", "5", "95 %")
    assert found["py-mt", "memory"]["unit"] == "bytes"
    absent = found["py-mt", "p999"]
    assert (absent["estimate"], absent["note"]) == ("", "p999 needs 10000 replies in every trial")
    counted = found["py-mt", "refused"]
    assert (counted["estimate"], counted["low"], counted["high"]) == ("0", "0", "0")
    assert counted["interval"] == "range"


def test_csv_ends_with_the_claims(judged: Review, rejudged: Review) -> None:
    claims = [row for row in rows(exported(judged, "csv")) if row["row"] == "claim"]
    assert [(row["name"], row["outcome"]) for row in claims] == [
        ("multiprocess-beats-threads", "CONFIRMED"), ("refusals", "CONFIRMED"),
    ]  # fmt: skip
    assert (claims[0]["unit"], claims[0]["interval"]) == ("ratio", "97.5 %")
    (added,) = [row for row in rows(exported(rejudged, "csv")) if row["row"] == "claim"]
    assert (added["outcome"], added["note"]) == ("REFUTED", "claims added afterwards")


def test_every_format_says_what_was_left_out_and_on_which_python_the_rest_ran(
    tmp_path: Path,
) -> None:
    text = EXPERIMENT.replace("n = 27", 'n = 27\ninterpreter = "3.13"')
    python = {"path": "/p", "version": "3.13.0", "implementation": "CPython", "gil": True}
    folder = make_run(
        tmp_path / "run", text=text, environment={**MACHINE, "interpreters": {"3.13": python}}
    )
    why = "py-mp on 3.13: there is no fork"
    leave_out(folder, "py-mp", why)
    judged = review(read_run(folder, PLACES))

    page = exported(judged, "md")
    assert "Interpreter 3.13: CPython 3.13.0, with the GIL (/p)." in page
    assert f"- 1 cell left out: {why}" in page
    (row,) = [row for row in rows(exported(judged, "csv")) if row["row"] == "left out"]
    assert (row["name"], row["estimate"], row["note"]) == ("py-mp", "", why)
    document = json.loads(exported(judged, "json"))
    assert [cell["label"] for cell in document["cells"]] == ["py-mt"]
    assert document["cells"][0]["parameters"]["interpreter"] == "3.13"
    (cell,) = document["left_out"]
    assert set(cell) == {"key", "label", "backend", "parameters", "reason"}
    assert (cell["label"], cell["reason"]) == ("py-mp", why)
    assert document["claims"][0]["outcome"] == "NOT HERE"


def test_csv_is_rfc_4180(judged: Review) -> None:
    text = exported(judged, "csv")
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert text.split("\r\n")[0].split(",") == list(CSV_COLUMNS)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=5))
def test_any_csv_field_comes_back_escaped_and_none_is_a_formula(fields: list[str]) -> None:
    text = written_rows([f"f{place}" for place in range(len(fields))], [fields])
    _, back = csv.reader(io.StringIO(text, newline=""))
    for given_, found in zip(fields, back, strict=True):
        assert not found.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert found.removeprefix("'") == escaped(given_).removeprefix("'")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_starts_a_formula_is_led_by_an_apostrophe(start: str) -> None:
    assert field(f"{start}1+1") == f"'{escaped(start)}1+1"
    assert field(-1.5) == "-1.5", "a number is one"


def test_json_is_the_documented_document(judged: Review) -> None:
    document = json.loads(exported(judged, "json"))
    assert document["schema"] == 1
    assert document["run"]["complete"] is True
    assert (document["run"]["trials"], document["run"]["blocks"]) == (10, 5)
    assert document["machine"]["usable_cores"] == 2
    (mp, mt) = document["cells"]
    assert (mp["label"], mp["parameters"]["n"], mp["trials"]["valid"]) == ("py-mp", 27, 5)
    figure = mp["metrics"]["p99_s"]
    assert figure["low"] < figure["mean"] < figure["high"]
    assert mt["metrics"]["refused"]["interval"] == "range"
    assert [claim["outcome"] for claim in document["claims"]] == ["CONFIRMED", "CONFIRMED"]
    assert document["claims_added_afterwards"] is False


def test_json_marks_claims_that_were_added(rejudged: Review) -> None:
    document = json.loads(exported(rejudged, "json"))
    assert document["claims_added_afterwards"] is True
    assert [claim["id"] for claim in document["claims"]] == ["reversed"]


def test_no_export_names_a_folder_of_this_machine(judged: Review, tmp_path: Path) -> None:
    for name in ("md", "csv", "json", "pyperf"):
        assert str(judged.run.folder.parent.parent) not in exported(judged, name)


def rendered(text: str) -> str:
    """The HTML that a renderer of GitHub's tables makes of Markdown, raw HTML forbidden."""
    return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def test_markdown_has_a_table_of_cells_and_verdicts_in_words(judged: Review) -> None:
    page = rendered(exported(judged, "md"))
    assert page.count("<tr>") == 3
    assert re.search(r"<td[^>]*>py-mp</td>", page)
    assert "<strong>CONFIRMED</strong> Multiprocess beats threads" in page
    assert "2 of 2 claims confirmed" in page
    assert "needed &gt; 1.3" in page


def test_markdown_marks_claims_that_were_added(rejudged: Review) -> None:
    text = exported(rejudged, "md")
    assert "## Claims (claims added afterwards)" in text
    assert "**REFUTED**" in text


def test_an_interrupted_run_has_estimates_and_no_verdict(tmp_path: Path) -> None:
    judged = review(read_run(make_run(tmp_path / "run", complete=False), PLACES))
    text = exported(judged, "md")
    assert "Interrupted: these are estimates" in text
    assert "CONFIRMED" not in text + exported(judged, "csv") + exported(judged, "json")
    assert json.loads(exported(judged, "json"))["run"]["complete"] is False


def test_names_from_outside_do_nothing_in_any_format(tmp_path: Path) -> None:
    evil = json.dumps(EVIL)
    text = EXPERIMENT.replace('"Multiprocess beats threads"', evil)
    text = text.replace('"Threads and processes"', evil)
    machine: dict[str, Any] = {"processor": "\x1b[31m" + EVIL, "usable_cores": 2}
    judged = review(read_run(make_run(tmp_path / "run", text=text, environment=machine), PLACES))
    page = rendered(exported(judged, "md"))
    assert "<script" not in page
    assert "<code>" not in page
    assert "<em>" not in page
    assert "<a " not in page
    assert html.escape("a|b `c` <script>", quote=False) in page
    for name in ("md", "csv", "json", "pyperf"):
        assert "\x1b" not in exported(judged, name)


MARKUP = st.text(st.sampled_from("`*_[]<>|~&!#-+=.)1a \\@$:/\"'()\n\t"), max_size=20)
TEXT = MARKUP | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)


@given(st.lists(TEXT, min_size=2, max_size=3))
def test_any_text_stays_in_its_cell_of_a_markdown_table(texts: list[str]) -> None:
    page = rendered("\n".join(table(["x"] * len(texts), [texts])) + "\n")
    assert len(CELL.findall(page)) == len(texts)
    for tag in ("<em", "<strong", "<code", "<a ", "<s>", "<img", "<script"):
        assert tag not in page


@given(TEXT)
def test_any_text_is_one_plain_item_of_a_markdown_list(text: str) -> None:
    page = rendered(f"- x {escape(text)}\n")
    assert page.count("<li>") == 1
    assert not re.search(r"<(?!/?(ul|li)>|!-- -->)", page)


def test_markdown_has_a_row_for_each_client_group_as_the_terminal_has(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", text=WITH_GROUPS)

    def give(record: dict[str, Any]) -> None:
        figures = {"throughput_per_s": 200.0 + record["block"], "p50_s": 0.0041}
        record["groups"] = {"small": {"metrics": figures, "counts": {"window_ok": 400}}}

    rewrite_journal(folder, give)
    judged = review(read_run(folder, places_with(folder)))
    lines = exported(judged, "md").splitlines()
    begin = lines.index(next(line for line in lines if line.startswith("| cell")))
    rows = [[field.strip() for field in line.split("|")[1:-1]] for line in lines[begin + 2 :][:4]]
    assert [row[0] for row in rows] == ["py-mt", "py-mt: small", "py-mp", "py-mp: small"]
    heads = [field.strip() for field in lines[begin].split("|")[1:-1]]
    own = dict(zip(heads, rows[1], strict=True))
    assert own["throughput"].startswith("201/s ±")
    assert own["p50"].startswith("4.1")
    assert not own["memory"], "a group has none of its own"


def test_the_listing_has_the_units_of_tables(tmp_path: Path) -> None:
    text = EXPERIMENT.replace('metric = "refused"\nbelow = 1', 'metric = "p50"\nbelow = "1s"')
    make_run(tmp_path / "gil" / "one", text=text)
    found = listing_rows(tmp_path)
    estimates = [listing._estimate(row) for row in found]
    assert estimates[0].startswith("×1.8")
    assert re.fullmatch(r"p50 \d\d\.\d ms \[\d\d\.\d, \d\d\.\d\]", estimates[1])
    for name in ("text", "md"):
        assert " ms [" in listing.FORMATS[name](found).replace("\\", "")
    (row,) = (row for row in rows(listing.FORMATS["csv"](found)) if row["quantity"] == "p50_s")
    assert 0.015 < float(row["estimate"]) < 0.03, "base units, as documented"


@pytest.mark.parametrize(
    ("quantity", "figure", "told"),
    [
        ("ratio", 1.83, "×1.83 [1.74, 1.92]"),
        ("throughput_per_s", 712.0, "throughput 712/s [676, 748]"),
        ("memory_bytes", 9.5 * 2**20, "memory 9.50 MiB [9.03, 9.97]"),
        ("refused", 2.0, "refused 2 [1.9, 2.1]"),
        ("n", 21.3, "n = 21.3 [20.2, 22.4]"),
        ("io_wait", 0.02, "io_wait = 20.0 ms [19.0, 21.0]"),
    ],
)
def test_each_kind_of_estimate_is_told_with_what_it_is(
    quantity: str, figure: float, told: str
) -> None:
    row = RunRow("r", "e", "m", 1, "w", True, "c", "CONFIRMED", quantity=quantity)
    row = replace(row, estimate=figure, low=0.95 * figure, high=1.05 * figure)
    assert listing._estimate(row) == told
