# SPDX-License-Identifier: BSD-3-Clause
"""Who follows a run goes on from the last decisions, and comes to those from its beginning."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.runner.sequential_runs import (
    CORES,
    SEQUENTIAL,
    experiment_of,
    go,
    made_record,
    record_of,
)
from tests.runner.stored_runs import RATES

from fibench.commands.following import Following
from fibench.experiment import Claim
from fibench.plan import plan
from fibench.record import Record
from fibench.run._resume import Attempt
from fibench.verdict import Questions, Verdict, decide, questions_of
from fibench.verdict.sample import Index
from fibench.verdict.sampling.sampled import samples

EXPERIMENT = experiment_of(SEQUENTIAL)
QUESTIONS = questions_of(EXPERIMENT, CORES)
TOLERANT = experiment_of(SEQUENTIAL.replace("seed = 7", "seed = 7\ntolerate_failures = 0.2"))


def made_run(chance: random.Random | None = None) -> list[Record]:
    """A run whose second claim stays open; with `chance` one trial in ten failed in its window."""
    records: list[Record] = []

    def measure(attempt: Attempt) -> Record:
        record = made_record(attempt)
        if chance is None or record.block < 0 or chance.random() > 0.1:
            return record
        return replace(record, valid=False, reason="wrong replies", window_opened=True)

    go(EXPERIMENT if chance is None else TOLERANT, records, measure)
    return records


def check(following: Following, records: Sequence[Record]) -> None:
    staying = following(records)
    afresh = decide(following.questions, samples(records))
    assert list(staying) == list(afresh.staying)
    if afresh.blocks >= following.questions.looks.least:
        assert following.decisions == afresh


def up_to(records: Sequence[Record], block: int) -> list[Record]:
    return [one for one in records if one.block < block]


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_block_by_block_the_same_is_decided_as_from_the_beginning(
    seed: int | None, step: int
) -> None:
    records = made_run(None if seed is None else random.Random(seed))
    following = Following(QUESTIONS if seed is None else questions_of(TOLERANT, CORES))
    for block in range(0, QUESTIONS.looks.most + 2, step):
        check(following, up_to(records, block))


def test_no_look_is_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    following, records = Following(QUESTIONS), made_run()
    looks: list[int] = []
    judge = Questions.judge

    def counted(self: Questions, claims: Sequence[Claim], found: Index) -> tuple[Verdict, ...]:
        looks.append(len(claims))
        return judge(self, claims, found)

    monkeypatch.setattr(Questions, "judge", counted)
    for block in range(QUESTIONS.looks.most + 1):
        following(up_to(records, block))
    assert following.decisions.blocks == QUESTIONS.looks.most
    assert len(looks) == QUESTIONS.looks.most - QUESTIONS.looks.least + 1


def changed(records: list[Record]) -> list[Record]:
    """A trial of the third block is another record than it was."""
    third = next(one for one in records if one.block == 2)
    slow = replace(third, metrics={**third.metrics, "throughput_per_s": 1.0})
    return [slow if one is third else one for one in records]


def late(records: list[Record]) -> list[Record]:
    """A trial of the seventh block could not start, and was measured after the tenth."""
    seventh = next(one for one in records if one.block == 6)
    lacking = replace(
        seventh, valid=False, reason="port in use", failure="address-in-use", window_opened=False,
        metrics={}, counts={},
    )  # fmt: skip
    again = replace(seventh, attempt=2)
    begin = [lacking if one is seventh else one for one in records if one.block < 10]
    return [*begin, again, *(one for one in records if one.block >= 10)]


@pytest.mark.parametrize("alter", [changed, late])
@pytest.mark.parametrize("known", [0, 8, 12])
def test_where_an_earlier_block_is_not_what_it_was_all_is_judged_from_the_beginning(
    alter: object, known: int
) -> None:
    assert callable(alter)
    records = made_run()
    following = Following(QUESTIONS)
    for block in range(known + 1):
        check(following, up_to(records, block))
    altered = alter(records)
    for block in [*range(5, QUESTIONS.looks.most + 1), 8, 3, 12, 12]:
        check(following, up_to(altered, block))
    check(following, up_to(records, 12))


@pytest.mark.parametrize("seed", range(12))
def test_of_a_block_that_lacks_a_trial_it_is_seen_later_whether_anything_follows(seed: int) -> None:
    """The claims take some looks to be decided, so that cells leave after that block."""
    chance = random.Random(seed)
    trials = [trial for trial in plan(EXPERIMENT) if trial.role != "ceiling"]
    gone = chance.choice([trial for trial in trials if 5 <= trial.block < 9])
    rates = {**RATES, "py-sync": RATES["py-mt"]}
    records = [
        record_of(trial, rates[trial.cell.backend] * math.exp(chance.gauss(0.0, 0.2)))
        for trial in trials
        if trial is not gone
    ]
    following = Following(QUESTIONS)
    for block in range(QUESTIONS.looks.most + 1):
        check(following, up_to(records, block))


def test_a_trial_that_was_measured_after_all_is_not_taken_for_one_of_the_next_block() -> None:
    following, records = Following(QUESTIONS), late(made_run())
    ten = up_to(records, 10)
    assert (ten[-1].block, ten[-1].attempt) == (6, 2)
    check(following, ten[:-1])
    check(following, ten)
    for block in (11, 12):
        check(following, up_to(records, block))
