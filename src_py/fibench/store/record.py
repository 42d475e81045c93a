# SPDX-License-Identifier: BSD-3-Clause
"""What a journal record must be to be used: the digest of a line proves that it is whole, no more.

Anybody can compute a digest. Members that nothing here knows are let through: a later version, or
a person, may add some. What is known must be what a trial can leave behind, figures within limits
in which arithmetic works: no sum, logarithm or reciprocal of them overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fibench.document import NAME
from fibench.store import journal
from fibench.store.files import NEWEST_SCHEMA

LARGEST_INDEX = 10_000_000
MOST_ATTEMPTS = 10**6
_LONGEST_NAME = 1000
_LONGEST_TEXT = 100_000
_LEAST_FIGURE, _LARGEST_FIGURE = 1e-15, 1e15
"""Of anything that is measured, in base units; and 0."""

_ABSENT = object()
"""No member has this value."""
_Check = Callable[[Any], bool]


def lacks(record: Mapping[str, Any]) -> list[str]:
    """The members of a record that are not there, or not what a trial leaves behind."""
    wrong = [name for name, sound in _NEEDED.items() if not sound(record.get(name, _ABSENT))]
    wrong += [name for name, sound in _OPTIONAL.items() if not sound(record.get(name))]
    return wrong or [name for name, sound in _together(record) if not sound]


def _together(record: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """What members say of each other."""
    yield "reason", record["valid"] or record["reason"] is not None
    answered = record["counts"].get("clients_answered")
    yield "counts", answered is None or answered <= (record["parameters"].get("clients") or 0)


def figure(value: object) -> bool:
    """Whether a value is a figure that can be computed with: 0, or within limits."""
    if type(value) is not float and type(value) is not int:
        return False
    return value == 0 or _LEAST_FIGURE <= value <= _LARGEST_FIGURE


def _figure_or_none(value: object) -> bool:
    return value is None or figure(value)


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_FIGURE


def _whole(low: int, high: int) -> _Check:
    return lambda value: type(value) is int and low <= value <= high


def _text(longest: int) -> _Check:
    return lambda value: isinstance(value, str) and len(value) <= longest


def _or_none(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _all(check: _Check) -> _Check:
    """An object whose members, whatever they are called, all pass."""
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _moment(value: object) -> bool:
    """A time that can be told in any zone."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return False
    try:
        return 1970 <= datetime.fromisoformat(value).year < 9999
    except ValueError:
        return False


def _halves(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_count, value))


def _parameter(value: object) -> bool:
    """A parameter: text, or a number of any size that has a name in JSON."""
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) is int or _text(_LONGEST_TEXT)(value)


def _parameters(value: object) -> bool:
    return _all(_parameter)(value) and _or_none(_count)(value.get("clients"))  # type: ignore[attr-defined]


def _checks(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    kernel = ("listen_overflows", "listen_drops", "retransmits")
    return (
        _or_none(_text(_LONGEST_TEXT))(value.get("generator_bound"))
        and _figure_or_none(value.get("lag_p99_s"))
        and all(_or_none(_count)(value.get(name)) for name in kernel)
    )


def _groups(value: object) -> bool:
    return isinstance(value, dict) and all(
        NAME.fullmatch(name) is not None
        and isinstance(group, dict)
        and _all(_figure_or_none)(group.get("metrics"))
        and _all(_count)(group.get("counts"))
        and _figure_or_none(group.get("lag_p99_s"))
        for name, group in value.items()
    )


def _times(value: object) -> bool:
    return _all(figure)(value) and {"wall_s", "measured_s"} <= value.keys()  # type: ignore[attr-defined]


def _server(value: object) -> bool:
    """Of a trial that failed early, nothing."""
    return isinstance(value, dict) and _or_none(_count)(value.get("swept"))


_NEEDED: Mapping[str, _Check] = {
    "trial": _text(_LONGEST_NAME),
    "index": _whole(0, LARGEST_INDEX),
    "block": _whole(-1, LARGEST_INDEX),
    "cell": _text(_LONGEST_NAME),
    "label": _text(_LONGEST_NAME),
    "attempt": _whole(1, MOST_ATTEMPTS),
    "valid": lambda value: isinstance(value, bool),
    "reason": _or_none(_text(_LONGEST_TEXT)),
    "started_at": _moment,
    "parameters": _parameters,
    "metrics": _all(_figure_or_none),
    "counts": _all(_count),
    "times": _times,
}
_OPTIONAL: Mapping[str, _Check] = {
    "schema": _or_none(_whole(1, NEWEST_SCHEMA)),
    "role": _or_none(lambda value: value in ("measure", "twin", "ceiling", "syscalls")),
    "hint": _or_none(_text(_LONGEST_TEXT)),
    "failure": _or_none(_text(_LONGEST_NAME)),
    "groups": _or_none(_groups),
    "checks": _or_none(_checks),
    "halves": _or_none(_halves),
    "server": _or_none(_server),
}
"""Members that records of schema 1 do not have, or not always."""


@dataclass(frozen=True)
class Usable:
    """What of a journal is used."""

    records: list[dict[str, Any]]
    """The last attempt of each trial, in the order of the plan."""
    refused: list[tuple[int, str]]
    """Of whole lines that are no trial's the number, from 1, and why they are left out."""


def usable(reading: journal.Reading) -> Usable:
    """The records that are what trials leave behind.

    Of a cell and a block there is one measurement: another trial that claims to be it is left out.
    An attempt has one line, the last that says it is the attempt: each is made once.
    """
    sound: list[dict[str, Any]] = []
    lines: dict[int, int] = {}
    refused: list[tuple[int, str]] = []
    for line, record in zip(reading.lines, reading.records, strict=True):
        wrong = lacks(record)
        if wrong:
            refused.append((line, f"the trial has no proper {', '.join(wrong)}"))
        else:
            sound.append(record)
            lines[id(record)] = line
    made: dict[tuple[str, int], int] = {}
    for record in sound:
        attempt = (record["trial"], record["attempt"])
        if attempt in made:
            refused.append((made[attempt], "another line has the same attempt of its trial"))
        made[attempt] = lines[id(record)]
    owners: dict[tuple[str, int, bool], str] = {}
    kept: list[dict[str, Any]] = []
    for record in journal.last_attempts(sound):
        place = (record["cell"], record["block"], record.get("role") == "syscalls")
        if owners.setdefault(place, record["trial"]) == record["trial"]:
            kept.append(record)
        else:
            why = "another trial has measured its cell in its block"
            refused.append((lines[id(record)], why))
    return Usable(kept, refused)
