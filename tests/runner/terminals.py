# SPDX-License-Identifier: BSD-3-Clause
"""A terminal as tests look at it: what stands on its screen after what was written to it."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|([^\x1b])", re.DOTALL)


@dataclass
class Terminal:
    """A screen of so many columns and lines, and what has left it at the top.

    It knows what the view may write, and no more: anything else is an error. Lines that are wider
    than the screen break, unless it was told not to; where it is made narrower, those that it holds
    break as well, as in most terminals, and where wider, those that had broken are joined.
    """

    columns: int = 80
    lines: int = 24
    rows: list[str] = field(default_factory=lambda: [""])
    """Every row, from the first that was ever written."""
    joined: set[int] = field(default_factory=set)
    """Rows that go on with the one before, which had no room."""
    row: int = 0
    column: int = 0
    top: int = 0
    """The first row that is to be seen; those before are beyond reach, until it is made larger."""
    wraps: bool = True
    codes: list[str] = field(default_factory=list)
    """The colours and so on that were asked for."""

    def feed(self, text: str) -> None:
        """Take what was written; the line discipline makes "\\r\\n" of "\\n"."""
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            assert found is not None, f"no terminal is asked for this: {text[place : place + 20]!r}"
            place = found.end()
            if found[4] is not None:
                self._print(found[4])
            else:
                self._obey(found[1], found[2], found[3])

    @property
    def screen(self) -> list[str]:
        """What is to be seen now, without empty lines at the end."""
        shown = [row.rstrip() for row in self.rows[self.top :]]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def resize(self, columns: int, lines: int) -> None:
        """Make it narrower or wider: its lines break anew, and the cursor stays on its own."""
        whole: list[str] = []
        begins = []
        for number, row in enumerate(self.rows):
            if number in self.joined:
                whole[-1] += row
            else:
                whole.append(row)
            begins.append(len(whole) - 1)
        cursor = begins[self.row]
        self.rows, self.joined = [], set()
        for number, text in enumerate(whole):
            if number == cursor:
                self.row = len(self.rows)
            parts = [text[at : at + columns] for at in range(0, max(1, len(text)), columns)]
            self.joined |= set(range(len(self.rows) + 1, len(self.rows) + len(parts)))
            self.rows += parts
        self.columns, self.lines = columns, lines
        self.top = max(0, len(self.rows) - lines)
        self.column = min(self.column, columns - 1)

    def _print(self, sign: str) -> None:
        if sign == "\n":
            self._down()
        elif sign == "\r":
            self.column = 0
        else:
            assert sign.isprintable(), f"no terminal prints {sign!r}"
            if self.column == self.columns and self.wraps:
                self._down()
                self.joined.add(self.row)
            self.column = min(self.column, self.columns - 1)
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + sign + row[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append("")
        self.top = max(self.top, self.row - self.lines + 1)
        self.joined.discard(self.row)

    def _obey(self, private: str, numbers: str, what: str) -> None:
        match (private, what, numbers):
            case ("", "A", _):
                self.row = max(self.top, self.row - int(numbers or 1))
            case ("", "K", ""):  # behind a full line the cursor still is on its last sign
                self.rows[self.row] = self.rows[self.row][: min(self.column, self.columns - 1)]
            case ("", "J", ""):
                self.rows[self.row] = self.rows[self.row][: self.column]
                del self.rows[self.row + 1 :]
                self.joined = {one for one in self.joined if one <= self.row}
            case ("", "m", _):
                self.codes.append(numbers)
            case ("?", "h" | "l", "7"):
                self.wraps = what == "h"
            case _:
                raise AssertionError(f"no terminal is asked for this: {private}{numbers}{what}")
