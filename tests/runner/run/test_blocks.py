# SPDX-License-Identifier: BSD-3-Clause
"""Which trials a run measures: cells leave with their claims, and a run gone on with goes the same
way."""

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runner.sequential_runs import (
    CORES,
    SEQUENTIAL,
    experiment_of,
    go,
    made_record,
)

from fibench.experiment import Cell
from fibench.plan import Trial, plan
from fibench.record import Record
from fibench.run._resume import Attempt
from fibench.run.blocks import Walk
from fibench.tried import last_attempts
from fibench.verdict import find

Ended = tuple[int, Sequence[Cell]]
EXPERIMENT = experiment_of(SEQUENTIAL)
SYSCALLS = """
[[claim]]
says = "Few calls"
id = "calls"
value = { backend = "py-mp" }
metric = "syscalls_per_request"
above = 1
"""


def walked(
    trials: Sequence[Trial], staying: dict[int, Collection[str]]
) -> tuple[list[str], list[Ended]]:
    """The keys of what is measured where each block has the cells of the latest entry up to it."""
    records: list[Record] = []
    ended: list[Ended] = []

    def after_block(known: Sequence[Record]) -> Collection[str]:
        blocks = 1 + max((record.block for record in known), default=-1)
        return staying[max(block for block in staying if block <= blocks)]

    for block in Walk(trials, records, after_block, lambda *of: ended.append(of)).blocks():
        records += [made_record(attempt) for attempt in block.todo]
    return [record.trial for record in records], ended


def cells_of_plan() -> list[str]:
    return list(dict.fromkeys(trial.cell.key for trial in plan(EXPERIMENT) if trial.block >= 0))


def test_cells_that_have_left_are_passed_over_and_nothing_else_changes() -> None:
    trials = plan(EXPERIMENT)
    every = cells_of_plan()
    keys, ended = walked(trials, {0: every, 2: every[:2], 4: ()})
    expected = [
        trial.key
        for trial in trials
        if trial.block < 2 or (trial.block < 4 and trial.cell.key in every[:2])
    ]
    assert keys == expected
    assert [(block, {cell.key for cell in gone}) for block, gone in ended] == [
        (0, set()), (1, set(every[2:])), (2, set()), (3, set(every[:2])),
    ]  # fmt: skip


def test_ceilings_are_measured_before_the_blocks_whichever_cells_these_have() -> None:
    keys, _ = walked(plan(EXPERIMENT), {0: ()})
    assert keys == [trial.key for trial in plan(EXPERIMENT) if trial.role == "ceiling"]


def test_without_anybody_to_decide_every_trial_is_measured() -> None:
    trials, records = plan(EXPERIMENT), list[Record]()
    for block in Walk(trials, records, None, lambda *of: None).blocks():
        records += [made_record(attempt) for attempt in block.todo]
    assert [record.trial for record in records] == [trial.key for trial in trials]


def test_a_cell_takes_its_twin_and_its_system_calls_along() -> None:
    experiment = experiment_of(SEQUENTIAL + SYSCALLS)
    records: list[Record] = []
    found = go(experiment, records).decisions
    left = found.left
    mp = next(cell.key for cell in experiment.cells if cell.backend == "py-mp")
    assert left[mp] == left[f"{mp}~aa"] == 6
    roles = {(record.role, record.block) for record in records if record.cell.startswith(mp)}
    assert roles - {("ceiling", -1)} == {
        (role, block) for role in ("measure", "twin", "syscalls") for block in range(6)
    }


def test_nobody_is_asked_with_records_of_a_block_that_is_not_whole() -> None:
    trials, asked = plan(EXPERIMENT), list[int]()
    records = [made_record(Attempt(trial)) for trial in trials[:-3]]

    def after_block(known: Sequence[Record]) -> Collection[str]:
        blocks = {record.block for record in known if record.block >= 0}
        assert blocks == set(range(len(blocks)))
        asked.append(len(blocks))
        return cells_of_plan()

    walk = Walk(trials, records, after_block, lambda *of: None)
    todo = [block.todo for block in walk.blocks()]
    last = [trial for trial in trials if trial.block == 11]
    assert todo[-1] == [Attempt(trial, 2) for trial in last]
    assert asked == list(range(13))
    assert walk.left() == todo[-1]


def outcome_of(records: Sequence[Record]) -> list[tuple[str, str, int | None]]:
    found = find(EXPERIMENT, records, CORES, complete=True)
    return [(v.claim.id, v.outcome, v.decided) for v in found.verdicts]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 25), max_size=6), st.integers(0, 5))
def test_however_often_a_run_is_broken_off_it_ends_where_its_records_say(
    sessions: list[int], seed: int
) -> None:
    records: list[Record] = []

    def measure(attempt: Attempt) -> Record:
        return made_record(attempt, seed)

    for trials in sessions:
        go(EXPERIMENT, records, measure, trials)
    live = go(EXPERIMENT, records, measure).decisions
    assert live.over
    before = len(records)
    again = go(EXPERIMENT, records, measure).decisions
    assert len(records) == before, "a run that is over has nothing left to measure"
    assert (again.left, again.blocks) == (live.left, live.blocks)
    decided = [verdict.decided for verdict in live.verdicts]
    assert [one[2] for one in outcome_of(records)] == decided
    made = [(record.trial, record.attempt) for record in records]
    assert len(set(made)) == len(made)
    counted: dict[str, int] = {}
    for record in last_attempts(records):
        if record.block >= 0:
            counted[record.cell] = counted.get(record.cell, 0) + 1
    assert counted == live.left


def test_the_verdicts_of_an_interrupted_run_are_those_it_had_decided() -> None:
    records: list[Record] = []
    go(EXPERIMENT, records, trials=2 + 6 * 4 + 1)
    found = find(EXPERIMENT, records, CORES, complete=False)
    assert [(v.claim.id, v.outcome, v.decided) for v in found.verdicts] == [
        ("clear", "CONFIRMED", 6)
    ]
    assert [claim.id for claim in found.undecided] == ["near"]
    go(EXPERIMENT, records)
    assert outcome_of(records)[0] == ("clear", "CONFIRMED", 6)


def test_a_block_that_lacks_its_system_calls_alone_decides_nothing_yet() -> None:
    experiment = experiment_of(SEQUENTIAL + SYSCALLS)
    records: list[Record] = []
    traced = [t.index for t in plan(experiment) if t.role == "syscalls" and t.block == 5]
    go(experiment, records, trials=traced[0])
    assert records[-1].index == traced[0] - 1
    assert find(experiment, records, CORES, complete=False).verdicts == ()


@pytest.mark.parametrize("blocks", ["{ least = 5, most = 9 }", '"auto"', "5"])
def test_without_claims_every_cell_is_measured_in_the_least_blocks(blocks: str) -> None:
    text = SEQUENTIAL.partition("[[claim]]")[0]
    experiment = experiment_of(text.replace("{ least = 6, most = 12 }", blocks))
    records: list[Record] = []
    go(experiment, records)
    least = experiment.plan.blocks.least
    assert {record.block for record in records} == {-1, *range(least)}
    assert find(experiment, records, CORES, complete=True).verdicts == ()


def test_under_other_claims_a_run_goes_on_with_the_cells_that_these_need() -> None:
    records: list[Record] = []
    go(EXPERIMENT, records)
    mp = next(cell for cell in EXPERIMENT.cells if cell.backend == "py-mp")
    assert max(record.block for record in records if record.cell == mp.key) == 5
    other = experiment_of(SEQUENTIAL.replace("above = 1.3", "above = 1.82"))  # its true ratio
    found = go(other, records).decisions
    assert found.over
    assert max(record.block for record in records if record.cell == mp.key) == 11


def _nothing_more(attempt: Attempt) -> Record:
    raise AssertionError(f"{attempt.trial.key} is measured again")


WATCHED = experiment_of(SEQUENTIAL.replace("timelines = false\n", ""))


def test_servers_are_watched_in_the_first_block_alone() -> None:
    records: list[Record] = []
    go(WATCHED, records)
    seen = [(one.cell, one.block) for one in records if one.role == "timeline"]
    assert seen == [(cell.key, 0) for cell in WATCHED.cells]
    others = [one.trial for one in records if one.role != "timeline"]
    plain: list[Record] = []
    go(EXPERIMENT, plain)
    assert others == [one.trial for one in plain]


@pytest.mark.parametrize("left", range(1, len(WATCHED.cells) + 1))
def test_a_block_that_was_broken_off_while_servers_were_watched_is_measured_again(
    left: int,
) -> None:
    records: list[Record] = []
    first = sum(trial.block <= 0 for trial in plan(WATCHED))
    go(WATCHED, records, trials=first - left)
    assert find(WATCHED, records, CORES, complete=False).decisions.blocks == 0
    go(WATCHED, records)
    block = [one for one in records if one.block == 0]
    assert {one.attempt for one in last_attempts(block)} == {2}
    assert find(WATCHED, records, CORES, complete=True).made_again.broken_off


def test_a_journal_of_a_version_that_watched_nothing_is_whole() -> None:
    """Its plan does not ask for what it lacks."""
    records: list[Record] = []
    go(EXPERIMENT, records)
    following = go(EXPERIMENT, records, measure=_nothing_more)
    assert following.decisions.over
