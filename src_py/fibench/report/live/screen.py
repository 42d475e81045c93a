# SPDX-License-Identifier: BSD-3-Clause
"""The terminal that the view is drawn on: below what was printed, and gone without a trace.

Nothing of the terminal's state is changed for longer than one write: the cursor stays visible below
the picture, there is no other screen, so that nothing is to be restored, however this ends. What
others write there (the ^C of a Ctrl-C) is drawn over the next time.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING

from fibench.streams import NARROWEST

if TYPE_CHECKING:
    from rich.text import Text

_FEWEST_LINES = 2
_USUAL = (80, 24)
"""Columns and lines of a terminal that does not say."""
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
"""Should a terminal take a sign for wider than we do, the line ends early, and none is added."""
_PLAIN, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[0m", "\x1b[K", "\x1b[J"


class Screen:
    """A picture at the end of a terminal's output."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._widths: list[int] = []
        """Of the lines that stand there, in columns."""
        self._columns = 0
        """Those that the terminal had when they were laid out."""
        self._astray = False
        """Whether somebody may have moved the cursor."""
        self._is_gone = False
        """Whether nobody is there any more to look at it."""

    def size(self) -> tuple[int, int]:
        """Columns, and lines for a picture: one less than there are, where the cursor stays."""
        columns, lines = _size_of(self._stream)
        return max(NARROWEST, columns), max(_FEWEST_LINES, lines) - 1

    def is_ours(self) -> bool:
        """Whether it is ours to draw on now: after a `bg` it is the shell's."""
        return _is_in_foreground(self._stream)

    def draw(self, lines: Sequence[Text], columns: int, above: str = "") -> None:
        """Put a picture, laid out for so many columns, in the place of the one before, and plain
        text above it, which stays. The terminal may have another size by now."""
        # The rest of a line is erased before the line is written: behind the last column of the
        # terminal a cursor stands on the last sign, and would take that away.
        stays = f"{_REST_OF_SCREEN}{above}\n" if above else ""
        text = "".join(f"{_REST_OF_LINE}{line}\n" for line in _coloured(lines))
        text = f"{self._back()}{stays}{_NO_WRAP}{text}{_WRAP}{_REST_OF_SCREEN}"
        self._astray = True  # until all of it is there
        self._write(text)
        self._widths = [line.cell_len for line in lines]
        self._columns, self._astray = columns, False

    def lift(self, stays: str = "") -> None:
        """Take the picture away; what stays, and what is printed next, stands in its place."""
        if self._widths or self._astray:
            # A Ctrl-C throws away what nobody has read yet (NOFLSH in termios(3)): _WRAP as well.
            begun = f"{_WRAP}{_PLAIN}\n" if self._astray else _WRAP
            self._write(f"{begun}{self._back()}{_REST_OF_SCREEN}")
        if stays:
            self._write(f"{stays}\n")
        self._widths, self._astray = [], False

    def lose_place(self) -> None:
        """Forget where the picture is: the next one begins below whatever stands there now."""
        self._widths, self._astray = [], False

    def _back(self) -> str:
        """To the picture's first line. In a terminal that has become narrower its lines may have
        been broken, and take more of the terminal's."""
        if self._astray:
            return "\r"
        columns, now = self._columns, self.size()[0]
        lines = sum(max(1, -(-width // now)) if now < columns else 1 for width in self._widths)
        return f"\r\x1b[{lines}A" if lines else "\r"

    def _write(self, text: str) -> None:
        if self._is_gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal was closed; SIGHUP, or the report, says so
            self._is_gone = True


def is_able(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that a picture can be drawn on, for somebody who looks."""
    with contextlib.suppress(ValueError):  # it is closed
        return (
            stream.isatty()
            and environ.get("TERM", "") not in _CANNOT
            and environ.get("CI", "").lower() in _NOT_CI
            and _is_in_foreground(stream)
        )
    return False


def _size_of(stream: IO[str]) -> tuple[int, int]:
    """Columns and lines; who has set COLUMNS wants no more than that."""
    try:
        real = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        real = os.terminal_size((0, 0))
    asked = os.environ.get("COLUMNS", "")
    columns = real.columns or _USUAL[0]
    return min(columns, int(asked)) if asked.isdecimal() else columns, real.lines or _USUAL[1]


def _coloured(lines: Sequence[Text]) -> list[str]:
    """The lines with their colours, as far as this terminal and its user want any."""
    from rich.console import Console

    made = io.StringIO()
    console = Console(file=made, force_terminal=True, highlight=False, emoji=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    return made.getvalue().split("\n")[: len(lines)]


def _is_in_foreground(stream: IO[str]) -> bool:
    """Whether who types there types for us, as far as is known."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # another session's terminal, or none
        return True


_CANNOT = ("", "dumb", "unknown")
"""What TERM says of terminals that do not move a cursor."""
_NOT_CI = ("", "0", "false", "no")
"""What CI says where there is none."""
