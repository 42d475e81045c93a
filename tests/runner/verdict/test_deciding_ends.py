# SPDX-License-Identifier: BSD-3-Clause
"""How runs that may end early end: at a fixed number of blocks, broken off, with lost trials."""

from dataclasses import replace

import pytest
from tests.runner.verdict.claims import A, B, make_claim
from tests.runner.verdict.decided_runs import (
    ABOVE_ONE,
    NO_ERRORS,
    TWIN,
    C,
    ask,
    figures,
    look_of,
    sharpened,
)

from fibench.experiment import Cell
from fibench.record import Disturbed
from fibench.verdict.deciding.decide import decide
from fibench.verdict.estimate import Sample
from fibench.verdict.judging import judge
from fibench.verdict.looks import Looks
from fibench.wording import counted

# A fixed number of blocks, and other ends


@pytest.mark.parametrize("level", [1.0, 1.02, 9.0, 0.1])
def test_a_fixed_number_of_blocks_is_one_look_with_the_verdicts_of_judge(level: float) -> None:
    samples, fixed = sharpened(level, 8), Looks(8, 8)
    claims = [ABOVE_ONE, replace(NO_ERRORS, id="count")]
    assert not decide(ask(claims, looks=fixed), [s for s in samples if s.block < 7]).over
    found = decide(ask(claims, looks=fixed), samples)
    assert found.over
    assert [replace(verdict, decided=None) for verdict in found.verdicts] == list(
        judge(claims, samples, 2)
    )


def test_of_a_run_that_was_broken_off_only_what_was_decided_has_a_verdict() -> None:
    near = replace(make_claim(low=1.0, right=C), id="near")
    samples = [s for c, x in ((A, 9.0), (B, 1.0), (C, 9.0)) for s in figures(c, x, 6)]
    found = decide(ask([ABOVE_ONE, near], [A, B, C]), samples)
    assert not found.over
    assert [verdict.claim.id for verdict in found.verdicts] == ["a-beats-b"]


ADDED = [
    replace(make_claim(low=1.5), id="clear"),
    replace(make_claim(low=1.0, right=C), id="near"),
    replace(NO_ERRORS, id="count"),
]
"""Of a run of a and b in nine blocks, and of c in six."""


def nine_blocks() -> list[Sample]:
    counted = [replace(s, counts={**s.counts, "errors": 0}) for s in figures(A, 2.0, 9)]
    return [*counted, *figures(B, 1.0, 9), *figures(C, 2.0, 6)]


def test_claims_added_to_a_run_are_decided_after_blocks_that_it_has() -> None:
    found = decide(ask(ADDED, [A, B, C]), nine_blocks(), ended=True)
    assert [(v.outcome, v.decided) for v in found.verdicts] == [
        ("CONFIRMED", 6), ("INCONCLUSIVE", None), ("CONFIRMED", 9),
    ]  # fmt: skip
    assert [v.estimate.blocks for v in found.verdicts if v.estimate] == [6, 6]


def test_a_run_of_fewer_blocks_than_a_look_needs_decides_nothing_and_a_fixed_one_by_its_own() -> (
    None
):
    short = [s for s in nine_blocks() if s.block < 4]
    assert look_of(decide(ask(ADDED[:1], [A, B, C]), short, ended=True)) == [None]
    fixed = ask([ADDED[0]], [A, B], Looks(9, 9))
    lost = [s for s in nine_blocks() if (s.cell_key, s.block) != ("b", 8)]
    assert look_of(decide(fixed, lost, ended=True)) == [8]


@pytest.mark.parametrize(
    ("lost", "fewest", "outcome"),
    [(3, 5, "CONFIRMED"), (4, 5, "INCONCLUSIVE"), (5, 5, "INCONCLUSIVE"), (5, 3, "CONFIRMED"),
     (6, 5, "INCONCLUSIVE"), (7, 5, "INCONCLUSIVE"), (6, 3, "INCONCLUSIVE")],
)  # fmt: skip
def test_no_claim_of_a_fixed_run_rests_on_fewer_than_five_blocks(
    lost: int, fewest: int, outcome: str
) -> None:
    """Where trials failed and are tolerated. Runs of earlier versions were content with three."""
    claim = replace(make_claim(low=1.5), tolerates=1.0)
    samples = [
        replace(one, valid=False, reason="a client had no reply", metrics={})
        if one.cell_key == "a" and one.block < lost
        else one
        for one in (*figures(A, 2.0, 8), *figures(B, 1.0, 8))
    ]
    questions = ask([claim], looks=Looks(8, 8), fewest=fewest)
    (verdict,) = decide(questions, samples, ended=True).verdicts
    assert (verdict.outcome, verdict.blocks) == (outcome, 8 - lost)
    if outcome == "INCONCLUSIVE":
        complete = counted(8 - lost, "complete block")
        why = f"{complete}, a verdict needs {fewest}"
        assert verdict.reason == f"{why} (a client had no reply)"


def test_of_five_blocks_none_may_be_left_out_and_a_miss_is_one_in_any_case() -> None:
    fixed, claim = Looks(5, 5), make_claim(low=1.5)
    samples = [*figures(A, 2.0, 5), *figures(B, 1.0, 5)]
    questions = ask([claim], looks=fixed, fewest=5)
    assert decide(questions, samples, ended=True).verdicts[0].outcome == "CONFIRMED"
    noisy = [
        replace(s, disturbed=Disturbed("probe", "slow")) if s.block == 2 else s for s in samples
    ]
    (verdict,) = decide(questions, noisy, ended=True).verdicts
    assert (verdict.outcome, verdict.reason) == (
        "INCONCLUSIVE", "4 complete blocks, a verdict needs 5",
    )  # fmt: skip
    counted = [replace(s, counts={**s.counts, "errors": 3}) for s in figures(A, 2.0, 4)]
    asked = ask([NO_ERRORS], [A], looks=fixed, fewest=5)
    assert decide(asked, counted, ended=True).verdicts[0].outcome == "REFUTED"


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("block", range(8))
@pytest.mark.parametrize("cell", [TWIN, B])
def test_a_trial_that_was_lost_stalls_nothing(cell: Cell, block: int, ended: bool) -> None:
    near = replace(make_claim(low=1.0, right=C), id="near")
    every = [*nine_blocks(), *figures(TWIN, 2.0, 9), *figures(C, 2.0, 9, first=6)]
    some = [s for s in every if (s.cell_key, s.block) != (cell.key, block)]
    found = decide(ask([ADDED[0], near], [A, B, C, TWIN]), some, ended=ended)
    lacks_a_pair = cell == B and block < 6
    assert look_of(found) == [7 if lacks_a_pair else 6, None]
    assert found.standings[1].verdict is not None
    assert found.standings[1].verdict.estimate is not None
    assert found.standings[1].verdict.estimate.blocks == 9


def test_claims_added_after_the_end_are_judged_by_all_there_is_at_their_own_blocks() -> None:
    ended_by = decide(ask([ABOVE_ONE], [A, B, C]), figures(A, 9.0, 6) + figures(B, 1.0, 6)
                      + figures(C, 9.0, 6))  # fmt: skip
    assert ended_by.over
    samples = [s for c, x in ((A, 9.0), (B, 1.0), (C, 9.0)) for s in figures(c, x, 6)]
    other = replace(make_claim(low=1.0, right=C), id="added")
    assert decide(ask([other], [A, B, C]), samples).verdicts == ()
    (verdict,) = decide(ask([other], [A, B, C]), samples, ended=True).verdicts
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == 6
