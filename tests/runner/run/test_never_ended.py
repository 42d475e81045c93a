# SPDX-License-Identifier: BSD-3-Clause
"""Who breaks a run off in trials that go badly, and goes on with it, is seen to, wherever that was:
also where the journal has nothing of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.run.machine import Killed, Machine

from fibench.plan import Trial
from fibench.store import RunError, journal
from fibench.store.begun import read_begun
from fibench.store.stops import read_sessions
from fibench.store.stored_run import StoredRun, read_run
from fibench.verdict.reviewing import Review, review


def _block(machine: Machine, number: int) -> list[Trial]:
    return [trial for trial in machine.beginner.trials if trial.block == number]


def _killed(machine: Machine, script: dict[tuple[int, int], str]) -> Path:
    """Run as a script says, which kills the run; the folder that it leaves."""
    machine.script = script
    with pytest.raises(Killed):
        machine.run()
    (folder,) = (machine.beginner.folder / "results").glob("*/*")
    return folder


def _ended(machine: Machine, script: dict[tuple[int, int], str] | None = None) -> Review:
    """Run on as a script says, to the end, and judge."""
    machine.script = script or {}
    outcome, _ = machine.run()
    assert not outcome.interrupted
    assert len(outcome.records) == len(machine.beginner.trials)
    (outcome.folder / "claims.json").write_text('{"claims": []}')
    return review(_read(machine, outcome.folder))


def _read(machine: Machine, folder: Path) -> StoredRun:
    return read_run(folder, machine.beginner.request.places)


def _broken_off(found: Review) -> list[tuple[int, str]]:
    return [(one.block + 1, one.why) for one in found.findings.made_again.broken_off]


def test_every_attempt_is_on_the_disk_before_it_is_made(machine: Machine) -> None:
    machine.script = {(2, 1): "busy", (3, 1): "port"}
    seen = []
    make = machine.run_trial

    def looked(trial: Trial, context: object, folder: Path, attempt: int) -> object:
        seen.append(read_begun(folder.parents[1])[-1])
        return make(trial, context, folder, attempt)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fibench.run.loop.run_trial", looked)
        outcome, _ = machine.run()
    places = {trial.key: trial.index for trial in machine.beginner.trials}
    assert [(places[one.trial], one.attempt) for one in seen] == machine.made
    run = _read(machine, outcome.folder)
    assert [replace(one, ended=False) for one in run.begun] == seen
    assert all(one.ended for one in run.begun)
    assert run.remarks == []


@pytest.mark.parametrize(
    ("ending", "why"), [("killed", "crashed"), ("ctrl-c", "interrupted"), ("gone", "stopped")]
)
def test_a_block_that_is_broken_off_in_its_first_trial_counts_each_time(
    machine: Machine, ending: str, why: str
) -> None:
    first = _block(machine, 1)[0].index
    for _ in range(3):
        machine.script = {(first, 1): ending}
        try:
            outcome, _ = machine.run()
            assert outcome.interrupted
        except (Killed, RunError):
            assert ending != "ctrl-c"
    found = _ended(machine)
    assert _broken_off(found) == [(2, why)] * 3
    said = f"1 block was broken off and measured again: 3 times block 2 ({why})"
    assert said in found.notes
    assert found.findings.made_again.counted()["blocks broken off"] == 3
    assert list(found.marks) == []
    ends = [one.ended for one in read_sessions(found.run.folder)]
    assert ends == [*[why] * 3, "ended"]


def test_a_block_that_is_broken_off_later_counts_once_each_time(machine: Machine) -> None:
    """However far it had come, and also while a trial was measured again, whose next attempt has a
    number that the block's next pass begins with."""
    block = [trial.index for trial in _block(machine, 1)]
    _killed(machine, {(block[1], 1): "busy", (block[1], 2): "killed"})
    _killed(machine, {(block[0], 2): "killed"})
    _killed(machine, {(block[-1], 2): "killed"})
    found = _ended(machine)
    assert _broken_off(found) == [(2, "crashed")] * 3
    assert list(found.marks) == []


def test_a_trial_that_is_killed_when_it_is_filled_in_counts_too(machine: Machine) -> None:
    lost, last = _block(machine, 0)[1].index, machine.beginner.trials[-1].index
    unstarted = {(lost, number): "port" for number in (1, 2, 3)}
    _killed(machine, {**unstarted, (last, 1): "killed"})
    _killed(machine, {(lost, 4): "killed"})
    found = _ended(machine)
    assert _broken_off(found) == [(1, "crashed"), (3, "crashed")]


def test_what_is_not_begun_again_yet_is_not_called_so(machine: Machine) -> None:
    folder = _killed(machine, {(_block(machine, 1)[0].index, 1): "killed"})
    found = review(_read(machine, folder))
    assert _broken_off(found) == []
    assert list(found.marks) == []


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_who_kills_a_run_and_takes_its_last_trials_off_is_seen(machine: Machine, cut: int) -> None:
    """He measures them again: lines and folders are gone, and no session had ended."""
    folder = _killed(machine, {(_block(machine, 1)[-1].index, 1): "killed"})
    path = folder / "trials.jsonl"
    records = journal.read(path).records
    for record in records[-cut:]:
        index, attempt = record["index"], record["attempt"]
        assert isinstance(index, int)
        assert isinstance(attempt, int)
        shutil.rmtree(folder / "trials" / journal.folder_name(index, attempt))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-cut]))
    found = _ended(machine)
    assert found.run.folder == folder
    were, have = ("was", "has") if cut == 1 else ("were", "have")
    trials = "1 trial" if cut == 1 else f"{cut} trials"
    said = f"{trials} {were} begun, and others after, and {have} no line"
    assert list(found.marks) == [f"lines were cut from trials.jsonl: {said}"]
    assert _broken_off(found)


def test_a_run_of_before_that_does_not_tell_is_read_as_ever(machine: Machine) -> None:
    outcome, _ = machine.run()
    (outcome.folder / "begun.jsonl").unlink()
    (outcome.folder / "stops.json").unlink()
    found = review(_read(machine, outcome.folder))
    assert found.run.begun == ()
    assert not any("begun" in mark for mark in found.marks)


def test_where_it_cannot_be_said_that_a_trial_is_begun_it_is_not_made(machine: Machine) -> None:
    """As on a full disk: the run stops there, with what to do."""
    folder = _killed(machine, {(2, 1): "killed"})
    (folder / "begun.jsonl").unlink()
    (folder / "begun.jsonl").symlink_to(folder / "trials.jsonl")
    made = list(machine.made)
    with pytest.raises(RunError) as raised:
        machine.run()
    assert "begun.jsonl" in str(raised.value)
    assert raised.value.hint
    assert machine.made == made
