# SPDX-License-Identifier: BSD-3-Clause
"""Which claims are decided after each block, and which cells leave: cases by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.verdict.claims import A, B, make_cell, make_claim
from tests.runner.verdict.decided_runs import (
    ABOVE_ONE,
    AUTO,
    NO_ERRORS,
    TWIN,
    C,
    D,
    ask,
    figures,
    look_of,
    sharpened,
)

from fibench.experiment import Cell, Claim, Point
from fibench.experiment.absent import Absent, AbsentCell
from fibench.verdict.deciding.decide import decide
from fibench.verdict.estimate import Sample, contrast, summarise
from fibench.verdict.judging import claims_json, judge
from fibench.verdict.looks import critical_values

# When a claim is decided


def test_nothing_is_decided_and_nobody_leaves_before_the_first_look() -> None:
    clear = figures(A, 9.0, 5) + figures(B, 1.0, 5)
    found = decide(ask([ABOVE_ONE]), clear)
    assert found.blocks == 5
    assert found.staying == ("a", "b")
    assert not found.over
    assert found.verdicts == ()
    assert found.standings[0].verdict is None


def test_a_clear_claim_is_decided_at_the_first_look_and_ends_the_run() -> None:
    found = decide(ask([ABOVE_ONE]), figures(A, 9.0, 6) + figures(B, 1.0, 6))
    assert found.over
    assert found.left == {"a": 6, "b": 6}
    (verdict,) = found.verdicts
    assert (verdict.outcome, verdict.decided) == ("CONFIRMED", 6)


@pytest.mark.parametrize(("level", "outcome"), [(1.02, "CONFIRMED"), (1 / 1.02, "REFUTED")])
def test_a_less_clear_one_at_the_first_look_whose_repeated_interval_excludes_the_bound(
    level: float, outcome: str
) -> None:
    samples = sharpened(level, 20)
    intervals = {
        n: contrast([s for s in samples if s.block < n], "a", "b", "throughput", 0.05, AUTO)
        for n in range(6, 21)
    }
    first = min(n for n, e in intervals.items() if e.low and e.high and not e.low <= 1 <= e.high)
    assert 6 < first < 20
    found = decide(ask([ABOVE_ONE]), samples)
    (verdict,) = found.verdicts
    assert (verdict.outcome, verdict.decided) == (outcome, first)
    assert verdict.estimate is not None
    assert (verdict.estimate.low, verdict.estimate.high) == pytest.approx(
        (intervals[first].low, intervals[first].high)
    )
    assert found.blocks == first


def test_the_last_look_ends_the_run_whatever_is_not_decided() -> None:
    found = decide(ask([ABOVE_ONE]), sharpened(1.0, 20))
    assert found.over
    assert found.left == {"a": 20, "b": 20}
    (verdict,) = found.verdicts
    assert (verdict.outcome, verdict.decided) == ("INCONCLUSIVE", None)
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == 20
    assert verdict.estimate.looks == AUTO


def test_a_decided_claim_keeps_its_verdict_and_interval_whatever_comes_later() -> None:
    open_claim = replace(make_claim(low=1.0, right=C), id="open")
    questions = ask([ABOVE_ONE, open_claim], [A, B, C])
    begin = figures(A, 2.0, 6) + figures(B, 1.0, 6) + figures(C, 2.0, 6)
    at_first = decide(questions, begin)
    assert look_of(at_first) == [6, None]
    # From the seventh block on a is far slower than b was.
    later = begin + figures(A, 0.1, 9, first=6) + figures(C, 0.1, 9, first=6)
    found = decide(questions, later)
    assert found.blocks == 9
    assert found.standings[0] == at_first.standings[0]


def test_the_same_samples_in_any_order_decide_the_same() -> None:
    questions, samples = ask([ABOVE_ONE]), sharpened(1.02, 20)
    assert decide(questions, samples) == decide(questions, samples[::-1])


def test_a_run_that_is_gone_on_with_decides_as_one_that_was_never_stopped() -> None:
    questions, samples = ask([ABOVE_ONE]), sharpened(1.02, 20)
    whole = decide(questions, samples)
    steps = [decide(questions, [s for s in samples if s.block < n]) for n in range(1, 21)]
    assert next(step for step in steps if step.over) == whole


# Which cells leave


def test_a_cell_leaves_when_all_claims_about_it_are_decided_and_its_twin_with_it() -> None:
    near = replace(make_claim(low=1.0, right=C), left=B, id="near")
    cells = [A, B, C, TWIN]
    samples = [
        s for c, x in zip(cells, (9.0, 1.0, 1.0, 9.0), strict=True) for s in figures(c, x, 6)
    ]
    found = decide(ask([ABOVE_ONE, near], cells), samples)
    assert found.left == {"a": 6, "a~aa": 6}
    assert found.staying == ("b", "c")
    again = samples + figures(B, 1.0, 7, first=6) + figures(C, 1.0, 7, first=6)
    assert decide(ask([ABOVE_ONE, near], cells), again).blocks == 7


def test_a_cell_without_a_claim_is_measured_as_often_as_every_run_is() -> None:
    samples = [*sharpened(1.0, 6), *figures(D, 5.0, 6)]
    questions = ask([ABOVE_ONE], [A, B, D])
    found = decide(questions, samples)
    assert found.left == {"d": 6}
    assert questions.repeated() == {"a": AUTO, "b": AUTO}
    told = summarise(samples, ["a", "d"], looks=questions.repeated())
    looked, plain = (one.estimates["throughput"] for one in told)
    assert looked.looks == AUTO
    assert plain.looks is None


def test_without_claims_a_run_ends_at_the_first_look() -> None:
    assert decide(ask([]), sharpened(1.0, 6)).over


def test_a_block_counts_only_with_every_cell_that_has_not_left() -> None:
    samples = sharpened(1.0, 8)
    found = decide(ask([ABOVE_ONE]), [s for s in samples if (s.cell_key, s.block) != ("b", 7)])
    assert found.blocks == 7


# Trials that failed


def failed(cell: Cell, block: int) -> Sample:
    return Sample(cell.key, block, False, "the server ended", {}, {})


def without(samples: Sequence[Sample], cell: Cell, blocks: Sequence[int]) -> list[Sample]:
    return [
        failed(cell, s.block) if s.cell_key == cell.key and s.block in blocks else s
        for s in samples
    ]


def test_a_claim_that_lacks_a_block_is_looked_at_later_and_spends_by_its_own_number() -> None:
    samples = without(figures(A, 9.0, 7) + figures(B, 1.0, 7), B, [2])
    tolerant = replace(ABOVE_ONE, tolerates=0.2)
    at_sixth = decide(ask([tolerant]), [s for s in samples if s.block < 6])
    (standing,) = at_sixth.standings
    assert standing.holds
    assert standing.verdict is not None
    assert standing.verdict.reason is not None
    assert standing.verdict.reason.startswith("5 complete blocks, a verdict needs 6")
    found = decide(ask([tolerant]), samples)
    (verdict,) = found.verdicts
    assert (verdict.outcome, verdict.decided) == ("CONFIRMED", 7)
    assert verdict.estimate is not None
    assert verdict.estimate.blocks == 6
    assert verdict.estimate.sd_log is not None
    assert verdict.estimate.detectable is not None
    assert AUTO.critical(6, 0.05) == critical_values(0.05, 6, 20)[6]


def test_a_cell_that_never_answers_does_not_hold_the_run() -> None:
    samples = figures(A, 9.0, 6) + [failed(B, block) for block in range(6)]
    found = decide(ask([ABOVE_ONE]), samples)
    assert found.over
    assert [verdict.outcome for verdict in found.verdicts] == ["INVALID"]


def test_a_claim_that_the_meter_spoilt_does_not_hold_the_run() -> None:
    bound = [replace(s, bound="the generator's core was full") for s in sharpened(1.0, 6)]
    found = decide(ask([ABOVE_ONE]), bound)
    assert found.over
    assert [verdict.outcome for verdict in found.verdicts] == ["INVALID"]


def test_a_percentile_that_is_withheld_for_good_does_not_hold_the_run() -> None:
    claim = make_claim("p99", low=1.0)
    few = [replace(s, metrics={"p99": 1.0}, counts={"window_ok": 10}) for s in sharpened(1.0, 6)]
    found = decide(ask([claim]), few)
    assert found.over
    (verdict,) = found.verdicts
    assert verdict.outcome == "INCONCLUSIVE"
    assert "replies in every trial" in str(verdict.reason)


def test_what_cannot_be_tested_here_does_not_hold_the_run() -> None:
    here, not_here = ABOVE_ONE, replace(make_claim(low=1.0, right=C, needs_cpus=1), id="other")
    absent = Absent(cells=(AbsentCell(C, "c cannot be built here"),))
    found = decide(ask([here, not_here], absent=absent), figures(A, 9.0, 6) + figures(B, 1.0, 6))
    assert found.over
    assert [verdict.outcome for verdict in found.verdicts] == ["CONFIRMED", "NOT HERE"]
    # The claim that cannot be tested counts all the same: alpha is that of a file of two.
    assert [verdict.alpha for verdict in found.verdicts] == pytest.approx([0.025, 0.025])


# What is INVALID by a share, which blocks to come may bring down


def test_a_share_of_failed_trials_holds_the_run_until_it_is_as_small_as_is_tolerated() -> None:
    claim = replace(ABOVE_ONE, tolerates=0.1)
    samples = without(figures(A, 9.0, 20) + figures(B, 1.0, 20), B, [2])
    (at_sixth,) = decide(ask([claim]), [s for s in samples if s.block < 6]).standings
    assert at_sixth.verdict is not None
    assert (at_sixth.verdict.outcome, at_sixth.holds) == ("INVALID", True)
    found = decide(ask([claim]), samples)
    assert [(v.outcome, v.decided) for v in found.verdicts] == [("CONFIRMED", 10)]


@pytest.mark.parametrize(("failing", "over_after"), [([0, 1], 20), ([0, 1, 2], 6)])
def test_a_share_that_no_block_to_come_can_bring_down_does_not_hold_it(
    failing: list[int], over_after: int
) -> None:
    claim = replace(ABOVE_ONE, tolerates=0.1)
    samples = without(sharpened(1.0, over_after), B, failing)
    found = decide(ask([claim]), samples)
    assert (found.over, found.blocks) == (True, over_after)
    assert [s.holds for s in decide(ask([claim]), without(sharpened(1.0, 6), B, failing)).standings
            ] == [over_after > 6]  # fmt: skip


def test_a_failure_where_none_is_tolerated_is_final_at_the_first_look() -> None:
    found = decide(ask([ABOVE_ONE]), without(sharpened(1.0, 6), B, [2]))
    assert found.over
    assert [verdict.outcome for verdict in found.verdicts] == ["INVALID"]


def test_trials_kept_less_than_full_hold_it_as_long_as_they_may_come_to_be_few_enough() -> None:
    samples = [
        replace(s, not_full="kept 90 % full") if s.block < 4 and s.cell_key == "a" else s
        for s in figures(A, 9.0, 20) + figures(B, 1.0, 20)
    ]
    (at_sixth,) = decide(ask([ABOVE_ONE]), [s for s in samples if s.block < 6]).standings
    assert at_sixth.verdict is not None
    assert (at_sixth.verdict.outcome, at_sixth.holds) == ("INVALID", True)
    assert [v.outcome for v in decide(ask([ABOVE_ONE]), samples).verdicts] == ["CONFIRMED"]


# Alpha


def test_alpha_stays_that_of_all_claims_when_some_are_decided() -> None:
    claims = [ABOVE_ONE, replace(make_claim(low=1.0, right=C), id="near")]
    samples = [s for c, x in ((A, 9.0), (B, 1.0), (C, 9.0)) for s in figures(c, x, 6)]
    samples += [s for c in (A, C) for s in figures(c, 9.0, 8, first=6)]
    found = decide(ask(claims, [A, B, C], total_claims=10), samples)
    assert found.blocks == 8
    assert [s.verdict.alpha for s in found.standings if s.verdict] == pytest.approx([0.005] * 2)


# Counts


def errors(counts: Sequence[int]) -> list[Sample]:
    return [
        Sample("a", block, True, None, {}, {"errors": count, "window_ok": 9})
        for block, count in enumerate(counts)
    ]


def test_a_count_is_refuted_at_the_look_that_knows_of_its_first_miss() -> None:
    early = decide(ask([NO_ERRORS], [A]), errors([0, 1, 0, 0, 0, 0]))
    assert look_of(early) == [6]
    late = decide(ask([NO_ERRORS], [A]), errors([0] * 8 + [3]))
    assert look_of(late) == [9]
    assert [verdict.outcome for verdict in late.verdicts] == ["REFUTED"]


def test_a_count_is_confirmed_by_the_last_block_only() -> None:
    met = decide(ask([NO_ERRORS], [A]), errors([0] * 19))
    assert not met.over
    assert met.verdicts == ()
    (standing,) = met.standings
    assert standing.verdict is not None
    assert standing.verdict.outcome == "INCONCLUSIVE"
    found = decide(ask([NO_ERRORS], [A]), errors([0] * 20))
    assert [(v.outcome, v.decided) for v in found.verdicts] == [("CONFIRMED", 20)]


# Crossovers

PLACES = (10.0, 20.0, 30.0)


def crossover(bound: float) -> tuple[Claim, list[Cell]]:
    points = tuple(Point(at, make_cell(f"l{at:g}"), make_cell(f"r{at:g}")) for at in PLACES)
    claim = replace(
        make_claim(low=bound), kind="crossover", over="n", points=points,
        left=points[0].left, right=points[0].right,
    )  # fmt: skip
    return claim, [cell for point in points for cell in (point.left, point.right)]


def curve(claim: Claim, levels: Sequence[float], blocks: int) -> list[Sample]:
    return [
        sample
        for point, level in zip(claim.points, levels, strict=True)
        for cell, figure, by in ((point.left, level, 1.0), (point.right, 1.0, 0.0))
        for sample in figures(cell, figure, blocks, by=by)
    ]


def test_a_clear_crossover_is_decided_at_the_first_look() -> None:
    claim, cells = crossover(12.0)
    found = decide(ask([claim], cells), curve(claim, (0.5, 0.95, 2.0), 6))
    assert [(v.outcome, v.decided) for v in found.verdicts] == [("CONFIRMED", 6)]
    assert found.over


def test_a_crossover_waits_with_all_its_cells_until_its_repeated_interval_is_clear() -> None:
    claim, cells = crossover(19.6)
    # It crosses at 20 where levels are symmetric on logarithms.
    samples = curve(claim, (1 / 1.5, 1.0, 1.5), 20)
    plain = judge([claim], [s for s in samples if s.block < 6], 2)
    assert plain[0].outcome == "CONFIRMED"
    found = decide(ask([claim], cells), samples)
    (verdict,) = found.verdicts
    assert verdict.outcome == "CONFIRMED"
    assert verdict.decided is not None
    assert verdict.decided > 6
    assert set(found.left.values()) == {verdict.decided}


@pytest.mark.parametrize(
    ("levels", "missing", "there"),
    [((1.0, 2.0, 4.0), "low", "high"), ((0.2, 0.5, 1.0), "high", "low")],
)
@pytest.mark.parametrize("over", ["n", "clients"])
def test_an_end_that_the_points_do_not_bound_is_null_on_every_axis(
    over: str, levels: Sequence[float], missing: str, there: str
) -> None:
    claim, _ = crossover(12.0)
    (verdict,) = judge([replace(claim, over=over)], curve(claim, levels, 6), 2)
    assert verdict.crossover is not None
    assert verdict.crossover.scale == ("linear" if over == "n" else "log")
    told: Any = claims_json([verdict])["claims"]
    assert told[0]["estimate"][missing] is None
    assert told[0]["estimate"][there] > 9.0
