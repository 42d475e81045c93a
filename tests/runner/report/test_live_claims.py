# SPDX-License-Identifier: BSD-3-Clause
"""Claims and cells of every kind in the view: it says what the report says."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.page.kinds import KINDS
from tests.runner.sequential_runs import SEQUENTIAL, experiment_of, made_record
from tests.runner.told_runs import FOLDER, ToldRun

from fibench.plan import plan
from fibench.plan.trials import SEARCH_BLOCK
from fibench.report.live.frame import Frame
from fibench.report.live.progress import Progress
from fibench.report.live.signs import Signs
from fibench.report.live.so_far import claim_so_far
from fibench.report.words import verdict_words
from fibench.run import Attempt, RunStarted, SearchStarted, TrialFinished, TrialStarted

WAYS = {"CONFIRMED": "holds", "REFUTED": "fails", "INCONCLUSIVE": "unsure"}


def drawn(run: Progress) -> list[str]:
    return [line.plain for line in Frame(Signs()).lines(run, 100, 60)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_is_shown_as_the_report_has_it(kind: str, tmp_path: Path) -> None:
    review = judged(KINDS[kind](tmp_path / "made" / "run"))
    for verdict in review.verdicts:
        claim = claim_so_far(verdict)
        assert claim.way == WAYS.get(verdict.outcome, "nothing")
        said = verdict_words(verdict).figures.replace("\N{NO-BREAK SPACE}", " ")
        if verdict.outcome in WAYS and claim.figure != "–":
            assert claim.needed in said.replace("≥", ">")
            if verdict.sustained and claim.figure[0] in "<>":  # the report has words for it
                continue
            assert claim.figure in said
            assert claim.interval in ("", "very wide", "in each block") or claim.interval in said
    experiment, records = review.run.experiment, review.run.attempts
    run = Progress(ToldRun(experiment).questions, lambda: None)
    total = len(plan(experiment))
    run.hear(RunStarted(FOLDER, plan(experiment)[-1:], experiment, total, True, 1, tuple(records)))
    lines = drawn(run)
    assert sum(line[:2] in ("✓ ", "✗ ", "? ", "– ") for line in lines) == len(experiment.claims)
    width = max(len(cell.label) for cell in experiment.cells)
    for cell in experiment.cells[:20]:
        rows = [line for line in lines if line.startswith(f"{cell.label:<{width}}  ")]
        assert rows
        assert all(any(sign in row for sign in Signs().levels + "✗?") for row in rows)


def test_a_search_for_rates_is_told_before_there_are_cells() -> None:
    experiment = experiment_of(SEQUENTIAL)
    run = Progress(ToldRun(experiment).questions, lambda: None)
    trial = replace(plan(experiment)[0], block=SEARCH_BLOCK, role="search")
    run.hear(SearchStarted(FOLDER, 12))
    run.hear(TrialStarted(trial))
    lines = drawn(run)
    assert lines[0].startswith("made  search  ─")
    assert lines[0].endswith("  0/12")
    run.hear(TrialFinished(trial, made_record(Attempt(trial))))
    assert drawn(run)[0].endswith("  1/12")
    run.hear(RunStarted(FOLDER, plan(experiment), experiment, 50))
    assert drawn(run)[0].endswith("left at most")
