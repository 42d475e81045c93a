# SPDX-License-Identifier: BSD-3-Clause
"""Notes that say the same of several cells are one line: else the one that matters is not found
among them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_MOST_NAMED = 3
"""So many cells are named; of the others it is said how many they are."""


@dataclass(frozen=True)
class Note:
    """What is said of one cell, or of several alike."""

    label: str
    says: str
    """As of one cell: "its trials"."""
    amount: int = 0
    """What was counted, in front of what is said, over all of its trials; 0: it is no count."""
    nouns: tuple[str, str] = ("", "")
    """Of what, one and several: "segment was", "segments were"."""


def folded(notes: Iterable[Note]) -> Iterator[str]:
    """A line for each thing that is said, in the order in which they are said first."""
    alike: dict[tuple[str, tuple[str, str]], list[Note]] = {}
    for note in notes:
        alike.setdefault((note.says, note.nouns), []).append(note)
    for (says, nouns), own in alike.items():
        total = sum(note.amount for note in own)
        noun = nouns[0] if total == 1 else nouns[1]
        text = f"{total} {noun} {says}" if total else says
        if own[1:]:
            text = text.replace("its trials", "their trials").replace(
                "its figures", "their figures"
            )
        yield f"{_names(own)}: {text}"


def _names(notes: Sequence[Note]) -> str:
    """`a (8), b (3) and 4 more cells`."""
    if not notes[1:]:
        return notes[0].label
    names = [f"{one.label} ({one.amount})" if one.amount else one.label for one in notes]
    if len(names) <= _MOST_NAMED:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    more = len(names) - _MOST_NAMED + 1
    return f"{', '.join(names[: _MOST_NAMED - 1])} and {more} more cells"
