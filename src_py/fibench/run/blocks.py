# SPDX-License-Identifier: BSD-3-Clause
"""Which trials a run measures, block by block: those of the cells that still stay in it.

A plan has as many blocks as there may be. Which cells the next one measures, somebody else says who
is handed the records of all blocks up to there. So a run that is gone on with goes through what its
journal has as if it were measured now, and comes to where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.plan import Trial
from fibench.run._resume import Attempt, remaining

if TYPE_CHECKING:
    from fibench.experiment import Cell
    from fibench.record import Record

AfterBlock = Callable[["Sequence[Record]"], Collection[str]]
"""From the records of all whole blocks so far to the keys of the cells that stay, twins among them;
none: the run is over. Asked before the first block, too, and the same again of a run gone on with.
"""
BlockIsWhole = Callable[[int, "Sequence[Cell]"], None]
"""Told the number of a block that was measured, and the cells that it was the last one of."""
BEFORE = -1
"""The block of what is measured before all blocks, whichever cells these have."""


@dataclass(frozen=True)
class Block:
    """What a run measures of a block, or before all of them."""

    number: int
    staying: Collection[str]
    """The keys of the cells that are in it."""
    todo: Sequence[Attempt]
    """Those of its trials that the journal does not have."""


class Walk:
    """A run's way through its plan. `records` grow while their owner measures."""

    def __init__(
        self,
        trials: Sequence[Trial],
        records: Sequence[Record],
        after_block: AfterBlock | None,
        ended: BlockIsWhole,
    ) -> None:
        self._records = records
        self._after_block = after_block
        self._ended = ended
        self._blocks: dict[int, list[Trial]] = {}
        for trial in (one for one in trials if one.block >= BEFORE):  # a search is over
            self._blocks.setdefault(trial.block, []).append(trial)
        self._cells = {trial.cell.key: trial.cell for trial in trials}

    def blocks(self) -> Iterator[Block]:
        """Every block in turn, as what is measured of those before decides; ends when all is.

        The end of each that was measured is told, when it is known what follows.
        """
        before: Block | None = None
        for number in self._blocks:
            staying = self._staying(number)
            self._tell_of_end(before, staying)
            if not staying:
                return
            before = self._block(number, staying)
            yield before
        if before is not None:
            self._staying(before.number + 1)
            self._tell_of_end(before, ())

    def left(self) -> list[Attempt]:
        """What is to be measured at most: all, if no further cell leaves."""
        for number in self._blocks:
            staying = self._staying(number)
            if self._block(number, staying).todo:
                later = [other for other in self._blocks if other >= number]
                return [one for other in later for one in self._block(other, staying).todo]
        return []

    def _staying(self, number: int) -> Collection[str]:
        """The keys of the cells that a block has, the records of those before it being there."""
        if number == BEFORE or self._after_block is None:
            return self._cells.keys()
        return self._after_block([one for one in self._records if BEFORE <= one.block < number])

    def _block(self, number: int, staying: Collection[str]) -> Block:
        part = [trial for trial in self._blocks[number] if trial.cell.key in staying]
        made = [record for record in self._records if record.block == number]
        # Whether it was broken off hangs on whether anything came after it.
        after = [record for record in self._records[-1:] if record.block != number]
        return Block(number, staying, remaining(part, [*made, *after]))

    def _tell_of_end(self, block: Block | None, staying: Collection[str]) -> None:
        if block is None or block.number == BEFORE or not block.todo:
            return
        gone = [
            cell for key, cell in self._cells.items() if key in block.staying and key not in staying
        ]
        self._ended(block.number, gone)
