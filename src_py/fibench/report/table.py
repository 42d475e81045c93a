# SPDX-License-Identifier: BSD-3-Clause
"""The table of cells, laid out for the width that there is.

Wide: one line per cell, each figure with its interval beside it, and behind a throughput what is
possible at most. Narrow: the interval below the figure, and that below it. Narrower still: the same
in several tables, one after another, with the cells repeated. Client groups have lines of their
own, indented below their cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.metrics import METRICS, in_group, quantity
from fibench.report.numbers import NO_FIGURE, lower_bound, spread
from fibench.verdict import CellSummary, Estimate
from fibench.verdict.asymptotic.asymptotes import NONE_KNOWN, Possible
from fibench.wording import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from fibench.experiment import Cell

POSSIBLE = (
    "of …/s: what is possible at most with so many clients and CPUs, by what one request needs "
    "alone"
)
"""What is said of it below a table."""
_GAP = 2
_NARROWEST_LABEL = 16


@dataclass(frozen=True)
class Entry:
    """One figure and its interval, as text; the interval may be empty."""

    figure: str
    interval: str
    possible: str = ""
    """`of 98.2/s`: what it could be at most; empty where that is not known."""

    @property
    def beside(self) -> str:
        """What stands beside the figure."""
        return f"{self.interval} {self.possible}".strip()


@dataclass(frozen=True)
class TableLine:
    """One line of the table: a cell, or one client group of it."""

    cell: Cell
    summary: CellSummary | None
    group: str | None = None
    possible: Possible | None = None

    def label(self) -> str:
        """What stands at its beginning."""
        return shown(self.cell.label) if self.group is None else f"  {shown(self.group)}"

    def entry(self, metric: str) -> Entry:
        """Its figure; nothing at all where a group has no figure of its own."""
        if self.group is not None and not METRICS[metric].of_groups:
            return Entry("", "")
        if self.summary is None or (metric == "wall" and not _ends_by_itself(self.cell)):
            return Entry(NO_FIGURE, "")
        if METRICS[metric].is_count:
            return Entry(self._counted(metric), "")
        estimate = self.summary.estimates[in_group(self.group, metric)]
        if estimate.mean is None:
            return Entry(lower_bound(estimate, METRICS[metric].unit), "")
        most = self._possible() if metric == "throughput" else ""
        return Entry(quantity(estimate.mean, METRICS[metric].unit), spread(estimate), most)

    def _possible(self) -> str:
        """What the cell could answer at most; a group has no such figure."""
        if self.group is not None or self.possible is None or self.possible.per_s is None:
            return ""
        return f"of {quantity(self.possible.per_s, METRICS['throughput'].unit)}"

    def _counted(self, metric: str) -> str:
        """The fewest and the most of a count in any block."""
        found = self.summary.counts.get(in_group(self.group, metric)) if self.summary else None
        if found is None or found.least is None:
            return NO_FIGURE
        return f"{found.least}" if found.least == found.most else f"{found.least} to {found.most}"


@dataclass(frozen=True)
class Column:
    """One metric for every row, in the order of the rows."""

    heading: str
    entries: tuple[Entry, ...]

    def figure_width(self) -> int:
        """The width of the widest figure."""
        return max((len(entry.figure) for entry in self.entries), default=0)

    def interval_width(self) -> int:
        """The width of the widest interval."""
        return max((len(entry.interval) for entry in self.entries), default=0)

    def possible_width(self) -> int:
        """The width of the widest text of what is possible."""
        return max((len(entry.possible) for entry in self.entries), default=0)

    def width(self, stacked: bool) -> int:
        """The width of the column, its interval below the figure or beside it."""
        figure, *more = self.figure_width(), self.interval_width(), self.possible_width()
        beside = figure + sum(width + 1 for width in more if width)
        return max(len(self.heading), max(figure, *more) if stacked else beside)


def shown_metrics(cells: Sequence[Cell], summaries: Sequence[CellSummary]) -> list[str]:
    """The metrics to show: those of the table, first the one that few loads have.

    p90 stands in where no cell has replies enough for p99; p999 is shown of open loops, where it is
    what users meet. `wall` is shown where a load ends by itself: of a window it would only repeat
    the length.
    """

    def known(metric: str) -> bool:
        return any(_is_known(summary.estimates[metric]) for summary in summaries)

    left_out = {"p99" if known("p90") and not known("p99") else "p90"}
    if not any(_ends_by_itself(cell) for cell in cells):
        left_out.add("wall")
    if not any(cell.parameters.is_open for cell in cells) or not known("p999"):
        left_out.add("p999")
    columns = [m.name for m in METRICS.values() if m.in_table and m.name not in left_out]
    return sorted(columns, key=lambda name: name != "wall")


def _is_known(estimate: Estimate) -> bool:
    return estimate.mean is not None or estimate.is_bound


def _ends_by_itself(cell: Cell) -> bool:
    return cell.parameters.kind == "process" or bool(cell.parameters.requests)


def print_table(
    console: Console,
    cells: Sequence[Cell],
    summaries: Mapping[str, CellSummary],
    possible: Mapping[str, Possible] = NONE_KNOWN,
) -> None:
    """Print the cells in their order; a cell without a summary has no figures. `possible` is what
    each could answer at most, by its key."""
    known = [summaries[cell.key] for cell in cells if cell.key in summaries]
    rows = table_lines(cells, summaries, possible)
    columns = [_column(metric, rows) for metric in shown_metrics(cells, known)]
    labels = [row.label() for row in rows]
    label_width = _label_width(labels, console.width)
    beside = label_width + sum(_GAP + column.width(stacked=False) for column in columns)
    if beside <= console.width:
        _print_columns(console, labels, label_width, columns, stacked=False)
        return
    for number, group in enumerate(_groups(columns, console.width - label_width)):
        if number:
            console.print()
        _print_columns(console, labels, label_width, group, stacked=True)


def table_lines(
    cells: Sequence[Cell],
    summaries: Mapping[str, CellSummary],
    possible: Mapping[str, Possible] = NONE_KNOWN,
) -> list[TableLine]:
    """The lines of the table: each cell, and below it each client group of it that asks."""
    rows = []
    for cell in cells:
        summary = summaries.get(cell.key)
        rows.append(TableLine(cell, summary, possible=possible.get(cell.key)))
        rows.extend(
            TableLine(cell, summary, group) for group in (summary.groups if summary else ())
        )
    return rows


def _column(metric: str, rows: Sequence[TableLine]) -> Column:
    return Column(METRICS[metric].heading, tuple(row.entry(metric) for row in rows))


def _label_width(labels: Sequence[str], width: int) -> int:
    from rich.cells import cell_len

    longest = max((cell_len(label) for label in labels), default=0)
    most = max(min(_NARROWEST_LABEL, width // 2), width // 3)
    return min(max(longest, len("cell")), most)


def _groups(columns: Sequence[Column], room: int) -> list[list[Column]]:
    """Split the columns, in order, into as few tables as fit; a table has one column at least."""
    groups: list[list[Column]] = []
    left = 0
    for column in columns:
        needs = _GAP + column.width(stacked=True)
        if not groups or needs > left:
            groups.append([])
            left = room
        groups[-1].append(column)
        left -= needs
    return groups


def _print_columns(
    console: Console,
    labels: Sequence[str],
    label_width: int,
    columns: Sequence[Column],
    stacked: bool,
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    table.add_column("cell", width=label_width, overflow="fold")
    for column in columns:
        width = column.width(stacked)
        table.add_column(column.heading, justify="right", no_wrap=True, min_width=width)
    for row, label in enumerate(labels):
        entries = [_entry_text(column, row, stacked) for column in columns]
        table.add_row(Text(label), *entries)
    console.print(table)


def _entry_text(column: Column, row: int, stacked: bool) -> Text:
    from rich.text import Text

    entry = column.entries[row]
    if stacked:
        below = "".join(f"\n{text}" for text in (entry.interval, entry.possible) if text)
        return Text.assemble(entry.figure, (below, "dim"))
    beside = [
        f" {text:<{width}}"
        for text, width in (
            (entry.interval, column.interval_width()),
            (entry.possible, column.possible_width()),
        )
        if width
    ]
    return Text.assemble(entry.figure, ("".join(beside), "dim"))
