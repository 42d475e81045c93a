# SPDX-License-Identifier: BSD-3-Clause
"""Runs that ended when their claims were clear, as reports, exports, lists and audits show them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runner.sequential_runs import SEQUENTIAL, make_sequential
from tests.runner.stored_runs import places_with

from fibench.commands.review import report as show
from fibench.export import OF_RUNS, exported
from fibench.report.runs import rows
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import Review, review

INTERRUPTED_AFTER = 2 + 7 * 4 + 2
"""Trials: two ceilings, and two of the eighth block."""


def judged(folder: Path) -> Review:
    return review(read_run(folder, places_with(folder)))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return make_sequential(tmp_path / "made" / "2026-11-24T2255-63e1")


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    run = tmp_path / "made" / "2026-11-25T2255-63e1"
    return make_sequential(run, trials=INTERRUPTED_AFTER, seed=2)


def test_a_run_that_ended_early_lacks_nothing(whole: Path) -> None:
    found = judged(whole)
    assert found.marks == ()
    assert [(v.outcome, v.decided) for v in found.verdicts] == [
        ("CONFIRMED", 6), ("INCONCLUSIVE", None),
    ]  # fmt: skip
    kept = json.loads((whole / "claims.json").read_text())["claims"]
    assert [claim["decided"] for claim in kept] == [6, None]
    assert len(found.run.records) < len(found.run.plan.trials)


def cut(folder: Path, keep: Callable[[dict[str, object]], bool]) -> None:
    path = folder / "trials.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if keep(json.loads(line))))


@pytest.mark.parametrize(
    ("keep", "missing"),
    [
        (lambda record: record["block"] < 11, "2 of 38 trials are missing"),
        (lambda record: record["block"] != 3, "4 of 38 trials are missing"),
        (lambda record: record["index"] != 9, "1 of 38 trials is missing"),
        (lambda record: record["block"] < 6, "2 of 28 trials are missing"),
    ],
)
def test_trials_that_were_cut_out_of_such_a_run_are_missed(
    whole: Path, keep: Callable[[dict[str, object]], bool], missing: str
) -> None:
    cut(whole, keep)
    assert missing in judged(whole).marks


def test_an_interrupted_run_keeps_what_it_had_decided(
    interrupted: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = judged(interrupted)
    assert found.marks == ()
    assert [(v.claim.id, v.decided) for v in found.verdicts] == [("clear", 6)]
    assert show(str(interrupted), "text", "", "", replace=False) == 0
    text = " ".join(capfd.readouterr().out.split())
    assert "Interrupted: what was decided before has its verdict, the rest has none." in text
    assert "CONFIRMED Processes beat threads" in text
    assert "decided after 6 blocks" in text
    assert "not decided Threads beat one at a time" in text
    markdown = exported(found, "md")
    assert "- not decided: Threads beat one at a time" in markdown
    assert "1 of 2 claims confirmed, 1 not decided" in markdown


def test_every_export_says_after_which_block_a_claim_was_decided(
    whole: Path, interrupted: Path
) -> None:
    ended, broken_off = judged(whole), judged(interrupted)
    for name in OF_RUNS:
        assert name in ("text", "hlog") or exported(ended, name)
    assert "decided after 6 blocks" in exported(ended, "md")
    document = json.loads(exported(broken_off, "json"))
    assert [claim["decided"] for claim in document["claims"]] == [6]
    assert document["undecided"] == ["near"]
    assert (document["run"]["least_blocks"], document["run"]["blocks"]) == (6, 12)
    told = [
        (row["name"], row["outcome"], row["decided"])
        for row in csv.DictReader(io.StringIO(exported(broken_off, "csv"), newline=""))
        if row["row"] == "claim"
    ]
    assert told == [("clear", "CONFIRMED", "6"), ("near", "not decided", "")]


def test_a_list_of_runs_has_a_row_for_each_claim(whole: Path, interrupted: Path) -> None:
    found = rows(whole.parents[1])
    assert [(row.claim, row.outcome, row.complete) for row in found] == [
        ("clear", "CONFIRMED", True), ("near", "INCONCLUSIVE", True),
        ("clear", "CONFIRMED", False), ("near", "not decided", False),
    ]  # fmt: skip
    assert {row.marks for row in found} == {""}


def test_the_intervals_of_cells_with_claims_are_repeated_ones(whole: Path) -> None:
    alone = SEQUENTIAL.partition("[[claim]]")[0]
    bare = judged(make_sequential(whole.parent / "2026-11-26T2255-63e1", alone))
    with_claims, without = (
        found.summaries[0].estimates["throughput"] for found in (judged(whole), bare)
    )
    assert with_claims.blocks == without.blocks == 6
    assert with_claims.mean == without.mean
    assert with_claims.looks is not None
    assert without.looks is None
    assert with_claims.high is not None
    assert without.high is not None
    assert with_claims.high > without.high
