# SPDX-License-Identifier: BSD-3-Clause
"""From the causes that a claim states to the cell and the bounds by which each is seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fibench.document import CauseTable, ClaimTable, Source
from fibench.document.locate import Path
from fibench.experiment._bounds import bounds_of_cause
from fibench.experiment._sides import (
    UnresolvedError,
    matching,
    one_cell,
    refuse_repeated,
    report_unmeasured,
)
from fibench.experiment.cells import Cell, is_stand_in


@dataclass(frozen=True)
class Cause:
    """A figure of one cell: the cause of a claim is seen if it lies above `low`, or below `high`.

    It decides nothing: a verdict is the same with it and without.
    """

    metric: str
    cell: Cell | None
    """None: options have taken it from the run."""
    low: float | None
    """Base units, as of a claim's value: s, bytes, 1/s, cores, counts, shares from 0 to 1."""
    high: float | None
    lost: str = ""
    """Why there is no cell."""

    def as_digested(self) -> list[object]:
        """What it says, whatever its words."""
        key = None if self.cell is None else self.cell.key
        return [self.metric, key, self.low, self.high]


@dataclass(frozen=True)
class StatedCauses:
    """The causes of one claim, and what they are resolved with."""

    table: ClaimTable
    index: int
    source: Source
    doubtful: Collection[str]
    """Keys whose values were put aside: what rests on them is not reported."""
    changed: bool
    """Options have changed the cells: a cause that has lost its own is kept without it."""

    def resolved(self, cells: Sequence[Cell] | None) -> tuple[Cause, ...]:
        """Those that are right; what is wrong is reported. Without cells, only bounds are."""
        found = []
        for place, cause in enumerate(self.table.cause):
            path: Path = ("claim", self.index, "cause", place)
            bounds = bounds_of_cause(cause, path, self.source)
            if cells is None:
                continue
            try:
                cell = self._cell(cause, (*path, "of"), cells)
            except UnresolvedError as fault:
                if self.changed:
                    self.source.forgive(("claim", self.index))
                    low, high = bounds or (None, None)
                    found.append(Cause(cause.metric, None, low, high, fault.what))
                elif not fault.keys & set(self.doubtful):
                    self.source.report(fault.path, fault.what, fault.hint)
                continue
            report_unmeasured((*path, "metric"), cause.metric, [cell], self.source)
            if bounds is not None:
                found.append(Cause(cause.metric, cell, *bounds))
        return tuple(found)

    def _cell(self, cause: CauseTable, path: Path, cells: Sequence[Cell]) -> Cell:
        """The one that a cause is about. Raises UnresolvedError."""
        where = self.table.where.given() if self.table.where is not None else {}
        given = cause.of.given()
        refuse_repeated(path, given, where)
        if all(map(is_stand_in, matching(path, given, where, cells))):
            what = "the rate of this cell is searched, and not known beforehand"
            raise UnresolvedError(path, what, 'give it a rate = ["50/s", ...]', frozenset())
        return one_cell(path, given, where, cells)

    def report_circular(self, causes: Sequence[Cause], metric: str, value: Cell) -> None:
        """Report a cause that is the figure that the claim itself is about."""
        for place, cause in enumerate(causes):
            if cause.cell is not None and (cause.metric, cause.cell.key) == (metric, value.key):
                what = f"{metric} of {value.label} is what the claim is about, and no cause of it"
                hint = "name a figure by which the reason is seen"
                self.source.report(("claim", self.index, "cause", place, "metric"), what, hint)
