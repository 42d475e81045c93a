# SPDX-License-Identifier: BSD-3-Clause
"""What a thread does or waits for, at any moment one of seven things, each with a letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

State: TypeAlias = Literal["running", "ready", "gil", "lock", "network", "sleeping", "other"]
"""running: it has a CPU; ready: it would run, but has none; gil: it waits for the lock of a Python
interpreter; lock: for another futex(2); network: for a connection, for bytes, or for the news of
either; sleeping: for a time to pass; other: for a child, a file, a page, a signal."""

LETTERS: Mapping[State, str] = {
    "running": "r",
    "ready": "q",
    "gil": "g",
    "lock": "l",
    "network": "n",
    "sleeping": "s",
    "other": "o",
}
"""A column of a timeline is one of these or NOT_THERE; one of which nothing is known is "other"."""
STATES: tuple[State, ...] = tuple(LETTERS)
NOT_THERE = "."
"""The letter of a moment at which there was no such thread."""
