# SPDX-License-Identifier: BSD-3-Clause
"""How long a run takes that may end early, and what a seed decides."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import CLAIM, SMALL, parse
from tests.runner.sequential_runs import SEQUENTIAL, experiment_of, go, made_record

from fibench.experiment import Experiment
from fibench.plan import plan, plan_json, stack_padding
from fibench.plan.trials import Extent, expected_seconds, extent
from fibench.record import Record

THIRD = SEQUENTIAL.replace('"py-sync"]\nn', '"py-sync", "py-async"]\nn')
"""With a cell that no claim is about."""


def of(experiment: Experiment, cpus: int | None = None) -> Extent:
    return extent(experiment, plan(experiment), cpus)


def test_a_fixed_number_of_blocks_has_one_extent() -> None:
    experiment = parse(SMALL, {"blocks": "7"})
    found = of(experiment)
    assert found.fewest == found.most == len(plan(experiment))
    assert found.shortest_s == found.longest_s == expected_seconds(plan(experiment))


def test_what_no_claim_needs_is_measured_in_the_least_blocks_only() -> None:
    found = of(experiment_of(THIRD))
    ceilings = sum(trial.role == "ceiling" for trial in plan(experiment_of(THIRD)))
    assert found.fewest == ceilings + 6 * 5
    assert found.most == ceilings + 12 * 4 + 6 * 1
    assert found.longest_s - found.shortest_s == pytest.approx(6 * 4 * 2.2)


def test_a_claim_that_cannot_be_tested_here_holds_no_cell() -> None:
    claim = CLAIM + "needs_cpus = 8\n"
    on_two, on_eight = (of(parse(SMALL + claim), cpus) for cpus in (2, 8))
    assert on_two.most == on_two.fewest
    assert on_eight.most == on_eight.fewest + 14 * 1


def test_no_run_is_shorter_or_longer_than_its_plan_says() -> None:
    experiment = experiment_of(THIRD)
    for seed in range(10):
        records: list[Record] = []
        go(experiment, records, lambda attempt, seed=seed: made_record(attempt, seed))  # type: ignore[misc]
        assert of(experiment).fewest <= len(records) <= of(experiment).most


def test_a_plan_as_json_has_both_ends() -> None:
    document = json.loads(json.dumps(plan_json(experiment_of(THIRD), cpus=2)))
    assert (document["least_blocks"], document["blocks"]) == (6, 12)
    assert document["fewest_trials"] < document["most_trials"] < len(document["trials"])
    assert document["shortest_s"] < document["expected_s"]


def test_without_a_seed_a_plan_is_in_the_order_of_the_file() -> None:
    trials = [t for t in plan(parse(SMALL)) if t.block == 3]
    assert [trial.cell.label for trial in trials] == ["py-sync", "py-mt", "py-sync (again)"]
    assert plan_json(parse(SMALL))["seed"] is None


@given(st.integers(0, 2**63 - 1), st.text(max_size=30))
def test_a_stack_is_moved_within_a_page_as_seed_and_trial_have_it(seed: int, key: str) -> None:
    assert 0 <= stack_padding(seed, key) < 4096
    assert stack_padding(seed, key) == stack_padding(seed, key)


def test_trials_have_stacks_of_their_own() -> None:
    moved = {stack_padding(7, trial.key) for trial in plan(parse(SMALL))}
    assert len(moved) > 40
