# SPDX-License-Identifier: BSD-3-Clause
"""What a run is to decide, and what it has decided so far: data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.experiment import Absent, cells_of
from fibench.experiment.absent import NOTHING
from fibench.plan import TWIN, twin_of
from fibench.verdict.judging import judge
from fibench.verdict.looks import FEWEST, Looks
from fibench.verdict.sample import Index
from fibench.verdict.verdict import Verdict

if TYPE_CHECKING:
    from fibench.experiment import Experiment
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
    fewest: int = FEWEST
    """A run of so few blocks, a fixed number, decides nothing."""

    def judge(self, claims: Sequence[Claim], samples: Index) -> tuple[Verdict, ...]:
        """The verdicts of one look on some of the claims, in their order."""
        return judge(
            claims,
            samples,
            self.cpus,
            total_claims=max(self.total_claims or 0, len(self.claims)),
            absent=self.absent,
            looks=None if self.looks.fixed else self.looks,
        )

    def repeated(self) -> dict[str, Looks]:
        """The cells whose number of blocks hangs on what is measured: those with a claim."""
        if self.looks.fixed:
            return {}
        claimed = {cell.key for claim in self.claims for cell in cells_of(claim)}
        return {key: self.looks for key in self.cells if key.removesuffix(TWIN) in claimed}


def questions_of(
    experiment: Experiment, cores: int | None, claims: Sequence[Claim] | None = None
) -> Questions:
    """What a run of an experiment is to decide. With `claims` those are asked instead of its own.

    `cores` is how many the machine has for it, if known.
    """
    twin, blocks = twin_of(experiment), experiment.plan.blocks
    return Questions(
        claims=experiment.claims if claims is None else claims,
        cells=[*(cell.key for cell in experiment.cells), *([twin.key] if twin else [])],
        looks=Looks(blocks.least, blocks.most),
        cpus=cores,
        total_claims=experiment.claims_in_file if claims is None else None,
        absent=experiment.absent,
        fewest=blocks.fewest,
    )


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
    """What is decided after so many whole `blocks`, all those before the first that lacks a cell.

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
    def decided(self) -> int:
        """How many claims are decided."""
        return sum(standing.decided for standing in self.standings)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict on each claim, in order; before the run is over, of those decided alone."""
        return tuple(
            standing.verdict
            for standing in self.standings
            if standing.verdict is not None and (self.over or self.ended or standing.decided)
        )
