# SPDX-License-Identifier: BSD-3-Clause
"""Grades as a table: a row for each run, RFC 4180."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fibench.export.csv import written_rows
from fibench.export.graders.grades import RunGrade
from fibench.export.graders.lab import Lab

_DAMAGED = "damaged"


def grade_sheet(lab: Lab, runs: Iterable[RunGrade]) -> str:
    """The table: of each claim its points, empty where they are open."""
    claims = [f"claim {name}" for name in lab.worths]
    columns = ("file", "run", *claims, "points", "open", "of", "remarks", "marks")
    return written_rows(columns, (_row(lab, run) for run in runs))


def _row(lab: Lab, run: RunGrade) -> list[object]:
    earned = {one.claim.id: one.earned for one in run.claims}
    figures: tuple[object, ...] = (run.earned, run.open)
    marks = "; ".join(run.marks)
    if run.damaged:
        figures, marks = (None, None), f"{_DAMAGED}: {run.damaged}"
    remarks = "; ".join(_remarks(run))
    each = [earned.get(name) for name in lab.worths]
    return [run.place, run.run, *each, *figures, lab.most, remarks, marks]


def _remarks(run: RunGrade) -> Iterator[str]:
    """Why points are open, and why they are lost."""
    for one in run.claims:
        if one.earned != one.worth:
            yield f"{one.claim.id}: {one.claim.outcome}: {one.claim.first}"
