# SPDX-License-Identifier: BSD-3-Clause
"""Every combination that the matrix makes, with what each of its cells would be asked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from fibench.document import ExperimentFile, Source
from fibench.document.locate import Path
from fibench.document.tables import GroupTable
from fibench.experiment.asking.groups import asks_requests, resolved, takes
from fibench.experiment.asking.rendered import ASKED, NO_REQUESTS, Requests
from fibench.experiment.cells import Combination, KnownBackend
from fibench.parameters import GROUP_KEYS, KEYS, REPLACED, Parameters, Scalar, Value, parameter
from fibench.parameters.stand_ins import with_stand_ins
from fibench.requests import digest_of
from fibench.wording import as_toml

NOBODY_ASKS = 0
"""The number that is asked for where every client is idle, which is reported as a fault."""

_INSTEAD = {
    "n": "requests are asked for instead: keep n, or request",
    "framing": "how replies end follows from what is asked for: leave framing out",
}
"""What does not go together with requests of the file."""

MOST_CELLS = 5_000
"""A matrix that makes more is taken for a mistake."""


def inapplicable(
    name: str,
    known: KnownBackend | None,
    given: Mapping[str, Scalar],
    groups: Sequence[GroupTable],
    asked: Collection[str] = (),
) -> str | None:
    """Why a key means nothing to a backend under the load that is given, or None.

    `asked` are the names in braces of the requests that the load asks for.
    """
    named = name in asked or (known is not None and name in known.named)
    if name not in KEYS:  # an axis of the user's own
        if named or known is None:
            return None
        return f"neither these servers nor what they are asked for names {{{name}}}"
    key = KEYS[name]
    kind = given.get("kind", KEYS["kind"].default)
    if name in ("n", "framing") and asks_requests(given, groups):
        return _INSTEAD[name]
    if known is not None and known.language == "own" and not key.own and not named:
        return "servers of your own are not given it: put it into their command"
    if known is not None and known.language != "python" and key.python:
        return "it is for servers in Python"
    if kind == "process" and not key.process:
        return 'kind = "process" runs client_bench.sh, which knows clients and n only'
    if kind == "process":
        return None
    open_loop = "rate" in given
    if key.open_loop and not open_loop and not any(group.has("rate") for group in groups):
        return 'the load is a closed loop: give it a rate, as rate = "500/s"'
    taken = (takes(name, group, open_loop=open_loop) for group in groups)
    if groups and name in GROUP_KEYS and not any(taken):
        return f"every client group has {name} of its own, or is idle"
    return None


def _of_load(
    backend: str,
    known: KnownBackend | None,
    given: Mapping[str, Scalar],
    tables: Sequence[GroupTable],
    requests: Requests,
) -> dict[str, Value]:
    """What is given, else the default, else None."""
    values: dict[str, Value] = {"backend": backend}
    asked = requests.named_by(given, tables)
    for name, key in KEYS.items():
        if inapplicable(name, known, given, tables, asked) is not None:
            values[name] = None
        elif name in given:
            values[name] = given[name]
        else:
            values[name] = None if REPLACED.get(name) in given else key.default
    for name in requests.axes:
        if name in given and inapplicable(name, known, given, tables, asked) is None:
            values[name] = given[name]
    if known is not None and known.language == "own" and "framing" not in given:
        values["framing"] = known.framings[0]
    if known is not None and known.port is not None:
        values["port"] = known.port
    if asks_requests(given, tables):
        values["framing"] = requests.framing(given, tables)
    return values


def resolve(
    backend: str,
    known: KnownBackend | None,
    given: Mapping[str, Scalar],
    tables: Sequence[GroupTable] = (),
    requests: Requests = NO_REQUESTS,
) -> tuple[Parameters, Mapping[str, Value]]:
    """The parameters of a cell, and those that the file calls by another value.

    They are what is given, else the default, else None. With client groups, `clients` becomes the
    number of those that ask; `n`, if no group takes the load's, the first group's.
    """
    values = _of_load(backend, known, given, tables, requests)
    load = Parameters.of_values(values)
    if not tables or load.kind != "fibload":
        return load, {}
    groups = resolved(tables, load)
    asking = [group for group in groups if not group.idle]
    first = next((group.n for group in asking if group.n is not None), NOBODY_ASKS)
    clients = sum(group.clients for group in asking)
    n = None if asks_requests(given, tables) else first if load.n is None else load.n
    parameters = replace(load, clients=clients, n=n, groups=groups)
    return parameters, {"clients": values["clients"]}


def combinations(
    file: ExperimentFile,
    backends: Mapping[str, KnownBackend],
    source: Source,
    requests: Requests = NO_REQUESTS,
) -> list[Combination] | None:
    """Every combination that the matrix makes, excluded ones too; None if there are too many."""
    shared: dict[str, Scalar] = {}
    paths: dict[str, Path] = {}
    for name, one_each in (("server", file.server.given()), ("load", file.load.given())):
        for key, value in one_each.items():
            shared[parameter(name, key)] = value
            paths[parameter(name, key)] = (name, key)
    groups = tuple(file.load.group)
    made: list[Combination] = []
    for index, table in enumerate(file.matrix):
        axes = with_stand_ins(table.given())
        count = math.prod(len(values) for values in axes.values())
        if count + len(made) > MOST_CELLS:
            what = f"the matrix makes {as_toml(count + len(made))} cells; {MOST_CELLS} are allowed"
            source.report(("matrix", index), what, "give fewer values, or split the file", key=True)
            return None
        for places in itertools.product(*(range(len(values)) for values in axes.values())):
            at = dict(zip(axes, places, strict=True))
            given = shared | {name: axes[name][place] for name, place in at.items()}
            backend = str(given.pop("backend"))
            known = backends.get(backend)
            where = paths | {name: ("matrix", index, name, place) for name, place in at.items()}
            parameters, others = resolve(backend, known, given, groups, requests)
            one = Combination(index, backend, known, given, where, groups, parameters, others)
            made.append(asking(one, requests, source))
    return made


def asking(one: Combination, requests: Requests, source: Source) -> Combination:
    """A combination with what its cell asks for, by its values; what is wrong there is reported."""
    asked = requests.rendered(one.parameters, source)
    if not asked.asks and not asked.prepares:
        return one
    digest = digest_of([*asked.asks, *asked.prepares])
    parameters = replace(one.parameters, others=(*one.parameters.others, (ASKED, digest)))
    return replace(one, parameters=parameters, asks=asked.asks, prepares=asked.prepares)
