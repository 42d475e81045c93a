# SPDX-License-Identifier: BSD-3-Clause
"""Text that comes from outside, made harmless: file names, labels, what a server writes.

The one place that says what may reach a terminal. Every command and every format goes through it.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_JOINER = "\N{ZERO WIDTH JOINER}"
"""A format character that only makes one sign of two, as in emoji."""


def escaped(text: str) -> str:
    """The text on one line, everything written out that a terminal would not print as itself.

    That are control characters, those that reorder a line, and white space of other kinds.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_escaped_character, text))


def shown(text: str) -> str:
    """The same of prose, whose spaces may be of any width."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) == "Zs" else _escaped_character(c) for c in text)


def _escaped_character(character: str) -> str:
    if character.isprintable() or character == _JOINER:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def json_text(document: Any, indent: int) -> str:
    """A document as JSON in ASCII without control characters, with a line end."""
    text = json.dumps(document, indent=indent, ensure_ascii=True, allow_nan=False)
    return text.replace("\x7f", "\\u007f") + "\n"
