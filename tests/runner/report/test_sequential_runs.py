# SPDX-License-Identifier: BSD-3-Clause
"""Runs that ended when their claims were clear, as reports, exports, lists and audits show them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.sequential_runs import SEQUENTIAL, make_sequential, make_timed
from tests.runner.stored_runs import places_with, rewrite_journal

from fibench.commands.review import report as show
from fibench.export import OF_RUNS, exported
from fibench.report.runs import rows
from fibench.store.planned import claims_for
from fibench.store.stops import keep_stop, tell_end
from fibench.store.stored_run import read_run
from fibench.verdict.comparing.comparison import compare
from fibench.verdict.reviewing import Review, review

INTERRUPTED_AFTER = 2 + 7 * 4 + 2
"""Trials: two ceilings, and two of the eighth block."""


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


ADDED = """\
[plan]
timelines = false
tolerate_failures = 0.5
[[claim]]
says = "Nothing is refused by threads"
value = { backend = "py-mt" }
metric = "errors"
below = 1
"""


def with_added(folder: Path) -> Review:
    run = read_run(folder, places_with(folder))
    claims, _ = claims_for(ADDED.encode(), "added.toml", run.planned_cells)
    return review(run, claims)


def test_claims_added_afterwards_change_no_interval_of_the_table(whole: Path) -> None:
    assert with_added(whole).summaries == judged(whole).summaries


def test_claims_added_afterwards_are_decided_after_as_many_blocks_as_there_are(
    interrupted: Path,
) -> None:
    (interrupted / "claims.json").write_text('{"schema": 2, "claims": []}')
    (verdict,) = with_added(interrupted).verdicts
    assert (verdict.outcome, verdict.decided) == ("CONFIRMED", 9)


def test_claims_added_afterwards_tolerate_no_more_than_the_run_does(
    whole: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(record: dict[str, object]) -> None:
        if record["block"] == 3 and "py-mt" in str(record["cell"]):
            record.update(valid=False, reason="it ended", failure="invalid")

    rewrite_journal(whole, fail)
    (whole / "added.toml").write_text(ADDED)
    assert show(str(whole), "json", "", str(whole / "added.toml"), replace=False) == 0
    (claim,) = json.loads(capfd.readouterr().out)["claims"]
    assert claim["outcome"] == "INVALID"
    assert "1 of 12 trials" in claim["reason"]


@pytest.mark.parametrize("cell", ["py-mp~aa", "py-mt"])
def test_a_line_that_was_lost_leaves_the_verdicts_of_others_where_they_were(
    whole: Path, cell: str
) -> None:
    lost = next(
        record["trial"]
        for record in map(json.loads, (whole / "trials.jsonl").read_text().splitlines())
        if record["block"] == 2 and record["label"].startswith(cell.partition("~")[0])
        and record["cell"].endswith("~aa") == cell.endswith("~aa")
    )  # fmt: skip
    cut(whole, lambda record: record["trial"] != lost)
    found = judged(whole)
    assert "1 of 38 trials is missing" in found.marks
    near = found.verdicts[1]
    assert near.estimate is not None
    assert near.estimate.blocks == (12 if cell.endswith("~aa") else 11)
    assert found.verdicts[0].decided == (6 if cell.endswith("~aa") else None)


# Runs that were broken off, ended by noise, or by the clock


def said_of(folder: Path, capfd: pytest.CaptureFixture[str]) -> tuple[bool, bool, bool]:
    """Whether the report, Markdown and a comparison call a run interrupted."""
    assert show(str(folder), "text", "", "", replace=False) == 0
    text = capfd.readouterr().out
    found = judged(folder)
    both = compare([found], [judged(folder)])
    return "Interrupted" in text, "Interrupted" in exported(found, "md"), bool(both.interrupted)


def test_a_run_that_was_broken_off_is_called_so_everywhere(
    interrupted: Path, whole: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert judged(interrupted).verdicts
    assert said_of(interrupted, capfd) == (True, True, True)
    assert said_of(whole, capfd) == (False, False, False)


@pytest.mark.parametrize("text", [SEQUENTIAL, SEQUENTIAL.partition("[[claim]]")[0]])
def test_a_run_that_ended_for_noise_is_nowhere_called_interrupted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    run = make_sequential(tmp_path / "made" / "2026-11-25T2255-63e1", text, trials=14, seed=2)
    keep_stop(run, "the machine was not quiet: 1.8 cores of cc1", not_quiet=True)
    tell_end(run, "not quiet")
    assert said_of(run, capfd) == (False, False, False)
    assert [v.outcome for v in judged(run).verdicts] == ["INCONCLUSIVE"] * text.count("[[claim]]")
    assert "interrupted" not in {row.outcome for row in rows(tmp_path)}


TIMED = SEQUENTIAL.partition("[[claim]]")[0].replace("most = 12", "most = 100")


@pytest.mark.parametrize("blocks", [1, 3, 5, 6, 9])
def test_a_run_that_the_clock_ended_lacks_nothing_until_a_line_is_lost(
    tmp_path: Path, blocks: int
) -> None:
    run = make_timed(tmp_path / "made" / "2026-11-26T2255-63e1", TIMED, blocks)
    (run / "claims.json").write_text('{"schema": 2, "claims": []}')
    tell_end(run, "ended")
    assert judged(run).marks == ()
    last = blocks - 1
    lost = {1: "ceiling", 3: "b001"}.get(blocks, f"b{last:03d}")
    lines = (run / "trials.jsonl").read_text().splitlines(keepends=True)
    gone = next(line for line in lines if json.loads(line)["trial"].startswith(lost))
    cut(run, lambda record: record["trial"] != json.loads(gone)["trial"])
    assert any("1 of" in mark and "missing" in mark for mark in judged(run).marks)


@pytest.mark.parametrize("why", ["interrupted", "not quiet"])
def test_a_run_that_was_stopped_with_all_its_trials_does_not_miss_its_verdicts(
    tmp_path: Path, why: str
) -> None:
    run = make_timed(tmp_path / "made" / "2026-11-26T2255-63e1", TIMED, 6)
    assert judged(run).marks == ("every trial is there, and claims.json is not",)
    tell_end(run, why)
    assert judged(run).marks == ()


def test_every_export_says_after_which_block_a_claim_was_decided(
    whole: Path, interrupted: Path
) -> None:
    ended, broken_off = judged(whole), judged(interrupted)
    for name in OF_RUNS:
        assert name in ("text", "html", "hlog") or exported(ended, name)
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
