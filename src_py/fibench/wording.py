# SPDX-License-Identifier: BSD-3-Clause
"""Text that comes from outside, made harmless: file names, labels, what a server writes.

The one place that says what may reach a terminal. Every command and every format goes through it.
"""

from __future__ import annotations

import difflib
import json
import signal
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from fibench.json_values import Json

_LONGEST_VALUE = 60
_LIKENESS = 0.6
"""By which a name is proposed for another, up to 1 (difflib)."""
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


def prose(text: str) -> str:
    """A sentence from the experiment file: line breaks become spaces, the rest as `shown`."""
    return shown(" ".join(text.split()))


def _escaped_character(character: str) -> str:
    if character.isprintable() or character == _JOINER:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def json_text(document: Json, indent: int | None) -> str:
    """A document as JSON in ASCII without control characters, with a line end; without an indent on
    one line."""
    text = json.dumps(document, indent=indent, ensure_ascii=True, allow_nan=False)
    return text.replace("\x7f", "\\u007f") + "\n"


def did_you_mean(name: str, candidates: Iterable[str], likeness: float = _LIKENESS) -> str | None:
    """The valid name that `name` resembles most, or None if none does by `likeness`, up to 1."""
    return next(iter(_resembling(name, candidates, likeness)), None)


def _resembling(name: str, candidates: Iterable[str], likeness: float) -> list[str]:
    """The valid names whose spelling is that of `name` but for case, dashes and the like: all of
    them; or else of those that resemble it most."""
    spelled: dict[str, list[str]] = {}
    for candidate in dict.fromkeys(candidates):
        spelled.setdefault(_spelling(candidate), []).append(candidate)
    close = difflib.get_close_matches(_spelling(name), spelled, n=1, cutoff=likeness)
    return spelled[close[0]] if close else []


def _spelling(name: str) -> str:
    """What may pass for the same name: in either case, with - or _, é as one sign or two."""
    return unicodedata.normalize("NFC", name.casefold()).replace("_", "-")


def one_of(names: Iterable[str], most: int = 12) -> str:
    """Names in a row, a long list cut short, harmless to a terminal."""
    every = [escaped(name) for name in names]
    text = ", ".join(every[:most])
    return text if len(every) <= most else f"{text}, … ({len(every)} in all)"


def any_of(names: Sequence[str]) -> str:
    """All names as a choice: "text, md or csv"."""
    return listed_with("or", names)


def listed_with(word: str, names: Sequence[str]) -> str:
    """All names, the last one after a word: "text, md and csv"."""
    return f" {word} ".join([", ".join(names[:-1]), *names[-1:]] if names[:-1] else names)


MOST_NAMED = 3
"""Of those who used a machine so many are named: that says enough, and a record must not grow with
who else is there."""


def most_named(times: Mapping[str, int]) -> list[str]:
    """Of names and how often each was seen those seen most, at most MOST_NAMED; of equals the first
    by the alphabet."""
    return sorted(times, key=lambda name: (-times[name], name))[:MOST_NAMED]


def counted(count: int, thing: str) -> str:
    """How many there are: "1 core", "2 cores"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def signal_name(number: int) -> str:
    """What people call a signal: SIGSEGV; one that has no name by its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def meant(name: str, candidates: Iterable[str]) -> str:
    """`did you mean "Lab1"?` after an unknown name; empty where no valid one resembles it."""
    quoted = [f'"{escaped(one)}"' for one in _resembling(name, candidates, _LIKENESS)]
    return f"did you mean {' or '.join(quoted)}?" if quoted else ""


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """A hint after an unknown name: the nearest valid ones, or what there is."""
    every = list(candidates)
    return meant(name, every) or (f"valid: {one_of(every)}" if every else "")


def as_toml(value: object) -> str:
    """A value from outside as TOML would write it: one line, short, nothing but printable text."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = f'"{escaped(value[: _LONGEST_VALUE + 1])}"'
        case int():
            text = str(value) if abs(value) < 10**30 else "a number of over 30 digits"
        case float():
            text = repr(value).removesuffix(".0")
        case Mapping():
            inner = ", ".join(f"{escaped(str(k))} = {as_toml(v)}" for k, v in value.items())
            text = f"{{ {inner} }}"
        case list() | tuple():
            text = f"[{', '.join(as_toml(item) for item in value[:10])}]"
        case _:
            text = escaped(str(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
