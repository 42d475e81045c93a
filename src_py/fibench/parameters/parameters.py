# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a cell: every key of [server] and [load], in the one table that there is.

A field is a key: its type, limits, default and meaning. The models of the file, its JSON Schema,
the matrix, the sides of claims and the options of the command line are all made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from fibench.parameters import groups as texts
from fibench.parameters import kinds
from fibench.parameters.groups import Group
from fibench.parameters.keys import ALWAYS, KEY, Key, Option, always, sometimes
from fibench.parameters.kinds import Kind, Scalar
from fibench.parameters.of_server import CPUS, ServerParameters

Value = Scalar | None
"""A parameter as text and JSON have it: durations are seconds, as float; None is not passed on."""
LoadKind = Literal["fibload", "process"]
Arrivals = Literal["poisson", "uniform"]


_KINDS: Kind[LoadKind] = kinds.choice(*get_args(LoadKind))
_ARRIVALS: Kind[Arrivals] = kinds.choice(*get_args(Arrivals))


@dataclass(frozen=True, kw_only=True)
class Parameters(ServerParameters):
    """What one trial is asked for. None: a key does not apply, or its program has a default."""

    kind: LoadKind = always(
        Key(
            "load",
            _KINDS,
            "fibload",
            '"fibload": the load generator; "process": client_bench.sh, timed as a whole, as in '
            "the course. Of the load's keys only clients, n and timeout apply to the latter.",
            process=True,
        )
    )
    clients: int = always(
        Key(
            "load",
            kinds.whole(1, 20_000),
            1,
            "How many clients there are, each with a connection of its own.",
            process=True,
            shape=True,
            of_group="the load's",
            option=Option(2, "client counts: 1,2,4"),
        )
    )
    """With client groups, of those that ask."""
    n: int | None = sometimes(
        Key(
            "load",
            kinds.whole(0, 45),
            1,
            "Which Fibonacci number is asked for.",
            process=True,
            of_group="the load's",
            option=Option(3, "numbers to ask for: 20,27"),
        )
    )
    """With client groups none of which takes the load's, that of the first that asks. None where
    requests are asked for that the file brings."""
    request: str | None = sometimes(
        Key(
            "load",
            kinds.pattern(kinds.NAME, kinds.NAME_RULE),
            None,
            "Which of [requests.NAME] is asked for, instead of a Fibonacci number; of servers of "
            "your own. How replies end follows from it, so that it has no `framing` beside.",
            process=True,  # where it is a conflict, which is explained
            optional=True,
            of_group="the load's",
            option=Option(13, "what to ask for of the file's requests: json,wait"),
        )
    )
    duration: float | None = sometimes(
        Key(
            "load",
            kinds.duration(0.01, 3600),
            1.0,
            "Length of the measured window of each trial.",
            option=Option(9, "measured window of a trial: 2s"),
        )
    )
    requests: int | None = sometimes(
        Key(
            "load",
            kinds.whole(1, 1_000_000_000),
            None,
            "End each trial's window after so many replies, instead of after a duration.",
            instead_of="duration",
            option=Option(11, "replies per trial, instead of a duration"),
        )
    )
    warmup: float | str | None = sometimes(
        Key(
            "load",
            kinds.duration_or_auto(0, 3600),
            kinds.AUTO,
            'Time under load before the measured window. "auto": until the load is steady and '
            "the clients have had their first replies, for half a second at least and 10 s at "
            "most.",
            option=Option(10, "time before the window: 200ms, or auto"),
        )
    )
    pipeline: int | None = sometimes(
        Key(
            "load",
            kinds.whole(1, 1024),
            1,
            'Requests each client keeps in flight; more than 1 needs framing = "line", or requests '
            "of the file without `close`.",
            shape=True,
        )
    )
    requests_per_connection: int | None = sometimes(
        Key(
            "load",
            kinds.whole(0, 1_000_000_000),
            0,
            'Open a new connection after so many replies; 0: never. Needs framing = "line".',
            shape=True,
        )
    )
    threads: int | None = sometimes(
        Key("load", kinds.whole(1, 256), 1, "Threads of the load generator.", shape=True)
    )
    rate: float | None = sometimes(
        Key(
            "load",
            kinds.rate(1, 1_000_000),
            None,
            'An open loop: so many requests/s of all clients together, "500/s" or 500, each due '
            "at a time that does not depend on replies; latency counts from that time. Default: a "
            "closed loop, in which each client waits for its reply before it asks again.",
            searched=True,
            of_group="the load's; a closed loop where the load has none",
            option=Option(4, "requests/s of an open loop: 100,1000"),
        )
    )
    arrivals: Arrivals | None = sometimes(
        Key(
            "load",
            _ARRIVALS,
            "poisson",
            'When the requests of an open loop are due: "poisson": independently of each other; '
            '"uniform": at equal distances.',
            open_loop=True,
            of_group="the load's",
        )
    )
    spin: int | None = sometimes(
        Key(
            "load",
            kinds.flag(),
            0,
            "Whether the load generator of an open loop waits for the next request by spinning, "
            "which is more exact and wants a core of its own.",
            open_loop=True,
        )
    )
    load_cpus: str | None = sometimes(
        Key(
            "load",
            kinds.cpu_list(),
            None,
            CPUS.format("load"),
            varies=False,
            process=True,
            shape=True,
            written="cpus",
        )
    )
    timeout: float = always(
        Key(
            "load",
            kinds.duration(0.001, 60),
            30.0,
            "A request without a reply for so long makes the trial invalid.",
            process=True,
            shape=True,
        )
    )
    groups: tuple[Group, ...] = ()
    """The client groups of the load, every value resolved; none where it has none."""
    others: tuple[tuple[str, Value], ...] = ()
    """The axes of the user's own, in the order of the file; and what another version's plan has
    beside: kept, so that no two cells become one."""

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Parameters:
        """What `as_json` has written, by any version, checked; what is not there is None.

        Raises ValueError.
        """
        for name, value in document.items():
            if not (value is None or isinstance(value, Scalar)):
                raise ValueError(f"{name} is no parameter")
        if not isinstance(document.get("backend"), str):
            raise ValueError("there is no backend")
        for name, key in KEYS.items():
            value = document.get(name)
            if not (key.kind.holds(value) or (value is None and name not in _ALWAYS)):
                raise ValueError(f"{name} is not what it can be")
        text = document.get("groups")
        if not (text is None or isinstance(text, str)):
            raise ValueError("groups is no text")
        return cls.of_values(document, texts.parse(text))

    @classmethod
    def of_values(cls, values: Mapping[str, object], groups: tuple[Group, ...] = ()) -> Parameters:
        """Made of values by their names, each of its key's kind.

        What is not there is None, or the default where every cell has a value.
        """
        # Any: of which kind each value is, who calls answers for.
        every: dict[str, Any] = {name: values.get(name) for name in ("backend", *KEYS)}
        for name in _ALWAYS:
            every[name] = KEYS[name].default if every[name] is None else every[name]
        beside = [(name, values[name]) for name in values if name not in every]
        every["others"] = tuple(pair for pair in beside if pair[0] != "groups")
        return cls(**every, groups=groups)

    def value_of(self, name: str) -> Value:
        """A value as text and JSON have it, for what goes through keys by their names."""
        if name == "groups":
            return texts.written(self.groups) or None
        if name not in KEYS and name != "backend":  # an axis of the user's own
            return dict(self.others).get(name)
        value: Value = getattr(self, name)
        return value

    def as_json(self) -> dict[str, Value]:
        """As plan.json and cell keys have them, in this order."""
        named = {name: self.value_of(name) for name in ("backend", *KEYS)}
        for name, key in KEYS.items():
            if key.optional and named[name] is None:
                del named[name]
        return {**named, **dict(self.others), "groups": self.value_of("groups")}

    @property
    def warmup_s(self) -> float | None:
        """How long the warm-up is; None where that is found out in each trial."""
        return None if isinstance(self.warmup, str) else self.warmup or 0.0

    @property
    def is_open(self) -> bool:
        """Whether the load, or a group of it, keeps a rate of its own."""
        return self.rate is not None or any(group.rate is not None for group in self.groups)


KEYS: Mapping[str, Key[Scalar]] = {
    one.name: one.metadata[KEY] for one in fields(Parameters) if KEY in one.metadata
}
"""Every key of [server] and [load], by its name as a parameter."""
_ALWAYS = frozenset(one.name for one in fields(Parameters) if one.metadata.get(ALWAYS))
