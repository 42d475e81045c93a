# SPDX-License-Identifier: BSD-3-Clause
"""How deep documents from outside are nested, told from their text before anything parses it.

A parser makes a table for each part of a dotted key, and recurses into each bracket: 40 KB of a
hostile file cost it gigabytes, or the stack. What fibench reads and writes is a handful of levels
deep.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

MOST_PARTS = 16
"""Parts of a dotted key."""
MOST_LEVELS = 32
"""Brackets within brackets."""

_TOML = re.compile(
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?!"")(?:[^"\\\n]|\\[^\n])*+"'
    r"|'(?!'')[^'\n]*+'"
    r"|\#[^\n]*+|[\[{\]}=,.\n\"']",
    re.DOTALL,
)
"""What bears on depth, and what hides it: strings and comments. A quote by itself ends nowhere."""


class TooDeepError(ValueError):
    """A text is nested more deeply than any that fibench is made for; says what, and where."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.offset = offset
        """Where in the text, from 0."""


def check_toml(text: str) -> None:
    """Raise TooDeepError for a text whose keys have too many parts, or whose values are too deep.

    Of text that is no TOML it may pass anything that a parser refuses before it gets there.
    """
    parts, level = 1, 0
    for match in _TOML.finditer(text):
        match match[0]:
            case ".":
                parts += 1
                if parts > MOST_PARTS:
                    what = f"a key has more than {MOST_PARTS} parts"
                    raise TooDeepError(what, match.start())
                continue
            case "[" | "{":
                level += 1
                if level > MOST_LEVELS:
                    what = f"values are nested more than {MOST_LEVELS} deep"
                    raise TooDeepError(what, match.start())
            case "]" | "}":
                level -= 1
            case '"' | "'":
                return  # a string without an end: a parser comes no further
            case word if word[0] in "\"'":
                continue  # a part of a key, or a value
        parts = 1


def parse_json(data: str | bytes) -> object:
    """What JSON text means, as fibench writes it: no NaN, no numbers of thousands of digits.

    Here depth costs no memory, and the parser has a limit of its own; but who walks through the
    document later would meet theirs. Raises ValueError.
    """
    try:
        document = json.loads(data, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("values are nested too deeply") from error
    level = [document]
    for _ in range(MOST_LEVELS):
        level = [
            value
            for holder in level
            if isinstance(holder, (dict, list))
            for value in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(value, (dict, list))
        ]
        if not level:
            return document
    raise ValueError(f"values are nested more than {MOST_LEVELS} deep")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
