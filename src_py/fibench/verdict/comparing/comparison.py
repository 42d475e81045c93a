# SPDX-License-Identifier: BSD-3-Clause
"""Two runs side by side: ratios with intervals, changed verdicts, what else differs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fibench.experiment import Cell
from fibench.verdict.audit import copies
from fibench.verdict.comparing.differences import SOURCE_PATH, Difference, differences
from fibench.verdict.comparing.ratios import Pairs, RatioRow, figures_of, ratio_rows
from fibench.verdict.estimate import CONFIDENCE
from fibench.verdict.findings import samples
from fibench.verdict.reviewing import Review


@dataclass(frozen=True)
class Changed:
    """A claim whose verdict is not the same; None: the run does not have it."""

    claim: str
    says: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Comparison:
    """All that `compare` shows."""

    first: str
    second: str
    rows: tuple[RatioRow, ...]
    confidence: float
    """Of all intervals at once."""
    changed: tuple[Changed, ...]
    differences: tuple[Difference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    interrupted: tuple[str, ...]
    """The runs that did not end, and so have no verdicts."""
    marks: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """What is wrong with each of the stored runs, what it has of the other's trials included."""
    is_one_run: bool = False
    """A run is compared with itself."""

    @property
    def other_file(self) -> Difference | None:
        """Where the files are that the runs are of, if they are two."""
        found = (each for each in self.differences if each.name == SOURCE_PATH)
        return next(found, None)

    @property
    def other_machine(self) -> list[Difference]:
        """The differences that make the two machines different ones."""
        return [each for each in self.differences if each.is_of_another_machine]


def compare(first: Review, second: Review) -> Comparison:
    """Compare two runs; ratios are second ÷ first."""
    pairs, only_first, only_second = matched(
        first.run.experiment.cells, second.run.experiment.cells
    )
    is_one_run = first.run.place == second.run.place
    sides = (figures_of(samples(each.run.records), each.summaries) for each in (first, second))
    return Comparison(
        first=first.run.name,
        second=second.run.name,
        rows=ratio_rows(pairs, *sides),
        confidence=CONFIDENCE,
        changed=changed_verdicts(first, second),
        differences=differences(first, second, pairs),
        only_first=_explained(only_first, second),
        only_second=_explained(only_second, first),
        interrupted=tuple(each.run.name for each in (first, second) if not each.run.complete),
        marks=(tuple(first.marks), tuple(second.marks)) if is_one_run else _marks(first, second),
        is_one_run=is_one_run,
    )


def _marks(first: Review, second: Review) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The marks of both runs: trials that both have are not independent."""
    shared = copies({"the second run": second.run.digests, "the first run": first.run.digests})
    one, other = (shared.get(f"the {which} run", "") for which in ("first", "second"))
    return (
        (*first.marks, *([one] if one else [])),
        (*second.marks, *([other] if other else [])),
    )


def _explained(labels: Iterable[str], other: Review) -> tuple[str, ...]:
    """The labels of cells that only one run has, with why the other one left them out."""
    why = {absent.cell.label: absent.reason for absent in other.run.experiment.absent.cells}
    return tuple(
        f"{label} (left out of the other: {why[label]})" if label in why else label
        for label in labels
    )


def matched(
    first: Sequence[Cell], second: Sequence[Cell]
) -> tuple[Pairs, tuple[str, ...], tuple[str, ...]]:
    """Pairs of cells that both have, in the order of the first, and the labels of the others.

    Cells with the same parameters are the same. Of the rest those are paired that are called the
    same, since one window or port more or less is no other experiment; `Difference` tells of it.
    """
    by_key = {cell.key: cell for cell in second}
    same = {cell.key for cell in first} & by_key.keys()
    by_label: dict[str, list[Cell]] = {}
    for cell in second:
        if cell.key not in same:
            by_label.setdefault(cell.label, []).append(cell)
    rest = [cell.label for cell in first if cell.key not in same]
    pairs: list[tuple[Cell, Cell]] = []
    for cell in first:
        called = by_label.get(cell.label, [])
        if cell.key in same:
            pairs.append((cell, by_key[cell.key]))
        elif len(called) == 1 and rest.count(cell.label) == 1:
            pairs.append((cell, called[0]))
    firsts, seconds = ({pair[side].key for pair in pairs} for side in (0, 1))
    return (
        pairs,
        tuple(cell.label for cell in first if cell.key not in firsts),
        tuple(cell.label for cell in second if cell.key not in seconds),
    )


def changed_verdicts(first: Review, second: Review) -> tuple[Changed, ...]:
    """The claims, by their ids, whose outcome is not the same in two complete runs."""
    if not (first.run.complete and second.run.complete):
        return ()
    sides = [{v.claim.id: v for v in each.verdicts} for each in (first, second)]
    found = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        verdicts = [side.get(name) for side in sides]
        outcomes = [verdict.outcome if verdict else None for verdict in verdicts]
        if outcomes[0] != outcomes[1]:
            says = next(verdict.claim.says for verdict in verdicts if verdict)
            found.append(Changed(name, says, outcomes[0], outcomes[1]))
    return tuple(found)
