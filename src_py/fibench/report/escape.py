# SPDX-License-Identifier: BSD-3-Clause
"""Text that comes from outside, made harmless: names, labels, a server's stderr."""

import unicodedata

# Control, format (these can reorder a line) and surrogate characters, and line separators.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shown(text: str) -> str:
    """The text on one line, with everything that a terminal would obey written as an escape."""
    return "".join(_escaped(character) for character in text)


def prose(text: str) -> str:
    """A sentence from the experiment file: line breaks become spaces, the rest as `shown`."""
    return shown(" ".join(text.split()))


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE:
        return character
    return character.encode("unicode_escape").decode("ascii")
