# SPDX-License-Identifier: BSD-3-Clause
"""What is possible at most, in every format of a run: the page, Markdown, CSV and JSON."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.page.html_reading import Node, read_page_text
from tests.runner.page.kinds import OUTCOMES
from tests.runner.page.model_runs import Document, Model, experiment_file, model_run

from fibench.export import exported
from fibench.page import page_of
from fibench.plan import Trial
from fibench.verdict import Review

TAKES_S = {"py-s": 0.0203, "py-m": 0.0203, "py-a": 0.0203, "c-sy": 0.00045, "c-mp": 0.00045,
           "c-mt": 0.00045}  # fmt: skip
"""What fibonacci(27) takes alone, by how the name of a backend begins."""


def with_capacity(document: Document, trial: Trial) -> None:
    """As a trial of two CPUs that counts what its server could keep busy."""
    backend = trial.cell.backend
    one = backend in ("py-sync", "py-mt", "py-async", "c-sync")
    document["machine"] = {**document.get("machine", {}), "capacity_cpus": 1.0 if one else 2.0}
    takes_s = 0.0126 if trial.cell.parameters.n == 34 else TAKES_S.get(backend[:4])
    document["checks"] = {**document.get("checks", {}), "fibonacci_s": takes_s}


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Review:
    """Of the experiment gil, figures as a model has them."""
    folder = tmp_path_factory.mktemp("gil") / "run"
    model = Model(change=with_capacity, loads=False)
    return judged(model_run(folder, experiment_file("gil"), model))


@pytest.fixture(scope="module")
def page(review: Review) -> Node:
    return read_page_text(page_of(review))


def test_no_cell_was_measured_above_what_is_possible(review: Review) -> None:
    for summary in review.summaries:
        found, rate = review.findings.possible[summary.cell_key], summary.estimates["throughput"]
        assert rate.mean is not None
        if found.per_s is not None:
            assert found.per_s >= rate.mean * 0.999


def test_the_page_has_a_row_for_each_cell_of_which_it_is_known(review: Review, page: Node) -> None:
    table = page.by_id("t-possible")
    rows = [[" ".join(one.text.split()) for one in row.every("td")] for row in table.every("tr")]
    known = [one for one in review.findings.possible.values() if one.per_s is not None]
    assert len([row for row in rows if row]) == len(known) > 0
    for measured, possible, share, limit, rest in filter(None, rows):
        assert float(measured.removesuffix("/s").replace(",", "")) > 0.0
        assert possible.endswith("/s")
        assert 0.0 < float(share.removesuffix(" %")) <= 100.0
        assert re.match(r"[12] CPUs?, and .* of CPU time a request, ", limit)
        assert "CPUs were busy" in rest


def test_the_cards_say_what_the_bounds_alone_would(page: Node) -> None:
    (said,) = [one.text for one in page.by_id("claim-1").every("p", "expected")]
    assert re.fullmatch(r"By what is possible at most alone: ×\d\.\d+, it holds\.", said)


def test_a_page_of_a_run_that_does_not_say_it_has_no_such_table(tmp_path: Path) -> None:
    folder = model_run(tmp_path / "run", OUTCOMES, Model(loads=False))
    page = read_page_text(page_of(judged(folder)))
    assert not [one for one in page.every("table") if one.attributes.get("id") == "t-possible"]


def test_json_has_each_cells_bound_or_why_there_is_none(review: Review, tmp_path: Path) -> None:
    for cell in json.loads(exported(review, "json"))["cells"]:
        found, rate = cell["possible"], cell["metrics"]["throughput_per_s"]["mean"]
        assert (found["per_s"] is None) == (found["absent"] is not None)
        if found["per_s"] is not None:
            assert found["share"] == pytest.approx(rate / found["per_s"])
            assert found["per_s"] == pytest.approx(found["cpus"] / found["cpu_s"])
    old = judged(model_run(tmp_path / "run", OUTCOMES, Model(loads=False)))
    why = {one["possible"]["absent"] for one in json.loads(exported(old, "json"))["cells"]}
    assert "its trials do not say how many CPUs its server could use" in why


def test_csv_has_a_row_for_each(review: Review) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(review, "csv"), newline="")))
    found = {row["name"]: row for row in rows if row["row"] == "possible"}
    assert found.keys() == {cell.label for cell in review.run.experiment.cells}
    for label, row in found.items():
        (key,) = [cell.key for cell in review.run.experiment.cells if cell.label == label]
        per_s = review.findings.possible[key].per_s
        assert row["estimate"] == ("" if per_s is None else f"{per_s:.12g}")
        assert (row["metric"], row["unit"]) == ("possible_throughput", "1/s")
        assert row["note"]


def test_markdown_has_it_behind_the_throughput(review: Review) -> None:
    lines = exported(review, "md").splitlines()
    (row,) = [line for line in lines if line.startswith("| py-mp n=27 |")]
    assert re.search(r"\| [\d.]+/s ±[\d.]+ % of 98\.5/s \|", row)
