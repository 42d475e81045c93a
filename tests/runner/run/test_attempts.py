# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of one trial: measured again where it was disturbed or could not start, at most so
often, and never for its figures; and what ends a run on a machine that is not quiet."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.runner.experiments import KNOWN
from tests.runner.run.machine import BUSY, NOT_FULL, Machine

from fibench.experiment.experiment import parse_experiment
from fibench.run._attempts import tails
from fibench.run.events import Notice, TrialFinished, TrialMadeAgain
from fibench.store import journal
from fibench.store.stops import at_odds, read_sessions
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import review


def test_a_disturbed_trial_is_measured_again_at_once_and_all_attempts_are_kept(
    machine: Machine,
) -> None:
    machine.script = {(2, 1): "busy", (2, 2): "busy"}
    outcome, events = machine.run()
    assert machine.made[:6] == [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3), (3, 1)]
    kept = machine.records(outcome.folder)
    assert [(one["index"], one["attempt"]) for one in kept] == machine.made
    assert [bool(one["disturbed"]) for one in kept[2:5]] == [True, True, False]
    assert [one.attempt for one in outcome.records if one.index == 2] == [3]
    told = [event for event in events if isinstance(event, TrialMadeAgain | TrialFinished)]
    assert [isinstance(one, TrialMadeAgain) for one in told[2:5]] == [True, True, False]
    stored = review(read_run(outcome.folder, machine.beginner.request.places))
    total = len(machine.beginner.trials)
    line = f"1 of {total} trials was disturbed and measured again: foreign CPU 1"
    assert line in stored.notes
    assert stored.findings.made_again.as_json()["measured_again"] == {"foreign": 1}


def test_after_three_attempts_the_last_one_counts_as_it_is(machine: Machine) -> None:
    machine.script = {(2, n): "busy" for n in (1, 2, 3)}
    outcome, _ = machine.run()
    (record,) = (one for one in outcome.records if one.index == 2)
    assert (record.attempt, record.disturbed) == (3, BUSY)
    assert (2, 4) not in machine.made


def test_a_trial_that_the_generator_kept_less_than_full_is_measured_again_at_most_twice(
    machine: Machine,
) -> None:
    machine.script = {(2, 1): "not full", **{(3, n): "not full" for n in (1, 2, 3)}}
    outcome, _ = machine.run()
    assert [one for one in machine.made if one[0] in (2, 3)] == [
        (2, 1), (2, 2), (3, 1), (3, 2), (3, 3),
    ]  # fmt: skip
    kept = [one for one in machine.records(outcome.folder) if one["index"] == 3]
    assert [one["disturbed"] for one in kept] == [{"kind": "generator", "says": NOT_FULL}] * 3
    stored = review(read_run(outcome.folder, machine.beginner.request.places))
    total = len(machine.beginner.trials)
    again = f"2 of {total} trials were disturbed and measured again: the load generator 2"
    still = f"1 of {total} trials was disturbed in the last attempt: the load generator 1"
    assert again in stored.notes
    out = "1 of them was left out of claims on throughput and latency"
    assert f"{still}; {out}" in stored.notes


def test_a_trial_that_the_runner_read_too_late_is_measured_again_at_most_twice(
    machine: Machine,
) -> None:
    machine.script = {(2, 1): "late", **{(3, n): "late" for n in (1, 2, 3)}}
    outcome, _ = machine.run()
    assert [one for one in machine.made if one[0] in (2, 3)] == [
        (2, 1), (2, 2), (3, 1), (3, 2), (3, 3),
    ]  # fmt: skip
    kept = [one for one in machine.records(outcome.folder) if one["index"] == 3]
    assert [one["disturbed"]["kind"] for one in kept] == ["late"] * 3
    stored = review(read_run(outcome.folder, machine.beginner.request.places))
    total = len(machine.beginner.trials)
    assert f"2 of {total} trials were disturbed and measured again: late readings 2" in stored.notes
    still = f"1 of {total} trials was disturbed in the last attempt: late readings 1"
    out = "1 of them was left out of claims on what others can move"
    assert f"{still}; {out}" in stored.notes


def test_a_runner_that_never_gets_a_cpu_in_time_ends_its_run(machine: Machine) -> None:
    machine.always = "late"
    outcome, _ = machine.run()
    assert outcome.not_quiet is not None
    assert outcome.not_quiet.startswith("the machine was not quiet: the runner stood still or got")


def test_a_generator_that_is_always_the_limit_ends_no_run_as_noise_does(machine: Machine) -> None:
    machine.always = "not full"
    outcome, _ = machine.run()
    assert outcome.not_quiet is None
    assert len(outcome.records) == len(machine.beginner.trials)
    ceilings = {one.index for one in outcome.records if one.role == "ceiling"}
    assert ceilings, "the run has one"
    cells = {one.index: one.cell.removesuffix("~aa") for one in outcome.records}
    often = {index: [n for at, n in machine.made if at == index] for index, _ in machine.made}
    first = {cells[index]: index for index in sorted(often, reverse=True)}
    once = {index for index in often if index in ceilings or first[cells[index]] != index}
    assert {index for index, made in often.items() if made == [1]} == once
    assert all(made == [1, 2, 3] for index, made in often.items() if index not in once)


def test_what_the_generator_cannot_do_is_not_tried_again_in_each_block(machine: Machine) -> None:
    """Nor when a run is gone on with: one trial of which no attempt was full says it of a cell."""
    second = min(one.index for one in machine.beginner.trials if one.block == 1)
    machine.always = "not full"
    machine.script = {(second, 1): "ctrl-c"}
    machine.run()
    assert {number for _, number in machine.made} == {1, 2, 3}
    machine.script, machine.made = {}, []
    outcome, _ = machine.run()
    assert machine.made == [(one.index, 1) for one in machine.beginner.trials if one.block > 0]
    later = [one for one in machine.records(outcome.folder) if one["block"] > 0]
    assert all(one["disturbed"] is None for one in later)
    assert all(one["checks"]["flight_gate"] == NOT_FULL for one in later)


def test_the_rule_sees_the_trials_of_the_cell_that_were_not_disturbed(machine: Machine) -> None:
    machine.script = {(2, 1): "busy"}
    machine.run()
    for history in machine.seen:
        assert len({one.cell for one in history}) <= 1
        assert all(one.valid and one.disturbed is None for one in history)
    assert max(map(len, machine.seen)) == 2, "of three blocks"


def test_a_trial_that_failed_in_its_window_is_kept_as_a_result_and_never_made_again(
    machine: Machine,
) -> None:
    machine.script = {(2, 1): "failed"}
    first, _ = machine.run()
    assert [made for made in machine.made if made[0] == 2] == [(2, 1)]
    (first.folder / "claims.json").write_text('{"claims": []}')
    second, _ = machine.run()
    assert second.folder != first.folder, "what failed is a result: the run is finished"


def test_what_could_not_start_is_tried_twice_more_and_by_the_next_session(
    machine: Machine,
) -> None:
    machine.script = {(2, n): "port" for n in (1, 2, 3)}
    outcome, _ = machine.run()
    assert [made for made in machine.made if made[0] == 2] == [(2, 1), (2, 2), (2, 3)]
    machine.made.clear()
    again, _ = machine.run()
    assert (again.folder, machine.made) == (outcome.folder, [(2, 4)])
    assert all(one.valid for one in again.records)
    stored = review(read_run(again.folder, machine.beginner.request.places))
    assert stored.findings.made_again.tried_again == 1
    assert not any("broken off" in note for note in stored.notes)


@pytest.mark.parametrize("measured", [True, False])
def test_when_a_run_has_ended_what_could_not_start_is_filled_in_only_if_nothing_was_measured(
    machine: Machine, measured: bool
) -> None:
    """Else who does it where verdicts do not please looks once more at what is claimed."""
    every = [one.index for one in machine.beginner.trials]
    lost = every[2:3] if measured else every
    machine.script = {(index, n): "port" for index in lost for n in (1, 2, 3)}
    outcome, _ = machine.run()
    assert sum(one.valid for one in outcome.records) == len(every) - len(lost)
    (outcome.folder / "claims.json").write_text('{"claims": []}')
    machine.script = {}
    again, _ = machine.run()
    assert (again.folder == outcome.folder) == (not measured)
    assert all(one.valid for one in again.records)


def test_two_blocks_in_a_row_that_are_mostly_disturbed_end_the_run_and_it_is_gone_on_with(
    machine: Machine,
) -> None:
    machine.always = "busy"
    outcome, _ = machine.run()
    assert outcome.not_quiet == f"the machine was not quiet: {BUSY.says}"
    assert not outcome.interrupted
    assert max(one.block for one in outcome.records) == 1, "of three blocks, 0 to 2"
    stored = review(read_run(outcome.folder, machine.beginner.request.places))
    assert any(BUSY.says in mark for mark in stored.marks)
    machine.always = ""
    machine.made.clear()
    again, _ = machine.run()
    assert again.folder == outcome.folder
    assert again.not_quiet is None
    assert {attempt for _, attempt in machine.made} == {1}, "what was measured is kept"
    assert len(again.records) == len(machine.beginner.trials)


def test_one_noisy_block_ends_nothing(machine: Machine) -> None:
    noisy = [trial.index for trial in machine.beginner.trials if trial.block == 1]
    machine.script = {(index, n): "busy" for index in noisy for n in (1, 2, 3)}
    outcome, _ = machine.run()
    assert outcome.not_quiet is None
    assert len(outcome.records) == len(machine.beginner.trials)


@pytest.mark.parametrize("ending", ["busy", "late"])
def test_who_accepts_noise_has_it_recorded_and_nothing_measured_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setenv("FIBENCH_NOISE", "accept")
    machine.always = ending
    outcome, _ = machine.run()
    assert len(machine.made) == len(machine.beginner.trials)
    assert outcome.not_quiet is None
    disturbed = [one["disturbed"] for one in machine.records(outcome.folder) if one["disturbed"]]
    assert len(disturbed) == len(machine.beginner.trials)
    assert all(one["accepted"] for one in disturbed)
    stored = review(read_run(outcome.folder, machine.beginner.request.places))
    said = f"{len(disturbed)} trials were disturbed and not measured again for that"
    assert f"noise was accepted (FIBENCH_NOISE): {said}" in stored.notes
    assert stored.findings.made_again.as_json()["noise_accepted"] == len(disturbed)


def test_who_accepts_noise_does_not_measure_a_whole_block_again_after_ctrl_c(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIBENCH_NOISE", "accept")
    machine.always = "busy"
    second = next(one for one in machine.beginner.trials if one.block == 2)
    machine.script = {(second.index, 1): "ctrl-c"}
    first, _ = machine.run()
    assert first.interrupted
    machine.script = {}
    machine.made.clear()
    again, _ = machine.run()
    assert again.folder == first.folder
    assert [index for index, _ in machine.made] == list(
        range(second.index, len(machine.beginner.trials))
    )
    stored = review(read_run(again.folder, machine.beginner.request.places))
    assert [one.block for one in stored.findings.made_again.broken_off] == [second.block]


@pytest.mark.parametrize("accepted_first", [True, False])
def test_half_a_run_does_not_accept_noise(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, accepted_first: bool
) -> None:
    machine.script = {(machine.beginner.trials[-1].index, 1): "ctrl-c"}
    for accepted in (accepted_first, not accepted_first):
        monkeypatch.setenv("FIBENCH_NOISE", "accept" if accepted else "")
        outcome, events = machine.run()
        plan = json.loads((outcome.folder / "plan.json").read_text())
        assert plan["identity"]["noise"] == ("accept" if accepted else None)
    said = ("accept", "not set") if accepted_first else ("not set", "accept")
    (notice,) = (one.text for one in events if isinstance(one, Notice))
    assert notice.endswith(f": FIBENCH_NOISE was {said[0]}, and is {said[1]}")


def test_two_blocks_of_which_one_trial_each_was_tried_again_do_not_end_a_run(
    machine: Machine,
) -> None:
    """However disturbed it was: what else the blocks have was measured before, and was not."""
    places = [one.index for one in machine.beginner.trials if one.block > 0]
    lost = [places[0], places[-1]]
    machine.script = {(index, number): "port" for index in lost for number in (1, 2, 3)}
    outcome, _ = machine.run()
    machine.script = {(index, number): "busy" for index in lost for number in (4, 5, 6)}
    again, _ = machine.run()
    assert again.folder == outcome.folder
    assert again.not_quiet is None
    assert machine.made[-6:] == [(index, number) for index in lost for number in (4, 5, 6)]


def test_a_block_that_was_broken_off_is_counted_and_named(machine: Machine) -> None:
    last = machine.beginner.trials[-1]
    machine.script = {(last.index, 1): "ctrl-c"}
    first, _ = machine.run()
    assert first.interrupted
    again, _ = machine.run()
    assert again.folder == first.folder
    stored = review(read_run(again.folder, machine.beginner.request.places))
    said = f"1 block was broken off and measured again: block {last.block + 1} (interrupted)"
    assert said in stored.notes
    assert not any("cut" in mark or "altered" in mark for mark in stored.marks)


def _lines(folder: Path) -> list[bytes]:
    return (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "mark"),
    [
        (lambda lines: lines[:-2], "lines were cut from trials.jsonl"),
        (lambda lines: [*lines[:1], *lines[2:]], "lines were cut from trials.jsonl"),
        (lambda lines: [], "lines were cut from trials.jsonl"),
    ],
)
def test_who_cuts_lines_off_a_journal_and_goes_on_is_seen(
    machine: Machine, change: Any, mark: str
) -> None:
    last = machine.beginner.trials[-1]
    machine.script = {(last.index, 1): "ctrl-c"}
    first, _ = machine.run()
    (first.folder / "trials.jsonl").write_bytes(b"".join(change(_lines(first.folder))))
    machine.script = {}
    again, _ = machine.run()
    assert again.folder == first.folder
    stored = read_run(again.folder, machine.beginner.request.places)
    assert any(mark in one or "altered" in one for one in review(stored).marks)


def test_folders_without_lines_tell_of_a_cut_after_a_crash(machine: Machine) -> None:
    """Nothing was written down when the run was killed; the folders of its trials are there."""
    first, _ = machine.run()
    (first.folder / "stops.json").unlink()
    lines = _lines(first.folder)
    (first.folder / "trials.jsonl").write_bytes(b"".join(lines[:-3]))
    again, _ = machine.run()
    assert again.folder == first.folder
    stored = read_run(again.folder, machine.beginner.request.places)
    assert any("2 trials had folders and no line" in one for one in stored.remarks)
    assert read_sessions(again.folder)[0].ended == "crashed"


def test_an_altered_journal_does_not_fit_the_sessions(machine: Machine) -> None:
    outcome, _ = machine.run()
    sessions = read_sessions(outcome.folder)
    digests = list(journal.read(outcome.folder / "trials.jsonl").digests)
    assert at_odds(sessions, digests) == []
    assert "altered" in at_odds(sessions, [digests[1], digests[0], *digests[2:]])[0]
    assert "cut" in at_odds(sessions, digests[:-1])[0]


def test_claims_about_high_percentiles_ask_for_a_quieter_machine(machine: Machine) -> None:
    text = machine.beginner.request.source.read_text()
    claim = '[[claim]]\nsays = "x"\nvalue = {{ backend = "c-mt" }}\nmetric = "{}"\nbelow = "1s"\n'
    for metric, count in (("p50", 0), ("p90", 1), ("p99", 1), ("max", 1)):
        experiment = parse_experiment(text + claim.format(metric), "t.toml", KNOWN)
        assert len(tails(experiment)) == count, metric
