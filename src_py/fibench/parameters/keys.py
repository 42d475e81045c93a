# SPDX-License-Identifier: BSD-3-Clause
"""What a key is: its kind, default and meaning, and all that is done alike for several keys."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from typing import Generic, Literal, TypeVar

from fibench.parameters.blocks import DEFAULT, Blocks, blocks
from fibench.parameters.kinds import Kind, T_co, flag, share, whole

T = TypeVar("T", bound=Hashable)


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
    """Whether it applies to a server of the user's own whose command does not name it."""
    optional: bool = False
    """Whether a plan says nothing of it where it has no value: most experiments do without."""
    python: bool = False
    """Whether it applies to servers in Python only."""
    process: bool = False
    """Whether it applies to the load of kind "process", which is client_bench.sh."""
    open_loop: bool = False
    """Whether it means something only where requests are due at a rate."""
    searched: bool = False
    """Whether [[matrix]] may have a run look for its values, by "search"."""
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


LARGEST_SEED = 2**63 - 1
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

    blocks: Blocks = always(
        Key(
            "plan",
            blocks(),
            DEFAULT,
            'How often every cell is measured. `"auto"` is `{ least = 6, most = 20 }`: from the '
            "sixth block on, claims that are clear are decided, cells whose claims are all decided "
            "are measured no more, and the run ends when all are, after the twentieth block in any "
            "case; `least` is 5 or more, `most` 200 or less. A number is fixed; below 5 there are "
            "estimates, and no verdicts.",
            varies=False,
            option=Option(8, "how often every cell is measured: auto, 8, or 6..20"),
        )
    )
    seed: int | None = sometimes(
        Key(
            "plan",
            whole(0, LARGEST_SEED),
            None,
            "Seed of the order of trials within each block, of when the requests of an open loop "
            "are due, and of where the stacks of servers begin. Default: a new one for each run, "
            "which its plan.json has; given here, it repeats that run's.",
            varies=False,
            option=Option(12, "seed of the order of trials: that of a run repeats it"),
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
    timelines: int = always(
        Key(
            "plan",
            flag(),
            1,
            "Whether each cell's server is watched once, in a trial of the first block that is not "
            "timed and takes half a second beside the server's start: what its threads do, and "
            "what they wait for (waiting_for_gil, waiting_for_lock, waiting_for_network and "
            "sleeping). Not under a load of kind `process`, and not the null server.",
            varies=False,
            option=Option(14, "false: without the untimed trials that see what threads wait for"),
        )
    )

    def as_json(self) -> dict[str, int | float | None]:
        """As a plan keeps it."""
        return {
            "blocks": self.blocks.most,
            "least_blocks": self.blocks.least,
            "seed": self.seed,
            "tolerate_failures": self.tolerate_failures,
            "timelines": bool(self.timelines),
        }


def kept_seed(plan: Mapping[str, object]) -> int | None:
    """The seed that plan.json says; None where it says none that could be."""
    seed = plan.get("seed")
    return seed if type(seed) is int and 0 <= seed <= LARGEST_SEED else None


def kept_timelines(plan: Mapping[str, object]) -> int:
    """Whether plan.json says that servers are watched. Earlier versions did not, and do not say."""
    return int(plan.get("timelines") is True)


PLAN_KEYS: Mapping[str, Key[Hashable]] = {
    one.name: one.metadata[KEY] for one in fields(Repetitions)
}
"""The keys of [plan], by their names."""

BACKEND_OPTION = Option(1, "measure these backends only: c-mt,py-mt")
