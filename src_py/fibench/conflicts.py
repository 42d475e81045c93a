# SPDX-License-Identifier: BSD-3-Clause
"""Values that are right each by itself, and cannot be measured together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from fibench.cells import Combination, inapplicable
from fibench.diagnostics import Source, one_of, shown, suggestion
from fibench.document import ExperimentFile
from fibench.keys import NAME, NAME_RULE
from fibench.locate import Path

MOST_TRIALS = 100_000
MOST_PROCESSES = 512
"""Clients of kind "process": each is an interpreter of its own."""

_Conflict = tuple[str, str, str, set[str]]
"""The key at fault, what, hint, and every key that takes part."""


def report_unknown_backends(
    file: ExperimentFile, claims: Sequence[int], backends: Collection[str], source: Source
) -> set[str]:
    """Report backends that exist nowhere; return their names."""
    used: list[tuple[Path, str]] = [
        (("matrix", index, "backend", place), name)
        for index, table in enumerate(file.matrix)
        for place, name in enumerate(table.given().get("backend", ()))
    ]
    used += [
        (("exclude", index, "backend"), table.given()["backend"])
        for index, table in enumerate(file.exclude)
        if table.has("backend")
    ]
    for index, claim in zip(claims, file.claim, strict=True):
        for path, side in claim.sides():
            if side.has("backend"):
                used.append((("claim", index, *path, "backend"), side.given()["backend"]))
    unknown = {name for _, name in used if name not in backends}
    for where, name in used:
        if name in unknown:
            hint = "" if source.full else suggestion(name, sorted(backends))
            source.report(where, f"unknown backend {shown(name)}", hint)
    return unknown


def report_given_twice(file: ExperimentFile, source: Source) -> None:
    """Report keys that stand both in [server] or [load] and in [[matrix]]."""
    for name, table in (("server", file.server), ("load", file.load)):
        for index, matrix in enumerate(file.matrix):
            for key in table.given():
                if key in matrix.given():
                    source.report(
                        ("matrix", index, key),
                        f"{key} stands in [{name}] and in [[matrix]]",
                        "keep one of them",
                        key=True,
                    )


def report_own_names(file: ExperimentFile, catalogue: Collection[str], source: Source) -> None:
    """Report servers of the user's own that take a name of ours, or one that is no name."""
    for name in file.backends:
        path = ("backends", name)
        if name in catalogue:
            what = f"backend {shown(name)} is one of fibench's own"
            source.report(path, what, "give your server another name", key=True)
        elif NAME.fullmatch(name) is None:
            what = f"backend {shown(name)} is not allowed as a name"
            source.report(path, what, f"allowed: {NAME_RULE}", key=True)


def report_conflicts(
    made: Sequence[Combination], doubtful: Collection[str], source: Source
) -> None:
    """Report what cannot be measured in each combination; leave out what rests on doubtful keys."""
    for one in made:
        for key, what, hint, involved in _conflicts(one):
            if not involved & set(doubtful):
                source.report(one.paths.get(key, one.paths["backend"]), what, hint)


def _conflicts(one: Combination) -> Iterator[_Conflict]:
    yield from _conflicts_of_server(one)
    if one.parameters["kind"] == "process":
        yield from _conflicts_of_process(one)
    else:
        yield from _conflicts_of_load(one)


def _conflicts_of_server(one: Combination) -> Iterator[_Conflict]:
    values = one.parameters
    n, max_n, framing = values["n"], values["max_n"], values["framing"]
    if isinstance(n, int) and isinstance(max_n, int) and n > max_n:
        key = "n" if "n" in one.given else "max_n"
        what = f'n {n} is above max_n {max_n}: the reply would be "out of range"'
        yield key, what, f"write max_n = {n} in [server]", {"n", "max_n"}
    if one.known is not None and framing not in one.known.framings:
        what = f'{one.backend} does not speak framing "{framing}"'
        hint = f"it speaks {one_of(one.known.framings)}"
        yield "backend", what, hint, {"framing"}


def _conflicts_of_process(one: Combination) -> Iterator[_Conflict]:
    clients = one.parameters["clients"]
    if one.parameters["framing"] != "message":
        what = 'kind "process" needs framing "message"'
        yield "kind", what, "client.py opens a connection for each request", {"kind", "framing"}
    if isinstance(clients, int) and clients > MOST_PROCESSES:
        what = f'clients {clients} is above {MOST_PROCESSES}, the most for kind "process"'
        yield "clients", what, "each client is a process of its own", {"kind", "clients"}


def _conflicts_of_load(one: Combination) -> Iterator[_Conflict]:
    values = one.parameters
    if "duration" in one.given and "requests" in one.given:
        what = "duration and requests are both given"
        yield "requests", what, "a window ends after a time or after replies: keep one", set()
    for key, none in (("pipeline", 1), ("requests_per_connection", 0)):
        if values["framing"] == "message" and values[key] != none:
            what = f'{key} {values[key]} needs framing = "line"'
            hint = 'with "message" each connection carries one request'
            yield key, what, hint, {key, "framing"}
    threads, clients = values["threads"], values["clients"]
    if isinstance(threads, int) and isinstance(clients, int) and threads > clients:
        what = f"threads {threads} is above clients {clients}: some would have nothing to do"
        yield "threads", what, "give at most one thread per client", {"threads", "clients"}


def report_without_effect(made: Sequence[Combination], source: Source) -> None:
    """Report keys that mean something to none of the cells they are given for."""
    groups: dict[tuple[str | int, ...], list[Combination]] = {}
    for one in made:
        for name, path in one.paths.items():
            if name != "backend":
                # An element of a list is judged with its list: the path without its place.
                groups.setdefault(path[:3] if path[0] == "matrix" else path, []).append(one)
    for path, users in groups.items():
        name = str(path[-1])
        reasons = [inapplicable(name, one.known, one.parameters["kind"]) for one in users]
        known = all(one.known is not None for one in users)
        if known and all(reasons):
            what = f"{name} applies to none of these cells"
            source.report(path, what, reasons[0] or "", key=True)


def report_too_many(cells: int, file: ExperimentFile, source: Source) -> None:
    """Report a plan of more trials than anyone would wait for."""
    blocks = file.plan.blocks
    if cells * blocks > MOST_TRIALS:
        what = f"{cells} cells in {blocks} blocks are {cells * blocks} trials"
        source.report(("plan", "blocks"), what, f"{MOST_TRIALS} are allowed: give fewer blocks")
