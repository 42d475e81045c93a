# SPDX-License-Identifier: BSD-3-Clause
"""What the view draws, laid out for the columns and lines that there are. It prints nothing.

How many lines that are hangs on the size of the terminal and on how many cells and claims there
are, never on what is measured: nothing jumps. Columns grow with what stands in them, and never
shrink.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fibench.plan import expected_seconds
from fibench.report._trial_line import block_name
from fibench.report.live.plain import trial_label
from fibench.report.live.room import Room, room_for
from fibench.report.live.rows import Rows, cell_rows, claim_rows, cropped
from fibench.report.numbers import time_taken
from fibench.wording import counted

if TYPE_CHECKING:
    from rich.text import Text

    from fibench.report.live.progress import Progress
    from fibench.report.live.signs import Signs

MOST_COLUMNS = 100
"""Columns that are used, of however many."""
_LEAST_BAR, _BAR, _MOST_BAR = 6, 10, 40
_STILL = "drawn between measurements only"
_STOP, _STOP_NOW = "Ctrl-C finishes this trial", "Ctrl-C again ends at once"


class Frame:
    """Draws the same run again and again, in the same places."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self._rows = Rows(signs)

    def lines(self, run: Progress, columns: int, height: int) -> list[Text]:
        """At most `height` lines of at most `columns` columns."""
        from rich.text import Text

        width = min(columns, MOST_COLUMNS)
        room = room_for(height, len(run.cells), len(run.of_claims))
        lines = [line for line, _ in zip(self._all(run, width, room), range(height), strict=False)]
        for line in lines:
            line.truncate(width)
            line.rstrip()
        return [*lines, *(Text() for _ in range(room.lines - len(lines)))][:height]

    def _all(self, run: Progress, width: int, room: Room) -> Iterator[Text]:
        from rich.text import Text

        yield self._head(run, width)
        yield self._now(run, width)
        if room.last:
            yield self._labelled("last", run.last, width)
        for rows in (
            cell_rows(self._rows, run, width, room.cells, heads=room.heads),
            claim_rows(self._rows, run, width, room.claims, heads=room.heads),
        ):
            if room.blanks and rows:
                yield Text()
            yield from rows
        if room.foot:
            if room.blanks > 1:
                yield Text()
            yield self._foot(run, width)

    def _head(self, run: Progress, width: int) -> Text:
        """`gil  block 5 of 8  ━━━━━──  43/74  0:44 left`: the bar and the time stay longest."""
        from rich.text import Text

        name = self._signs.words(run.name)
        said, left = self._places(run, name, width)
        bar = min(_MOST_BAR, width - len("  ".join(filter(None, [*said, left]))) - 2)
        done = max(0, round(bar * (run.done / run.total if run.total else 0.0)))
        bars = Text.assemble(
            (self._signs.done * done, "green"), (self._signs.to_do * max(0, bar - done), "dim")
        )
        parts = [Text(said[0], "bold"), *(Text(one, "dim") for one in said[1:-1] if one), bars]
        parts += [Text(one) for one in (said[-1], left) if one]
        return Text("  ").join(parts)

    def _places(self, run: Progress, name: str, width: int) -> tuple[list[str], str]:
        """The name, the block and the trials in as many words as leave room for the bar, and the
        time that is left."""
        time, trials = _clock(run.left_s), f"{run.done}/{run.total}" if run.total else ""
        at_most = " at most" if run.blocks is not None and not run.blocks.fixed else ""
        long = f"{time} left" if time else ""
        for block, count, left in (
            (_block(run), trials, long + at_most if time else ""),
            (_block(run), trials, long),
            (_block(run, short=True), trials, long),
            (_block(run, short=True), trials, time),
            (_block(run, short=True), "", time),
        ):
            used = sum(len(one) + 2 for one in (name, block, count, left) if one)
            if width - used >= _BAR:
                return [name, block, count], left
        least = width - _LEAST_BAR - len(time) - 4
        return [cropped(name, max(1, least), self._signs), "", ""], time

    def _now(self, run: Progress, width: int) -> Text:
        """The trial in hand; what it gives is known when it is over."""
        if run.now is None:
            return self._labelled("now", "starting", width)
        label = self._signs.words(trial_label(run.now))
        if run.stopping:
            return self._labelled("stopping after", label, width, style="bold yellow")
        has_length = run.now.cell.parameters.duration is not None and run.now.role != "syscalls"
        about = f", about {time_taken(expected_seconds([run.now]))}" if has_length else ""
        return self._labelled("now", label, width, f"since {run.since}{about}")

    def _labelled(
        self, what: str, said: str, width: int, more: str = "", *, style: str = "dim"
    ) -> Text:
        from rich.text import Text

        begin = f"{what:<4}  "
        said = cropped(self._signs.words(said), max(1, width - len(begin)), self._signs)
        line = Text.assemble((begin, style), (said, "" if what == "last" else "bold"))
        if more and line.cell_len + 2 + len(more) <= width:
            line.append(f"  {more}", "dim")
        return line

    def _foot(self, run: Progress, width: int) -> Text:
        from rich.text import Text

        troubles = [f"{run.failed} failed"] if run.failed else []
        troubles += [f"{counted(run.again, 'trial')} made again"] if run.again else []
        parts = [(one, "yellow") for one in troubles]
        parts += [(_STOP_NOW if run.stopping else _STOP, "dim"), (_STILL, "dim")]
        between, line = f" {self._signs.between} ", Text()
        for said, style in parts:
            if line.cell_len + len(between) + len(said) <= width or not line.cell_len:
                line.append(between if line.cell_len else "", "dim")
                line.append(said, style)
        return line


def _block(run: Progress, *, short: bool = False) -> str:
    """`block 5 of 8`, `block 5 of 6 to 20`, or `5/8`; what is measured before by its name."""
    if run.now is None or run.now.block < 0 or run.blocks is None:
        return "" if run.now is None else block_name(run.now.block)
    blocks, number = run.blocks, run.now.block + 1
    if short:
        return f"{number}/{blocks.most}"
    most = f"{blocks.most}" if blocks.fixed else f"{blocks.least} to {blocks.most}"
    return f"{block_name(run.now.block)} of {most}"


def _clock(left_s: float | None) -> str:
    """`0:44`, `1:02:03`."""
    if left_s is None:
        return ""
    minutes, seconds = divmod(round(left_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
