# SPDX-License-Identifier: BSD-3-Clause
"""What is left of a plan, given any journal that crashes, failures and disturbances can leave."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import SMALL, parse

from fibench.plan.trials import Trial, plan
from fibench.run._resume import Attempt, remaining
from fibench.store.attempts import attempts_of, next_pass, passes_of, repeats, tries_again
from fibench.store.record import Head
from fibench.tried import could_not_start, last_attempts

EXPERIMENT = parse(SMALL, {"blocks": "3", "backend": "py-sync,py-mt,py-mp"})
TRIALS = plan(EXPERIMENT)
Ending = Literal["stands", "failed", "disturbed", "unstarted"]
ENDINGS: tuple[Ending, ...] = ("stands", "failed", "disturbed", "unstarted")


def _record(attempt: Attempt, ending: Ending = "stands") -> Head:
    trial = attempt.trial
    is_valid = ending in ("stands", "disturbed")
    return Head(
        trial=trial.key,
        role=trial.role,
        index=trial.index,
        block=trial.block,
        cell=trial.cell.key,
        attempt=attempt.number,
        valid=is_valid,
        failure={"failed": "invalid", "unstarted": "address-in-use"}.get(ending),
        window_opened=ending != "unstarted",
        disturbed=ending == "disturbed",
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


def test_a_trial_that_could_not_start_is_tried_again_by_itself() -> None:
    lost = _block(TRIALS, 1)[1]
    heads = [_record(Attempt(one), "unstarted" if one == lost else "stands") for one in TRIALS]
    assert remaining(TRIALS, heads) == [Attempt(lost, 2)]
    heads.append(_record(Attempt(lost, 2)))
    assert remaining(TRIALS, heads) == []


def test_a_trial_that_failed_is_a_result_and_never_measured_again() -> None:
    heads = [_record(Attempt(trial), "failed") for trial in TRIALS]
    assert remaining(TRIALS, heads) == []


def test_a_failure_of_the_server_before_its_window_is_a_result_too() -> None:
    failed = [
        replace(_record(Attempt(one), "unstarted"), failure=kind)
        for one, kind in zip(TRIALS, ["exited", "wrong-reply", "never-ready"] * 9, strict=False)
    ]
    assert remaining(TRIALS[: len(failed)], failed) == []


def test_a_load_that_failed_in_its_window_is_a_result_and_before_it_is_none() -> None:
    heads = [replace(_record(Attempt(trial), "failed"), failure="load") for trial in TRIALS]
    assert remaining(TRIALS, heads) == []
    heads[-1] = replace(heads[-1], window_opened=False)
    assert remaining(TRIALS, heads) == [Attempt(TRIALS[-1], 2)]


def test_a_block_that_was_broken_off_while_it_owed_a_repetition_is_measured_again() -> None:
    block = _block(TRIALS, TRIALS[-1].block)
    heads = [_record(Attempt(trial)) for trial in TRIALS[:-1]]
    heads.append(_record(Attempt(TRIALS[-1]), "disturbed"))
    assert remaining(TRIALS, heads) == [Attempt(trial, 2) for trial in block]
    heads += [_record(Attempt(TRIALS[-1], number), "disturbed") for number in (2, 3)]
    assert remaining(TRIALS, heads) == [], "three attempts are all there are"


def test_a_block_that_was_broken_off_at_its_first_repetition_has_two_passes() -> None:
    first, second = TRIALS[:2]
    heads = [_record(Attempt(first), "disturbed")]
    number = next_pass(heads, [first.key, second.key])
    heads += [_record(Attempt(trial, number)) for trial in (first, second)]
    passes = passes_of(heads)[first.block]
    assert [one.number for one in passes] == [1, 3], "2 would be a repetition"
    assert set(passes[-1].tries) == {first.key, second.key}


def test_an_attempt_that_nothing_asked_for_does_not_count() -> None:
    """Added by hand, with a right digest and better figures."""
    heads = [_record(Attempt(trial)) for trial in TRIALS]
    more = [_record(Attempt(TRIALS[3], 2)), *(_record(Attempt(t, 7)) for t in _block(TRIALS, 1))]
    found = attempts_of([*heads, *more], EXPERIMENT)
    assert found.made == heads
    assert found.unasked == more


def test_a_pass_that_was_broken_off_does_not_make_a_block_with_a_lost_record_whole() -> None:
    # The record of the second trial was damaged, so the block was begun again, as far as there.
    block = _block(TRIALS, 1)
    heads = [_record(Attempt(trial)) for trial in TRIALS if trial != block[1]]
    heads += [_record(Attempt(trial, 2)) for trial in block[:2]]
    assert remaining(TRIALS, heads) == [Attempt(trial, 3) for trial in block]


def test_a_block_broken_off_two_and_three_times_anywhere_loses_no_line_and_is_gone_on_with() -> (
    None
):
    """Every number of trials that each session comes to, before it is broken off."""
    for block in (0, 1, 2):
        before = [_record(Attempt(trial)) for trial in TRIALS if trial.block < block]
        size = len(_block(TRIALS, block))
        for stops in [*product(range(size), repeat=2), *product(range(size), repeat=3)]:
            heads = list(before)
            for stop in stops:
                heads += map(_record, remaining(TRIALS, heads)[:stop])
                _assert_all_asked_for(heads)
            heads += map(_record, remaining(TRIALS, heads))
            _assert_all_asked_for(heads)
            assert remaining(TRIALS, heads) == []


def _assert_all_asked_for(heads: list[Head]) -> None:
    """As the next session reads the journal, and as a report does."""
    followed = attempts_of(heads, EXPERIMENT)
    assert followed.made == heads
    made = {(head.trial, head.attempt) for head in heads}
    assert len(made) == len(heads)
    left = [(one.trial.key, one.number) for one in remaining(TRIALS, followed.made)]
    assert made.isdisjoint(left), "each attempt has a folder of its own"


def test_a_block_of_the_cells_that_stay_is_broken_off_as_often() -> None:
    """A cell leaves before the block; another one only after it, so that nothing else says that it
    was still to come."""
    cells = list(dict.fromkeys(one.cell.key for one in TRIALS if one.block == 0))
    for gone in cells[:2]:
        trials = [one for one in TRIALS if one.block < 1 or one.cell.key != gone]
        size = len(_block(trials, 1))
        for stops in [*product(range(size), repeat=2), *product(range(size), repeat=3)]:
            heads = [_record(Attempt(trial)) for trial in trials if trial.block < 1]
            for stop in stops:
                heads += map(_record, remaining(_up_to(trials, 1), heads)[:stop])
                assert attempts_of(heads, EXPERIMENT).made == heads
            heads += map(_record, remaining(_up_to(trials, 1), heads))
            assert attempts_of(heads, EXPERIMENT).made == heads
            assert remaining(_up_to(trials, 1), heads) == []


def _up_to(trials: Sequence[Trial], block: int) -> list[Trial]:
    """The plan as far as a block; is_planned goes by places, which stay."""
    return [trial for trial in trials if trial.block <= block]


def test_what_is_added_behind_the_last_block_does_not_count_whatever_left_before_it() -> None:
    gone = TRIALS[-1].cell.key
    heads = [_record(Attempt(t)) for t in TRIALS if t.block < 1 or t.cell.key != gone]
    more = [_record(Attempt(t, 5)) for t in _block(TRIALS, 2) if t.cell.key != gone]
    found = attempts_of([*heads, *more], EXPERIMENT)
    assert (found.made, found.unasked) == (heads, more)


@pytest.mark.parametrize("failed", [1, 2, 3, 5, 6, 7], ids=lambda which: f"{which:03b}")
@pytest.mark.parametrize("still", [0, 1, 7], ids=lambda which: f"{which:03b}")
def test_a_block_that_earlier_rules_measured_again_keeps_its_second_pass(
    failed: int, still: int
) -> None:
    """They tried again what had failed, and a block that was broken off as a whole: the same number
    may mean either. Which of three trials failed at first, and at last, is a bit of each."""
    block = _block(TRIALS, 1)

    def made(trial: Trial, number: int, which: int) -> Head:
        ending: Ending = "failed" if which >> block.index(trial) & 1 else "stands"
        return replace(_record(Attempt(trial, number), ending), schema=2)

    first = [made(trial, 1, failed) for trial in block[:3]]
    again = [made(trial, 2, still) for trial in block]
    heads = [replace(_record(Attempt(t)), schema=2) for t in TRIALS if t.block == 0]
    heads += [*first, *again]
    assert attempts_of(heads, EXPERIMENT).made == heads
    assert [one.number for one in passes_of(heads)[1]] == [1, 2]
    assert {one.trial for one in passes_of(heads)[1][0].all()} == {one.trial for one in first}
    assert list(passes_of(heads)[1][-1].all()) == again
    assert remaining([t for t in TRIALS if t.block in (0, 1)], heads) == []


def _session(
    data: st.DataObject, heads: list[Head], *, may_stop: bool = True, calm: bool = False
) -> bool:
    """Go on with a run as its loop does, until something breaks it off; returns whether it did."""
    assert attempts_of(heads, EXPERIMENT).made == heads, "nothing is lost on the way"
    for attempt in remaining(TRIALS, heads):
        tries: list[Head] = []
        while True:
            if may_stop and data.draw(st.integers(0, 20)) == 0:
                return True
            number = attempt.number + len(tries)
            ending = "stands" if calm else data.draw(st.sampled_from(ENDINGS))
            tries.append(_record(Attempt(attempt.trial, number), ending))
            heads.append(tries[-1])
            if not tries_again(tries) and not repeats(tries, attempt.disturbed):
                break
    return False


@given(st.data())
def test_whatever_breaks_a_run_off_in_the_end_every_trial_counts_once_and_none_was_chosen(
    data: st.DataObject,
) -> None:
    heads: list[Head] = []
    for _ in range(data.draw(st.integers(0, 6))):
        _session(data, heads)
    assert not _session(data, heads, may_stop=False)
    _session(data, heads, may_stop=False, calm=True)
    assert remaining(TRIALS, heads) == []
    followed = attempts_of(heads, EXPERIMENT)
    assert followed.made == heads, "all that a run does was asked for"
    last = last_attempts(followed.made)
    assert [head.trial for head in last] == [trial.key for trial in TRIALS]
    assert not any(map(could_not_start, last))
    made = [(head.trial, head.attempt) for head in heads]
    assert len(set(made)) == len(made), "no attempt has a folder that another one has"
    for block in {trial.block for trial in TRIALS}:
        (*_, final) = passes_of(heads)[block]
        for tries in final.tries.values():
            ends = [head.valid or not could_not_start(head) for head in tries]
            results = [head for head, ended in zip(tries, ends, strict=True) if ended]
            assert all(head.valid and head.disturbed for head in results[:-1])
            assert len(results) <= 3, "at most two repetitions"


@given(st.data())
def test_cutting_a_journal_and_adding_to_it_never_brings_a_failed_trial_to_count_as_another(
    data: st.DataObject,
) -> None:
    """What stands in a whole block stays, whatever is added behind it."""
    heads = [_record(Attempt(t), data.draw(st.sampled_from(ENDINGS[:2]))) for t in TRIALS]
    numbers = st.integers(2, 5)
    more = [
        _record(Attempt(data.draw(st.sampled_from(TRIALS)), data.draw(numbers)))
        for _ in range(data.draw(st.integers(0, 12)))
    ]
    assert last_attempts(attempts_of([*heads, *more], EXPERIMENT).made) == heads
