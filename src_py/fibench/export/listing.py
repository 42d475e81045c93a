# SPDX-License-Identifier: BSD-3-Clause
"""The table of `runs` as text, Markdown, CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from pathlib import PurePath

from fibench.export import csv as separated
from fibench.metrics import DIGITS, METRICS, exact, number, scale_for
from fibench.parameters import KEYS
from fibench.report.numbers import RATIO, axis_scale
from fibench.report.runs import RUN_COLUMNS, RunRow, runs_json
from fibench.verdict.reviewing import ADDED_AFTERWARDS
from fibench.verdict.verdict import SUSTAINED
from fibench.wording import escaped

_MARK = " !"
_HEADS = ("run", "experiment", "as", "machine", "cores", "outcome", "estimate", "claim")
_GAP = "  "
_BY_QUANTITY = {
    quantity: metric
    for metric in METRICS.values()
    for quantity in (metric.name, metric.name_with_unit)
}
"""The metrics by what a row calls its estimate; of counts by their names."""


def text(found: Sequence[RunRow]) -> str:
    """Columns padded with spaces. A thousand runs are too many for a table of rich's."""
    if not found:
        return "no runs\n"
    lines = [tuple(map(escaped, line)) for line in _lines(found)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    padded = (
        _GAP.join(
            field + " " * (width - _width(field)) for field, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
    marks = "".join(f"\n! {escaped(line)}" for line in _marks(found))
    return "\n".join(padded) + "\n" + (f"{marks}\n" if marks else "") + _tally(found) + "\n"


def _marks(found: Sequence[RunRow]) -> list[str]:
    """What is wrong with runs, a line for each run."""
    return list(dict.fromkeys(f"{row.run}: {row.marks}" for row in found if row.marks))


def _width(field: str) -> int:
    if field.isascii():
        return len(field)
    from rich.cells import cell_len

    return cell_len(field)


def markdown(found: Sequence[RunRow]) -> str:
    """The same columns as a table that GitHub shows."""
    from fibench.export.md import escape, table

    heads, *rows = _lines(found)
    lines = table(heads, rows, left=len(heads))
    marks = _marks(found)
    lines += ["", *(f"- **!** {escape(line)}" for line in marks)] if marks else []
    return "\n".join(lines) + "\n"


def comma_separated(found: Sequence[RunRow]) -> str:
    """Every column, in base units."""
    return separated.written_rows(RUN_COLUMNS, map(astuple, found))


FORMATS: Mapping[str, Callable[[Sequence[RunRow]], str]] = {
    "text": text,
    "md": markdown,
    "csv": comma_separated,
    "json": runs_json,
}


def _lines(found: Sequence[RunRow]) -> list[tuple[str, ...]]:
    """The heads, and the fields of each row. What experiments are called stands in a column of its
    own only where it is not what their folders are called, and names where a run was made under
    one."""
    left_out = set()
    if all(row.experiment in PurePath(row.run).parts[:-1] for row in found):
        left_out.add("experiment")
    if not any(row.as_ for row in found):
        left_out.add("as")
    kept = [place for place, head in enumerate(_HEADS) if head not in left_out]
    return [tuple(line[place] for place in kept) for line in (_HEADS, *map(_fields, found))]


def _fields(row: RunRow) -> tuple[str, ...]:
    cores = "" if row.cores is None else str(row.cores)
    outcome = f"{row.outcome}, {row.failed} failed" if row.failed else row.outcome
    outcome += f" ({ADDED_AFTERWARDS})" if row.claims_added_afterwards else ""
    outcome += _MARK if row.marks else ""
    of_run = (row.run, row.experiment, row.as_, row.machine, cores)
    return *of_run, outcome, _estimate(row), row.claim


def _estimate(row: RunRow) -> str:
    """The estimate in the units of the tables: `×1.83 [1.74, 1.93]`, `p50 24.9 ms [24.1, 25.7]`."""
    if row.quantity == SUSTAINED:
        return _sustained(row)
    if row.estimate is None:
        return ""
    metric = _BY_QUANTITY.get(row.quantity)
    sign, scale = ("×" if row.quantity == "ratio" else f"{row.quantity} "), RATIO
    if metric is not None:
        sign, scale = f"{metric.name} ", scale_for(row.estimate, metric.unit)
    elif row.quantity in KEYS:
        sign, scale = f"{row.quantity} = ", axis_scale(row.quantity, row.estimate)
    told = exact if metric is not None and metric.is_count else number
    figure = f"{sign}{told(row.estimate / scale.size, DIGITS)}{scale.suffix}"
    if row.low is None or row.high is None:
        return figure
    low, high = (told(end / scale.size, DIGITS) for end in (row.low, row.high))
    return f"{figure} [{low}, {high}]"


def _sustained(row: RunRow) -> str:
    """The rate that a server sustains: `up to 170/s [160, 180]`, `up to [160, 180]/s` of a bracket,
    `at least 200/s` where all rates are held, `below 20/s` where none is."""
    low, high = (None if end is None else number(end, DIGITS) for end in (row.low, row.high))
    if row.estimate is not None:
        interval = "" if row.low is row.high is None else f" [{low or 0}, {high or '∞'}]"
        return f"up to {number(row.estimate, DIGITS)}/s{interval}"
    if low is None:
        return f"below {high}/s" if high is not None else ""
    return f"at least {low}/s" if high is None else f"up to [{low}, {high}]/s"


def _tally(found: Sequence[RunRow]) -> str:
    runs = len({row.run for row in found})
    outcomes = [escaped(row.outcome.partition(":")[0]) for row in found]
    counted = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
    marked = len({row.run for row in found if row.marks})
    said = f"; {marked} {'has' if marked == 1 else 'have'} something wrong (!)" if marked else ""
    failed = sum({row.run: row.failed or 0 for row in found}.values())
    trials = sum({row.run: row.trials or 0 for row in found}.values())
    said = (f"; {failed} of {trials} trials failed" if failed else "") + said
    return f"\n{runs} run{'' if runs == 1 else 's'}: {counted}{said}"
