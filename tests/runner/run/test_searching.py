# SPDX-License-Identifier: BSD-3-Clause
"""A run that looks for its rates: what it measures and keeps, and how it is gone on with."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.beginner import Beginner
from tests.runner.run.searched import FILE, SERVERS, Killed, SearchedMachine

from fibench.commands.following import Following
from fibench.commands.run import conclude
from fibench.experiment import Absent, AbsentCell
from fibench.folders import Places
from fibench.machine import cores
from fibench.plan.searching.steps import MOST_SEARCH_TRIALS
from fibench.record import Record
from fibench.run import Event, Notice, RatesFound, loop, run_experiment
from fibench.run.loop import RunOutcome
from fibench.store import StoredError, read_run
from fibench.verdict import questions_of, review


def plan_of(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "plan.json").read_text())
    assert isinstance(found, dict)
    return found


def rates_in(plan: dict[str, Any]) -> dict[str, list[float]]:
    return {one["backend"]: one["rates"] for one in plan["searches"]}


def test_rates_are_found_before_all_else_and_then_measured_in_every_block(
    searched: SearchedMachine,
) -> None:
    outcome, events = searched.run()
    roles = [trial.role for trial in searched.trials]
    made = len(searched.probes)
    assert set(roles[:made]) == {"search"}
    assert "search" not in roles[made:]
    assert made <= 2 * MOST_SEARCH_TRIALS
    plan = plan_of(outcome.folder)
    rates = rates_in(plan)
    for backend, server in SERVERS.items():
        assert rates[backend][0] < server.knee < rates[backend][-1]
    measured = {(one.cell.backend, one.cell.parameters.rate) for one in searched.trials[made:]}
    assert measured >= {(backend, rate) for backend, every in rates.items() for rate in every}
    assert [one["key"] for one in plan["trials"]][:made] == [one.key for one in searched.probes]
    (found,) = [one for one in events if isinstance(one, RatesFound)]
    assert {claim.id: len(claim.rows[0]) for claim in found.experiment.claims}["two"] >= 5
    assert [one.index for one in outcome.records] == list(range(len(plan["trials"])))


def test_a_rate_that_a_claim_names_is_measured_too_where_it_is_near(
    searched: SearchedMachine,
) -> None:
    outcome, _ = searched.run()
    rates = rates_in(plan_of(outcome.folder))
    assert 440.0 in rates["c-mt"]
    assert 440.0 not in [one.cell.parameters.rate for one in searched.probes]
    assert 440.0 not in rates["c-sync"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Killed])
@pytest.mark.parametrize("before", [0, 1, 5, 9])
def test_a_search_that_was_broken_off_is_gone_on_with_and_nothing_is_lost(
    searched: SearchedMachine, before: int, stop: type[BaseException]
) -> None:
    searched.stop_before, searched.stop_with = before, stop
    if stop is KeyboardInterrupt:
        first, _ = searched.run()
        assert first.interrupted
        assert len(first.records) == before
    else:
        with pytest.raises(Killed):
            searched.run()
    again, events = searched.run()
    assert [one for one in events if isinstance(one, Notice)] == []
    keys = [one.key for one in searched.probes]
    assert len(keys) == len(set(keys))
    assert len(list(again.folder.parent.iterdir())) == 1
    searched.trials.clear()
    whole = run_anew(searched)
    assert rates_in(plan_of(whole.folder)) == rates_in(plan_of(again.folder))


def run_anew(searched: SearchedMachine) -> RunOutcome:
    """A run in a folder of its own, whatever there is to go on with."""
    return run_experiment(replace(searched.beginner.request, fresh=True))


def test_a_run_that_was_broken_off_in_its_blocks_keeps_its_rates(searched: SearchedMachine) -> None:
    searched.stop_before = 40
    first, _ = searched.run()
    assert first.interrupted
    rates = rates_in(plan_of(first.folder))
    made = len(searched.probes)
    again, _ = searched.run()
    assert again.folder == first.folder
    assert len(searched.probes) == made
    assert rates_in(plan_of(again.folder)) == rates
    assert not again.other_claims


def test_rates_that_somebody_has_changed_are_not_gone_on_with(searched: SearchedMachine) -> None:
    searched.stop_before = 40
    first, _ = searched.run()
    plan = plan_of(first.folder)
    plan["searches"][0]["rates"][0] = 1.0
    (first.folder / "plan.json").write_text(json.dumps(plan))
    again, events = searched.run()
    assert again.folder != first.folder
    (notice,) = [one.text for one in events if isinstance(one, Notice)]
    assert "not those that its search gives" in notice


def test_another_limit_begins_a_new_run_with_a_search_of_its_own(
    searched: SearchedMachine, tmp_path: Path
) -> None:
    searched.stop_before = 40
    first, _ = searched.run()
    searched.beginner = Beginner(tmp_path, text=FILE.replace("20ms", "10ms"))
    made = len(searched.probes)
    again, _ = searched.run()
    assert again.folder != first.folder
    assert len(searched.probes) > made


def judged(searched: SearchedMachine) -> RunOutcome:
    """A run whose claims are decided after its blocks, and kept."""
    request = searched.beginner.request
    following = Following(questions_of(request.experiment, cores.usable_cores()))

    def hear(event: Event) -> None:
        if isinstance(event, RatesFound):
            following.asks(questions_of(event.experiment, cores.usable_cores()))

    outcome = run_experiment(request, [hear], following)
    conclude(request, outcome)
    return outcome


def places_of(searched: SearchedMachine) -> Places:
    return searched.beginner.request.places


def test_a_searched_run_is_read_again_as_it_was_judged(
    searched: SearchedMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = judged(searched)
    told = " ".join(capsys.readouterr().out.split())
    stored = review(read_run(outcome.folder, places_of(searched)))
    assert stored.marks == ()
    assert "search trials: " in told
    notes = [note for note in stored.findings.notes if "search trials" in note]
    assert len(notes) == 2
    kept = json.loads((outcome.folder / "claims.json").read_text())
    assert [one["rates"] for one in kept["searches"]] == list(
        rates_in(plan_of(outcome.folder)).values()
    )
    assert [v.outcome for v in stored.verdicts] == [one["outcome"] for one in kept["claims"]]
    every: list[Record] = stored.run.records
    assert {one.role for one in every} >= {"search", "measure", "ceiling", "twin"}
    cells = {summary.cell_key: summary for summary in stored.findings.summaries}
    assert all(summary.valid == 5 for summary in cells.values())
    assert not any("search" in key for key in cells)


def test_a_search_that_failed_is_no_failure_of_what_is_measured(searched: SearchedMachine) -> None:
    searched.script = {(0, 1): "failed", (1, 1): "failed"}
    outcome = judged(searched)
    stored = review(read_run(outcome.folder, places_of(searched)))
    assert stored.failures == ()
    assert rates_in(plan_of(outcome.folder)).keys() == SERVERS.keys()
    assert any("search ended early" in note for note in stored.findings.notes)


def test_search_trials_that_were_cut_out_of_the_journal_are_seen(searched: SearchedMachine) -> None:
    outcome = judged(searched)
    journal = outcome.folder / "trials.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:1] + lines[2:]))
    marks = review(read_run(outcome.folder, places_of(searched))).marks
    assert any("not those that its search trials give" in mark for mark in marks)


def test_a_search_that_was_interrupted_can_be_read(searched: SearchedMachine) -> None:
    searched.stop_before = 4
    first, _ = searched.run()
    stored = review(read_run(first.folder, places_of(searched)))
    assert stored.verdicts == ()
    assert stored.marks == ()
    assert any("has not ended yet" in note for note in stored.findings.notes)


def test_a_search_whose_rates_were_not_kept_before_a_crash_is_not_made_again(
    searched: SearchedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*of: object, **also: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(loop, "keep_rates", crash)
        with pytest.raises(Killed):
            searched.run()
    made = len(searched.probes)
    again, _ = searched.run()
    assert len(searched.probes) == made
    assert all(rates_in(plan_of(again.folder)).values())


@pytest.mark.parametrize(
    "wrong", [[3], [{"rates": "x"}], [{"rates": [1.0]}], [{"rates": [1.0], "found_by": [4]}]]
)
def test_searches_of_a_plan_that_are_none_are_damage(
    searched: SearchedMachine, wrong: list[object]
) -> None:
    outcome, _ = searched.run()
    plan = plan_of(outcome.folder)
    (outcome.folder / "plan.json").write_text(json.dumps({**plan, "searches": wrong}))
    with pytest.raises(StoredError, match="no proper searches"):
        read_run(outcome.folder, places_of(searched))


def test_of_a_backend_that_is_not_here_nothing_is_searched(searched: SearchedMachine) -> None:
    whole = searched.beginner.request.experiment
    gone = tuple(AbsentCell(one, "no threads") for one in whole.cells if one.backend == "c-mt")
    here = tuple(one for one in whole.cells if one.backend != "c-mt")
    experiment = replace(whole, cells=here, absent=Absent(gone))
    searched.beginner.__dict__["request"] = replace(
        searched.beginner.request, experiment=experiment
    )
    outcome = judged(searched)
    assert {trial.cell.backend for trial in searched.probes} == {"c-sync"}
    stored = review(read_run(outcome.folder, places_of(searched)))
    assert [verdict.outcome for verdict in stored.verdicts] == ["NOT HERE", "NOT HERE"]
    assert stored.marks == ()
