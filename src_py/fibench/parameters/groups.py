# SPDX-License-Identifier: BSD-3-Clause
"""Client groups: parts of a load that ask for different things, or only stay connected.

On the disk a cell's groups are one text, every value resolved, each group in the syntax of
fibload's --group, joined by ";":

    name=small,clients=7,n=1;name=slow,clients=1,n=30,rate=5,arrivals=poisson;name=idle,clients=9,idle
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fibench.quantities import decimal


@dataclass(frozen=True)
class Group:
    """Some of the clients of a load."""

    name: str
    clients: int
    n: int | None
    """What they ask for; None: they are idle."""
    rate: float | None = None
    """Requests/s of the whole group; None: a closed loop, or idle."""
    arrivals: str | None = None
    """"poisson" or "uniform"; None where there is no rate."""
    idle: bool = False
    """Connected, and silent."""


def written(groups: Iterable[Group]) -> str:
    """Groups as one text, which `parse` reads."""
    return ";".join(",".join(_words(group)) for group in groups)


def _words(group: Group) -> list[str]:
    words = [f"name={group.name}", f"clients={group.clients}"]
    if group.n is not None:
        words.append(f"n={group.n}")
    if group.rate is not None:
        words.append(f"rate={decimal(group.rate)}")
    if group.arrivals is not None:
        words.append(f"arrivals={group.arrivals}")
    return [*words, "idle"] if group.idle else words


def parse(text: str | None) -> tuple[Group, ...]:
    """The groups that a text means; none of None. Raises ValueError for other text."""
    return tuple(_parse_one(part) for part in text.split(";")) if text else ()


def _parse_one(text: str) -> Group:
    given = dict(word.partition("=")[::2] for word in text.split(","))
    unknown = given.keys() - {"name", "clients", "n", "rate", "arrivals", "idle"}
    rate = float(given["rate"]) if "rate" in given else None
    if unknown or not {"name", "clients"} <= given.keys() or not math.isfinite(rate or 0.0):
        raise ValueError(f"not a client group: {text!r}")
    return Group(
        name=given["name"],
        clients=int(given["clients"]),
        n=int(given["n"]) if "n" in given else None,
        rate=rate,
        arrivals=given.get("arrivals"),
        idle="idle" in given,
    )


def described(group: Group) -> str:
    """A group in words: "small: 7 clients, n=1"."""
    clients = f"{group.clients} client{'' if group.clients == 1 else 's'}"
    words = [f"{group.name}: {clients}"]
    if group.idle:
        words.append("connected and silent")
    if group.n is not None:
        words.append(f"n={group.n}")
    if group.rate is not None:
        words.append(f"{decimal(group.rate)}/s {group.arrivals}")
    return ", ".join(words)
