# SPDX-License-Identifier: BSD-3-Clause
"""What is used of a journal that somebody put together from several, or wrote by hand."""

import random
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.runner.experiments import KNOWN
from tests.runner.sequential_runs import record_of
from tests.runner.stored_runs import EXPERIMENT

from fibench.experiment import parse_experiment
from fibench.plan.trials import plan
from fibench.record import Record
from fibench.store import journal
from fibench.store.record import usable
from fibench.tried import last_attempts
from fibench.verdict import find
from fibench.verdict.sample import Index
from fibench.verdict.sampling.sampled import samples

MADE = parse_experiment(EXPERIMENT, "made.toml", KNOWN)
TRIALS = [trial for trial in plan(MADE) if trial.block >= 0]
RECORDS = [replace(record_of(trial, 400.0), schema=3) for trial in TRIALS]


def _use(folder: Path, records: list[Record]) -> list[Record]:
    """Read them back, and hold what is used to what the statistics ask of it."""
    for record in records:
        journal.append(folder / "trials.jsonl", record.as_document())
    found = usable(journal.read(folder / "trials.jsonl"), MADE)
    assert found.records == last_attempts(found.attempts)
    assert len(found.attempts) + len(found.refused) == len(records), "each line is used or told"
    for last in range(-1, MADE.plan.blocks.most):
        Index(samples(one for one in found.attempts if one.block <= last))
    find(MADE, found.attempts, 2, complete=True)
    find(MADE, found.attempts, 2, complete=False)
    return found.attempts


def test_of_a_cell_and_a_block_one_trial_is_used_in_all_its_attempts(tmp_path: Path) -> None:
    stranger = replace(RECORDS[3], trial="b000-stranger", index=10_000)
    assert _use(tmp_path, [*RECORDS, stranger, replace(stranger, attempt=2)]) == RECORDS


@pytest.mark.parametrize(
    "change",
    [{"block": 1}, {"cell": RECORDS[-1].cell, "block": 2}, {"index": 3}, {"role": "ceiling"}],
    ids=lambda change: ", ".join(change),
)
def test_a_trial_is_what_its_first_attempt_says_it_is(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    first = next(one for one in RECORDS if one.block == 0 and one.role == "measure")
    other = replace(first, attempt=2, **change)
    twice = replace(first, trial="b000-stranger", index=10_000)
    assert _use(tmp_path, [*RECORDS, other, twice]) == RECORDS


@pytest.mark.parametrize("seed", range(30))
def test_whatever_journals_are_merged_no_cell_counts_twice_in_a_block(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    names = [f"t{number}" for number in range(4)] + [one.trial for one in RECORDS[:4]]
    cells, blocks = sorted({one.cell for one in RECORDS}), range(3)
    merged = [
        replace(
            RECORDS[0],
            trial=chance.choice(names), cell=cell, block=block, attempt=chance.randint(1, 3),
            index=chance.randrange(9),
            role=chance.choice(("measure", "twin", "syscalls", "timeline", None)),
            valid=chance.random() < 0.8, reason="it failed", failure="invalid",
            window_opened=True,
        )
        for cell, block in product(cells, blocks)
        for _ in range(3)
    ]  # fmt: skip
    chance.shuffle(merged)
    # No two lines are the same: a copy is left out before.
    _use(tmp_path, [replace(one, port=port) for port, one in enumerate(merged, 1024)])
