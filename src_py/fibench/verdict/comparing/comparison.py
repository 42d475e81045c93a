# SPDX-License-Identifier: BSD-3-Clause
"""Runs side by side: ratios with intervals, changed verdicts, what else differs. Pure.

Each side is one run or several. Of one run on a side nothing says how runs vary, so that the
intervals speak of these very runs; of two and more on both they speak of what these are taken from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fibench.verdict.audit import copies
from fibench.verdict.comparing.differences import SOURCE_PATH, Difference, differences
from fibench.verdict.comparing.ratios import Over, RatioRow, ratio_rows
from fibench.verdict.comparing.sides import (
    aligned,
    distinct_names,
    figures_of_run,
    matched,
    outcomes,
    side_of,
)
from fibench.verdict.comparing.welch import FEWEST_OF_A_SIDE
from fibench.verdict.estimate import CONFIDENCE
from fibench.verdict.reviewing import Review

__all__ = ["Changed", "Comparison", "RunOfSide", "changed_verdicts", "compare", "matched"]


@dataclass(frozen=True)
class Changed:
    """A claim whose verdict is not the same; None: no run of the side has it.

    Where the runs of a side do not agree, their verdicts stand beside each other.
    """

    claim: str
    says: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class RunOfSide:
    """A run that is compared."""

    name: str
    marks: tuple[str, ...] = ()
    """What is wrong with it, what it has of others' trials included."""


@dataclass(frozen=True)
class Comparison:
    """All that `compare` shows."""

    runs: tuple[tuple[RunOfSide, ...], tuple[RunOfSide, ...]]
    rows: tuple[RatioRow, ...]
    over: Over
    """What the intervals take in: how trials vary within these runs, or how runs do."""
    confidence: float
    """Of all intervals at once."""
    changed: tuple[Changed, ...]
    differences: tuple[Difference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    interrupted: tuple[str, ...]
    """The runs that did not end, and so have no verdicts."""
    on_both: tuple[str, ...] = ()
    """The runs that are on both sides."""

    @property
    def first(self) -> str:
        """The names of the first side's runs."""
        return ", ".join(run.name for run in self.runs[0])

    @property
    def second(self) -> str:
        """The names of the second side's runs."""
        return ", ".join(run.name for run in self.runs[1])

    @property
    def marks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is wrong with the runs of each side; where it has several, with the run's name."""
        first, second = (
            tuple(
                mark if len(side) == 1 else f"{run.name}: {mark}"
                for run in side
                for mark in run.marks
            )
            for side in self.runs
        )
        return first, second

    @property
    def other_file(self) -> Difference | None:
        """Where the files are that the runs are of, if they are several."""
        found = (each for each in self.differences if each.name == SOURCE_PATH)
        return next(found, None)

    @property
    def other_machine(self) -> list[Difference]:
        """The differences that make the machines different ones."""
        return [each for each in self.differences if each.is_of_another_machine]


def compare(first: Review | Sequence[Review], second: Review | Sequence[Review]) -> Comparison:
    """Compare two sides, each a run or several; ratios are second ÷ first."""
    sides = [[side] if isinstance(side, Review) else list(side) for side in (first, second)]
    over: Over = "runs" if all(len(side) >= FEWEST_OF_A_SIDE for side in sides) else "trials"
    alike = [aligned([review.run.experiment.cells for review in side]) for side in sides]
    pairs, only_first, only_second = matched(*([one.cell for one in own] for own in alike))
    one, other = (
        side_of(own, [figures_of_run(review) for review in side])
        for own, side in zip(alike, sides, strict=True)
    )
    reviews = [review for side in sides for review in side]
    names = distinct_names(reviews)
    shared = {r.run.place for r in sides[0]} & {r.run.place for r in sides[1]}
    runs = _runs(reviews, names, is_pair=len(reviews) == FEWEST_OF_A_SIDE)
    found = zip(names, reviews, strict=True)
    return Comparison(
        runs=(runs[: len(sides[0])], runs[len(sides[0]) :]),
        rows=ratio_rows(pairs, one, other, over),
        over=over,
        confidence=CONFIDENCE,
        changed=changed_verdicts(*sides),
        differences=differences(*sides),
        only_first=_explained(only_first, sides[1]),
        only_second=_explained(only_second, sides[0]),
        interrupted=tuple(
            name for name, each in zip(names, reviews, strict=True) if each.interrupted
        ),
        on_both=tuple(dict.fromkeys(name for name, each in found if each.run.place in shared)),
    )


def _runs(
    reviews: Sequence[Review], names: Sequence[str], *, is_pair: bool
) -> tuple[RunOfSide, ...]:
    """The runs with their marks: trials that two of them have are not independent."""
    called = ("the first run", "the second run") if is_pair else names
    places = {review.run.place: name for review, name in zip(reviews, called, strict=True)}
    digests = {
        places[review.run.place]: review.run.digests
        for review in reviews
    }  # fmt: skip
    shared = copies(digests) if len(digests) > 1 else {}
    return tuple(
        RunOfSide(name, (*review.marks, *([mark] if mark else [])))
        for name, review in zip(names, reviews, strict=True)
        for mark in [shared.get(places[review.run.place], "")]
    )


def _explained(labels: Iterable[str], others: Sequence[Review]) -> tuple[str, ...]:
    """The labels of cells that only one side has, with why the other one left them out."""
    why = {
        absent.cell.label: absent.reason
        for other in others
        for absent in other.run.experiment.absent.cells
    }
    return tuple(
        f"{label} (left out of the other: {why[label]})" if label in why else label
        for label in labels
    )


def changed_verdicts(first: Sequence[Review], second: Sequence[Review]) -> tuple[Changed, ...]:
    """The claims, by their ids, whose outcome is not the same in complete runs."""
    if not all(review.run.complete for review in (*first, *second)):
        return ()
    sides = [outcomes(side) for side in (first, second)]
    found = []
    for name in dict.fromkeys(name for side in sides for run in side for name in run):
        came = [tuple(run[name][1] for run in side if name in run) for side in sides]
        if set(came[0]) != set(came[1]):
            says = next(run[name][0] for side in sides for run in side if name in run)
            found.append(Changed(name, says, *(_summed(own) for own in came)))
    return tuple(found)


def _summed(came: Sequence[str]) -> str | None:
    """What became of a claim in the runs of a side, each outcome once: `CONFIRMED, REFUTED`."""
    return ", ".join(dict.fromkeys(came)) or None
