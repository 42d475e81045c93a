# SPDX-License-Identifier: BSD-3-Clause
"""What an experiment asks for and this machine cannot run, with the reasons. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fibench.experiment.claims import cells_of

if TYPE_CHECKING:
    from fibench.experiment.cells import Cell
    from fibench.experiment.claims import Claim


@dataclass(frozen=True)
class AbsentCell:
    """A cell that is left out of the plan, and why: one line, that names what is lacking."""

    cell: Cell
    reason: str


@dataclass(frozen=True)
class Absent:
    """What cannot be run here; of backends and interpreters, those that the experiment names."""

    cells: tuple[AbsentCell, ...] = ()
    backends: Mapping[str, str] = field(default_factory=dict)
    """By name, why it cannot run here."""
    interpreters: Mapping[str, str] = field(default_factory=dict)
    """By the text that asks for it, why there is none."""

    def lines(self) -> Iterator[str]:
        """What is left out of the plan, a line for each reason."""
        counts = Counter(absent.reason for absent in self.cells)
        for reason, count in counts.items():
            yield f"{count} cell{'' if count == 1 else 's'} left out: {reason}"

    def obstacle(self, claim: Claim) -> str | None:
        """Why a claim cannot be tested here, if it cannot."""
        reasons = {absent.cell.key: absent.reason for absent in self.cells}
        for cell in cells_of(claim):
            if cell.key in reasons:
                return reasons[cell.key]
        for name in claim.needs_backend:
            if name in self.backends:
                return f"needs {name}: {self.backends[name]}"
        for name in claim.needs_interpreter:
            if name in self.interpreters:
                return f"needs interpreter {name}: {self.interpreters[name]}"
        return None


NOTHING = Absent()
"""Everything can be run, as far as is known."""
