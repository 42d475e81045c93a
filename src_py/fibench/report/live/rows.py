# SPDX-License-Identifier: BSD-3-Clause
"""The rows of the view: a line for each cell and each claim, in columns that never shrink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fibench.report.live.so_far import CellSoFar, ClaimSoFar, Way
from fibench.wording import counted

if TYPE_CHECKING:
    from rich.text import Text

    from fibench.experiment import Cell
    from fibench.report.live.progress import Progress
    from fibench.report.live.signs import Signs

_GAP = "  "
_LEAST_LABEL, _LEAST_BLOCKS, _LEAST_SAYS = 16, 5, 24
_MOST_BLOCKS = 30
_STYLES: dict[Way, str] = {"holds": "green", "fails": "red", "unsure": "yellow", "nothing": "dim"}
_TURN = "they may still turn"


@dataclass
class Rows:
    """How wide the columns are."""

    signs: Signs
    widths: dict[str, int] = field(default_factory=dict)

    def width(self, column: str, texts: Sequence[str]) -> int:
        """The width of a column: that of the widest text that ever stood in it."""
        from rich.cells import cell_len

        widest = max(map(cell_len, texts), default=0)
        self.widths[column] = max(widest, self.widths.get(column, 0))
        return self.widths[column]


def cropped(text: str, width: int, signs: Signs) -> str:
    """The text in at most so many columns."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + signs.cut if width > 0 else ""


def padded(text: str, width: int, signs: Signs, *, right: bool = False) -> str:
    """The text in exactly so many columns."""
    from rich.cells import cell_len

    text = cropped(text, width, signs)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def that_fit(every: int, lines: int, wanted: int | None = None) -> list[int]:
    """The places of those that have a line each, of which one counts the others where not all fit:
    the first, and the one that is `wanted`."""
    if every <= lines:
        return list(range(every))
    places = list(range(max(0, lines - 1)))
    if places and wanted is not None and wanted not in places:
        places[-1] = wanted
    return places


def _more(every: int, shown: int, thing: str) -> list[Text]:
    from rich.text import Text

    return [Text(f"and {counted(every - shown, f'more {thing}')}", "dim")] if every > shown else []


def cell_rows(rows: Rows, run: Progress, width: int, lines: int, *, heads: bool) -> list[Text]:
    """The cells, at most so many lines of them, below the names of their columns."""
    from rich.text import Text

    signs, now = rows.signs, run.now
    every = [(cell, run.of_cells.get(cell.key, CellSoFar({}))) for cell in run.cells]
    keys = [cell.key for cell in run.cells]
    wanted = keys.index(now.cell.key) if now is not None and now.cell.key in keys else None
    shown = that_fit(len(every), lines, wanted)
    if not lines or not every:
        return []
    head = f"{run.metric} so far"
    figures = rows.width("figure", [signs.words(so_far.figure) for _, so_far in every])
    spreads = rows.width("spread", [signs.words(so_far.spread) for _, so_far in every])
    longest = rows.width("cell", [signs.words(cell.label) for cell in run.cells])
    columns = _cell_columns(run, width, longest, figures, spreads)
    found = []
    if heads:
        found.append(
            Text(
                padded("cell", columns.label, signs)
                + _GAP
                + padded("blocks", columns.blocks, signs)
                + _GAP
                + signs.words(head),
                "dim",
            )
        )
    for cell, so_far in (every[place] for place in shown):
        in_hand = now is not None and now.cell.key == cell.key
        label = padded(signs.words(cell.label), columns.label, signs)
        line = Text().append(label + _GAP, "bold" * in_hand)
        line.append_text(_sparkline(run, cell, so_far, columns, signs))
        line.append(_GAP + padded(signs.words(so_far.figure), figures, signs, right=True))
        if columns.has_spread:
            line.append(" " + signs.words(so_far.spread), "dim")
        found.append(line)
    return [*found, *_more(len(every), len(shown), "cell")]


@dataclass(frozen=True)
class _CellColumns:
    label: int
    blocks: int
    first: int
    """The first block that is shown."""
    has_spread: bool


def _cell_columns(
    run: Progress, width: int, longest: int, figures: int, spreads: int
) -> _CellColumns:
    """How wide the columns of cells are. Where there is little room the spread goes first, then
    labels are cropped, and then earlier blocks."""
    most = min(run.blocks.most, _MOST_BLOCKS) if run.blocks is not None else 1
    has_spread = spreads > 0
    beside = 2 * len(_GAP) + figures
    enough = min(most, _LEAST_BLOCKS)
    if width - beside - spreads - 1 - enough < min(longest, _LEAST_LABEL):
        has_spread = False
    room = width - beside - (spreads + 1 if has_spread else 0)
    label = max(1, min(longest, max(_LEAST_LABEL, room - most), room - enough))
    blocks = max(1, min(most, room - label))
    begun = run.now.block + 1 if run.now is not None else 0
    return _CellColumns(label, blocks, max(0, begun - blocks), has_spread)


def _sparkline(
    run: Progress, cell: Cell, so_far: CellSoFar, columns: _CellColumns, signs: Signs
) -> Text:
    """A sign for each block: a level beside the cell's mean, or why there is none."""
    from rich.text import Text

    logs = [one for one in so_far.blocks.values() if isinstance(one, float)]
    mean = sum(logs) / len(logs) if logs else 0.0
    flaws = {
        "failed": (signs.failed, "red"),
        "disturbed": (signs.disturbed, "yellow"),
        "unknown": (signs.unknown, "dim"),
    }
    now, line = run.now, Text()
    for block in range(columns.first, columns.first + columns.blocks):
        known = so_far.blocks.get(block)
        if now is not None and now.cell.key == cell.key and now.block == block:
            line.append(signs.in_hand, "bold yellow")
        elif isinstance(known, float):
            line.append(signs.level(known, mean), "cyan")
        elif known is not None:
            line.append(*flaws[known])
        else:
            line.append(" " if cell.key in run.gone else signs.pending, "dim")
    return line


def claim_rows(rows: Rows, run: Progress, width: int, lines: int, *, heads: bool) -> list[Text]:
    """The claims, likewise."""
    from rich.text import Text

    signs, every = rows.signs, run.of_claims
    if not lines or not every:
        return []
    shown = that_fit(len(every), lines)
    figures = rows.width("claim", ["so far", *(signs.words(one.figure) for one in every)])
    intervals = rows.width("interval", [signs.words(one.interval) for one in every])
    needs = rows.width("needed", ["needed", *(signs.words(one.needed) for one in every)])
    room = width - 2 - figures - len(_GAP)
    has_needs = room - intervals - needs - 2 * len(_GAP) >= _LEAST_SAYS
    has_interval = room - intervals - len(_GAP) >= _LEAST_SAYS
    columns = [(figures, True)]
    columns += [(intervals, False)] if has_interval and intervals else []
    columns += [(needs, False)] if has_needs else []

    def line(texts: Sequence[str], styles: Sequence[str]) -> Text:
        found = Text()
        for (wide, right), text, style in zip(columns, texts, styles, strict=False):
            found.append(padded(signs.words(text), wide, signs, right=right) + _GAP, style)
        return found

    def picked(one: ClaimSoFar) -> list[str]:
        return [one.figure, *[one.interval] * (has_interval and intervals > 0), one.needed]

    found = []
    if heads:
        head = ["so far", *[""] * (has_interval and intervals > 0), "needed"]
        found.append(Text("  ").append_text(line(head, ["dim"] * 3)).append(_TURN, "dim"))
    for one in (every[place] for place in shown):
        style = _STYLES[one.way]
        styles = [style, *[""] * (has_interval and intervals > 0), "dim"]
        row = Text().append(_sign(one.way, signs) + " ", style)
        row.append_text(line(picked(one), styles))
        row.append("decided: " if one.decided else "", "dim")
        row.append(cropped(signs.words(one.says), max(0, width - row.cell_len), signs))
        found.append(row)
    return [*found, *_more(len(every), len(shown), "claim")]


def _sign(way: Way, signs: Signs) -> str:
    return {
        "holds": signs.holds, "fails": signs.fails, "unsure": signs.unsure, "nothing": signs.nothing
    }[way]  # fmt: skip
