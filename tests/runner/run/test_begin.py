# SPDX-License-Identifier: BSD-3-Clause
"""The beginning of a run: a new folder, or one that a crash left at any moment put in order."""

import errno
import json
import os
import shutil
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from tests.runner.beginner import LEFT_BEHIND, TEXT, Beginner

from fibench import run as wing
from fibench.run._resume import Attempt
from fibench.run.begin import Beginning
from fibench.run.loop import RunOutcome
from fibench.store import journal
from fibench.store.folder import RunError


@pytest.fixture
def beginner(tmp_path: Path, programs: Path) -> Beginner:
    assert programs.is_dir()
    return Beginner(tmp_path)


def _plan(run: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run / "plan.json").read_bytes())
    return document


def test_a_new_run_keeps_what_a_later_one_needs_to_go_on(beginner: Beginner) -> None:
    beginner.overrides = {"blocks": "3"}
    begun = beginner.begin()
    assert not begun.resumed
    assert begun.notices == []
    assert begun.todo == [Attempt(trial) for trial in beginner.trials]
    document = _plan(begun.folder)
    assert document["overrides"] == {"blocks": "3"}
    assert document["source"] == "small.toml"
    assert set(document["backends"]) >= {"c-sync", "c-mt"}
    assert document["backends"]["c-sync"] == {
        "framings": ["message", "line"], "serves": 1, "language": "c", "cores": 1, "ranked": True,
        "busy": False,
    }  # fmt: skip
    assert set(document["identity"]) >= {
        "parameters", "programs", "schema", "boot_id", "kernel", "governor", "power_source",
    }  # fmt: skip
    assert (begun.folder / "experiment.toml").read_text() == TEXT
    environment = json.loads((begun.folder / "environment.json").read_bytes())
    assert environment["programs"] == document["identity"]["programs"]


def test_a_journal_cut_at_any_byte_is_gone_on_with_and_loses_at_most_its_last_line(
    beginner: Beginner, pytestconfig: pytest.Config
) -> None:
    begun = beginner.begin()
    beginner.keep(begun.folder, begun.todo)
    path = begun.folder / "trials.jsonl"
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    # In the short form every end of a line, and one after every seventh byte of the last and all
    # that are near its ends: lines are all of one kind, and so is what is inside of one.
    near = [end + by for end in ends[-2:] for by in range(-9, 10) if end + by < len(whole)]
    inside = [*near, *range(ends[-2], len(whole), 7)]
    often = pytestconfig.getoption("--all")
    sizes = {0, *ends, *(range(len(whole)) if often else inside)}
    for size in sorted(sizes, reverse=True):
        path.write_bytes(whole[:size])
        complete = sum(end <= size for end in ends)
        again = beginner.begin()
        assert again.folder == begun.folder
        assert again.resumed
        torn = size > 0 and size not in ends
        assert len(again.notices) == torn
        kept = [(trial.index, trial.block) for trial in beginner.trials[:complete]]
        left = {attempt.trial.block for attempt in again.todo}
        stand = [index for index, block in kept if block not in left]
        todo = [attempt.trial.index for attempt in again.todo]
        assert sorted(stand + todo) == [trial.index for trial in beginner.trials]
        names = {entry.name for entry in (begun.folder / "trials").iterdir()}
        assert names == {journal.folder_name(index, 1) for index, _ in kept}


def test_what_a_crash_left_between_a_folder_and_its_line_is_removed(beginner: Beginner) -> None:
    begun = beginner.begin()
    trials = begun.folder / "trials"
    for name in ("000", ".001.new", "001-2", "notes"):
        (trials / name).mkdir()
        (trials / name / "server.err").write_text("x")
    assert beginner.begin().todo == begun.todo
    assert [entry.name for entry in trials.iterdir()] == ["notes"]


def test_what_a_killed_run_left_behind_is_told_before_all_else(
    beginner: Beginner, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"ended 1 process that {LEFT_BEHIND}: sh (pid 1)"
    first = beginner.begin()
    (first.folder / "plan.json").write_text("{")
    monkeypatch.setattr("fibench.run.begin.end_leftovers", lambda: said)
    assert beginner.begin_with_all_notices().notices[0] == said


def test_a_finished_run_is_left_alone(beginner: Beginner) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo)
    (first.folder / "claims.json").write_text('{"claims": []}')
    second = beginner.begin()
    assert second.folder != first.folder
    assert second.notices == []
    assert (first.folder / "claims.json").exists()


def test_a_finished_run_of_which_nothing_could_start_is_gone_on_with_and_unfinished_then(
    beginner: Beginner,
) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo, valid=False)
    (first.folder / "claims.json").write_text('{"claims": []}')
    again = beginner.begin()
    assert again.folder == first.folder
    assert again.todo == [Attempt(one.trial, 2) for one in first.todo]
    assert not (first.folder / "claims.json").exists()


def test_a_finished_run_in_which_anything_was_measured_is_not_filled_in(
    beginner: Beginner,
) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo[:1])
    beginner.keep(first.folder, first.todo[1:], valid=False)
    assert beginner.begin().folder == first.folder, "it has not ended"
    (first.folder / "claims.json").write_text('{"claims": []}')
    assert beginner.begin().folder != first.folder
    assert (first.folder / "claims.json").exists()


@pytest.mark.parametrize("blocks", ["8", "6..20"])
def test_what_could_not_start_is_not_tried_again_where_it_can_change_no_verdict(
    tmp_path: Path, programs: Path, blocks: str
) -> None:
    """A run whose number of blocks is not fixed has judged each claim by what there was: see
    test_filled_in.py."""
    assert programs.is_dir()
    beginner = Beginner(tmp_path, {"blocks": blocks})
    first = beginner.begin()
    ended = [attempt for attempt in first.todo if attempt.trial.block < 6]
    beginner.keep(first.folder, ended, valid=False)
    if blocks == "8":
        beginner.keep(first.folder, first.todo[len(ended) :], valid=False)
    else:
        assert beginner.begin().folder == first.folder, "it has not ended"
    (first.folder / "claims.json").write_text('{"claims": []}')
    assert (beginner.begin().folder == first.folder) == (blocks == "8")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"identity": 3}', '{"schema": 1}'])
def test_a_plan_that_cannot_be_read_begins_a_new_run_and_says_so(
    beginner: Beginner, text: str
) -> None:
    first = beginner.begin()
    (first.folder / "plan.json").write_text(text)
    second = beginner.begin()
    assert second.folder != first.folder
    (notice,) = second.notices
    assert notice.startswith(f"not resuming small/{first.folder.name}: ")


def test_the_time_at_which_a_run_began_stays_when_it_is_gone_on_with(beginner: Beginner) -> None:
    first = beginner.begin()
    before = _plan(first.folder)["started_at"]
    beginner.begin(warnings=["another one"])
    assert _plan(first.folder)["started_at"] == before
    assert _plan(first.folder)["warnings"] == ["another one"]


def test_a_folder_that_cannot_be_put_in_order_is_named(
    beginner: Beginner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = beginner.begin()
    (first.folder / "experiment.toml").unlink()

    def refuse(source: object, target: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(RunError, match=r"cannot write .*experiment.toml: Permission") as caught:
        beginner.begin()
    assert "writable" in caught.value.hint
    assert not [name for name in os.listdir(first.folder) if name.endswith(".new")]


def test_what_lies_under_the_names_of_unfinished_files_is_in_nobodys_way(
    beginner: Beginner,
) -> None:
    first = beginner.begin()
    (first.folder / "experiment.toml").unlink()
    (first.folder / "experiment.toml.new").mkdir()
    (first.folder / ".claims.json.0123abcd.new").write_text("half")
    assert beginner.begin().folder == first.folder
    assert (first.folder / "experiment.toml").read_text() == TEXT
    assert not (first.folder / ".claims.json.0123abcd.new").exists()


def test_claims_that_cannot_be_read_are_no_verdicts(beginner: Beginner) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo)
    (first.folder / "claims.json").write_text("null")
    again = beginner.begin()
    assert (again.folder, again.todo) == (first.folder, [])


@pytest.mark.parametrize("name", ["plan.json", "trials.jsonl", "experiment.toml", "trials"])
def test_nothing_is_written_where_a_link_leads_out_of_the_run(
    beginner: Beginner, tmp_path: Path, name: str
) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo[:1])
    outside = tmp_path / "outside"
    (first.folder / name).rename(outside)
    if outside.is_dir():
        (outside / "099").mkdir()
    (first.folder / name).symlink_to(outside)
    before = sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes()
    second = beginner.begin()
    assert second.folder != first.folder
    assert len(second.notices) == 1
    assert before == (sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes())


@pytest.mark.parametrize("name", ["plan.json", "trials.jsonl", "experiment.toml", "claims.json"])
def test_a_fifo_in_the_latest_run_makes_nobody_wait(beginner: Beginner, name: str) -> None:
    first = beginner.begin()
    (first.folder / name).unlink(missing_ok=True)
    os.mkfifo(first.folder / name)
    second = beginner.begin()
    assert second.folder != first.folder
    assert "not a regular file" in second.notices[0]


def test_trials_that_are_gone_are_no_reason_to_lose_the_verdicts(beginner: Beginner) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo[:-1])
    beginner.keep(first.folder, first.todo[-1:], valid=False)
    shutil.rmtree(first.folder / "trials")
    again = beginner.begin()
    assert again.todo == [Attempt(first.todo[-1].trial, 2)]


@pytest.mark.parametrize(
    "change",
    [
        {"valid": None},
        {"attempt": "x"},
        {"index": "../x"},
        {"index": -5},
        {"trial": [1]},
        {"cell": "another"},
        {"block": 7},
        {"role": "twin"},
        {"metrics": {"p50_s": -1}},
        {"times": {}},
        {"counts": [1]},
    ],
)
def test_records_of_no_trial_are_left_out_and_told_of(
    beginner: Beginner, change: dict[str, Any]
) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo)
    path = first.folder / "trials.jsonl"
    record = journal.read(path).records[0] | change
    path.write_text(journal.encode(record) + "".join(path.read_text().splitlines(True)[1:]))
    again = beginner.begin()
    assert "1 record is of no trial of this plan" in again.notices[0]
    assert again.todo


def test_a_run_of_another_file_of_the_same_name_is_not_gone_on_with(beginner: Beginner) -> None:
    first = beginner.begin()
    other = beginner.folder / "elsewhere" / "small.toml"
    other.parent.mkdir()
    other.write_text(TEXT)
    second = beginner.begin(source=other)
    assert second.folder != first.folder
    assert not second.resumed
    for source, begun in ((beginner.request.source, first), (other, second)):
        again = beginner.begin(source=source)
        assert (again.folder, again.resumed) == (begun.folder, True)


def test_runs_are_numbered_and_keep_their_number_when_gone_on_with(beginner: Beginner) -> None:
    numbers = [_plan(beginner.begin(fresh=True).folder)["number"] for _ in range(3)]
    assert numbers == [1, 2, 3]
    again = beginner.begin()
    assert again.resumed
    assert _plan(again.folder)["number"] == 3


def test_a_clock_that_was_wrong_is_said_and_changes_no_order(beginner: Beginner) -> None:
    ahead = beginner.begin().folder
    ahead.rename(ahead.with_name("2999-01-01T0000-abcd"))
    second = beginner.begin(fresh=True)
    assert len(second.notices) == 1
    assert (
        "small/2999-01-01T0000-abcd was made before this run, and is dated after it"
        in (second.notices[0])
    )
    third = beginner.begin(fresh=True)
    assert third.notices == []
    assert beginner.begin().folder == third.folder


def test_a_line_that_stands_twice_counts_once_and_is_told(beginner: Beginner) -> None:
    begun = beginner.begin()
    beginner.keep(begun.folder, begun.todo[:2])
    path = begun.folder / "trials.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    before = beginner.begin()
    path.write_bytes(first + second + first)
    again = beginner.begin()
    assert again.folder == begun.folder
    assert again.todo == before.todo
    assert again.notices == ["trials.jsonl: line 3 is a copy of one above, and left out"]


def test_what_a_run_hands_on_is_not_filled_in_afterwards() -> None:
    """Of the modules of this wing, each dataclass is made whole, at one place."""
    modules = [import_module(f"fibench.run.{one.name}") for one in iter_modules(wing.__path__)]
    found = {one for module in modules for one in vars(module).values() if is_dataclass(one)}
    ours = [one for one in found if getattr(one, "__module__", "").startswith("fibench.run.")]
    assert {RunOutcome, Beginning} <= set(ours)
    parameters = {one: getattr(one, "__dataclass_params__") for one in ours}  # noqa: B009
    assert [one for one, given in parameters.items() if not given.frozen] == []


def test_a_finished_run_without_a_seed_in_its_file_is_gone_on_with_where_nothing_could_start(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of its trials is that of the seed which it made for itself."""
    assert programs.is_dir()
    monkeypatch.setattr("fibench.run.begin.secrets.randbits", lambda bits: 7)
    beginner = Beginner(tmp_path, {"blocks": "3"}, text=TEXT.replace("seed = 7\n", ""))
    first = beginner.begin()
    assert any(trial != beginner.trials[trial.index] for trial in first.trials)
    beginner.keep(first.folder, first.todo, valid=False)
    (first.folder / "claims.json").write_text('{"claims": []}')
    again = beginner.begin()
    assert (again.folder, again.seed) == (first.folder, first.seed)
    assert again.todo == [Attempt(trial, 2) for trial in first.trials]


def test_a_finished_run_without_a_seed_in_its_file_whose_trials_all_started_is_left_alone(
    tmp_path: Path, programs: Path
) -> None:
    assert programs.is_dir()
    beginner = Beginner(tmp_path, text=TEXT.replace("seed = 7\n", ""))
    first = beginner.begin()
    beginner.keep(first.folder, first.todo)
    (first.folder / "claims.json").write_text('{"claims": []}')
    assert beginner.begin().folder != first.folder
