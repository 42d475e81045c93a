# SPDX-License-Identifier: BSD-3-Clause
"""From [[load.group]] as the file has it to groups whose every value is resolved."""

from __future__ import annotations

from collections.abc import Iterable

from fibench.document.tables import GroupTable
from fibench.parameters import Group, Parameters


def takes(name: str, group: GroupTable, *, open_loop: bool) -> bool:
    """Whether a group takes its value of a key from the load.

    `open_loop` says whether the load has a rate.
    """
    if group.has(name):
        return False
    if name == "clients":
        return True
    if group.idle:
        return False
    return name != "arrivals" or open_loop or group.has("rate")


def resolved(groups: Iterable[GroupTable], load: Parameters) -> tuple[Group, ...]:
    """Groups as the file gives them, with the load's values where they have none of their own."""
    return tuple(_resolved_one(group, load) for group in groups)


def _resolved_one(group: GroupTable, load: Parameters) -> Group:
    clients = load.clients if group.clients is None else group.clients
    if group.idle:
        return Group(group.name, clients, None, idle=True)
    rate = load.rate if group.rate is None else group.rate
    arrivals = None
    if rate is not None:
        arrivals = load.arrivals if group.arrivals is None else group.arrivals
    return Group(group.name, clients, load.n if group.n is None else group.n, rate, arrivals)
