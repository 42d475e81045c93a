# SPDX-License-Identifier: BSD-3-Clause
"""Beliefs that a run's folder has, and nobody said: left out, told of, and in nobody's way."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.runner.page.kinds import HOSTILE
from tests.runner.stored_runs import make_run, places_with

from fibench.export import exported
from fibench.page import page_of
from fibench.store import read_run
from fibench.store.kept import beliefs_in
from fibench.verdict import review

ONE = {"claim": "multiprocess-beats-threads", "told": "0" * 64, "expected": "holds"}
DEEP: Any = "x"
for _ in range(25):
    DEEP = [DEEP]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "gil" / "2026-11-24T2255-63e1", schema=2)


def plant(folder: Path, beliefs: object) -> None:
    """Have a run's plan say so of what was expected."""
    path = folder / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "beliefs": beliefs}))


@pytest.mark.parametrize(
    ("beliefs", "improper"),
    [
        (HOSTILE, 1),
        ({"claim": HOSTILE}, 1),
        ([HOSTILE, None, 7, {}, ONE], 4),
        ([{**ONE, "claim": HOSTILE, "expected": HOSTILE}], 1),
        ([{**ONE, "claim": HOSTILE * 100}], 1),
        ([ONE] * 10_001, 1),
        (DEEP, 1),
        ([ONE, {**ONE, "expected": "too close"}], 1),
    ],
    ids=["text", "object", "mixed", "words", "long", "many", "deep", "contradiction"],
)
def test_what_is_no_belief_is_a_mark_and_harmless(
    beliefs: object, improper: int, folder: Path
) -> None:
    plant(folder, beliefs)
    run = read_run(folder, places_with(folder.parents[1]))
    assert [run.belief(claim) for claim in run.experiment.claims] == [None, None]
    judged = review(run)
    mark = f"plan.json has beliefs that are none: {improper} left out"
    assert list(judged.marks) == [mark]
    every = [page_of(judged), *(exported(judged, name) for name in ("md", "csv", "json", "pyperf"))]
    for text in every:
        assert not {"\u202e", "\u2066"} & set(text)
    assert [verdict.outcome for verdict in judged.verdicts] == ["CONFIRMED"] * 2


def test_one_of_a_claim_that_there_is_not_is_counted_alone(folder: Path) -> None:
    plant(folder, [ONE])
    judged = review(read_run(folder, places_with(folder.parents[1])))
    assert list(judged.marks) == []
    assert json.loads(exported(judged, "json"))["expected"] == {
        "as_expected": 0, "compared": 0, "of_altered_claims": 1, "claims": [],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99}'])
def test_where_no_plan_can_be_read_nothing_was_expected(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    assert beliefs_in(tmp_path).told == {}
    assert beliefs_in(tmp_path / "none").told == {}
