# SPDX-License-Identifier: BSD-3-Clause
"""A comparison of runs as text, Markdown, CSV and JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fibench import called
from fibench.export import csv as separated
from fibench.export._rows import name_with_unit
from fibench.export.md import escape, table
from fibench.json_values import Json, finite
from fibench.metrics import METRICS, number, quantity
from fibench.report.numbers import NO_FIGURE, percent
from fibench.report.output import page, print_hanging
from fibench.verdict.comparing.welch import FEWEST_OF_A_SIDE
from fibench.verdict.estimate import known_ends
from fibench.wording import json_text, prose, shown

if TYPE_CHECKING:
    from rich.console import Console

    from fibench.verdict import Comparison
    from fibench.verdict.comparing.differences import Difference
    from fibench.verdict.comparing.ratios import RatioRow

SCHEMA = 1
_DIFFERS = "differs"
_NOTHING = "The two {sides} have no cell in common."
_HEADS = ("cell", "metric", "first", "second", "ratio", "")


def scope(comparison: Comparison) -> str:
    """What the intervals speak of: the first line of a comparison, whatever else is to be said."""
    counts = [len(side) for side in comparison.runs]
    if comparison.over == "runs":
        few = "; of two runs that is hardly known, and three make them far narrower"
        return (
            f"{counts[0]} runs beside {counts[1]}: the intervals take in how runs vary"
            f"{few if min(counts) == FEWEST_OF_A_SIDE else ''}"
        )
    what = "one run on each side: the intervals speak of these two runs"
    if max(counts) > 1:
        what = "one run on a side: the intervals speak of these very runs"
    command = called.command("compare A1,A2 B1,B2")
    return (
        f"{what}, and not of the machines or days that they are from: how runs vary is not in "
        f"them. Two runs on each side or more take it in: `{command}`"
    )


def leading_warnings(comparison: Comparison) -> list[str]:
    """What leads a comparison: different machines, runs that did not end, or have marks."""
    found = []
    other = comparison.other_machine
    if other:
        said = "; ".join(difference_text(each) for each in other)
        found.append(f"these are different machines, and ratios compare machines too: {said}")
    if comparison.other_file is not None:
        said = difference_text(comparison.other_file)
        found.append(f"these are runs of different files, whatever their names: {said}")
    if comparison.on_both and max(len(side) for side in comparison.runs) == 1:
        found.append("first and second are one run")
    else:
        found += [f"{name} is on both sides" for name in comparison.on_both]
    found += [f"{name} was interrupted" for name in dict.fromkeys(comparison.interrupted)]
    found += [
        f"{run.name}: {mark}" for side in comparison.runs for run in side for mark in run.marks
    ]
    return list(dict.fromkeys(found))


def difference_text(difference: Difference) -> str:
    """`cpus 2 → 8`."""
    first, second = (
        NO_FIGURE if side is None else prose(side) for side in (difference.first, difference.second)
    )
    return f"{shown(difference.name)} {first} → {second}"


def closing(comparison: Comparison) -> tuple[str, str]:
    """How many ratios differ from 1, and what their intervals are."""
    judged = [row for row in comparison.rows if row.ratio and row.ratio.low is not None]
    differ = sum(bool(row.ratio and row.ratio.differs) for row in judged)
    meaning = (
        f"ratios are second ÷ first; their intervals (Welch's, of the logarithms over "
        f"{comparison.over}) hold "
        f"for all of them at once, at {percent(comparison.confidence)}"
    )
    return f"{differ} of {len(judged)} ratios differ from 1", meaning


def remarks(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """What stands below the table: a heading, and lines."""
    changed = [
        f"{prose(each.says)}: {each.first or 'no such claim'} → {each.second or 'no such claim'}"
        for each in comparison.changed
    ]
    found = [
        ("verdicts that changed", changed),
        (_only(comparison, 0), list(comparison.only_first)),
        (_only(comparison, 1), list(comparison.only_second)),
    ]
    for kind in ("machine", "programs", "plan"):
        lines = [difference_text(each) for each in comparison.differences if each.kind == kind]
        found.append((f"what differs: {kind}", lines))
    return [(heading, [prose(line) for line in lines]) for heading, lines in found if lines]


def _only(comparison: Comparison, side: int) -> str:
    names = (comparison.first, comparison.second)[side]
    return f"cells that only {shown(names)} {'has' if len(comparison.runs[side]) == 1 else 'have'}"


def _nothing(comparison: Comparison) -> str:
    sides = "runs" if max(len(side) for side in comparison.runs) == 1 else "sides"
    return _NOTHING.format(sides=sides)


def print_text(console: Console, comparison: Comparison) -> None:
    """The comparison for a terminal or a log."""
    from rich.table import Table
    from rich.text import Text

    with page(console) as out:
        out.print(Text(prose(scope(comparison)), style="bold"))
        for warning in leading_warnings(comparison):
            print_hanging(out, 9, "warning", prose(warning), "", "bold yellow")
        for head, side in zip(("first", "second"), comparison.runs, strict=True):
            for place, run in enumerate(side):
                out.print(Text(f"{head if place == 0 else '':<8}{shown(run.name)}"), soft_wrap=True)
        out.print()
        grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for place, head in enumerate(_HEADS):
            figure = 2 <= place <= 3
            grid.add_column(head, justify="right" if figure else "left", overflow="fold")
        for row in comparison.rows:
            style = "bold" if row.ratio and row.ratio.differs else ""
            grid.add_row(*(Text(text, style=style) for text in _texts(row)))
        if comparison.rows:
            tally, meaning = closing(comparison)
            out.print(grid)
            out.print()
            out.print(Text(tally, style="bold"))
            print_hanging(out, 2, "", meaning, "dim")
        else:
            out.print(Text(_nothing(comparison)))
        for heading, lines in remarks(comparison):
            out.print()
            out.print(Text(heading, style="bold"))
            for line in lines:
                print_hanging(out, 2, "", line)


def markdown(comparison: Comparison) -> str:
    """The comparison in GitHub-flavoured Markdown."""
    lines = [f"# {escape(comparison.first)} and {escape(comparison.second)}", ""]
    lines += [escape(scope(comparison)), ""]
    for warning in leading_warnings(comparison):
        lines += [f"**Warning:** {escape(warning)}", ""]
    if comparison.rows:
        tally, meaning = closing(comparison)
        lines += table(_HEADS, [_texts(row) for row in comparison.rows], left=2)
        lines += ["", f"{escape(tally)}; {escape(meaning)}."]
    else:
        lines.append(_nothing(comparison))
    for heading, remarked in remarks(comparison):
        title = heading[:1].upper() + heading[1:]
        lines += ["", f"## {escape(title)}", "", *(f"- {escape(line)}" for line in remarked)]
    return "\n".join(lines) + "\n"


def comma_separated(comparison: Comparison) -> str:
    """A row for each cell and metric, with what is wrong with the runs; what else differs is in the
    other formats."""
    marks = "; ".join(
        f"{which}: {mark}"
        for which, found in zip(("first", "second"), comparison.marks, strict=True)
        for mark in found
    )
    columns = ("cell", "metric", "first", "second", "unit", "ratio", "low", "high",
               "first_blocks", "second_blocks", "differs", "note", "marks",
               "over", "first_runs", "second_runs")  # fmt: skip
    return separated.written_rows(
        columns,
        [
            (row.cell, row.metric, finite(row.first), finite(row.second), METRICS[row.metric].unit,
             *_ends(row), *row.blocks, row.ratio.differs if row.ratio else None, row.absent, marks,
             comparison.over, *row.runs)
            for row in comparison.rows
        ],
    )  # fmt: skip


def document(comparison: Comparison) -> dict[str, Json]:
    """The comparison as JSON; docs/reviewing.md has its layout."""
    return {
        "schema": SCHEMA,
        "first": comparison.first,
        "second": comparison.second,
        "runs": {
            head: [run.name for run in side]
            for head, side in zip(("first", "second"), comparison.runs, strict=True)
        },
        "over": comparison.over,
        "scope": scope(comparison),
        "warnings": leading_warnings(comparison),
        "marks": dict(zip(("first", "second"), map(list, comparison.marks), strict=True)),
        "confidence": comparison.confidence,
        "rows": [
            {
                "cell": row.cell,
                "metric": name_with_unit(row.metric),
                "first": finite(row.first),
                "second": finite(row.second),
                "blocks": list(row.blocks),
                "runs": list(row.runs),
                **dict(zip(("ratio", "low", "high"), _ends(row), strict=True)),
                "differs": row.ratio.differs if row.ratio else None,
                "absent": row.absent,
            }
            for row in comparison.rows
        ],
        "verdicts_changed": [asdict(each) for each in comparison.changed],
        "differences": [asdict(each) for each in comparison.differences],
        "only_first": list(comparison.only_first),
        "only_second": list(comparison.only_second),
    }


def json_document(comparison: Comparison) -> str:
    """The document as text."""
    return json_text(document(comparison), 2)


def _ends(row: RatioRow) -> tuple[float | None, float | None, float | None]:
    if row.ratio is None:
        return None, None, None
    return finite(row.ratio.mean), *known_ends(row.ratio.low, row.ratio.high)


def ratio_text(row: RatioRow) -> str:
    """`×1.24 [1.18, 1.31]`."""
    return _texts(row)[4]


def _texts(row: RatioRow) -> tuple[str, ...]:
    unit = METRICS[row.metric].unit
    figures = [
        NO_FIGURE if side is None else quantity(side, unit) for side in (row.first, row.second)
    ]
    if row.ratio is None:
        return shown(row.cell), row.metric, *figures, row.absent or NO_FIGURE, ""
    ratio = f"×{number(row.ratio.mean)}" + (f" ({row.absent})" if row.absent else "")
    if row.ratio.low is not None and row.ratio.high is not None:
        digits = _digits(row.ratio.low, row.ratio.high)
        ends = f"[{number(row.ratio.low, digits)}, {number(row.ratio.high, digits)}]"
        ratio = f"×{number(row.ratio.mean, digits)} {ends}"
    return shown(row.cell), row.metric, *figures, ratio, _DIFFERS if row.ratio.differs else ""


def _digits(low: float, high: float) -> int:
    """Three, or more where an end of the interval that is not 1 would look like it."""
    digits = 3
    while digits < 6 and any(end != 1.0 and number(end, digits) == number(1.0, digits)
                             for end in (low, high)):  # fmt: skip
        digits += 1
    return digits
