# SPDX-License-Identifier: BSD-3-Clause
"""Which lines the view has in a terminal of some height. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Room:
    """What is shown, beside the head and the trial in hand."""

    cells: int
    """Lines for cells; where not all fit, the last of them counts the others."""
    claims: int
    """Likewise."""
    last: bool = True
    foot: bool = True
    heads: bool = True
    """Lines that say what stands in columns."""
    blanks: int = 2
    """Empty lines: 0 none, 1 above cells and claims, 2 above the last line, too."""

    @property
    def lines(self) -> int:
        """All that there are."""
        parts = (self.cells > 0) + (self.claims > 0)
        beside = self.last + self.foot + parts * (self.heads + (self.blanks > 0))
        return 2 + beside + (self.foot and self.blanks > 1) + self.cells + self.claims


_LEAST_WITH_HEADS = 12
_LEAST_WITH_FOOT = 16


def room_for(height: int, cells: int, claims: int) -> Room:
    """The fullest room of at most `height` lines for so many cells and claims.

    What a reader misses least goes first: an empty line, what was measured last, the other empty
    lines, the last line, the heads of columns. Then cells and claims share what is left.
    """
    full = Room(cells, claims)
    narrow = replace(full, blanks=1)
    quick = replace(narrow, last=False)
    short = replace(quick, blanks=0)
    bare = replace(short, foot=False)
    none = replace(bare, heads=False)
    for room in (full, narrow, quick, short, bare, none):
        if room.lines <= height:
            return room
    least = short if height >= _LEAST_WITH_FOOT else bare if height >= _LEAST_WITH_HEADS else none
    one = replace(least, cells=min(cells, 1), claims=min(claims, 1))
    left = max(0, height - one.lines + one.cells + one.claims)
    for_claims = min(claims, max(left // 2, left - cells))
    return replace(least, cells=min(cells, left - for_claims), claims=for_claims)
