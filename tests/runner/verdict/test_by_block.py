# SPDX-License-Identifier: BSD-3-Clause
"""A claim block by block: what is told of it is what its verdict rests on."""

import math
from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.page.kinds import OUTCOMES, gil, outcomes, sweep
from tests.runner.page.model_runs import Document, Model, model_run

from fibench.plan import Trial
from fibench.verdict.explaining.by_block import AFTERWARDS, figures_by_block
from fibench.verdict.sampling.sampled import samples


@pytest.mark.parametrize("make", [outcomes, gil])
def test_the_mean_of_what_is_counted_is_the_estimate(make: object, tmp_path: Path) -> None:
    run = judged(make(tmp_path / "run"))  # type: ignore[operator]
    seen = 0
    for verdict in run.verdicts:
        found = verdict.estimate
        if verdict.claim.kind not in ("ratio", "value") or found is None or found.mean is None:
            continue
        blocks = figures_by_block(verdict, samples(run.run.attempts))
        logs = [math.log(one.figure) for one in blocks if one.figure and not one.left_out]
        assert len(logs) == found.blocks
        assert math.exp(math.fsum(logs) / len(logs)) == pytest.approx(found.mean)
        for one in blocks:
            if one.right is not None and one.left is not None:
                assert one.figure == pytest.approx(one.left / one.right)
        seen += 1
    assert seen >= 4


def test_what_was_disturbed_is_told_and_not_counted(tmp_path: Path) -> None:
    run = judged(outcomes(tmp_path / "run"))
    first = figures_by_block(run.verdicts[0], samples(run.run.attempts))
    assert [(one.block, one.left_out) for one in first if one.left_out] == [
        (5, "0.7 s were stolen")
    ]
    assert [one.block for one in first] == list(range(1, 13))


def test_blocks_after_the_decision_are_not_counted(tmp_path: Path) -> None:
    run = judged(gil(tmp_path / "run"))
    verdict = run.verdicts[0]
    assert verdict.decided is not None
    blocks = figures_by_block(verdict, samples(run.run.attempts))
    later = [one.block for one in blocks if one.left_out == AFTERWARDS]
    assert later == list(range(verdict.decided + 1, 21))


def test_a_count_is_met_or_missed_in_each_block(tmp_path: Path) -> None:
    run = judged(outcomes(tmp_path / "run"))
    (errors,) = (one for one in run.verdicts if one.claim.metric == "errors")
    blocks = figures_by_block(errors, samples(run.run.attempts))
    assert [(one.block, one.figure) for one in blocks if not one.is_met] == [(4, 2.0)]
    assert len(blocks) == 12


def test_what_was_not_measured_has_no_blocks(tmp_path: Path) -> None:
    run = judged(outcomes(tmp_path / "run"))
    (elsewhere,) = (one for one in run.verdicts if one.outcome == "NOT HERE")
    assert figures_by_block(elsewhere, samples(run.run.attempts)) == ()


def test_of_bounds_alone_there_is_no_figure(tmp_path: Path) -> None:
    def hides(document: Document, trial: Trial) -> None:
        if trial.cell.backend == "py-mt" and trial.role == "measure":
            document["metrics"]["p50_s"] = None
            document["bounds"] = {"p50_s": {"at_least": 0.2, "at_most": None}}

    run = judged(model_run(tmp_path / "run", OUTCOMES, Model(change=hides)))
    (p50,) = (one for one in run.verdicts if one.claim.metric == "p50")
    blocks = figures_by_block(p50, samples(run.run.attempts))
    assert {(one.figure, one.at_least, one.at_most) for one in blocks} == {(None, 0.2, None)}


def test_of_a_rate_each_block_has_how_far_it_holds(tmp_path: Path) -> None:
    run = judged(sweep(tmp_path / "run"))
    for verdict in run.verdicts:
        blocks = figures_by_block(verdict, samples(run.run.attempts))
        for one in blocks:
            known = [end for end in (one.at_least, one.figure, one.at_most) if end is not None]
            assert known == sorted(known)
    (loop,) = (v for v in run.verdicts if "than the loop alone" in v.claim.says)
    assert loop.estimate is not None
    assert loop.estimate.mean is not None
    figures = [one.figure for one in figures_by_block(loop, samples(run.run.attempts))]
    assert all(figures)
    assert min(filter(None, figures)) <= loop.estimate.mean <= max(filter(None, figures))
