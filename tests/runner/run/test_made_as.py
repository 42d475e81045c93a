# SPDX-License-Identifier: BSD-3-Clause
"""A run that is made under a name: the name draws its seed, and stays with it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.beginner import TEXT, Beginner

from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.commands.run import Asked, made_under
from fibench.parameters import drawn_seed
from fibench.run._identity import OTHER_PARAMETERS
from fibench.run.begin import Beginning
from fibench.store.kept import read_plan

WITHOUT = TEXT.replace("seed = 7\n", "")


@pytest.fixture
def without_seed(tmp_path: Path, programs: Path) -> Beginner:
    assert programs.is_dir()
    return Beginner(tmp_path, text=WITHOUT)


def under(beginner: Beginner, name: str, **changes: object) -> Beginning:
    asked = Asked(beginner.request.experiment, beginner.request.source, {}, {})
    made = made_under(asked, name)
    return beginner.begin(experiment=made.experiment, made_as=made.made_as, **changes)


def planned(begun: Beginning) -> dict[str, object]:
    found: dict[str, object] = json.loads((begun.folder / "plan.json").read_bytes())
    return found


def test_its_plan_has_the_name_and_the_seed_that_it_draws(without_seed: Beginner) -> None:
    begun = under(without_seed, " ada ")
    assert begun.seed == drawn_seed("ada")
    assert planned(begun)["as"] == "ada"
    assert planned(begun)["seed"] == drawn_seed("ada")
    assert read_plan(planned(begun)).made_as == "ada"
    assert "as" not in planned(without_seed.begin(fresh=True)), "a run without a name says nothing"


def test_a_name_has_one_order_and_another_name_another(without_seed: Beginner) -> None:
    orders = [
        [trial.key for trial in under(without_seed, name, fresh=True).trials]
        for name in ("ada", "ada", "bob", "cyd", "dee")
    ]
    assert orders[0] == orders[1]
    assert len({tuple(one) for one in orders}) > 1


def test_the_seed_of_the_file_gives_way(tmp_path: Path, programs: Path) -> None:
    assert programs.is_dir()
    assert under(Beginner(tmp_path, text=TEXT), "ada").seed == drawn_seed("ada")


def test_a_run_that_is_gone_on_with_keeps_its_name(without_seed: Beginner) -> None:
    first = under(without_seed, "ada")
    without_seed.keep(first.folder, first.todo[:3])
    for again in (under(without_seed, "ada"), without_seed.begin()):
        assert (again.folder, again.resumed, again.seed) == (first.folder, True, first.seed)
        assert planned(again)["as"] == "ada"


def test_its_seed_alone_goes_on_with_it_too(without_seed: Beginner) -> None:
    first = under(without_seed, "ada")
    experiment = without_seed.request.experiment
    asked = replace(experiment.plan, seed=drawn_seed("ada"))
    again = without_seed.begin(experiment=replace(experiment, plan=asked))
    assert (again.folder, again.resumed) == (first.folder, True)
    assert planned(again)["as"] == "ada"


def test_nobody_goes_on_with_the_run_of_another_name(without_seed: Beginner) -> None:
    first = under(without_seed, "ada")
    other = under(without_seed, "bob")
    assert not other.resumed
    assert other.notices == [f"not resuming small/{first.folder.name}: {OTHER_PARAMETERS}"]


def test_who_repeats_a_seed_makes_no_run_of_its_name(without_seed: Beginner) -> None:
    experiment = without_seed.request.experiment
    asked = replace(experiment.plan, seed=drawn_seed("ada"))
    begun = without_seed.begin(experiment=replace(experiment, plan=asked))
    assert begun.trials == under(without_seed, "ada", fresh=True).trials
    assert "as" not in planned(begun)


@pytest.mark.parametrize(
    ("name", "overrides", "what"),
    [
        ("ada", {"seed": "7"}, "--as and --seed are both given"),
        ("", {}, "--as : is empty"),
        ("x" * 65, {}, f"--as {'x' * 40}: has 65 characters, and may have 64"),
        ("a\x1bb", {}, "--as a\\x1bb: has characters that cannot be seen"),
    ],
)
def test_what_cannot_be_is_told_in_two_lines(
    name: str, overrides: dict[str, str], what: str, without_seed: Beginner
) -> None:
    asked = Asked(without_seed.request.experiment, without_seed.request.source, {}, overrides)
    with pytest.raises(Refused) as caught:
        made_under(asked, name)
    assert caught.value.status == WRONG_INPUT
    first, second = str(caught.value).splitlines()
    assert first == what
    assert second
