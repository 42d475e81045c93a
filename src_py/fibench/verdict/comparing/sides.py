# SPDX-License-Identifier: BSD-3-Clause
"""The sides of a comparison, each of one run or several: names, and whose cells are whose. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fibench.experiment import Cell
from fibench.verdict.comparing.ratios import Figure, FiguresByCell, Pairs, Side, figures_of
from fibench.verdict.reviewing import Review
from fibench.verdict.sampling.sampled import samples


@dataclass
class Alike:
    """A cell that stands for those which several runs have of it."""

    cell: Cell
    own: dict[int, Cell] = field(default_factory=dict)
    """The cell of each run that has it, by the run's place."""


def aligned(runs: Sequence[Sequence[Cell]]) -> list[Alike]:
    """The cells of several runs, each once, in the order in which they are first met."""
    found: list[Alike] = []
    for place, cells in enumerate(runs):
        pairs, _, _ = matched([one.cell for one in found], cells)
        known = {cell.key: own for cell, own in pairs}
        for one in found:
            if one.cell.key in known:
                one.own[place] = known[one.cell.key]
        taken = {own.key for own in known.values()}
        found += [Alike(cell, {place: cell}) for cell in cells if cell.key not in taken]
    return found


def side_of(alike: Iterable[Alike], runs: Sequence[FiguresByCell]) -> Side:
    """The figures of a side, by the cells that stand for those of its runs."""
    found: dict[tuple[str, str], list[Figure]] = {}
    for one in alike:
        for place, cell in one.own.items():
            for (key, metric), figure in runs[place].items():
                if key == cell.key:
                    found.setdefault((one.cell.key, metric), []).append(figure)
    return found


def figures_of_run(review: Review) -> FiguresByCell:
    """What there is to compare of a run."""
    return figures_of(samples(review.run.records), review.summaries)


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


def distinct_names(reviews: Sequence[Review]) -> list[str]:
    """What each run is called: by its own name, or where others have the same, as a copy has, by as
    much of its folder's path as tells them apart. A run that is there twice has one name."""
    places = [review.run.place for review in reviews]
    names = [review.run.name for review in reviews]
    for depth in range(3, max((len(place.parts) for place in places), default=0) + 1):
        owners: dict[str, set[object]] = {}
        for name, place in zip(names, places, strict=True):
            owners.setdefault(name, set()).add(place)
        if all(len(own) == 1 for own in owners.values()):
            break
        names = [
            "/".join(place.parts[-depth:]).replace("//", "/") if len(owners[name]) > 1 else name
            for name, place in zip(names, places, strict=True)
        ]
    return names


def outcomes(reviews: Sequence[Review]) -> list[Mapping[str, tuple[str, str]]]:
    """Of each run, by the ids of claims, what the claim says and what became of it."""
    found: list[Mapping[str, tuple[str, str]]] = []
    for review in reviews:
        own = {v.claim.id: (v.claim.says, str(v.outcome)) for v in review.verdicts}
        if not review.added_afterwards:
            for dropped in review.run.experiment.dropped_claims:
                own.setdefault(dropped.id, (dropped.says, f"not judged ({dropped.reason})"))
        found.append(own)
    return found
