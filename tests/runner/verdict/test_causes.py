# SPDX-License-Identifier: BSD-3-Clause
"""Whether the causes of claims were seen: judged as values are, and without a word in verdicts."""

import json
import math
import random
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.causes import FIXED, above, below, judged_with, waiting, watching
from tests.runner.experiments import GIL, parse
from tests.runner.verdict.claims import (
    NEAR_ONE_AND_A_HALF,
    A,
    B,
    make_cell,
    make_claim,
    ratios,
    refusals,
    sample,
    verdict_on,
)

from fibench.experiment import Absent, AbsentCell
from fibench.timeline import ThreadTime
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Questions, questions_of
from fibench.verdict.estimate import CONFIDENCE, Sample
from fibench.verdict.explaining.causes import Causes
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Index
from fibench.verdict.verdict import Verdict, claim_json

LOCK = "waiting_for_gil"
CLAIM = make_claim(low=1.3)
MADE = ratios(NEAR_ONE_AND_A_HALF)


def outcomes(verdict: Verdict) -> list[str]:
    return [one.outcome for one in verdict.causes]


@pytest.mark.parametrize(
    ("share", "bound", "outcome"),
    [(0.81, 0.6, "seen"), (0.2, 0.6, "not seen"), (0.6, 0.6, "not known")],
)
def test_what_threads_wait_for_is_held_against_the_bound(
    share: float, bound: float, outcome: str
) -> None:
    made = watching(MADE, A, waiting(share))
    verdict = judged_with(CLAIM, above(LOCK, A, bound), samples=made)
    assert outcomes(verdict) == [outcome]
    (found,) = verdict.causes
    assert found.estimate is not None
    assert found.estimate.mean == pytest.approx(share)
    assert found.estimate.slices == 10
    assert found.reason is None, "the interval says it"


def test_what_nobody_waited_for_is_seen_to_be_little() -> None:
    made = watching(MADE, A, waiting(0.0, unevenly=0.0))
    assert outcomes(judged_with(CLAIM, below(LOCK, A, 0.05), samples=made)) == ["seen"]
    assert outcomes(judged_with(CLAIM, above(LOCK, A, 0.05), samples=made)) == ["not seen"]


@pytest.mark.parametrize(
    ("causes", "outcome"),
    [
        ((above("throughput", A, 1.3),), "seen"),
        ((below("throughput", A, 1.3),), "not seen"),
        ((above("throughput", A, 1.5),), "not known"),
        ((above("cores", A, 0.5),), "not known"),
    ],
)
def test_a_timed_figure_is_judged_as_a_value_is(causes: Any, outcome: str) -> None:
    verdict = judged_with(CLAIM, *causes, samples=MADE)
    assert outcomes(verdict) == [outcome]
    (found,) = verdict.causes
    if causes[0].metric == "cores":
        assert found.reason == "cores was not measured"
        return
    asked = make_claim(right=None, low=causes[0].low, high=causes[0].high)
    value = verdict_on(asked, MADE)
    assert found.estimate == value.estimate
    assert found.reason == (value.reason if outcome == "not known" else None)


def test_a_count_is_seen_in_every_block_or_not() -> None:
    made = [*MADE, *refusals([3, 4, 3, 3, 4, 3], make_cell("c"))]
    for cause, outcome in ((above("refused", make_cell("c"), 2.0), "seen"),
                           (above("refused", make_cell("c"), 3.0), "not seen")):  # fmt: skip
        (found,) = judged_with(CLAIM, cause, samples=made).causes
        assert found.outcome == outcome
        assert found.count is not None
        assert (found.count.least, found.count.most) == (3, 4)


def test_a_cause_changes_nothing_of_its_verdict() -> None:
    made = watching(MADE, A, waiting(0.1))
    for bound in (1.3, 1.5, 3.0):
        claim = make_claim(low=bound)
        verdict = judged_with(claim, above(LOCK, A, 0.6), samples=made)
        assert outcomes(verdict) == ["not seen"]
        assert replace(verdict, causes=(), claim=claim) == verdict_on(claim, made)


def test_it_is_none_of_the_claims_and_has_the_confidence_of_its_own() -> None:
    causes = [above("throughput", A, 1.3), above(LOCK, A, 0.6), below("throughput", B, 2.0)]
    made = watching(MADE, A, waiting(0.8))
    verdict = judged_with(CLAIM, *causes, samples=made, claims=8)
    assert verdict.alpha == pytest.approx((1.0 - CONFIDENCE) / 8)
    for found in verdict.causes:
        assert found.estimate is not None
        assert found.estimate.alpha == pytest.approx(verdict.alpha)


def test_it_holds_no_cell_in_the_run() -> None:
    """Its cell is in no claim: it leaves at the first look, though its figure is not clear then."""
    looks, other = Looks(6, 12), make_cell("c")
    made = [*MADE, *(sample(other, block, 1.0 + 0.2 * (block % 2)) for block in range(6))]
    stated = replace(CLAIM, causes=(above("throughput", other, 1.1),))
    questions = Questions([stated], [A.key, B.key, other.key], looks, 2)
    found = decide(questions, made)
    assert found.over
    assert found.left == {A.key: 6, B.key: 6, other.key: 6}
    (verdict,) = Causes(questions, Index(made), True).judged(found.verdicts)
    assert (verdict.outcome, outcomes(verdict)) == ("CONFIRMED", ["not known"])
    (cause,) = verdict.causes
    assert cause.estimate is not None
    assert cause.estimate.looks is None, "its number of blocks hung on nothing that was measured"


def test_where_the_number_of_blocks_hung_on_figures_the_interval_bears_with_that() -> None:
    verdict = judged_with(CLAIM, above("throughput", A, 1.3), samples=MADE, looks=Looks(6, 12))
    (found,) = verdict.causes
    assert found.estimate is not None
    assert found.estimate.looks == Looks(6, 12)


def test_of_an_interrupted_run_only_what_was_looked_at_is_known() -> None:
    """Who stops when a figure pleases would choose it."""
    other, looks = make_cell("c"), Looks(6, 12)
    made = [*MADE, *(sample(other, block, 2.0) for block in range(6))]
    causes = above("throughput", A, 1.3), above("throughput", other, 1.3)
    verdict = judged_with(CLAIM, *causes, samples=made, looks=looks, ended=False)
    assert outcomes(verdict) == ["seen", "not known"]
    assert verdict.causes[1].reason is not None
    assert "interrupted" in verdict.causes[1].reason


def test_so_few_blocks_that_decide_no_claim_show_no_cause() -> None:
    made = [one for one in MADE if one.block < 4]
    questions = Questions(
        [replace(CLAIM, causes=(above("throughput", A, 1.3),))], [A.key, B.key], Looks(4, 4), 2,
        fewest=5,
    )  # fmt: skip
    index = Index(made)
    (verdict,) = Causes(questions, index, True).judged(questions.judge(questions.claims, index))
    (found,) = verdict.causes
    assert (found.outcome, found.reason) == ("not known", "4 complete blocks, a verdict needs 5")


def test_what_cannot_be_known_says_why() -> None:
    other = make_cell("c")
    absent = Absent((AbsentCell(other, "py-mt on 3.14t: not installed"),))
    causes = (
        above(LOCK, A, 0.6),
        above(LOCK, B, 0.6),
        above("throughput", other, 1.0),
        above(LOCK, None, 0.6, 'no cell has { backend = "c" }'),
    )
    made = watching(MADE, B, ThreadTime("Yama scope 3 lets nobody look"))
    questions = Questions([replace(CLAIM, causes=causes)], [A.key, B.key], FIXED, 2, absent=absent)
    (verdict,) = Causes(questions, Index(made), True).judged(
        questions.judge(questions.claims, Index(made))
    )
    assert outcomes(verdict) == ["not known"] * 4
    assert [one.reason for one in verdict.causes] == [
        f"{LOCK} was not measured: its server was not watched",
        f"{LOCK} was not measured: Yama scope 3 lets nobody look",
        "py-mt on 3.14t: not installed",
        'no cell has { backend = "c" }',
    ]


def test_a_cell_whose_trials_failed_shows_nothing() -> None:
    made = [replace(one, valid=one.cell_key != A.key, reason="hung") for one in MADE]
    verdict = judged_with(
        make_claim(right=None, low=0.1), above("throughput", A, 1.0), samples=made
    )
    assert verdict.outcome == "INVALID"
    (found,) = verdict.causes
    assert (found.outcome, found.reason) == ("not known", "no trial of a is valid: hung")


def test_a_claim_that_cannot_be_tested_has_no_word_of_its_cause() -> None:
    claim = make_claim(low=1.3, needs_cpus=64)
    verdict = judged_with(claim, above("throughput", A, 1.3), samples=MADE)
    assert (verdict.outcome, verdict.causes) == ("NOT HERE", ())
    assert claim_json(verdict)["cause"] is None


@pytest.mark.parametrize(
    ("shares", "together"),
    [
        ((0.8, 0.0), "seen"),
        ((0.8, 0.5), "not seen"),
        ((0.8, 0.05), "not known"),
        ((0.2, 0.05), "not seen"),
    ],
)
def test_several_causes_must_all_be_seen(shares: tuple[float, float], together: str) -> None:
    made = watching(watching(MADE, A, waiting(shares[0])), B, waiting(shares[1]))
    causes = above(LOCK, A, 0.6), below(LOCK, B, 0.05)
    document: Any = json.loads(json.dumps(claim_json(judged_with(CLAIM, *causes, samples=made))))
    assert document["cause"]["outcome"] == together


def test_the_json_names_cell_unit_bound_and_interval() -> None:
    made = watching(MADE, A, waiting(0.81))
    causes = above(LOCK, A, 0.6), below("throughput", B, 2.0), above("cores", B, 0.5)
    verdict = judged_with(CLAIM, *causes, samples=made)
    document: Any = json.loads(json.dumps(claim_json(verdict), allow_nan=False))["cause"]
    assert set(document) == {"outcome", "figures"}
    first, second, third = document["figures"]
    assert {name: first[name] for name in ("cell", "label", "metric", "above", "below")} == {
        "cell": A.key, "label": A.label, "metric": LOCK, "above": 0.6, "below": None
    }  # fmt: skip
    assert (first["outcome"], first["reason"], first["count"]) == ("seen", None, None)
    estimate = first["estimate"]
    assert (estimate["quantity"], estimate["slices"]) == ("waiting_for_gil_share", 10)
    assert estimate["low"] < estimate["mean"] < estimate["high"] < 1.0
    assert estimate["confidence"] == CONFIDENCE
    assert (second["estimate"]["quantity"], second["estimate"]["blocks"]) == ("throughput_per_s", 6)
    assert second["estimate"]["slices"] is None
    assert (third["outcome"], third["estimate"]) == ("not known", None)
    assert third["reason"] == "cores was not measured"


def test_who_has_no_cause_has_none_in_json() -> None:
    assert claim_json(judged_with(CLAIM, samples=MADE))["cause"] is None


def test_causes_do_not_raise_the_number_of_claims_of_a_file() -> None:
    cause = 'cause = { of = { backend = "py-mt" }, metric = "waiting_for_gil", above = 0.6 }\n'
    text = GIL.replace("where = { n = 27 }\n", "where = { n = 27 }\n" + cause)
    assert cause in text
    experiment = parse(text)
    assert len(experiment.claims[0].causes) == 1
    assert experiment.claims_in_file == parse(GIL).claims_in_file
    assert questions_of(experiment, 2).total_claims == 2


def _many(truth: float, chance: random.Random) -> list[Sample]:
    return [sample(A, block, truth * math.exp(chance.gauss(0.0, 0.1))) for block in range(6)]


def test_a_cause_that_is_not_there_is_seen_no_more_often_than_promised() -> None:
    """Of two figures the truth of one lies on its bound: both seen in at most 2.5 of 100 runs."""
    chance, runs, seen = random.Random(3), 200, 0
    causes = above("throughput", A, 1.0), above("throughput", B, 0.1)
    for _ in range(runs):
        made = [*_many(1.0, chance), *(replace(one, cell_key=B.key) for one in _many(1.0, chance))]
        verdict = judged_with(make_claim(low=0.1), *causes, samples=made)
        seen += outcomes(verdict) == ["seen", "seen"]
    expected = (1.0 - CONFIDENCE) / 2.0 * runs
    assert 0 < seen <= expected + 3.0 * math.sqrt(expected)
