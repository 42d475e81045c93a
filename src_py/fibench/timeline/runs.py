# SPDX-License-Identifier: BSD-3-Clause
"""Letters in a row, written shorter: "12r3qg" is twelve r, three q, one g."""

from __future__ import annotations

import itertools
import re

_WRITTEN = re.compile(r"([1-9][0-9]{0,2})?([a-z.])", re.ASCII)
"""No longer than a row can be, so that a few bytes from outside are never a gigabyte."""


def run_lengths(letters: str) -> str:
    """The letters, with a count before each that comes more than once in a row."""
    groups = ((letter, len(list(group))) for letter, group in itertools.groupby(letters))
    return "".join(f"{count if count > 1 else ''}{letter}" for letter, count in groups)


def letters_of(written: str, most: int) -> str | None:
    """The letters again; None where it is not so written, or where they are more than `most`."""
    found: list[str] = []
    length = at = 0
    while at < len(written):
        match = _WRITTEN.match(written, at)
        if match is None:
            return None
        count = int(match[1] or 1)
        length += count
        if length > most:
            return None
        found.append(match[2] * count)
        at = match.end()
    return "".join(found)
