# SPDX-License-Identifier: BSD-3-Clause
"""The signs of the view: drawn ones where the terminal has them, ASCII elsewhere."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fibench.report.output import carried
from fibench.wording import prose

STEP = 0.05
"""A figure that is so much larger, as a logarithm, stands one level higher."""
_MIDDLE = 3
"""The level of the mean, from 0."""


@dataclass(frozen=True)
class Signs:
    """What is drawn, each one column wide."""

    levels: str = "▁▂▃▄▅▆▇█"
    pending: str = "·"
    in_hand: str = "○"
    failed: str = "✗"
    disturbed: str = "!"
    unknown: str = "?"
    holds: str = "✓"
    fails: str = "✗"
    unsure: str = "?"
    nothing: str = "–"
    cut: str = "…"
    done: str = "━"
    to_do: str = "─"
    between: str = "·"
    encoding: str = "utf-8"

    def level(self, log: float, mean: float) -> str:
        """The sign of a figure beside the mean of its cell, both as logarithms."""
        place = _MIDDLE + round((log - mean) / STEP)
        return self.levels[min(max(place, 0), len(self.levels) - 1)]

    def words(self, text: str) -> str:
        """Text from outside on one line, harmless to a terminal, in characters that it has."""
        return carried(prose(text), self.encoding)


ASCII = Signs(
    levels="12345678",
    pending=".",
    in_hand="o",
    failed="x",
    holds="+",
    fails="x",
    nothing="-",
    cut="~",
    done="=",
    to_do="-",
    between="-",
    encoding="ascii",
)


def signs_of(encoding: str, environ: Mapping[str, str]) -> Signs:
    """The signs for a stream of this encoding, in this environment.

    Python writes UTF-8 in the locale C, which says of the terminal that it has ASCII alone.
    """
    try:
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        is_utf8 = False
    if not is_utf8:
        return replace(ASCII, encoding=encoding)
    # Who names the encoding of the output knows it better than the locale does.
    asked = "" if environ.get("PYTHONIOENCODING") else _locale(environ)
    names_utf8 = asked.lower().replace("-", "").partition("@")[0].endswith("utf8")
    return Signs() if not asked or names_utf8 else ASCII


def _locale(environ: Mapping[str, str]) -> str:
    """What says which characters there are; empty where nothing does."""
    said = (environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, said), "")
