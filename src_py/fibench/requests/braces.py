# SPDX-License-Identifier: BSD-3-Clause
"""Names in braces, and what stands in their place: {port}, {workers}, {size}.

There are two ways. In commands and in the environment every brace means something: an unknown name
is a mistake, and a literal brace is doubled. Files and bodies are full of braces of their own
(nginx, JSON): there only known names are replaced, and every other brace stays as it is. Neither
looks twice at what it has put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fibench.parameters import Fault

_NAMED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}")
_STRICT = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}|[{}]")


def names_in(text: str) -> Iterator[str]:
    """Every name that stands in braces in a file or a body, known or not."""
    for found in _NAMED.finditer(text):
        yield found[1]


def names_in_command(text: str) -> Iterator[str]:
    """Every name that stands in braces in a word of a command. Raises Fault for a lone brace."""
    for found in _STRICT.finditer(text):
        if found[1] is not None:
            yield found[1]
        elif len(found[0]) == 1:
            hint = f'a brace that is meant as it is, is doubled: "{found[0] * 2}"'
            raise Fault(f'has a "{found[0]}" that belongs to no name', hint)


def fill_command(text: str, values: Mapping[str, str]) -> str:
    """A word of a command, or a value of the environment, with values in the place of names.

    Raises Fault for a name that has no value, and for a lone brace.
    """

    def filled(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        if found[1] not in values:
            raise Fault(f"has {{{found[1]}}}, which has no value here")
        return values[found[1]]

    for _ in names_in_command(text):
        pass
    return _STRICT.sub(filled, text)


def fill_known(text: str, values: Mapping[str, str]) -> str:
    """A file or a body with values in the place of the names that have one."""
    return _NAMED.sub(lambda found: values.get(found[1], found[0]), text)
