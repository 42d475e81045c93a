# SPDX-License-Identifier: BSD-3-Clause
"""Where reports are written: colours on a terminal only, characters that the stream can carry."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from fibench.streams import plain

if TYPE_CHECKING:
    from rich.console import Console

_TRAILING_SPACE = re.compile(r" +$", re.MULTILINE)
"""rich fills tables with spaces up to their width; a log does without."""

_NO_BREAK = "\N{NO-BREAK SPACE}"


@contextmanager
def page(out: Console | IO[str] | None) -> Iterator[Console]:
    """A console to print on, for a console, a stream, or (None) the standard output.

    What is printed leaves in one piece at the end. A stream whose encoding lacks our signs gets
    plain ones, and escapes for the rest: a report never ends in an encoding error. rich leaves out
    colours where the output is not a terminal or NO_COLOR is set.
    """
    from rich.console import Console

    console = out if isinstance(out, Console) else Console(file=out, highlight=False)
    with console.capture() as captured:
        yield console
    stream = console.file
    text = _TRAILING_SPACE.sub("", captured.get())
    stream.write(carried(text, getattr(stream, "encoding", None) or "utf-8"))
    stream.flush()


def glued(text: str) -> str:
    """The text with spaces at which `print_hanging` does not break a line."""
    return text.replace(" ", _NO_BREAK)


def print_hanging(
    console: Console, indent: int, mark: str, text: str, style: str = "", mark_style: str = ""
) -> None:
    """Print a text wrapped to the right of a margin, `indent` wide, that holds `mark`. Where the
    screen is too narrow for that, the mark is a line of its own, so that no word is broken."""
    from rich.table import Table
    from rich.text import Text

    if indent > max(1, console.width // 3):
        if mark:
            console.print(Text(mark, style=mark_style))
        mark, indent = "", 2
    margin = min(indent, max(1, console.width // 3))
    # textwrap keeps no-break spaces together, which rich does not.
    lines = textwrap.wrap(text, max(1, console.width - margin), break_on_hyphens=False)
    wrapped = "\n".join(lines).replace(_NO_BREAK, " ")
    grid = Table.grid(padding=0)
    grid.add_column(width=margin, overflow="fold")
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style=mark_style), Text(wrapped, style=style))
    console.print(grid)


def carried(text: str, encoding: str) -> str:
    """The text in characters that the encoding has."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return plain(text).encode(encoding, errors="backslashreplace").decode(encoding)
    return text
