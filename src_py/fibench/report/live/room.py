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
    blanks: bool = True

    @property
    def lines(self) -> int:
        """All that there are."""
        parts = (self.cells > 0) + (self.claims > 0)
        beside = self.last + self.foot + parts * (self.heads + self.blanks)
        return 2 + beside + (self.foot and self.blanks) + self.cells + self.claims


_LEAST_WITH_HEADS = 12
_LEAST_WITH_FOOT = 16


def room_for(height: int, cells: int, claims: int) -> Room:
    """The fullest room of at most `height` lines for so many cells and claims.

    What a reader misses least goes first: blank lines, what was measured last, the last line, the
    heads of columns. Then cells and claims share what is left.
    """
    full = Room(cells, claims)
    airless = replace(full, blanks=False)
    short = replace(airless, last=False)
    bare = replace(short, foot=False)
    none = replace(bare, heads=False)
    for room in (full, airless, short, bare, none):
        if room.lines <= height:
            return room
    least = short if height >= _LEAST_WITH_FOOT else bare if height >= _LEAST_WITH_HEADS else none
    one = replace(least, cells=min(cells, 1), claims=min(claims, 1))
    left = max(0, height - one.lines + one.cells + one.claims)
    for_claims = min(claims, max(left // 2, left - cells))
    return replace(least, cells=min(cells, left - for_claims), claims=for_claims)
