# SPDX-License-Identifier: BSD-3-Clause
"""The name that a person makes a run under, and the seed that it draws: the same on every machine
and by every Python, so that who has the name can tell the seed.

A digest draws it, and not Python's own hash, which differs from process to process.
"""

from __future__ import annotations

import hashlib
import unicodedata

from fibench.wording import escaped

LONGEST_MADE_AS = 64
"""Characters of a name."""
_PURPOSE = b"fibench run --as\0"
_JOINER = "\N{ZERO WIDTH JOINER}"
_SEED_BITS = 48
"""As many as JSON carries everywhere, and enough for no two names of a class to draw the same."""


def read_name(text: str) -> str:
    """A name as it is kept: without spaces around it, é one sign however it was typed.

    Raises ValueError, which says in a clause why it is none.
    """
    name = unicodedata.normalize("NFC", text.strip(" "))
    if not name.strip(f" {_JOINER}"):
        raise ValueError("is empty")
    if len(name) > LONGEST_MADE_AS:
        raise ValueError(f"has {len(name)} characters, and may have {LONGEST_MADE_AS}")
    if escaped(name) != name:
        raise ValueError("has characters that cannot be seen")
    return name


def drawn_seed(name: str) -> int:
    """The seed that a name draws, from 0 to 2^48 - 1: the first 48 bits of the SHA-256 of what it
    is for, a zero byte, and the name in UTF-8."""
    digest = hashlib.sha256(_PURPOSE + name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[: _SEED_BITS // 8], "big")
