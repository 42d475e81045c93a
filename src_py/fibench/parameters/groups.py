# SPDX-License-Identifier: BSD-3-Clause
"""Client groups: parts of a load that ask for different things, or only stay connected.

On the disk a cell's groups are one text, every value resolved, each group nearly in the syntax of
fibload's --group, joined by ";":

    name=small,clients=7,n=1;name=slow,clients=1,n=30,rate=5,arrivals=poisson;name=idle,clients=9,idle
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from fibench.quantities import decimal
from fibench.wording import counted

_NEEDED = {"name", "clients"}
_WORDED = {"name", "clients", "idle", "rate", "arrivals"}
"""What `described` has words of its own for."""


@dataclass(frozen=True)
class Group:
    """Some of the clients of a load."""

    name: str
    clients: int
    n: int | None = None
    """What they ask for; None: they are idle, or ask for a request."""
    rate: float | None = None
    """Requests/s of the whole group; None: a closed loop, or idle."""
    arrivals: str | None = None
    """"poisson" or "uniform"; None where there is no rate."""
    idle: bool = False
    """Connected, and silent."""
    request: str | None = None
    """Which request of the file they ask for, instead of a number."""

    @classmethod
    def of_values(cls, values: Mapping[str, object]) -> Group:
        """Made of values by their names, each of its key's kind; those of keys may be None."""
        every: Any = values  # of which kind each is, who calls answers for
        return cls(**every)


def written(groups: Iterable[Group]) -> str:
    """Groups as one text, which `parse` reads."""
    return ";".join(",".join(_words(group)) for group in groups)


def as_option(group: Group) -> str:
    """A group as fibload's --group takes it, which calls a request that is asked for `ask`."""
    return ",".join(
        f"ask={group.request}" if word.startswith("request=") else word for word in _words(group)
    )


def _words(group: Group) -> Iterator[str]:
    for name, kind in _kinds().items():
        value = getattr(group, name)
        if kind is bool:
            yield from [name] if value else []
        elif value is not None:
            yield f"{name}={decimal(value) if kind is float else value}"


@cache
def _kinds() -> Mapping[str, type]:
    """Of which type each value of a group is, where there is one: its fields in their order."""
    hints = get_type_hints(Group).items()
    return {
        name: next(each for each in get_args(hint) or (hint,) if each is not NoneType)
        for name, hint in hints
    }


def parse(text: str | None) -> tuple[Group, ...]:
    """The groups that a text means; none of None. Raises ValueError for other text."""
    return tuple(_parse_one(part) for part in text.split(";")) if text else ()


def _parse_one(text: str) -> Group:
    given = dict(word.partition("=")[::2] for word in text.split(","))
    kinds = _kinds()
    if given.keys() - kinds.keys() or not given.keys() >= _NEEDED:
        raise ValueError(f"not a client group: {text!r}")
    values = {  # a flag has no value: it is there, or it is not
        name: kinds[name](word) if kinds[name] is not bool else True for name, word in given.items()
    }
    if not all(math.isfinite(value) for value in values.values() if isinstance(value, float)):
        raise ValueError(f"not a client group: {text!r}")
    return Group.of_values(values)


def described(group: Group) -> str:
    """A group in words: "small: 7 clients, n=1"."""
    words = [f"{group.name}: {counted(group.clients, 'client')}"]
    if group.idle:
        words.append("connected and silent")
    beside = ((name, getattr(group, name)) for name in _kinds() if name not in _WORDED)
    words += [f"{name}={value}" for name, value in beside if value is not None]
    if group.rate is not None:
        words.append(f"{decimal(group.rate)}/s {group.arrivals}")
    return ", ".join(words)
