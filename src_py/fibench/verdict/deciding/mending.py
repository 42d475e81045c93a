# SPDX-License-Identifier: BSD-3-Clause
"""Whether a claim that is INVALID may still be mended by the blocks to come. Pure.

Some of what makes a claim INVALID is a share of its trials: of those that failed, where the file
tolerates some, or of those that the load generator kept less than full. One of the first six may be
too many, and one of twenty not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.store.attempts import never_started
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.sample import Index, Sample

if TYPE_CHECKING:
    from fibench.experiment import Claim


def may_mend(questions: Questions, claim: Claim, samples: Index, blocks: int) -> bool:
    """Whether it is not INVALID any more if nothing goes wrong from so many blocks on.

    It is judged with the best trials that there could be in all blocks to come; no figure of these
    stands anywhere, only whether the claim is spoilt in spite of them.
    """
    keys = dict.fromkeys(cell.key for cell in cells_of(claim))
    known = [sample for key in keys for sample in samples.all(key)]
    if never_started((one.cell_key, one.did_not_start) for one in known if one.block == 0):
        return False
    to_come = range(blocks, questions.looks.most)
    best = [sample for key in keys for sample in _sound(key, samples, to_come)]
    (verdict,) = questions.judge([claim], Index([*known, *best]))
    return verdict.outcome != "INVALID"


def _sound(key: str, samples: Index, blocks: range) -> Iterator[Sample]:
    """Trials of a cell in which nothing goes wrong, with the figures of its latest one."""
    *_, usual = [None, *samples.valid(key).values()]
    for block in blocks:
        yield Sample(
            key,
            block,
            valid=True,
            reason=None,
            metrics={} if usual is None else usual.metrics,
            counts={} if usual is None else usual.counts,
        )
