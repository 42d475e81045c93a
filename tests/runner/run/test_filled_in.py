# SPDX-License-Identifier: BSD-3-Clause
"""A trial that could not start is measured after all, and changes nothing that was decided."""

from dataclasses import replace

import pytest
from tests.runner.sequential_runs import CORES, SEQUENTIAL, experiment_of, go, made_record

from fibench.plan.trials import plan
from fibench.record import Record
from fibench.run._resume import Attempt
from fibench.verdict import Findings, find

EXPERIMENT = experiment_of(SEQUENTIAL)
LOST = [one for one in plan(EXPERIMENT) if one.cell.backend == "py-mp" and one.role == "measure"]
UNLIKE = 0.001
"""What is measured later is so many times what it would have been: it would turn every verdict."""


def _unstarted(record: Record) -> Record:
    return replace(
        record, valid=False, reason="its port was in use", failure="address-in-use",
        window_opened=False, metrics={}, counts={}, schema=3,
    )  # fmt: skip


def _filled(attempt: Attempt) -> Record:
    record = replace(made_record(attempt), schema=3)
    rate = record.metrics["throughput_per_s"]
    assert rate is not None
    return replace(record, metrics={**record.metrics, "throughput_per_s": rate * UNLIKE})


def _findings(records: list[Record]) -> Findings:
    return find(EXPERIMENT, records, CORES, complete=True)


@pytest.mark.parametrize("block", range(6))
@pytest.mark.parametrize("trials", [None, 30], ids=["ended", "interrupted"])
def test_what_is_filled_in_later_changes_no_verdict_and_brings_no_cell_back(
    block: int, trials: int | None
) -> None:
    lost = next(one for one in LOST if one.block == block)
    records: list[Record] = []

    def measure(attempt: Attempt) -> Record:
        record = replace(made_record(attempt), schema=3)
        if attempt.trial != lost:
            return record
        first = _unstarted(record)
        records.extend([first, replace(first, attempt=2)])
        return replace(first, attempt=3)

    go(EXPERIMENT, records, measure, trials)
    before, made = _findings(records), len(records)
    whole = {one.block for one in records} - {records[-1].block if trials is not None else -1}

    def fill_in(attempt: Attempt) -> Record:
        return _filled(attempt) if attempt.trial == lost else measure(attempt)

    go(EXPERIMENT, records, fill_in)
    again = [(one.trial, one.attempt) for one in records[made:] if one.block in whole]
    assert again == [(lost.key, 4)], "no block was broken off, and no cell came back"
    after = _findings(records)
    if trials is None:
        assert after.decisions.left == before.decisions.left
    decided = {one.claim.id: one for one in before.verdicts if one.decided is not None}
    assert decided or trials is not None
    for verdict in after.verdicts:
        if verdict.claim.id in decided:
            was = decided[verdict.claim.id]
            assert (verdict.outcome, verdict.decided) == (was.outcome, was.decided)
