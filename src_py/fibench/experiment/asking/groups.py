# SPDX-License-Identifier: BSD-3-Clause
"""From [[load.group]] as the file has it to groups whose every value is resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fibench.document.tables import GroupTable
from fibench.parameters import GROUP_KEYS, KEYS, Group, Parameters, Scalar


def takes(name: str, group: GroupTable, *, open_loop: bool) -> bool:
    """Whether a group takes its value of a key from the load.

    `open_loop` says whether the load has a rate.
    """
    return not group.has(name) and _applies(name, group, open_loop=open_loop)


def asks_requests(given: Mapping[str, Scalar], groups: Iterable[GroupTable]) -> bool:
    """Whether clients ask for requests of the file, instead of numbers."""
    return "request" in given or any(group.has("request") for group in groups)


def _applies(name: str, group: GroupTable, *, open_loop: bool) -> bool:
    """Whether a key means something to a group: to an idle one only how many clients it has."""
    if name == "clients":
        return True
    return not group.idle and (open_loop or group.has("rate") or not KEYS[name].open_loop)


def resolved(groups: Iterable[GroupTable], load: Parameters) -> tuple[Group, ...]:
    """Groups as the file gives them, with the load's values where they have none of their own."""
    return tuple(_resolved_one(group, load) for group in groups)


def _resolved_one(group: GroupTable, load: Parameters) -> Group:
    given = group.given()
    open_loop = load.rate is not None
    values = {
        name: given[name] if name in given else load.value_of(name)
        for name in GROUP_KEYS
        if _applies(name, group, open_loop=open_loop)
    }
    return Group.of_values({"name": group.name, **values, "idle": group.idle})
