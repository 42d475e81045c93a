# SPDX-License-Identifier: BSD-3-Clause
"""What a key is: its kind, default and meaning, and all that is done alike for several keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Generic, Literal, TypeVar

from fibench.parameters.kinds import Kind, Scalar, T_co, share, whole

T = TypeVar("T", bound=Scalar)


@dataclass(frozen=True)
class Option:
    """An option of `run` and `plan` that replaces a key of the file."""

    place: int
    """Its place among them, in which a plan keeps those that were given."""
    help: str


@dataclass(frozen=True)
class Argument:
    """An option of our servers, and so of `serve`, called as the key is."""

    help: str
    in_ms: bool = False
    """Whether it is told in milliseconds; other times are in seconds."""


@dataclass(frozen=True)
class Key(Generic[T_co]):
    """One key of [server], [load] or [plan]."""

    table: Literal["server", "load", "plan"]
    kind: Kind[T_co]
    default: T_co | None
    """The value where the file gives none; None: not passed on, `meaning` says what happens."""
    meaning: str
    varies: bool = True
    """Whether [[matrix]] may vary it."""
    own: bool = True
    """Whether it applies to a server of the user's own, which takes none of our options."""
    python: bool = False
    """Whether it applies to servers in Python only."""
    process: bool = False
    """Whether it applies to the load of kind "process", which is client_bench.sh."""
    open_loop: bool = False
    """Whether it means something only where requests are due at a rate."""
    shape: bool = False
    """Whether a ceiling of the meter has it in common with its cells: all that the wire sees, but
    for the work asked for, the times of an open loop, and the backlog: a short one would be
    measured, and no ceiling."""
    argument: Argument | None = None
    """How our servers take it, if they do."""
    instead_of: str = ""
    """The key that it replaces: a cell has one of the two."""
    of_group: str = ""
    """What a client group has that gives none, if it may have one of its own."""
    written: str = ""
    """How the file calls it, if not by its name as a parameter: two tables may have it."""
    option: Option | None = None
    """The option of that name, if there is one."""


KEY, ALWAYS = "key", "always"
"""What the metadata of a field has: its Key, and whether every cell has a value."""


def always(key: Key[T]) -> T:
    """A field for a key that has a value in every cell."""
    assert key.default is not None
    return field(default=key.default, metadata={KEY: key, ALWAYS: True})


def sometimes(key: Key[T]) -> T | None:
    """A field for a key that may mean nothing to a cell, or need not be passed on: then None."""
    return field(default=key.default, metadata={KEY: key})


@dataclass(frozen=True, kw_only=True)
class Repetitions:
    """How often and in which order cells are measured: [plan], a key in each field."""

    blocks: int = always(
        Key(
            "plan",
            whole(1, 10_000),
            5,
            "How often every cell is measured; verdicts need at least 3.",
            varies=False,
            option=Option(8, "how often every cell is measured"),
        )
    )
    seed: int = always(
        Key(
            "plan",
            whole(0, 2**63 - 1),
            1,
            "Seed of the order of trials within each block, and of when the requests of an open "
            "loop are due.",
            varies=False,
            option=Option(12, "seed of the order of trials"),
        )
    )
    tolerate_failures: float = always(
        Key(
            "plan",
            share(0.5),
            0.0,
            "Which share of the trials of a cell may fail: with more, claims on it are INVALID, "
            "since what is left would be what went well.",
            varies=False,
        )
    )


PLAN_KEYS: Mapping[str, Key[Scalar]] = {one.name: one.metadata[KEY] for one in fields(Repetitions)}
"""The keys of [plan], by their names."""

BACKEND_OPTION = Option(1, "measure these backends only: c-mt,py-mt")
