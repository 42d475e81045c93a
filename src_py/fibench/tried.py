# SPDX-License-Identifier: BSD-3-Clause
"""Which trial something is a try of, and whether that is a result: all that resuming needs to know.

A record, and the head of one, are such tries.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from fibench.plan import Role

FROM_OUTSIDE = frozenset(("address-in-use", "bad-address", "not-placed", "no-resources", "load"))
"""The kinds of failure that keep a trial from beginning for reasons that are not the server's."""


class Tried(Protocol):
    """Which trial a record is of, and how it went: all that resuming needs."""

    @property
    def trial(self) -> str:
        """The trial's key."""

    @property
    def role(self) -> Role | None:
        """What the trial is for."""

    @property
    def index(self) -> int:
        """Its place in the plan, from 0."""

    @property
    def block(self) -> int:
        """Its block, from 0; -1: before all blocks."""

    @property
    def cell(self) -> str:
        """The key of its cell."""

    @property
    def attempt(self) -> int:
        """Which try it was, from 1."""

    @property
    def valid(self) -> bool:
        """Whether its figures count."""

    @property
    def failure(self) -> str | None:
        """The kind of that, if they do not."""

    @property
    def window_opened(self) -> bool | None:
        """Whether it came to its window; None: it is not known."""

    @property
    def schema(self) -> int:
        """By the rules of which version it was made."""

    @property
    def disturbed(self) -> object:
        """What disturbed it, or whether anything did."""

    @property
    def is_accepted(self) -> bool:
        """Whether it is not measured again for that."""


def could_not_start(tried: Tried) -> bool:
    """Whether a trial is no result, since what kept it from its window was not the server's.

    Records before schema 3 do not say whether the window had opened; a load fails before or in it.
    """
    if tried.valid or tried.window_opened or tried.failure not in FROM_OUTSIDE:
        return False
    return tried.window_opened is False or tried.failure != "load"


T = TypeVar("T", bound=Tried)


def last_attempts(records: Iterable[T]) -> list[T]:
    """Of each trial the last attempt that is in the journal, in the order of the plan."""
    last: dict[str, T] = {}
    for record in records:
        before = last.get(record.trial)
        if before is None or record.attempt >= before.attempt:
            last[record.trial] = record
    return sorted(last.values(), key=lambda record: record.index)
