# SPDX-License-Identifier: BSD-3-Clause
"""JSON has what each block says: of a claim, and of a cell."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tests.runner.export.outcome_runs import run_of

from fibench.export import exported
from fibench.verdict import Review
from fibench.verdict.explaining.by_block import AFTERWARDS

FIGURE = {"block", "figure", "at_least", "at_most", "left", "right", "left_out", "meets_bound"}


def document_of(judged: Review) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exported(judged, "json"))
    return found


@pytest.fixture(scope="module")
def document(outcomes: Review) -> dict[str, Any]:
    return document_of(outcomes)


def claim_of(document: dict[str, Any], says: str) -> dict[str, Any]:
    (found,) = [one for one in document["claims"] if one["says"] == says]
    return dict(found)


def test_the_blocks_of_a_ratio_are_those_that_its_estimate_rests_on(
    document: dict[str, Any],
) -> None:
    claim = claim_of(document, "Processes are three times as fast as threads")
    every = claim["by_block"]
    assert all(one.keys() == FIGURE for one in every)
    assert [one["block"] for one in every] == sorted({one["block"] for one in every})
    assert {bool(one["left_out"]) for one in every} == {True, False}, "one was disturbed"
    own = [one for one in every if one["left_out"] is None]
    assert len(own) == claim["estimate"]["blocks"]
    for one in own:
        assert one["figure"] == pytest.approx(one["left"] / one["right"])
        assert one["meets_bound"] is None
    mean = math.exp(math.fsum(math.log(one["figure"]) for one in own) / len(own))
    assert claim["estimate"]["mean"] == pytest.approx(mean)


def test_a_count_says_of_each_block_whether_it_meets_the_bound(document: dict[str, Any]) -> None:
    claim = claim_of(document, "No request fails")
    assert [one["block"] for one in claim["by_block"] if not one["meets_bound"]] == [4]
    assert sum(one["figure"] for one in claim["by_block"]) == claim["count"]["total"] == 2


def test_each_outcome_has_its_blocks_but_what_was_not_measured(document: dict[str, Any]) -> None:
    for claim in document["claims"]:
        assert bool(claim["by_block"]) == (claim["outcome"] != "NOT HERE")


def test_a_cell_has_what_its_trials_gave(document: dict[str, Any]) -> None:
    for cell in document["cells"]:
        trials = cell["by_block"]
        assert [one["block"] for one in trials] == list(range(1, 13))
        assert sum(one["valid"] for one in trials) == cell["trials"]["valid"]
        for one in trials:
            assert one.keys() == {"block", "attempt", "valid", "disturbed", "metrics", "counts"}
            assert (one["metrics"]["throughput_per_s"] is not None) == one["valid"]
    (threads,) = [one for one in document["cells"] if one["label"] == "py-mt"]
    disturbed = [one["block"] for one in threads["by_block"] if one["disturbed"]]
    assert disturbed == [5]


@pytest.mark.parametrize("kind", ["crossover", "sweep", "groups", "gil", "interrupted"])
def test_every_kind_of_claim_has_blocks(kind: str, tmp_path: Path) -> None:
    document = document_of(run_of(kind, tmp_path))
    for claim in document["claims"]:
        if claim["kind"] == "crossover":
            assert claim["by_block"] == []
            assert claim["crossover"]["blocks"]
        elif claim["outcome"] != "NOT HERE":
            # Of two rates of which one is not known in any block there is no ratio.
            assert claim["by_block"] or (claim["sustained"] and claim["right"])
            for one in claim["by_block"]:
                known = [one[name] for name in ("figure", "at_least", "at_most")]
                assert any(figure is not None for figure in known)
                assert one["left_out"] != AFTERWARDS or one["block"] > claim["decided"]
    if kind == "groups":
        trial = document["cells"][0]["by_block"][0]
        assert trial["metrics"]["small/p50_s"] == 0.02
