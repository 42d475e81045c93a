# SPDX-License-Identifier: BSD-3-Clause
"""Which servers are watched, when, and what a plan says of it."""

import pytest
from tests.runner.experiments import KNOWN, SMALL, parse

from fibench.experiment import KnownBackend, parse_experiment
from fibench.experiment.experiment import Experiment
from fibench.parameters import kept_timelines
from fibench.plan.advice import warnings
from fibench.plan.trials import (
    WATCHED_S,
    Trial,
    expected_seconds,
    extent,
    plan,
    plan_json,
    trial_key,
    trials_of_block,
)

THREE = SMALL.replace("[server]", "[plan]\nblocks = 3\nseed = 7\n[server]")
TRACED = THREE + (
    '[[claim]]\nsays = "few"\nvalue = { backend = "py-mt" }\nmetric = "syscalls_per_request"\n'
    "below = 9\n"
)


def watched(experiment: Experiment) -> list[Trial]:
    return [trial for trial in plan(experiment) if trial.role == "timeline"]


def test_each_cell_is_watched_once_at_the_end_of_the_first_block() -> None:
    experiment = parse(TRACED)
    found = watched(experiment)
    assert [(one.block, one.cell) for one in found] == [(0, cell) for cell in experiment.cells]
    first = [trial.role for trial in plan(experiment) if trial.block == 0]
    assert first[-3:] == ["syscalls", "timeline", "timeline"]
    assert found[0].key == trial_key(0, found[0].cell.key, "timeline")
    assert len({trial.key for trial in plan(experiment)}) == len(plan(experiment))


def test_a_block_has_the_trials_that_the_plan_says() -> None:
    experiment = parse(TRACED)
    for block in range(-1, 3):
        keys = {trial.key for trial in plan(experiment) if trial.block == block}
        assert trials_of_block(experiment, block).keys() == keys


@pytest.mark.parametrize("options", [{"timelines": "false"}, {}])
def test_a_file_or_an_option_leaves_it_out(options: dict[str, str]) -> None:
    text = THREE if options else THREE.replace("seed = 7", "seed = 7\ntimelines = false")
    without = parse(text, options)
    assert watched(without) == []
    others = [trial.key for trial in plan(parse(THREE)) if trial.role != "timeline"]
    assert [trial.key for trial in plan(without)] == others


def test_an_option_brings_it_back() -> None:
    text = THREE.replace("seed = 7", "seed = 7\ntimelines = false")
    assert len(watched(parse(text, {"timelines": "true"}))) == 2


def test_neither_the_null_server_nor_a_load_without_a_window_is_watched() -> None:
    known = {**KNOWN, "c-null": KnownBackend(("message", "line"), "any", "c", 1)}
    text = 'title = "t"\n[matrix]\nbackend = ["c-null", "c-mt"]\n[load]\n'
    (only,) = watched(parse_experiment(text, "t.toml", known))
    assert only.cell.backend == "c-mt"
    assert watched(parse_experiment(text + 'kind = "process"\n', "t.toml", known)) == []


def test_a_claim_on_what_nobody_watches_is_warned_of() -> None:
    claim = '[[claim]]\nsays = "The GIL"\nvalue = { backend = "py-mt" }\nabove = 0.6\n'
    claim += 'metric = "waiting_for_gil"\n'
    said = '"The GIL" cannot be decided: timelines = false, so that waiting_for_gil is not known'
    assert said in warnings(parse(THREE + claim, {"timelines": "false"}), KNOWN, 2)
    assert said not in warnings(parse(THREE + claim), KNOWN, 2)


def test_what_it_takes_is_counted() -> None:
    with_it, without = (parse(THREE, {"timelines": word}) for word in ("true", "false"))
    more_s = expected_seconds(plan(with_it)) - expected_seconds(plan(without))
    assert more_s == pytest.approx(2 * WATCHED_S)
    known = extent(with_it, plan(with_it))
    assert known.fewest == known.most == len(plan(with_it))


def test_a_plan_keeps_it_and_those_of_earlier_versions_had_none() -> None:
    assert plan_json(parse(THREE))["timelines"] is True
    assert plan_json(parse(THREE, {"timelines": "false"}))["timelines"] is False
    assert [kept_timelines(one) for one in ({"timelines": True}, {"timelines": False}, {})] == [
        1, 0, 0,
    ]  # fmt: skip
    assert kept_timelines({"timelines": 1}) == 0
