# SPDX-License-Identifier: BSD-3-Clause
"""Bencher Metric Format of a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from tests.runner.export.outcome_runs import ANY_TEXT, Saying
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import WITH_GROUPS, make_run, places_with, rewrite_journal

from fibench.export import exported
from fibench.store import read_run
from fibench.verdict import Review, review


def benchmarks(judged: Review) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """What the format has, held to its layout."""
    found: Any = json.loads(exported(judged, "bmf"))
    for name, measures in found.items():
        assert 0 < len(name) <= 1024
        assert measures
        for measured in measures.values():
            assert {"value"} <= measured.keys() <= {"value", "lower_value", "upper_value"}
            assert all(type(one) in (int, float) for one in measured.values())
            value = measured["value"]
            assert measured.get("lower_value", value) <= value
            assert value <= measured.get("upper_value", value)
    return found  # type: ignore[no-any-return]


def test_each_cell_has_its_metrics_with_their_intervals(tmp_path: Path) -> None:
    judged = judged_run(tmp_path / "run")
    found = benchmarks(judged)["py-mp"]
    estimate = judged.summaries[0].estimates["throughput"]
    assert found["throughput_per_s"] == {
        "value": estimate.mean, "lower_value": estimate.low, "upper_value": estimate.high
    }  # fmt: skip
    assert "p999_s" not in found, "what is not known is left out"
    assert found["refused"] == {"value": 0, "lower_value": 0, "upper_value": 0}


def test_each_claim_with_a_figure_has_it(outcomes: Review) -> None:
    found = benchmarks(outcomes)
    for verdict in outcomes.verdicts:
        known = verdict.count or (verdict.shown_estimate and verdict.shown_estimate.mean)
        measures = found.get(f"claim {verdict.claim.id}")
        assert (measures is not None) == bool(known), verdict.claim.id
        assert measures is None or list(measures) == [verdict.quantity]


def test_client_groups_are_benchmarks_of_their_own(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", text=WITH_GROUPS)

    def give(record: dict[str, Any]) -> None:
        figures = {"throughput_per_s": 200.0 + record["block"], "p50_s": 0.0041}
        record["groups"] = {"small": {"metrics": figures, "counts": {"window_ok": 400}}}

    rewrite_journal(folder, give)
    found = benchmarks(review(read_run(folder, places_with(folder))))
    assert found["py-mt/small"]["throughput_per_s"]["value"] == pytest.approx(201.0, rel=1e-3)
    assert found["py-mt/small"]["p50_s"]["value"] == pytest.approx(0.0041, rel=1e-3)


@given(ANY_TEXT)
def test_whatever_is_said_it_keeps_its_layout_and_each_mark_is_there(
    made: Saying, text: str
) -> None:
    found = benchmarks(made(text))
    assert any(name.startswith("mark: ") for name in found) == bool(text)
