# SPDX-License-Identifier: BSD-3-Clause
"""What is left of a plan, given any journal that crashes and failures can leave behind."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import SMALL, parse

from fibench.plan.trials import Trial, plan
from fibench.record import last_attempts
from fibench.run._resume import Attempt, remaining
from fibench.store.record import Head

TRIALS = plan(parse(SMALL, {"blocks": "3", "backend": "py-sync,py-mt,py-mp"}))


def _record(attempt: Attempt, *, valid: bool = True) -> Head:
    trial = attempt.trial
    return Head(
        trial=trial.key,
        role=trial.role,
        index=trial.index,
        block=trial.block,
        cell=trial.cell.key,
        attempt=attempt.number,
        valid=valid,
    )


def _block(trials: Sequence[Trial], number: int) -> list[Trial]:
    return [trial for trial in trials if trial.block == number]


def test_of_an_empty_journal_everything_is_left_for_the_first_time() -> None:
    assert remaining(TRIALS, []) == [Attempt(trial) for trial in TRIALS]


def test_of_a_whole_journal_nothing_is_left() -> None:
    assert remaining(TRIALS, [_record(Attempt(trial)) for trial in TRIALS]) == []


def test_an_interrupted_block_is_measured_again_from_its_first_trial() -> None:
    last = TRIALS[-1].block
    heads = [_record(Attempt(trial)) for trial in TRIALS[:-1]]
    assert remaining(TRIALS, heads) == [Attempt(trial, 2) for trial in _block(TRIALS, last)]


def test_a_block_broken_off_twice_is_one_attempt_further() -> None:
    last = _block(TRIALS, TRIALS[-1].block)
    heads = [_record(Attempt(trial)) for trial in TRIALS[:-1]]
    heads.append(_record(Attempt(last[0], 2)))
    assert remaining(TRIALS, heads) == [Attempt(trial, 3) for trial in last]


def test_a_trial_that_failed_is_tried_again_by_itself() -> None:
    failed = _block(TRIALS, 1)[1]
    heads = [_record(Attempt(trial), valid=trial != failed) for trial in TRIALS]
    assert remaining(TRIALS, heads) == [Attempt(failed, 2)]
    heads.append(_record(Attempt(failed, 2)))
    assert remaining(TRIALS, heads) == []


def test_a_pass_that_was_broken_off_does_not_make_a_block_with_a_lost_record_whole() -> None:
    # The record of the second trial was damaged, so the block was begun again, as far as there.
    block = _block(TRIALS, 1)
    heads = [_record(Attempt(trial)) for trial in TRIALS if trial != block[1]]
    heads += [_record(Attempt(trial, 2)) for trial in block[:2]]
    assert remaining(TRIALS, heads) == [Attempt(trial, 3) for trial in block]


@given(st.data())
def test_whatever_is_broken_off_in_the_end_every_trial_counts_once_and_is_valid(
    data: st.DataObject,
) -> None:
    heads: list[Head] = []
    for session in range(20):
        todo = remaining(TRIALS, heads)
        if not todo:
            break
        stop = len(todo) if session > 15 else data.draw(st.integers(0, len(todo)))
        for attempt in todo[:stop]:
            valid = session > 15 or data.draw(st.booleans())
            heads.append(_record(attempt, valid=valid))
    assert remaining(TRIALS, heads) == []
    last = last_attempts(heads)
    assert [head.trial for head in last] == [trial.key for trial in TRIALS]
    assert all(head.valid for head in last)
    made = [(head.trial, head.attempt) for head in heads]
    assert len(set(made)) == len(made), "no attempt has a folder that another one has"


@given(st.data())
def test_trials_that_stand_are_neighbours_of_one_pass_unless_they_had_failed(
    data: st.DataObject,
) -> None:
    heads: list[Head] = []
    for _ in range(data.draw(st.integers(1, 5))):
        todo = remaining(TRIALS, heads)
        made = todo[: data.draw(st.integers(0, len(todo)))]
        heads += [_record(attempt, valid=data.draw(st.booleans())) for attempt in made]
    left = {attempt.trial.key for attempt in remaining(TRIALS, heads)}
    for block in {trial.block for trial in TRIALS}:
        keys = [trial.key for trial in _block(TRIALS, block)]
        if left.intersection(keys) == set(keys):
            continue
        tries = {key: [h for h in heads if h.trial == key] for key in keys}
        passes = set.intersection(*({h.attempt for h in tries[key]} for key in keys))
        assert passes, "there is a pass in which all were measured"
        for key in keys:
            later = [h for h in tries[key] if h.attempt > max(passes)]
            assert not later or not tries[key][-len(later) - 1].valid
