# SPDX-License-Identifier: BSD-3-Clause
"""The seed of a run: new for each, kept in its plan, and no part of what a run is found by."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.beginner import TEXT, Beginner

from fibench.plan import plan
from fibench.run._identity import OTHER_PARAMETERS
from fibench.run.begin import Beginning

WITHOUT = TEXT.replace("seed = 7\n", "")


@pytest.fixture
def beginner(tmp_path: Path, programs: Path) -> Beginner:
    assert programs.is_dir()
    return Beginner(tmp_path, text=WITHOUT)


def asking(beginner: Beginner, seed: int | None, **changes: object) -> Beginning:
    experiment = beginner.request.experiment
    asked = replace(experiment.plan, seed=seed)
    return beginner.begin(experiment=replace(experiment, plan=asked), **changes)


def kept_seed(begun: Beginning) -> object:
    return json.loads((begun.folder / "plan.json").read_bytes())["seed"]


def test_every_new_run_has_a_seed_of_its_own_that_its_plan_keeps(beginner: Beginner) -> None:
    runs = [beginner.begin(fresh=True) for _ in range(4)]
    assert len({run.seed for run in runs}) == 4
    assert [kept_seed(run) for run in runs] == [run.seed for run in runs]
    listed = json.loads((runs[0].folder / "plan.json").read_bytes())["trials"]
    assert [trial["key"] for trial in listed] == [trial.key for trial in runs[0].trials]


def test_the_order_is_that_which_the_seed_gives_who_asks_for_it(beginner: Beginner) -> None:
    first = beginner.begin()
    again = asking(beginner, first.seed, fresh=True)
    assert again.trials == first.trials
    experiment = beginner.request.experiment
    asked = replace(experiment.plan, seed=first.seed)
    assert plan(replace(experiment, plan=asked)) == first.trials


def test_a_run_is_found_without_its_seed_and_goes_on_with_it(beginner: Beginner) -> None:
    first = beginner.begin()
    beginner.keep(first.folder, first.todo[:3])
    again = beginner.begin()
    assert (again.folder, again.resumed, again.seed) == (first.folder, True, first.seed)
    assert again.trials == first.trials
    assert kept_seed(again) == first.seed


def test_a_run_is_found_by_who_asks_for_its_seed_and_by_nobody_who_asks_for_another(
    beginner: Beginner,
) -> None:
    first = asking(beginner, 5)
    assert asking(beginner, 5).resumed
    assert asking(beginner, None).seed == 5
    other = asking(beginner, 6)
    assert not other.resumed
    assert other.notices == [f"not resuming small/{first.folder.name}: {OTHER_PARAMETERS}"]
    assert asking(beginner, 5).folder == first.folder, "the latest of that seed"


@pytest.mark.parametrize("seed", [None, -1, "7", 2**63, 1.5])
def test_a_plan_without_a_proper_seed_is_not_gone_on_with(beginner: Beginner, seed: object) -> None:
    first = beginner.begin()
    document = json.loads((first.folder / "plan.json").read_bytes())
    (first.folder / "plan.json").write_text(json.dumps(document | {"seed": seed}))
    assert beginner.begin().folder != first.folder
