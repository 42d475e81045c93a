# SPDX-License-Identifier: BSD-3-Clause
"""The beginning of a run: a new folder, or one that a crash left at any moment put in order."""

import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from tests.runner.samples import KNOWN

from fibench import run
from fibench.backends.catalogue import read_catalogue
from fibench.experiment.experiment import parse_experiment
from fibench.folders import find_places
from fibench.plan.trials import Trial, plan
from fibench.run._resume import Attempt
from fibench.run.begin import Beginning, begin
from fibench.run.loop import RunOutcome
from fibench.run.request import Request, context_of
from fibench.store import journal
from fibench.store.folder import RunError

LEFT_BEHIND = "a killed run had left behind"
TEXT = """
title = "t"
[matrix]
backend = ["c-sync", "c-mt"]
[load]
duration = "0.1s"
[plan]
blocks = 2
"""


@dataclass
class Desk:
    """Begins runs of one experiment, and keeps records in place of measuring."""

    folder: Path
    overrides: dict[str, str] | None = None

    @cached_property
    def request(self) -> Request:
        """What is asked for, the same each time."""
        source = self.folder / "small.toml"
        source.write_text(TEXT)
        experiment = parse_experiment(TEXT, "small.toml", KNOWN, self.overrides, self.folder)
        places = replace(find_places(), results=self.folder / "results")
        backends = read_catalogue(places.catalogue)
        return Request(experiment, source, backends, places, self.overrides or {})

    @cached_property
    def trials(self) -> Sequence[Trial]:
        """The whole plan."""
        return plan(self.request.experiment)

    def begin(self, **changes: Any) -> Beginning:
        """Without the notice of what other tests, which kill runs, have left behind just now."""
        begun = self.begin_with_all_notices(**changes)
        notices = [notice for notice in begun.notices if LEFT_BEHIND not in notice]
        return replace(begun, notices=notices)

    def begin_with_all_notices(self, **changes: Any) -> Beginning:
        request = replace(self.request, **changes)
        return begin(request, self.trials, context_of(request))

    def keep(self, run: Path, attempts: Sequence[Attempt], *, valid: bool = True) -> None:
        for attempt in attempts:
            trial = attempt.trial
            (run / "trials" / journal.folder_name(trial.index, attempt.number)).mkdir()
            record = {
                "trial": trial.key, "role": trial.role, "index": trial.index, "block": trial.block,
                "cell": trial.cell.key, "label": trial.cell.label, "attempt": attempt.number,
                "started_at": "2026-11-24T22:00:00.000+00:00", "valid": valid,
                "reason": None if valid else "it failed", "parameters": {}, "metrics": {},
                "counts": {}, "times": {"wall_s": 1.0, "measured_s": 0.5},
            }  # fmt: skip
            journal.append(run / "trials.jsonl", record)


@pytest.fixture
def desk(tmp_path: Path, programs: Path) -> Desk:
    assert programs.is_dir()
    return Desk(tmp_path)


def _plan(run: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run / "plan.json").read_bytes())
    return document


def test_a_new_run_keeps_what_a_later_one_needs_to_go_on(desk: Desk) -> None:
    desk.overrides = {"blocks": "3"}
    begun = desk.begin()
    assert not begun.resumed
    assert begun.notices == []
    assert begun.todo == [Attempt(trial) for trial in desk.trials]
    document = _plan(begun.folder)
    assert document["overrides"] == {"blocks": "3"}
    assert document["source"] == "small.toml"
    assert set(document["backends"]) >= {"c-sync", "c-mt"}
    assert document["backends"]["c-sync"] == {
        "framings": ["message", "line"], "serves": 1, "language": "c", "cores": 1, "ranked": True,
    }  # fmt: skip
    assert set(document["identity"]) >= {
        "parameters", "programs", "schema", "boot_id", "kernel", "governor", "power_source",
    }  # fmt: skip
    assert (begun.folder / "experiment.toml").read_text() == TEXT
    environment = json.loads((begun.folder / "environment.json").read_bytes())
    assert environment["programs"] == document["identity"]["programs"]


def test_a_journal_cut_at_any_byte_is_gone_on_with_and_loses_at_most_its_last_line(
    desk: Desk, pytestconfig: pytest.Config
) -> None:
    begun = desk.begin()
    desk.keep(begun.folder, begun.todo)
    path = begun.folder / "trials.jsonl"
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    # In the short form, every byte of two lines, and every end of a line.
    often = pytestconfig.getoption("--all")
    sizes = {0, *ends, *(range(len(whole)) if often else range(ends[-3], len(whole)))}
    for size in sorted(sizes, reverse=True):
        path.write_bytes(whole[:size])
        complete = sum(end <= size for end in ends)
        again = desk.begin()
        assert again.folder == begun.folder
        assert again.resumed
        torn = size > 0 and size not in ends
        assert len(again.notices) == torn
        kept = [(trial.index, trial.block) for trial in desk.trials[:complete]]
        left = {attempt.trial.block for attempt in again.todo}
        stand = [index for index, block in kept if block not in left]
        todo = [attempt.trial.index for attempt in again.todo]
        assert sorted(stand + todo) == [trial.index for trial in desk.trials]
        names = {entry.name for entry in (begun.folder / "trials").iterdir()}
        assert names == {journal.folder_name(index, 1) for index, _ in kept}


def test_what_a_crash_left_between_a_folder_and_its_line_is_removed(desk: Desk) -> None:
    begun = desk.begin()
    trials = begun.folder / "trials"
    for name in ("000", ".001.new", "001-2", "notes"):
        (trials / name).mkdir()
        (trials / name / "server.err").write_text("x")
    assert desk.begin().todo == begun.todo
    assert [entry.name for entry in trials.iterdir()] == ["notes"]


def test_what_a_killed_run_left_behind_is_told_before_all_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"ended 1 process that {LEFT_BEHIND}: sh (pid 1)"
    first = desk.begin()
    (first.folder / "plan.json").write_text("{")
    monkeypatch.setattr("fibench.run.begin.end_leftovers", lambda: said)
    assert desk.begin_with_all_notices().notices[0] == said


def test_a_finished_run_is_left_alone(desk: Desk) -> None:
    first = desk.begin()
    desk.keep(first.folder, first.todo)
    (first.folder / "claims.json").write_text('{"claims": []}')
    second = desk.begin()
    assert second.folder != first.folder
    assert second.notices == []
    assert (first.folder / "claims.json").exists()


def test_a_finished_run_with_failures_is_unfinished_from_the_moment_it_is_gone_on_with(
    desk: Desk,
) -> None:
    first = desk.begin()
    desk.keep(first.folder, first.todo[:-1])
    desk.keep(first.folder, first.todo[-1:], valid=False)
    (first.folder / "claims.json").write_text('{"claims": []}')
    again = desk.begin()
    assert again.folder == first.folder
    assert again.todo == [Attempt(first.todo[-1].trial, 2)]
    assert not (first.folder / "claims.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"identity": 3}', '{"schema": 1}'])
def test_a_plan_that_cannot_be_read_begins_a_new_run_and_says_so(desk: Desk, text: str) -> None:
    first = desk.begin()
    (first.folder / "plan.json").write_text(text)
    second = desk.begin()
    assert second.folder != first.folder
    (notice,) = second.notices
    assert notice.startswith(f"not resuming small/{first.folder.name}: ")


def test_the_time_at_which_a_run_began_stays_when_it_is_gone_on_with(desk: Desk) -> None:
    first = desk.begin()
    before = _plan(first.folder)["started_at"]
    desk.begin(warnings=["another one"])
    assert _plan(first.folder)["started_at"] == before
    assert _plan(first.folder)["warnings"] == ["another one"]


def test_a_folder_that_cannot_be_put_in_order_is_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.begin()
    (first.folder / "experiment.toml").unlink()

    def refuse(source: object, target: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(RunError, match=r"cannot write .*experiment.toml: Permission") as caught:
        desk.begin()
    assert "writable" in caught.value.hint
    assert not [name for name in os.listdir(first.folder) if name.endswith(".new")]


def test_what_lies_under_the_names_of_unfinished_files_is_in_nobodys_way(desk: Desk) -> None:
    first = desk.begin()
    (first.folder / "experiment.toml").unlink()
    (first.folder / "experiment.toml.new").mkdir()
    (first.folder / ".claims.json.0123abcd.new").write_text("half")
    assert desk.begin().folder == first.folder
    assert (first.folder / "experiment.toml").read_text() == TEXT
    assert not (first.folder / ".claims.json.0123abcd.new").exists()


def test_claims_that_cannot_be_read_are_no_verdicts(desk: Desk) -> None:
    first = desk.begin()
    desk.keep(first.folder, first.todo)
    (first.folder / "claims.json").write_text("null")
    again = desk.begin()
    assert (again.folder, again.todo) == (first.folder, [])


@pytest.mark.parametrize("name", ["plan.json", "trials.jsonl", "experiment.toml", "trials"])
def test_nothing_is_written_where_a_link_leads_out_of_the_run(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    first = desk.begin()
    desk.keep(first.folder, first.todo[:1])
    outside = tmp_path / "outside"
    (first.folder / name).rename(outside)
    if outside.is_dir():
        (outside / "099").mkdir()
    (first.folder / name).symlink_to(outside)
    before = sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes()
    second = desk.begin()
    assert second.folder != first.folder
    assert len(second.notices) == 1
    assert before == (sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes())


@pytest.mark.parametrize("name", ["plan.json", "trials.jsonl", "experiment.toml", "claims.json"])
def test_a_fifo_in_the_latest_run_makes_nobody_wait(desk: Desk, name: str) -> None:
    first = desk.begin()
    (first.folder / name).unlink(missing_ok=True)
    os.mkfifo(first.folder / name)
    second = desk.begin()
    assert second.folder != first.folder
    assert "not a regular file" in second.notices[0]


def test_trials_that_are_gone_are_no_reason_to_lose_the_verdicts(desk: Desk) -> None:
    first = desk.begin()
    desk.keep(first.folder, first.todo[:-1])
    desk.keep(first.folder, first.todo[-1:], valid=False)
    shutil.rmtree(first.folder / "trials")
    again = desk.begin()
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
def test_records_of_no_trial_are_left_out_and_told_of(desk: Desk, change: dict[str, Any]) -> None:
    first = desk.begin()
    desk.keep(first.folder, first.todo)
    path = first.folder / "trials.jsonl"
    record = journal.read(path).records[0] | change
    path.write_text(journal.encode(record) + "".join(path.read_text().splitlines(True)[1:]))
    again = desk.begin()
    assert "1 record is of no trial of this plan" in again.notices[0]
    assert again.todo


def test_a_run_of_another_file_of_the_same_name_is_not_gone_on_with(desk: Desk) -> None:
    first = desk.begin()
    other = desk.folder / "elsewhere" / "small.toml"
    other.parent.mkdir()
    other.write_text(TEXT)
    second = desk.begin(source=other)
    assert second.folder != first.folder
    assert not second.resumed
    for source, begun in ((desk.request.source, first), (other, second)):
        again = desk.begin(source=source)
        assert (again.folder, again.resumed) == (begun.folder, True)


def test_runs_are_numbered_and_keep_their_number_when_gone_on_with(desk: Desk) -> None:
    numbers = [_plan(desk.begin(fresh=True).folder)["number"] for _ in range(3)]
    assert numbers == [1, 2, 3]
    again = desk.begin()
    assert again.resumed
    assert _plan(again.folder)["number"] == 3


def test_a_clock_that_was_wrong_is_said_and_changes_no_order(desk: Desk) -> None:
    ahead = desk.begin().folder
    ahead.rename(ahead.with_name("2999-01-01T0000-abcd"))
    second = desk.begin(fresh=True)
    assert len(second.notices) == 1
    assert (
        "small/2999-01-01T0000-abcd was made before this run, and is dated after it"
        in (second.notices[0])
    )
    third = desk.begin(fresh=True)
    assert third.notices == []
    assert desk.begin().folder == third.folder


def test_a_line_that_stands_twice_counts_once_and_is_told(desk: Desk) -> None:
    begun = desk.begin()
    desk.keep(begun.folder, begun.todo[:2])
    path = begun.folder / "trials.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    before = desk.begin()
    path.write_bytes(first + second + first)
    again = desk.begin()
    assert again.folder == begun.folder
    assert again.todo == before.todo
    assert again.notices == ["trials.jsonl: line 3 is a copy of one above, and left out"]


def test_what_a_run_hands_on_is_not_filled_in_afterwards() -> None:
    """Of the modules of this wing, each dataclass is made whole, at one place."""
    modules = [import_module(f"fibench.run.{one.name}") for one in iter_modules(run.__path__)]
    found = {one for module in modules for one in vars(module).values() if is_dataclass(one)}
    ours = [one for one in found if getattr(one, "__module__", "").startswith("fibench.run.")]
    assert {RunOutcome, Beginning} <= set(ours)
    parameters = {one: getattr(one, "__dataclass_params__") for one in ours}  # noqa: B009
    assert [one for one, given in parameters.items() if not given.frozen] == []
