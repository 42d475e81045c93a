# SPDX-License-Identifier: BSD-3-Clause
"""Values that are right each by itself, and cannot be measured together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from fibench.document import NAME, NAME_RULE, ExperimentFile, Source
from fibench.document.locate import Path
from fibench.document.tables import GroupTable
from fibench.experiment.asking.groups import asks_requests
from fibench.experiment.asking.rendered import Requests
from fibench.experiment.asking.tables import too_large
from fibench.experiment.cells import Combination
from fibench.experiment.matrix.combinations import inapplicable
from fibench.parameters import GROUP_KEYS, KEYS
from fibench.requests import LARGEST_ASKS_BYTES
from fibench.wording import as_toml, one_of, suggestion

MOST_TRIALS = 100_000
MOST_PROCESSES = 512
"""Clients of kind "process": each is an interpreter of its own."""
MOST_CLIENTS = 20_000
"""Clients of all groups together: each has a local port, of which there are some 28,000."""
MOST_GROUPS = 32
"""As many as fibload takes."""

_Conflict = tuple[str, str, str, set[str]]
"""The key at fault, what, hint, and every key that takes part."""


def report_unknown_backends(
    file: ExperimentFile,
    claims: Sequence[int],
    backends: Collection[str],
    source: Source,
    programs: Mapping[str, str],
) -> set[str]:
    """Report backends that exist nowhere; return their names. `programs` are the names of backends
    by those of their programs."""
    used: list[tuple[Path, str]] = [
        (("matrix", index, "backend", place), str(name))
        for index, table in enumerate(file.matrix)
        for place, name in enumerate(table.given().get("backend", ()))
    ]
    used += [
        (("exclude", index, "backend"), str(table.given()["backend"]))
        for index, table in enumerate(file.exclude)
        if table.has("backend")
    ]
    for index, claim in zip(claims, file.claim, strict=True):
        used += [
            (("claim", index, "needs_backend", place), name)
            for place, name in enumerate(claim.needs_backend)
        ]
        for path, side in claim.selectors():
            if side.has("backend"):
                used.append((("claim", index, *path, "backend"), str(side.given()["backend"])))
    unknown = {name for _, name in used if name not in backends}
    for where, name in used:
        if name in unknown:
            hint = "" if source.full else suggestion(name, sorted(backends))
            of_program = programs.get(name) or programs.get(f"{name}.py")
            if of_program is not None:
                hint = f'did you mean "{of_program}"? That is the backend whose program it is'
            source.report(where, f"unknown backend {as_toml(name)}", hint)
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
            what = f"backend {as_toml(name)} is one of fibench's own"
            source.report(path, what, "give your server another name", key=True)
        elif NAME.fullmatch(name) is None:
            what = f"backend {as_toml(name)} is not allowed as a name"
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
    if one.parameters.kind == "process":
        yield from _conflicts_of_process(one)
    else:
        yield from _conflicts_of_load(one)


def _conflicts_of_server(one: Combination) -> Iterator[_Conflict]:
    values = one.parameters
    n, max_n, framing = values.n, values.max_n, values.framing
    of_groups = one.groups and "n" not in one.given  # theirs are judged where they stand
    if max_n is not None and n is not None and n > max_n and not of_groups:
        key = "n" if "n" in one.given else "max_n"
        what = f'n {n} is above max_n {max_n}: the reply would be "out of range"'
        yield key, what, f"write max_n = {n} in [server]", {"n", "max_n"}
    if asks_requests(one.given, one.groups):
        yield from _conflicts_of_requests(one)
    elif one.known is not None and framing not in one.known.framings:
        what = f'{one.backend} does not speak framing "{framing}"'
        hint = f"it speaks {one_of(one.known.framings)}"
        yield "backend", what, hint, {"framing"}


def _conflicts_of_requests(one: Combination) -> Iterator[_Conflict]:
    """What does not go together with requests of the file."""
    if one.known is not None and one.known.language != "own":
        what = f"{one.backend} answers numbers only"
        hint = "requests of the file are for servers of your own: give them a [[matrix]]"
        yield "backend", what, hint, {"request"}
    if one.parameters.kind == "process":
        what = 'kind "process" asks for numbers only'
        yield "kind", what, "client.py knows no requests", {"kind", "request"}
    framings = {request.framing for request in one.asks}
    if len(framings) > 1:
        what = "client groups ask for HTTP and for bytes of other kinds"
        yield "request", what, "a load has one of the two", {"request", "group"}
    size = too_large(one.asks)
    if size is not None:
        what = f"what is asked for has {size} bytes together"
        yield "request", what, f"{LARGEST_ASKS_BYTES} are allowed", {"request"}


def report_braces_without_value(
    made: Sequence[Combination], requests: Requests, doubtful: Collection[str], source: Source
) -> None:
    """Report what stands in braces in what a cell runs, or asks for, and has no value there."""
    for one in made:
        if one.known is None or one.known.language != "own":
            continue
        asked = requests.named_by(one.given, one.groups) & {*requests.axes, *requests.varied}
        told = one.known.named & {*requests.axes, *KEYS} - {"port", "host", "workers"}
        for name in sorted((asked | told) - set(doubtful)):
            if one.parameters.value_of(name) is None:
                who = one.backend if name in told else "what is asked for"
                what = f"{who} names {{{name}}}, which has no value here"
                source.report(one.paths["backend"], what, f"give {name} in this [[matrix]]")


def _conflicts_of_process(one: Combination) -> Iterator[_Conflict]:
    clients = one.parameters.clients
    if one.parameters.framing != "message" and not asks_requests(one.given, one.groups):
        what = 'kind "process" needs framing "message"'
        yield "kind", what, "client.py opens a connection for each request", {"kind", "framing"}
    if clients > MOST_PROCESSES:
        what = f'clients {clients} is above {MOST_PROCESSES}, the most for kind "process"'
        yield "clients", what, "each client is a process of its own", {"kind", "clients"}


def _conflicts_of_load(one: Combination) -> Iterator[_Conflict]:
    values = one.parameters
    for key in KEYS:
        other = KEYS[key].instead_of
        if key in one.given and other in one.given:
            what = f"{other} and {key} are both given"
            yield key, what, "a window ends after a time or after replies: keep one", set()
    for key, value, none in (
        ("pipeline", values.pipeline, 1),
        ("requests_per_connection", values.requests_per_connection, 0),
    ):
        if value in (none, None):
            continue
        if values.framing == "message":
            what = f'{key} {value} needs framing = "line"'
            hint = 'with "message" each connection carries one request'
            yield key, what, hint, {key, "framing"}
        elif any(request.close for request in one.asks):
            what = f"{key} {value} is for connections that stay, and a request has close"
            yield key, what, "with close each connection carries one request", {key, "request"}
        elif values.framing != "line" and key == "requests_per_connection":
            what = f"{key} {value} is for Fibonacci servers"
            yield key, what, "write close = true in [requests.NAME]", {key, "request"}
    threads, clients = values.threads, values.clients
    if threads is not None and threads > clients > 0:
        what = f"threads {threads} is above clients {clients}: some would have nothing to do"
        yield "threads", what, "give at most one thread per client", {"threads", "clients"}


def report_without_effect(
    made: Sequence[Combination],
    requests: Requests,
    doubtful: Collection[str],
    source: Source,
    *,
    changed: bool,
) -> None:
    """Report keys that mean something to none of the cells they are given for.

    With `changed`, an option has put a key into every [[matrix]]: it need not mean something to
    each.
    """
    judged = [False, True] if changed else [False]
    faults = [list(_without_effect(made, requests, doubtful, together)) for together in judged]
    told = {path for path, _, _ in faults[-1]}
    source.forgive(*({path for path, _, _ in faults[0]} - told))
    for path, what, hint in faults[-1]:
        source.report(path, what, hint, key=True)


def _without_effect(
    made: Sequence[Combination], requests: Requests, doubtful: Collection[str], together: bool
) -> Iterator[tuple[Path, str, str]]:
    """The keys that mean nothing to their cells; all tables of the matrix are judged `together`."""
    users: dict[tuple[str, Path], list[Combination]] = {}
    first: dict[tuple[str, Path], Path] = {}
    for one in made:
        for name, path in one.paths.items():
            if name != "backend":
                # An element of a list is judged with its list: the path without its place.
                at = path[:3] if path[0] == "matrix" else path
                judged_with = (name, at[:1] if together else at)
                users.setdefault(judged_with, []).append(one)
                first.setdefault(judged_with, at)
    for judged_with, cells in users.items():
        name, path = judged_with[0], first[judged_with]
        if name in KEYS and KEYS[name].open_loop and {"rate", "group"} & set(doubtful):
            continue
        reasons = [
            inapplicable(
                name, one.known, one.given, one.groups, requests.named_by(one.given, one.groups)
            )
            for one in cells
        ]
        known = all(one.known is not None for one in cells)
        if known and all(reasons):
            yield path, f"{path[-1]} applies to none of these cells", reasons[0] or ""


def report_groups(file: ExperimentFile, made: Sequence[Combination], source: Source) -> None:
    """Report what is wrong with client groups, beyond the value of one key."""
    groups = file.load.group
    if not groups:
        return
    users = [one for one in made if one.parameters.kind == "fibload"]
    first: Path = ("load", "group", 0)
    if made and not users:
        what = "client groups apply to none of these cells"
        hint = 'kind = "process" runs client_bench.sh, which knows no groups'
        source.report(first, what, hint, key=True)
    if len(groups) > MOST_GROUPS:
        what = f"there are {len(groups)} client groups; {MOST_GROUPS} are allowed"
        source.report(("load", "group", MOST_GROUPS), what, key=True)
    if all(group.idle for group in groups):
        what = "every client group is idle: nobody asks for anything"
        hint = 'add a group that asks: name = "asking", clients = 8, n = 1'
        source.report(first, what, hint, key=True)
    clients = max((sum(g.clients for g in one.parameters.groups) for one in users), default=0)
    if clients > MOST_CLIENTS:
        what = f"the client groups have {clients} clients; {MOST_CLIENTS} are allowed"
        source.report(first, what, "give fewer clients", key=True)
    names: set[str] = set()
    for index, group in enumerate(groups):
        path: Path = ("load", "group", index)
        if group.name in names:
            what = f"another client group is called {as_toml(group.name)} too"
            source.report((*path, "name"), what, "give each group a name of its own")
        names.add(group.name)
        _report_group(group, path, users, source)


def _report_group(
    group: GroupTable, path: Path, users: Sequence[Combination], source: Source
) -> None:
    if group.idle:
        for key in GROUP_KEYS:
            if key != "clients" and group.has(key):
                what = f"{key} is given for an idle group, which asks for nothing"
                source.report((*path, key), what, f"remove {key}, or idle", key=True)
        return
    asks = [asks_requests(one.given, one.groups) for one in users]
    of_load = all("request" in one.given for one in users)
    if users and all(asks) and not (group.has("request") or group.has("n") or of_load):
        what = f"the client group {as_toml(group.name)} asks for no request, as others do"
        source.report(path, what, 'give it one: request = "…"', key=True)
    if users and all(asks) and group.has("n"):
        what = "n is given where requests are asked for"
        source.report((*path, "n"), what, "keep n, or request", key=True)
        return
    rates = [group.given().get("rate") or one.given.get("rate") for one in users]
    if group.has("arrivals") and users and not any(rates):
        what = f"arrivals has no effect: {group.name} is a closed loop"
        source.report((*path, "arrivals"), what, 'give it a rate: rate = "500/s"', key=True)
    limits = [one.parameters.max_n for one in users]
    n = group.given().get("n")
    exceeded = [limit for limit in limits if limit is not None and isinstance(n, int) and n > limit]
    if exceeded:
        what = f'n {n} is above max_n {exceeded[0]}: the reply would be "out of range"'
        source.report((*path, "n"), what, f"write max_n = {n} in [server]")


def report_too_many(cells: int, file: ExperimentFile, source: Source) -> None:
    """Report a plan of more trials than anyone would wait for."""
    blocks = file.plan.repetitions().blocks.most
    if cells * blocks > MOST_TRIALS:
        what = f"{cells} cells in {blocks} blocks are {cells * blocks} trials"
        source.report(("plan", "blocks"), what, f"{MOST_TRIALS} are allowed: give fewer blocks")
