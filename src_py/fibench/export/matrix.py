# SPDX-License-Identifier: BSD-3-Clause
"""Many runs as a table of few columns: a row for each run, a column for each claim."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fibench.wording import counted, escaped

if TYPE_CHECKING:
    from fibench.report.runs import RunRow

_LETTERS = {
    "CONFIRMED": "C",
    "REFUTED": "R",
    "INCONCLUSIVE": "i",
    "NOT HERE": "-",
    "INVALID": "x",
    "not decided": "?",
}
_OTHER = "!"
_ABSENT = "·"
_MARK = " !"


def matrix(found: Sequence[RunRow]) -> str:
    """The rows of all runs, those of each experiment by themselves: claims by their numbers, with
    a line for each below, then what the letters mean."""
    if not found:
        return "no runs\n"
    experiments = dict.fromkeys(row.experiment for row in found)
    parts = [
        "\n".join(_of_experiment(name, [row for row in found if row.experiment == name]))
        for name in experiments
    ]
    meaning = ", ".join(f"{letter} {outcome}" for outcome, letter in _LETTERS.items())
    runs = counted(len({row.run for row in found}), "run")
    legend = f"{runs}; {meaning}, {_ABSENT} no such claim; ! has something wrong"
    width = max(20, shutil.get_terminal_size().columns)
    return "\n\n".join([*parts, *_marks(found), textwrap.fill(legend, width)]) + "\n"


def _of_experiment(name: str, rows: Sequence[RunRow]) -> Iterator[str]:
    claims = list(dict.fromkeys(row.claim for row in rows if row.claim))
    numbers = [str(number) for number in range(1, len(claims) + 1)]
    wide = max(map(len, numbers), default=1)
    by_run: dict[str, list[RunRow]] = {}
    for row in rows:
        by_run.setdefault(row.run, []).append(row)
    width = max(map(len, map(escaped, [name, *by_run])))
    heads = " ".join(f"{number:>{wide}}" for number in numbers)
    yield f"{escaped(name):<{width}}  {heads}".rstrip()
    for run, of_run in by_run.items():
        yield f"{escaped(run):<{width}}  {_outcomes(of_run, claims, wide)}".rstrip()
    for number, claim in zip(numbers, claims, strict=True):
        confirmed = sum(row.claim == claim and row.outcome == "CONFIRMED" for row in rows)
        of = sum(row.claim == claim for row in rows)
        yield f"  {number:>{wide}}  {escaped(claim)}: {confirmed} of {of} CONFIRMED"


def _outcomes(rows: Sequence[RunRow], claims: Sequence[str], wide: int) -> str:
    mark = _MARK if rows[0].marks else ""
    came = {row.claim: row.outcome for row in rows}
    if not any(came):  # no row is of a claim
        return f"{escaped(rows[0].outcome)}{mark}"
    letters = (_LETTERS.get(came[one], _OTHER) if one in came else _ABSENT for one in claims)
    return " ".join(f"{letter:>{wide}}" for letter in letters) + mark


def _marks(found: Sequence[RunRow]) -> list[str]:
    marked = dict.fromkeys((row.run, row.marks) for row in found if row.marks)
    lines = [f"! {escaped(f'{run}: {marks}')}" for run, marks in marked]
    return ["\n".join(lines)] if lines else []
