# SPDX-License-Identifier: BSD-3-Clause
"""What an experiment allows, and what may surprise who runs it. Pure, as all of a plan."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator, Mapping

from fibench.experiment import Cell, Claim, Experiment, KnownBackend, cells_of
from fibench.experiment.cells import is_stand_in
from fibench.metrics import METRICS, cores_text, quantity
from fibench.parameters import ALL, Parameters, parse_cpus, written_cpus
from fibench.plan.pinning import asked_cpus, computing_s, largest_n, work_s
from fibench.plan.trials import cells_to_watch, seconds
from fibench.quantities import format_duration
from fibench.wording import counted


def warnings(experiment: Experiment, known: Mapping[str, KnownBackend], cpus: int) -> list[str]:
    """What is allowed, and may surprise; each in one line.

    `known` are the catalogue's backends; `cpus` the physical cores there are.
    """
    every = {**known, **experiment.known_own()}
    found: dict[str, None] = {}
    for cell in experiment.cells:
        backend = every.get(cell.backend)
        if backend is not None:
            found |= dict.fromkeys(_of_cell(cell, backend, cpus))
        host = cell.parameters.host
        if not _is_loopback(host):
            warning = f"host {host} is not loopback: others on the network can reach the servers"
            found[warning] = None
    found |= dict.fromkeys(_shared_cpus(experiment))
    found |= dict.fromkeys(_threads_of_the_load(experiment))
    blocks = experiment.plan.blocks
    if experiment.claims and blocks.most < blocks.fewest:
        few = f"of {counted(blocks.most, 'block')} no claim has a verdict"
        found[f"{few}: that takes {blocks.fewest}, or as many as it needs (auto)"] = None
    for claim in experiment.claims:
        found |= dict.fromkeys(_too_few_replies(claim))
        found |= dict.fromkeys(_too_slow_for(claim, every, cpus))
        found |= dict.fromkeys(_unwatched(claim, experiment))
        obstacle = experiment.absent.obstacle(claim)
        if obstacle is not None:
            found[f'"{claim.says}" is not testable here: {obstacle}'] = None
        elif claim.needs_cpus > cpus:
            found[
                f'"{claim.says}" is not testable here: it needs {cores_text(claim.needs_cpus)}, '
                f"and {cpus} can be used here"
            ] = None
    return list(found)


def _unwatched(claim: Claim, experiment: Experiment) -> Iterator[str]:
    """What threads wait for is claimed of servers that nobody watches."""
    watched = {cell.key for cell in cells_to_watch(experiment)}
    missing = [cell.label for cell in cells_of(claim) if cell.key not in watched]
    if METRICS[claim.metric].of_role == "timeline" and missing:
        why = f"{missing[0]} is not watched" if experiment.plan.timelines else "timelines = false"
        yield f'"{claim.says}" cannot be decided: {why}, so that {claim.metric} is not known'
    unseen = [cause for cause in claim.causes if METRICS[cause.metric].of_role == "timeline"]
    for cause in unseen:
        if cause.cell is not None and cause.cell.key not in watched:
            why = f"{cause.metric} is not known of {cause.cell.label}, which nobody watches"
            yield f'the cause of "{claim.says}" cannot be seen: {why}'


def _of_cell(cell: Cell, backend: KnownBackend, cpus: int) -> Iterator[str]:
    for warning in (_waiting(cell, backend, cpus), _slow(cell, backend)):
        if warning is not None:
            yield warning
    yield from _lonely(cell)
    yield from _mixed(cell)
    yield from _too_few_clients(cell, backend)
    yield from _silent(cell, backend, cpus)


def _mixed(cell: Cell) -> Iterator[str]:
    """Groups of which some open a connection for each request and others keep theirs."""
    if len({request.close for request in cell.asks}) > 1:
        yield (
            f"{cell.label}: some groups open a connection for each request and others do not: the "
            "latencies of all clients together mix the two"
        )


def _lonely(cell: Cell) -> Iterator[str]:
    """Open loops of one client: a request that is due waits until the one before is answered."""
    values = cell.parameters
    if values.pipeline not in (None, 1):
        return
    said = "an open loop with 1 connection: its requests wait for each other"
    groups = values.groups
    if not groups and values.rate is not None and values.clients == 1:
        yield f"rate with 1 client is {said}"
    for group in groups:
        if group.rate is not None and group.clients == 1:
            yield f'client group "{group.name}" is {said}'


def _too_few_clients(cell: Cell, backend: KnownBackend) -> Iterator[str]:
    """Open loops whose requests take so long that all clients are busy before the next is due."""
    values = cell.parameters
    if backend.language == "own" or is_stand_in(cell):
        return  # it is not known how long they take, or at what rate
    every = [(g.name, g.clients, g.n, g.rate) for g in values.groups if not g.idle]
    for name, clients, n, rate in every or [("", values.clients, values.n, values.rate)]:
        asked = values.n if n is None else n
        takes_s = 0.0 if asked is None else computing_s(asked, backend.language)
        takes_s += work_s(cell, backend.language) + (values.io_wait or 0.0)
        needed = math.ceil((rate or 0.0) * takes_s / (values.pipeline or 1))
        if needed > clients:
            of_group = f' of group "{name}"' if name else ""
            which = f"1 client{of_group} is" if clients == 1 else f"{clients} clients{of_group} are"
            yield (
                f"{cell.label}: {which} too few for {quantity(rate or 0.0, '1/s')}: a request "
                f"takes about {quantity(takes_s, 's', digits=2)}, so that {needed} are needed "
                "at least"
            )


def _too_few_replies(claim: Claim) -> Iterator[str]:
    """Percentiles of open loops that have not enough requests due in a window, chance included."""
    least, short = METRICS[claim.metric].least_requests, dict[float, float]()
    needed, is_searched = float(least), False
    for cell in cells_of(claim):
        values = cell.parameters
        rate = _rate_of(values, claim.group)
        if is_stand_in(cell):  # a search asks for no rate that is too slow: only what is claimed is
            rate = _named_rate(claim)
        needed = least + (3.0 * math.sqrt(least) if values.arrivals == "poisson" else 0.0)
        if least > 1 and rate and values.duration and rate * values.duration < needed:
            short[rate], is_searched = values.duration, is_stand_in(cell)
    if short:
        rate = min(short)
        due, takes_s = math.floor(rate * short[rate]), math.ceil(needed / rate)
        yield (
            f'"{claim.says}": {claim.metric} needs {least} replies in every trial, and '
            f"{quantity(rate, '1/s')} gives about {due} in {format_duration(short[rate])}"
            f"{', so that no rate so slow is looked at' if is_searched else ''}: "
            f"--duration {takes_s}s would do"
        )


def _rate_of(values: Parameters, group: str | None) -> float | None:
    """Requests/s of a client group, or of all clients; None where any of them keeps no rate."""
    if not values.groups:
        return values.rate
    rates = [one.rate for one in values.groups if not one.idle and group in (None, one.name)]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known and len(known) == len(rates) else None


def _too_slow_for(claim: Claim, known: Mapping[str, KnownBackend], cpus: int) -> Iterator[str]:
    """Percentiles of closed loops whose servers cannot give enough replies in a window."""
    least, slowest = METRICS[claim.metric].least_requests, (math.inf, "")
    duration_s = 0.0
    for cell in cells_of(claim) if least > 1 else ():
        rate, window_s = _most_replies_per_s(cell, known, cpus), cell.parameters.duration
        if rate is None or window_s is None or rate * window_s * _LEEWAY >= least:
            continue
        if rate < slowest[0]:
            slowest, duration_s = (rate, cell.label), window_s
    rate, label = slowest
    if label:
        yield (
            f'"{claim.says}": {claim.metric} needs {least} replies in every trial, and {label} '
            f"gives about {max(1, round(rate * duration_s))} in {format_duration(duration_s)}: "
            f"--duration {math.ceil(least * _LEEWAY / rate)}s would do"
        )


_LEEWAY = 1.5
"""By so much a machine may be faster, or slower, than one of today."""


def _most_replies_per_s(cell: Cell, known: Mapping[str, KnownBackend], cpus: int) -> float | None:
    """About how many replies a second a closed loop gets at most of a server that computes or
    waits; None where that is not known, or is not what bounds it."""
    values, backend = cell.parameters, known.get(cell.backend)
    n = values.n
    is_closed = values.rate is None and not values.groups and values.kind == "fibload"
    if backend is None or backend.language == "own" or not is_closed or n is None:
        return None
    computes_s = computing_s(n, backend.language) + work_s(cell, backend.language)
    takes_s = computes_s + (values.io_wait or 0.0)
    served = served_at_once(cell, backend, cpus)
    at_once = values.clients * (values.pipeline or 1)
    workers = cpus if values.workers is None else values.workers
    cores = {"any": cpus, "workers": min(cpus, workers)}.get(str(backend.cores), backend.cores)
    most = (at_once if served is None else min(served, at_once)) / takes_s
    return min(most, min(int(cores), cpus) / computes_s)


def _named_rate(claim: Claim) -> float | None:
    """The lowest rate that a claim about one side's names; that of two names a ratio."""
    bounds = [bound for bound in (claim.low, claim.high) if bound is not None]
    return min(bounds) if len(claim.rows) == 1 and bounds else None


def _silent(cell: Cell, backend: KnownBackend, cpus: int) -> Iterator[str]:
    """Idle clients that keep others from being served, or that the server will not keep."""
    idle = sum(group.clients for group in cell.parameters.groups if group.idle)
    if idle == 0:
        return
    serves = served_at_once(cell, backend, cpus)
    if serves is not None and idle >= serves:
        connections = "1 connection" if serves == 1 else f"{serves} connections"
        yield (
            f"{cell.backend} serves {connections} at a time, which idle clients may hold: the "
            "others then wait for them"
        )
    limit_s, lasts_s = cell.parameters.idle_timeout, seconds(cell)
    if limit_s is not None and limit_s <= lasts_s:
        yield (
            f"{cell.label}: the server closes idle clients after {format_duration(limit_s)} "
            f"(idle_timeout), and a trial lasts {format_duration(lasts_s)}"
        )


def _threads_of_the_load(experiment: Experiment) -> Iterator[str]:
    """Who has a number of threads as an axis of a server changes the load with it."""
    for name, own in experiment.backends.items():
        if "threads" in own.named and any(
            cell.backend == name and cell.parameters.threads not in (None, 1)
            for cell in experiment.cells
        ):
            yield (
                f"threads is the load generator's own number, and {{threads}} in [backends.{name}] "
                "tells the server the same: name the server's otherwise, as pool"
            )


def _shared_cpus(experiment: Experiment) -> Iterator[str]:
    given = [text for text in asked_cpus(experiment) if text is not None and text != ALL]
    if len(given) < 2:
        return
    servers, load = (set(parse_cpus(text)) for text in given)
    if servers & load:
        yield (
            f"servers and load both may use CPU {written_cpus(servers & load)}: they take it "
            "from each other"
        )


def served_at_once(cell: Cell, backend: KnownBackend, cpus: int) -> int | None:
    """How many connections a cell's server serves at once; None: any number."""
    if backend.serves == "any":
        return None
    if backend.serves == "workers":
        workers = cell.parameters.workers
        return cpus if workers is None else workers
    return backend.serves


def _waiting(cell: Cell, backend: KnownBackend, cpus: int) -> str | None:
    """Whether keep-alive leaves clients waiting that the server never comes to."""
    serves = served_at_once(cell, backend, cpus)
    clients = cell.parameters.clients
    renewed = cell.parameters.requests_per_connection or any(one.close for one in cell.asks)
    if cell.parameters.framing == "message" or renewed or serves is None or clients <= serves:
        return None
    connections = "1 connection" if serves == 1 else f"{serves} connections"
    unless = "unless it ends connections itself, " if cell.parameters.framing == "http" else ""
    return (
        f"{cell.backend} serves {connections} at a time: with {clients} clients under keep-alive "
        f"{unless}the other {clients - serves} wait for ever and are counted as unfinished"
    )


def _slow(cell: Cell, backend: KnownBackend) -> str | None:
    """Whether one request alone may take longer than the window."""
    duration, n = cell.parameters.duration, largest_n(cell)
    if backend.language == "own" or duration is None or n is None:
        return None
    takes = computing_s(n, backend.language) + work_s(cell, backend.language)
    takes += cell.parameters.io_wait or 0.0
    if takes < duration:
        return None
    about, window = quantity(takes, "s", digits=2), format_duration(duration)
    return (
        f"{cell.label}: one request takes about {about}, and the window is {window}: "
        "it may see no reply"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
