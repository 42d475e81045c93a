# SPDX-License-Identifier: BSD-3-Clause
"""What `doctor` shows: each thing that would disturb, why it matters, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from fibench.machine import Item
from fibench.report.output import page, print_hanging
from fibench.wording import prose, shown

if TYPE_CHECKING:
    from rich.console import Console

_MARGIN = 4


def render_checkup(
    items: Sequence[Item],
    machine_line: str = "",
    out: Console | IO[str] | None = None,
    build_line: str = "",
) -> None:
    """Show the items; names of processes come from outside, and are escaped."""
    from rich.text import Text

    with page(out) as console:
        lines = [line for line in (machine_line, build_line) if line]
        for line in lines:
            console.print(Text(shown(line), style="dim"))
        if lines:
            console.print()
        for item in items:
            print_hanging(console, _MARGIN, "", prose(item.what), "bold yellow")
            print_hanging(console, _MARGIN, "", prose(item.why))
            if item.mend:
                # Never wrapped, so that it can be copied.
                mend = Text(f"{' ' * _MARGIN}{shown(item.mend)}", style="cyan")
                console.print(mend, soft_wrap=True)
            console.print()
        if items:
            things = "1 thing" if len(items) == 1 else f"{len(items)} things"
            console.print(Text(f"{things} would disturb a measurement; nothing was changed"))
        else:
            console.print(Text("nothing here that would disturb a measurement"))
