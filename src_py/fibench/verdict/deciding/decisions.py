# SPDX-License-Identifier: BSD-3-Clause
"""What a run is to decide, and what it has decided so far: data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.experiment import Absent, cells_of
from fibench.experiment.absent import NOTHING
from fibench.verdict.looks import Looks
from fibench.verdict.twin import TWIN
from fibench.verdict.verdict import Verdict

if TYPE_CHECKING:
    from fibench.experiment.claims import Claim


@dataclass(frozen=True)
class Questions:
    """What a run is to decide, and by what.

    `cells` are the keys of what the first block measures, in the order of the file, a twin's own
    among them. `cpus`, `total_claims` and `absent` are those of `judge`.
    """

    claims: Sequence[Claim]
    cells: Sequence[str]
    looks: Looks
    cpus: int | None
    total_claims: int | None = None
    absent: Absent = NOTHING

    def repeated(self) -> dict[str, Looks]:
        """The cells whose number of blocks hangs on what is measured: those with a claim."""
        if self.looks.fixed:
            return {}
        claimed = {cell.key for claim in self.claims for cell in cells_of(claim)}
        return {key: self.looks for key in self.cells if key.removesuffix(TWIN) in claimed}


@dataclass(frozen=True)
class Standing:
    """How a claim stands: the verdict by which it is decided, or that of the last look.

    None before the first look. It `holds` its cells if further blocks may decide it.
    """

    verdict: Verdict | None = None
    holds: bool = True

    @property
    def decided(self) -> bool:
        """Whether nothing can change it any more."""
        return self.verdict is not None and self.verdict.decided is not None


@dataclass(frozen=True)
class Decisions:
    """What is decided after so many whole `blocks`.

    `standings` has each claim, in order; `left` each cell that is no longer measured, with the
    number of blocks after which it left; `staying` those that the next block measures, in order.
    """

    blocks: int
    standings: Sequence[Standing]
    left: Mapping[str, int]
    staying: Sequence[str]
    ended: bool = False
    """It is known that nothing more will be measured."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to be measured."""
        return not self.staying

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict on each claim, in order; before the run is over, of those decided alone."""
        return tuple(
            standing.verdict
            for standing in self.standings
            if standing.verdict is not None and (self.over or self.ended or standing.decided)
        )
