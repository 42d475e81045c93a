# SPDX-License-Identifier: BSD-3-Clause
"""How designs look, the same everywhere: colour says how one waits, shape which language it is in.

The colours differ by at least 14.4 in OKLab for four kinds of vision; the style sheet has those of
the dark page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fibench.timeline import State

Family = Literal["one", "processes", "threads", "loop", "completion", "mixed", "null", "own"]
Shape = Literal["python", "c", "own"]
Tone = Literal["ok", "no", "maybe", "off"]

FILL: Mapping[Family, str] = {
    "one": "#253340",
    "processes": "#e2641b",
    "threads": "#4c9b90",
    "loop": "#2a59a3",
    "completion": "#b952f7",
    "mixed": "#794900",
    "null": "#8a949e",
    "own": "#5b6b7a",
}
FAMILY_NAMES: Mapping[Family, str] = {
    "one": "one at a time",
    "processes": "processes",
    "threads": "threads",
    "loop": "event loop",
    "completion": "completions",
    "mixed": "loop and pool",
    "null": "no work",
    "own": "a server of your own",
}
SHAPE_NAMES: Mapping[Shape, str] = {"python": "Python", "c": "C", "own": "your own"}
FAMILIES: Mapping[str, Family] = {
    "sync": "one",
    "mp": "processes",
    "mp-pool": "processes",
    "mt": "threads",
    "mt-pool": "threads",
    "nonblocking": "loop",
    "select": "loop",
    "poll": "loop",
    "epoll": "loop",
    "epoll-reuseport": "loop",
    "async": "loop",
    "async-3.6": "loop",
    "async-reuseport": "loop",
    "generators": "loop",
    "protocol": "loop",
    "uvloop": "loop",
    "posix-aio": "completion",
    "aio": "completion",
    "uring": "completion",
    "uring-oneshot": "completion",
    "uring-reuseport": "completion",
    "epoll-pool": "mixed",
    "async-mp": "mixed",
    "async-interp": "mixed",
    "null": "null",
}
"""By the designs of the catalogue, which backends are named after."""
TONE: Mapping[Tone, str] = {"ok": "#137a3e", "no": "#b3261e", "maybe": "#8f5f00", "off": "#5d6873"}
TONES: Mapping[str, Tone] = {
    "CONFIRMED": "ok",
    "REFUTED": "no",
    "INCONCLUSIVE": "maybe",
    "NOT HERE": "off",
    "INVALID": "off",
}
INK, GRID_LINE, ZONE, DANGER, BAND = "#16202b", "#dfe4e9", "#dff2e5", "#fde8e6", "#f2f4f6"
MUTED = "#525e6a"


@dataclass(frozen=True)
class Level:
    """How a span of time is drawn in which a thread does one thing: the more it does, the higher,
    so that it is told without its colour as well."""

    family: Family
    """Whose colour it has: of all kinds of vision that are told apart, these are."""
    height: float
    """In pixels."""
    dashes: str | None = None
    """Stripes, of what has another's colour: in columns of the picture."""

    @property
    def fill(self) -> str:
        """Its colour in the light page."""
        return FILL[self.family]


HIGHEST = 14.0
LEVELS: Mapping[State, Level] = {
    "running": Level("threads", HIGHEST),
    "ready": Level("threads", 9.0, ".5 .5"),
    "gil": Level("processes", 6.0),
    "lock": Level("completion", 6.0),
    "network": Level("loop", 2.0),
    "sleeping": Level("null", 2.0),
    "other": Level("mixed", 4.0),
}
DASHES = (None, "7 3", "2 3", "9 3 2 3")
"""For lines that colour and shape do not tell apart."""


@dataclass(frozen=True)
class Look:
    """How a cell is drawn."""

    family: Family
    shape: Shape

    @property
    def fill(self) -> str:
        """Its colour in the light page."""
        return FILL[self.family]


def look_of(backend: str, language: str) -> Look:
    """The look of a backend; `language` as the catalogue has it, "own" for a user's own."""
    design = backend.partition("-")[2]
    if language == "own" or design not in FAMILIES:
        return Look("own", "own")
    return Look(FAMILIES[design], "c" if language == "c" else "python")
