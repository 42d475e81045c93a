# SPDX-License-Identifier: BSD-3-Clause
"""Who ends the load of each trial that goes badly, before its window, chooses no verdict by it."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.records import recorded
from tests.runner.sequential_runs import SEQUENTIAL, experiment_of
from tests.runner.verdict.chosen_runs import attacked
from tests.runner.verdict.chosen_runs import record as _record
from tests.runner.verdict.claims import make_claim, verdict_on
from tests.runner.verdict.decided_runs import ask

from fibench.record import Record
from fibench.store.attempts import attempts_of
from fibench.verdict.attempts.broken_load import broken_load
from fibench.verdict.attempts.made_again import made_again
from fibench.verdict.deciding.decide import decide
from fibench.verdict.sampling.sampled import samples

ABOVE = make_claim(low=1.3)
FIGURES = [1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5, 1.51, 1.49]
NOTHING: dict[str, Any] = {"valid": False, "window_opened": False, "metrics": {}, "counts": {}}
KILLED = {**NOTHING, "reason": "fibload ended without an answer", "failure": "load"}
BROKEN: dict[str, Any] = {**KILLED, "load_began": True}
UNBEGUN: dict[str, Any] = {**KILLED, "load_began": False}
READY: dict[str, Any] = {**UNBEGUN, "server": {"threads": 1}}
"""The load never began, but the server was ready: who likes can have asked it himself."""
PORT: dict[str, Any] = {**NOTHING, "reason": "in use", "failure": "address-in-use"}


def _run(before: dict[int, Sequence[dict[str, Any]]], *, ends: bool = True) -> list[Record]:
    """Ten blocks of a and b; of a, by block, first what was made in vain. Unless it `ends`, that is
    all there is of these trials."""
    made = []
    for block, figure in enumerate(FIGURES):
        vain = before.get(block, ())
        made += [_record(block, n, **one) for n, one in enumerate(vain, 1)]
        if ends or not vain:
            metrics = {"throughput_per_s": figure}
            made.append(_record(block, len(vain) + 1, metrics=metrics))
        made.append(_record(block, 1, "b"))
    return recorded(*made)


@pytest.mark.parametrize(
    ("vain", "blocks", "outcome"),
    [
        ([BROKEN], 1, "CONFIRMED"),
        ([BROKEN], 2, "INCONCLUSIVE"),
        ([BROKEN, BROKEN], 2, "INCONCLUSIVE"),
        ([BROKEN], 6, "INCONCLUSIVE"),
        ([PORT, BROKEN], 2, "INCONCLUSIVE"),
        ([READY], 1, "CONFIRMED"),
        ([READY, READY], 2, "INCONCLUSIVE"),
        ([UNBEGUN, UNBEGUN], 6, "CONFIRMED"),
        ([PORT, PORT], 6, "CONFIRMED"),
        ([KILLED], 6, "CONFIRMED"),
    ],
)
def test_what_broke_off_under_its_load_counts_as_measured_again_with_an_unknown_figure(
    vain: list[dict[str, Any]], blocks: int, outcome: str
) -> None:
    """Of 20 trials one is no matter; six are more than a quarter. What an earlier version has kept
    does not say whether the load had begun."""
    found = samples(_run(dict.fromkeys(range(blocks), vain)))
    broken = sum(one.get("load_began") is True or "server" in one for one in vain)
    assert [len(one.superseded) for one in found if one.superseded] == [broken] * (
        blocks if broken else 0
    )
    verdict = verdict_on(ABOVE, found)
    assert verdict.outcome == outcome
    if outcome == "INCONCLUSIVE":
        assert verdict.reason is not None
        share = f"{blocks} of 20 trials were measured again (load broken off {blocks})"
        assert share in verdict.reason


@pytest.mark.parametrize(
    ("vain", "outcome"),
    [
        ([BROKEN] * 3, "INVALID"),
        ([BROKEN, PORT, PORT], "INVALID"),
        ([READY] * 3, "INVALID"),
        ([UNBEGUN] * 3, "CONFIRMED"),
        ([PORT] * 3, "CONFIRMED"),
    ],
)
def test_a_trial_of_which_no_attempt_came_to_its_window_has_failed_if_its_load_had_begun(
    vain: list[dict[str, Any]], outcome: str
) -> None:
    """Else who ends all three would drop the block."""
    verdict = verdict_on(ABOVE, samples(_run({3: vain}, ends=False)))
    assert verdict.outcome == outcome
    if outcome == "INVALID":
        assert verdict.reason is not None
        assert verdict.reason.startswith("1 of 10 trials of a failed")


@pytest.mark.parametrize(("vain", "unstarted"), [([BROKEN] * 3, False), ([PORT] * 3, True)])
def test_looks_before_it_was_filled_in_know_that_it_had_failed(
    vain: list[dict[str, Any]], unstarted: bool
) -> None:
    records = _run({3: vain}, ends=False)
    late = recorded(_record(3, 4, metrics={"throughput_per_s": 1.5}))
    (one,) = (one for one in samples([*records, *late]) if (one.cell_key, one.block) == ("a", 3))
    assert one.valid
    then = one.as_of(6)
    assert (then.valid, then.unstarted) == (False, unstarted)
    assert one.as_of(11) == one


def test_the_report_tells_what_broke_off_from_what_could_not_start() -> None:
    found = made_again(_run({1: [BROKEN], 2: [BROKEN, PORT], 3: [PORT], 4: [UNBEGUN]}))
    assert list(found.lines()) == [
        "2 of 20 trials were disturbed and measured again: load broken off 2",
        (
            "3 of 20 trials could not start at once, for reasons that are not the server's, and "
            "were tried again"
        ),
    ]
    assert found.as_json()["measured_again"] == {"load": 2}


def test_a_journal_may_have_a_further_attempt_after_a_load_that_broke_off() -> None:
    records = _run({1: [BROKEN], 2: [BROKEN, BROKEN]})
    assert attempts_of(records, experiment_of(SEQUENTIAL)).unasked == []


RUNS = 100


@pytest.mark.parametrize("share", [pytest.param(0.1, marks=pytest.mark.long), 0.2, 0.5])
def test_who_kills_the_load_of_each_trial_that_goes_badly_gets_no_verdict_by_it(
    share: float,
) -> None:
    """The truth lies on the bound, and 0.31 of 100 are promised."""
    chance = random.Random(13)
    (broken,) = recorded(_record(0, **BROKEN))
    questions = ask([make_claim(low=1.0)], total_claims=8)
    wrong = seen = 0
    for _ in range(RUNS):
        run = [
            replace(
                one,
                superseded=tuple(
                    replace(before, metrics={}, valid=False, disturbed=broken_load(broken))
                    for before in one.superseded
                ),
            )
            for one in attacked(chance, share)
        ]
        (verdict,) = decide(questions, run, ended=True).verdicts
        wrong += verdict.outcome == "CONFIRMED"
        if share >= 0.2 and seen <= RUNS / 5:
            blind = [replace(one, superseded=()) for one in run]
            (verdict,) = decide(questions, blind, ended=True).verdicts
            seen += verdict.outcome == "CONFIRMED"
    assert wrong <= 2
    assert share < 0.2 or seen > RUNS / 5, "or there is nothing to be seen"
