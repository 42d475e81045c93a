# SPDX-License-Identifier: BSD-3-Clause
"""Rates that are sustained in whole runs that may end early: followed, gone on with, judged by
added claims, compared, listed, exported, and audited."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.judged_runs import judged
from tests.runner.sequential_runs import CORES, experiment_of, go, made_record, make_run

from fibench.commands.review import report as show
from fibench.export import OF_RUNS, exported
from fibench.export.listing import FORMATS
from fibench.record import Disturbed, LatencyBounds, Record, Saturated
from fibench.report.runs import rows
from fibench.run._resume import Attempt
from fibench.store.planned import claims_for
from fibench.verdict import find
from fibench.verdict.comparing.comparison import compare
from fibench.verdict.reviewing import Review, review

CLAIMS = """\
[[claim]]
says = "Threads hold 250/s"
id = "clear"
sustains = { over = "rate", of = { backend = "py-mt" } }
metric = "p90"
limit = "50ms"
above = "250/s"
[[claim]]
says = "One at a time holds 150/s"
id = "bracket"
sustains = { over = "rate", of = { backend = "py-sync" } }
metric = "p90"
limit = "50ms"
above = "150/s"
[[claim]]
says = "Threads hold far more than one at a time"
id = "ratio"
sustains = { over = "rate", of = [{ backend = "py-mt" }, { backend = "py-sync" }] }
metric = "p90"
limit = "50ms"
above = 1.2
"""
TEXT = f"""\
title = "Up to which rate"
[[matrix]]
backend = "py-mt"
rate = ["100/s", "200/s", "400/s"]
[[matrix]]
backend = "py-sync"
rate = ["100/s", "200/s"]
[[matrix]]
backend = "py-mp"
rate = "100/s"
[load]
clients = 32
duration = "2s"
warmup = "200ms"
[plan]
timelines = false
blocks = {{ least = 6, most = 12 }}
seed = 7
{CLAIMS}"""
P90_S = {
    ("py-mt", 100.0): 0.01, ("py-mt", 200.0): 0.02, ("py-mt", 400.0): 0.1,
    ("py-sync", 100.0): 0.02, ("py-mp", 100.0): 0.01,
}  # fmt: skip
"""Of what is not here, the server was saturated."""
NAME = "2026-11-24T2255-63e1"
TRIALS_OF_A_BLOCK = 7
Change = Callable[[Record], Record]


def as_it_is(record: Record) -> Record:
    return record


def answered(attempt: Attempt, change: Change = as_it_is) -> Record:
    """What a trial gives: the latency that its rate has, off by some per cent."""
    record = made_record(attempt)
    wobble = (
        (record.metrics["throughput_per_s"] or 0.0) / 390.0 if attempt.trial.block >= 0 else 1.0
    )
    parameters = attempt.trial.cell.parameters
    at = P90_S.get((parameters.backend, parameters.rate or 0.0))
    checks = replace(record.checks, lag_p99_s=2e-5)
    if parameters.rate is None:
        return record
    if at is not None:
        metrics = {**record.metrics, "p90_s": at * min(1.1, max(0.9, wobble))}
        return change(replace(record, checks=checks, metrics=metrics))
    bounds = {"p90_s": LatencyBounds(0.01, None)}
    checks = replace(checks, saturated=Saturated(90.0, parameters.rate))
    return change(replace(record, checks=checks, bounds=bounds))


def make(
    folder: Path, text: str = TEXT, change: Change = as_it_is, trials: int | None = None
) -> Review:
    """A run of these servers; of one that was interrupted after so many `trials`."""
    make_run(folder, text, lambda attempt: answered(attempt, change), trials)
    return judged(folder)


def outcomes(found: Review) -> dict[str, tuple[str, int | None]]:
    return {one.claim.id: (one.outcome, one.decided) for one in found.verdicts}


DECIDED = {
    "clear": ("CONFIRMED", 6),
    "bracket": ("INCONCLUSIVE", None),
    "ratio": ("CONFIRMED", 6),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Review:
    return make(tmp_path_factory.mktemp("made") / "made" / NAME)


def test_a_run_ends_when_its_rates_are_clear_but_for_what_lies_between_them(whole: Review) -> None:
    assert whole.marks == ()
    assert outcomes(whole) == DECIDED
    assert max(record.block for record in whole.run.records) == 5


def test_a_run_that_is_gone_on_with_decides_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    experiment = experiment_of(TEXT)
    records: list[Record] = []
    for trials in (5, 3 * TRIALS_OF_A_BLOCK, TRIALS_OF_A_BLOCK + 1, None):
        go(experiment, records, answered, trials)
    found = find(experiment, records, CORES, complete=True)
    assert {one.claim.id: (one.outcome, one.decided) for one in found.verdicts} == DECIDED


def test_what_was_decided_before_an_interruption_keeps_its_verdict(tmp_path: Path) -> None:
    slow = TEXT.replace('above = "250/s"', 'above = "292/s"')
    found = make(tmp_path / "made" / NAME, slow, trials=2 + 7 * TRIALS_OF_A_BLOCK)
    assert found.interrupted
    assert outcomes(found) == {"ratio": ("CONFIRMED", 6)}
    assert "not decided: Threads hold 250/s" in exported(found, "md")


def test_rates_may_be_claimed_afterwards_and_are_marked(whole: Review) -> None:
    added = CLAIMS.replace('"50ms"', '"15ms"').replace('above = "250/s"', 'below = "250/s"')
    claims, dropped = claims_for(added.encode(), "added.toml", whole.run.planned_cells)
    assert not dropped
    found = review(whole.run, claims)
    assert found.added_afterwards
    assert {one.claim.id: one.outcome for one in found.verdicts}["clear"] == "CONFIRMED"


def test_a_trial_that_failed_at_any_rate_spoils_the_claims_that_rest_on_it(tmp_path: Path) -> None:
    def failing(record: Record) -> Record:
        if record.block == 2 and record.label == "py-sync rate=100/s":
            return replace(record, valid=False, reason="it ended", failure="invalid")
        return record

    found = make(tmp_path / "one" / NAME, change=failing)
    assert {one.claim.id: one.outcome for one in found.verdicts} == {
        "clear": "CONFIRMED",
        "bracket": "INVALID",
        "ratio": "INVALID",
    }
    reason = found.verdicts[1].reason
    assert reason is not None
    assert "1 of 6 trials of py-sync rate=100/s failed: it ended" in reason
    tolerant = TEXT.replace("seed = 7", "seed = 7\ntolerate_failures = 0.2")
    found = make(tmp_path / "two" / NAME, tolerant, failing)
    (side,) = found.verdicts[1].sustained
    assert (found.verdicts[1].outcome, side.incomplete) == ("INCONCLUSIVE", 1)
    assert "; 6 blocks have every rate, 1 does not" in exported(found, "md")
    assert found.verdicts[2].outcome == "CONFIRMED"


def busy(blocks: int) -> Change:
    def disturb(record: Record) -> Record:
        if record.label == "py-mt rate=200/s" and record.block < blocks:
            noise = Disturbed("foreign", "others used 0.2 of 2 cores")
            return replace(record, disturbed=noise)
        return record

    return disturb


def test_a_trial_that_others_disturbed_takes_its_block_out_of_the_claims_that_have_it(
    tmp_path: Path,
) -> None:
    found = make(tmp_path / "one" / NAME, change=busy(1))
    clear, bracket, ratio = found.verdicts
    assert clear.estimate is not None
    assert bracket.estimate is not None
    assert clear.decided == 7  # with six that count
    assert (clear.outcome, clear.estimate.blocks) == ("CONFIRMED", 6)
    assert bracket.estimate.blocks == 7
    assert [side.estimate.blocks for side in ratio.sustained] == [6, 7]


def test_of_too_many_disturbed_trials_it_is_said_that_the_machine_was_not_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "made" / NAME
    found = make(folder, change=busy(12))
    assert {one.claim.id: one.outcome for one in found.verdicts} == {
        "clear": "INCONCLUSIVE",
        "bracket": "INCONCLUSIVE",
        "ratio": "INCONCLUSIVE",
    }
    assert show(str(folder), "text", "", "", replace=False) == 0
    text = " ".join(capfd.readouterr().out.split())
    said = "INCONCLUSIVE Threads hold 250/s the machine was not quiet: others used 0.2 of 2 cores;"
    assert said in text
    assert "INCONCLUSIVE Threads hold far more than one at a time the machine was not quiet" in text
    for name in ("md", "csv", "json"):
        assert exported(found, name)


def test_every_format_has_the_rate_or_its_bracket(
    whole: Review, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in OF_RUNS:
        assert name in ("text", "html", "hlog") or exported(whole, name)
    assert show(str(whole.run.folder), "text", "", "", replace=False) == 0
    shown = capfd.readouterr().out.replace("\N{NO-BREAK SPACE}", " ")
    text = " ".join(shown.split())
    markdown = exported(whole, "md").replace("\\", "").replace("&lt;", "<").replace("&gt;", ">")
    bracket = "py-sync holds p90 < 50 ms up to 100/s [100, 200], is saturated at 200/s;"
    for told in (text, markdown):
        assert "py-mt holds p90 < 50 ms up to 2" in told
        assert "; decided after 6 blocks" in told
        assert bracket in told
        assert "rates between 100/s and 200/s would show where" in told
    claims: Any = json.loads(exported(whole, "json"))["claims"]
    assert [claim["estimate"]["quantity"] for claim in claims] == ["rate_per_s"] * 2 + ["ratio"]
    assert [len(claim["sustained"]) for claim in claims] == [1, 1, 2]
    table = {
        row["name"]: row
        for row in csv.DictReader(io.StringIO(exported(whole, "csv"), newline=""))
        if row["row"] == "claim"
    }
    assert [table[name]["unit"] for name in DECIDED] == ["1/s", "1/s", "ratio"]
    row = table["bracket"]
    assert (row["estimate"], row["low"], row["high"]) == ("", "100", "200")
    assert (row["at_least"], row["at_most"]) == ("100", "200")


def test_an_end_that_there_is_not_has_none_in_any_format(tmp_path: Path) -> None:
    text = TEXT.replace('"50ms"', '"5ms"')  # no rate holds that
    found = make(tmp_path / "made" / NAME, text)
    claim: Any = json.loads(exported(found, "json"))["claims"][0]
    (side,) = claim["sustained"]
    assert (claim["estimate"]["low"], claim["estimate"]["high"]) == (None, 100.0)
    assert (side["low"], side["high"], side["at_least"], side["at_most"]) == (None, 100, None, 100)
    row = next(
        row
        for row in csv.DictReader(io.StringIO(exported(found, "csv"), newline=""))
        if row["name"] == "clear"
    )
    assert (row["low"], row["high"]) == ("", "100")


def test_a_list_of_runs_tells_rates_as_rates(whole: Review, tmp_path: Path) -> None:
    listed = FORMATS["text"](rows(whole.run.folder.parents[1]))
    assert "  up to 2" in listed
    assert "/s [2" in listed
    assert "  up to [100, 200]/s  " in listed
    make(tmp_path / "made" / NAME, TEXT.replace('"50ms"', '"5ms"'))
    assert "  below 100/s  " in FORMATS["text"](rows(tmp_path))
    held = tmp_path / "held"
    make(held / "made" / NAME, TEXT.replace('"50ms"', '"500ms"'))
    assert "  at least 400/s  " in FORMATS["text"](rows(held))


def test_another_rate_in_claims_json_is_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "made" / NAME
    make(folder)
    document = json.loads((folder / "claims.json").read_text())
    document["claims"][1]["estimate"]["high"] = 150.0
    (folder / "claims.json").write_text(json.dumps(document))
    assert judged(folder).marks == ("claims.json has another figure for bracket",)


def test_a_verdict_that_changed_between_runs_is_told(whole: Review, tmp_path: Path) -> None:
    def slower(record: Record) -> Record:
        metrics = {**record.metrics, "p90_s": 2.4 * (record.metrics.get("p90_s") or 0.0)}
        return replace(record, metrics=metrics) if record.label == "py-mt rate=200/s" else record

    other = make(tmp_path / "made" / NAME, change=slower)
    changed = compare([whole], [other]).changed
    told = [(one.claim, one.first, one.second) for one in changed]
    assert told == [("clear", "CONFIRMED", "REFUTED"), ("ratio", "CONFIRMED", "INCONCLUSIVE")]
