# SPDX-License-Identifier: BSD-3-Clause
"""Client groups: parts of a load that ask for different things, or only stay connected.

A cell holds its groups as one text, every value resolved, each group in the syntax of fibload's
--group, joined by ";":

    name=small,clients=7,n=1;name=slow,clients=1,n=30,rate=5,arrivals=poisson;name=idle,clients=9,idle
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
    """The groups of a cell's parameter `groups`; none of None. Raises ValueError for other text."""
    return tuple(_parse_one(part) for part in text.split(";")) if text else ()


def _parse_one(text: str) -> Group:
    given = dict(word.partition("=")[::2] for word in text.split(","))
    unknown = given.keys() - {"name", "clients", "n", "rate", "arrivals", "idle"}
    if unknown or not {"name", "clients"} <= given.keys():
        raise ValueError(f"not a client group: {text!r}")
    return Group(
        name=given["name"],
        clients=int(given["clients"]),
        n=int(given["n"]) if "n" in given else None,
        rate=float(given["rate"]) if "rate" in given else None,
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


def takes(name: str, group: Mapping[str, Any], *, open_loop: bool) -> bool:
    """Whether a group, as the file gives it, takes its value of a key from the load.

    `open_loop` says whether the load has a rate.
    """
    if name in group:
        return False
    if name == "clients":
        return True
    if group.get("idle"):
        return False
    return name != "arrivals" or open_loop or "rate" in group


def resolved(groups: Iterable[Mapping[str, Any]], load: Mapping[str, Any]) -> tuple[Group, ...]:
    """Groups as the file gives them, with the load's values where they have none of their own."""
    return tuple(_resolved_one(group, load) for group in groups)


def _resolved_one(group: Mapping[str, Any], load: Mapping[str, Any]) -> Group:
    clients = group.get("clients", load["clients"])
    if group.get("idle"):
        return Group(group["name"], clients, None, idle=True)
    rate = group.get("rate", load["rate"])
    arrivals = None if rate is None else group.get("arrivals", load["arrivals"])
    return Group(group["name"], clients, group.get("n", load["n"]), rate, arrivals)
