# SPDX-License-Identifier: BSD-3-Clause
"""Searches that stand still, are broken off, or are gone on with under other claims."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.beginner import Beginner
from tests.runner.records import recorded
from tests.runner.run.searched import FILE, Killed, SearchedMachine
from tests.runner.verdict.chosen_runs import record

from fibench.record import Record
from fibench.run import Notice, run_experiment
from fibench.run._attempts import Attempts
from fibench.store import RunError, read_run
from fibench.store.files import read_json
from fibench.verdict import review

THRICE = {(1, number): "port" for number in (1, 2, 3)}


def rates_in(folder: Path) -> list[object]:
    searches = read_json(folder, "plan.json")["searches"]
    assert isinstance(searches, list)
    return [one["rates"] for one in searches]


def marks_of(searched: SearchedMachine, folder: Path) -> list[str]:
    """What is wrong with a run, but for its claims, which nobody has kept or has changed."""
    marks = review(read_run(folder, searched.beginner.request.places)).marks
    return [mark for mark in marks if "claims" not in mark]


def test_a_trial_that_could_not_start_ends_no_search_and_is_made_when_the_run_is_gone_on_with(
    searched: SearchedMachine,
) -> None:
    searched.script = dict(THRICE)
    with pytest.raises(RunError, match=r"search for rates stopped: .* could not start: port"):
        searched.run()
    assert {trial.role for trial in searched.trials} == {"search"}
    assert searched.made == [(0, 1), (1, 1), (1, 2), (1, 3)]
    searched.script = {}
    outcome, events = searched.run()
    assert [one for one in events if isinstance(one, Notice)] == []
    assert (1, 4) in searched.made
    assert (0, 2) not in searched.made
    rates = rates_in(outcome.folder)
    assert not marks_of(searched, outcome.folder)
    whole = run_experiment(replace(searched.beginner.request, fresh=True))
    assert rates_in(whole.folder) == rates


def test_so_it_does_however_often(searched: SearchedMachine) -> None:
    searched.always = "port"
    for session in (1, 2):
        with pytest.raises(RunError) as stopped:
            searched.run()
        assert stopped.value.hint == "when that is over, the same command goes on with this run"
        assert searched.made == [(0, number) for number in range(1, 3 * session + 1)]


def test_a_trial_of_a_search_that_was_broken_off_and_made_again_is_told_of(
    searched: SearchedMachine,
) -> None:
    searched.script = {(2, 1): "killed"}
    with pytest.raises(Killed):
        searched.run()
    searched.script = {}
    outcome, _ = searched.run()
    stored = review(read_run(outcome.folder, searched.beginner.request.places))
    assert not marks_of(searched, outcome.folder)
    (note,) = [one for one in stored.findings.notes if "broken off" in one]
    assert note == "1 trial of the search for rates was broken off and made again (crashed)"


@pytest.mark.parametrize("named", ["3000/s", "100/s"])
def test_claims_that_name_another_rate_leave_a_run_its_rates(
    searched: SearchedMachine, tmp_path: Path, named: str
) -> None:
    searched.stop_before = 40
    first, _ = searched.run()
    rates = rates_in(first.folder)
    searched.beginner = Beginner(tmp_path, text=FILE.replace("440/s", named))
    again, events = searched.run()
    assert [one for one in events if isinstance(one, Notice)] == []
    assert again.folder == first.folder
    assert again.other_claims
    assert rates_in(again.folder) == rates
    assert not marks_of(searched, again.folder)


def probed(index: int, probe_s: float, **more: object) -> Record:
    """A trial of one cell in which the probe took so long."""
    told = {"probe_s": probe_s, "usable_cpus": 2, "usable_cores": 2, "window_s": 1.0}
    (made,) = recorded({**record(0, 1, "c", machine=told), "index": index, **more})
    return made


def test_a_trial_of_a_search_is_none_of_those_by_which_the_probe_is_judged() -> None:
    search = {"role": "search", "block": -2}
    quick = [probed(i, 20e-6, trial=f"search-{i}", **search) for i in (0, 1)]
    assert Attempts((), quick, accepts=False).judged(probed(2, 26e-6)).disturbed is None
    measured = [probed(i, 20e-6, trial=f"c-{i}") for i in (0, 1)]
    assert Attempts((), measured, accepts=False).judged(probed(2, 26e-6)).disturbed is not None
