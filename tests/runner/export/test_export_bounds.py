# SPDX-License-Identifier: BSD-3-Clause
"""Lower bounds are told as such in every format, and a saturated server is named."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.stored_runs import make_run, places_with

from fibench.export import exported
from fibench.export._rows import rows_of
from fibench.record import LatencyBounds, Record, Saturated
from fibench.report.terminal import Circumstances, render_results
from fibench.store.record import RecordError, read_record
from fibench.store.stored_run import read_run
from fibench.verdict.comparing.comparison import compare
from fibench.verdict.reviewing import Review, review

CLAIM = """
[[claim]]
says = "half of them wait for long"
value = { backend = "py-mt" }
metric = "p50"
above = "200ms"
[[claim]]
says = "half of them are served soon"
value = { backend = "py-mt" }
metric = "p50"
below = "30ms"
[[claim]]
says = "processes wait less"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "p50"
below = 0.9
"""
EXPERIMENT = """\
title = "More than it can answer"
[matrix]
backend = ["py-mp", "py-mt"]
[load]
clients = 8
rate = 200
duration = "2s"
warmup = "200ms"
[plan]
timelines = false
blocks = 5
"""
BOUND_S = 0.812


def saturated(record: Record) -> Record:
    """The record of a trial of py-mt that was asked for twice what it could answer."""
    if record.parameters.backend != "py-mt":
        return record
    checks = replace(record.checks, saturated=Saturated(1000.0, 2000.0), lag_p99_s=1e-5)
    metrics = {**record.metrics, "p50_s": None}
    bounds = {"p50_s": LatencyBounds(BOUND_S, None)}
    return replace(record, metrics=metrics, bounds=bounds, checks=checks)


@pytest.fixture(scope="module")
def plain_and_bounded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Review, Review]:
    """A run, and the same of which one server was saturated; both judged."""
    folder = tmp_path_factory.mktemp("runs")
    text = EXPERIMENT + CLAIM
    run = read_run(make_run(folder, text=text), places_with(folder))
    bounded = replace(
        run,
        records=[saturated(record) for record in run.records],
        attempts=[saturated(record) for record in run.attempts],
    )
    return review(run), review(bounded)


@pytest.fixture
def bounded(plain_and_bounded: tuple[Review, Review]) -> Review:
    """The second of them."""
    return plain_and_bounded[1]


def test_bounds_decide_what_they_can(bounded: Review) -> None:
    assert [v.outcome for v in bounded.verdicts] == ["CONFIRMED", "REFUTED", "CONFIRMED"]


def test_the_terminal_shows_bounds_and_names_the_server(bounded: Review) -> None:
    out = io.StringIO()
    render_results(out, bounded.run.experiment, bounded.findings, Circumstances(Path("results")))
    text = " ".join(out.getvalue().split())
    assert "> 812 ms" in text
    assert "> a lower bound: of a server that was asked for more than it could answer" in text
    assert "saturated: answers 1,000 of 2,000/s" in text
    assert "p50 py-mt: > 812 ms [812, ∞], needed > 200 ms" in text


def test_markdown_shows_bounds(bounded: Review) -> None:
    text = exported(bounded, "md")
    (row,) = [line for line in text.splitlines() if line.startswith("| py-mt ")]
    assert "812 ms" in row
    assert "saturated: answers 1,000 of 2,000/s" in text


def test_csv_has_bounds_in_columns_of_their_own(bounded: Review) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(bounded, "csv"))))
    (cell,) = [r for r in rows if (r["row"], r["name"], r["metric"]) == ("cell", "py-mt", "p50")]
    assert (cell["estimate"], cell["at_least"], cell["at_most"]) == ("", "0.812", "")
    assert (cell["low"], cell["high"]) == ("0.812", "")
    claims = [row for row in rows if row["row"] == "claim"]
    assert [row["at_least"] for row in claims] == ["0.812", "0.812", ""]
    assert claims[2]["estimate"] == ""
    assert float(claims[2]["at_most"]) < 0.9
    assert (claims[2]["low"], float(claims[2]["high"]) < 0.9) == ("", True)
    others = [r for r in rows if r["row"] == "cell" and r["metric"] != "p50"]
    assert {(row["at_least"], row["at_most"]) for row in others} == {("", "")}


def test_json_has_bounds_as_members_of_their_own(bounded: Review) -> None:
    document = json.loads(exported(bounded, "json"))
    (cell,) = [cell for cell in document["cells"] if cell["label"] == "py-mt"]
    p50 = cell["metrics"]["p50_s"]
    assert p50["mean"] is None
    assert p50["at_least"] == pytest.approx(BOUND_S)
    assert p50["at_most"] is None
    assert p50["high"] is None
    estimate = document["claims"][0]["estimate"]
    assert (estimate["mean"], estimate["high"]) == (None, None)
    assert estimate["at_least"] == pytest.approx(BOUND_S)
    ratio = document["claims"][2]["estimate"]
    assert (ratio["low"], ratio["high"] < 0.9) == (None, True)


def test_a_lower_end_that_is_not_there_is_none_in_the_columns_of_a_cell(bounded: Review) -> None:
    summary = bounded.summaries[1]
    p50 = replace(summary.estimates["p50"], low=0.0, high=0.9, at_least=None, at_most=0.9)
    (row,) = [r for r in rows_of(replace(summary, estimates={"p50": p50})) if r.metric == "p50"]
    assert (row.low, row.high) == (None, 0.9)


def test_pyperf_has_no_bound_for_a_figure(bounded: Review) -> None:
    suite: dict[str, Any] = json.loads(exported(bounded, "pyperf"))
    names = [one["metadata"]["name"] for one in suite["benchmarks"]]
    assert "py-mp: p50 latency" in names
    assert "py-mt: p50 latency" not in names


def test_compare_makes_no_ratio_of_a_bound(plain_and_bounded: tuple[Review, Review]) -> None:
    rows = compare(*plain_and_bounded).rows
    (row,) = [r for r in rows if (r.cell, r.metric) == ("py-mt", "p50")]
    assert row.ratio is None
    assert row.absent == "p50 is known by bounds alone (second run)"


def test_a_record_is_read_as_it_was_written(bounded: Review) -> None:
    for record in bounded.run.records:
        assert read_record(json.loads(json.dumps(record.as_document()))) == record


@pytest.mark.parametrize(
    "bounds",
    [
        [],
        {"p50_s": 1.0},
        {"p50_s": {}},
        {"p50_s": {"at_least": None, "at_most": 1.0}},
        {"p50_s": {"at_least": -1.0, "at_most": None}},
        {"p50_s": {"at_least": 1e300, "at_most": None}},
        {"p50_s": {"at_least": 2.0, "at_most": 1.0}},
        {"p50_s": {"at_least": 2.0, "at_most": "3"}},
    ],
)
def test_a_record_whose_bounds_are_none_is_refused(bounded: Review, bounds: object) -> None:
    document = {**bounded.run.records[0].as_document(), "bounds": bounds}
    with pytest.raises(RecordError, match="no proper bounds"):
        read_record(json.loads(json.dumps(document)))


@pytest.mark.parametrize("told", [[], {}, {"answered_per_s": 1.0}, {"due_per_s": -1.0}])
def test_a_record_whose_saturation_is_none_is_refused(bounded: Review, told: object) -> None:
    document = json.loads(json.dumps(bounded.run.records[0].as_document()))
    document["checks"]["saturated"] = told
    with pytest.raises(RecordError, match="no proper checks"):
        read_record(document)
