# SPDX-License-Identifier: BSD-3-Clause
"""Was the meter the limit? Pure: from a trial's figures to what its claims must know.

The gates are those of docs/measurement.md. That of the lag depends on the percentile that is
claimed, so that it is judged with the claims; the lag is only handed on here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fibench.record import Checks
from fibench.trial.answer import Answer, OpenLoop, OwnUse, Part

GENERATOR_BUSY = 0.80
"""Above this share of the CPU that it may use, the generator may be the limit…"""
SERVER_BUSY = 0.90
"""…unless the server used at least this share of the cores that its design can use."""
LEAST_SENT = 0.99
LITTLE_TOLERANCE = 0.05

_NS = 1e-9


@dataclass(frozen=True)
class AvailableCores:
    """How much CPU the two sides of a trial could have used."""

    server: int
    """The cores that the server's design can keep busy here."""
    load: int
    """Those that the load generator may use; a thread of it uses one at most."""


def design_cores(
    cores: int | Literal["workers", "any"], workers: int | None, server_cores: int
) -> int:
    """The cores that a design can keep busy, of `server_cores` that it may run on; at least 1.

    Without a number of workers, a server starts one for each CPU that it may use.
    """
    if cores == "workers":
        cores = "any" if workers is None else workers
    return max(1, server_cores if cores == "any" else min(cores, server_cores))


def check(answer: Answer, cores: AvailableCores, server_used_cores: float | None) -> Checks:
    """The checks of a trial, from fibload's answer and the cores that the server used."""
    share = generator_share(answer.own, cores.load)
    open_loop = answer.total.open_loop
    # Where requests were refused, closed or reset before a reply, it does not hold.
    littles_law, littles_gate = (None, None) if answer.total.refused else _littles(answer)
    gates = [_cpu_gate(answer, share, cores, server_used_cores), _sent_gate(answer), littles_gate]
    lag_p99_ns = open_loop.lag_p99_ns if open_loop else None
    return Checks(
        generator_bound="; ".join(gate for gate in gates if gate) or None,
        generator_share=share,
        littles_law=littles_law,
        lag_p99_s=None if lag_p99_ns is None else lag_p99_ns * _NS,
        sent_share=min(sent_shares(answer), default=None),
        offered_per_s=open_loop.offered_per_s if open_loop else None,
    )


def generator_share(own: OwnUse, load_cores: int) -> float:
    """What fibload used of the CPU that it may use: a core for each thread, at most all."""
    allowed = max(1, min(own.threads, load_cores))
    used_ns = own.cpu_user_ns + own.cpu_system_ns
    return used_ns / (own.wall_ns * allowed) if own.wall_ns else 0.0


def sent_shares(answer: Answer) -> list[float]:
    """Which part of what was due in the window was sent, by group with an open loop.

    More than 1 where the window began with a backlog.
    """
    return [one.sent / one.due for one in _open_loops(answer)]


def _open_loops(answer: Answer) -> list[OpenLoop]:
    loops = (group.open_loop for group in answer.groups)
    return [one for one in loops if one and one.due]


def closed_parts(answer: Answer) -> Sequence[Part]:
    """What keeps a fixed number of requests in flight: all clients, or groups without a rate."""
    if not any(group.open_loop for group in answer.asking):
        return [answer.total]
    return [group.part for group in answer.asking if not group.open_loop]


def littles_ratio(part: Part, pipeline: int) -> float | None:
    """Requests in flight by Little's law, ÷ those that a closed loop keeps in flight.

    Throughput × mean latency is the mean number in flight. Clients that were never answered wait
    for ever and are left out. None without a reply.
    """
    mean_ns = part.latency.mean_ns
    if not part.ok or not part.answered or mean_ns is None:
        return None
    in_flight = part.throughput_per_s * mean_ns * _NS
    return in_flight / (part.answered * pipeline)


def littles_tolerance(part: Part, pipeline: int) -> float:
    """By how much the ratio may differ from 1: the requests at the window's edges count half."""
    return max(LITTLE_TOLERANCE, 2 * part.answered * pipeline / max(1, part.ok))


def _littles(answer: Answer) -> tuple[float | None, str | None]:
    """The ratio that is furthest from 1, and the gate in words if one is too far."""
    pipeline = answer.pipeline
    parts = [(littles_ratio(part, pipeline), part) for part in closed_parts(answer)]
    known = [(ratio, part) for ratio, part in parts if ratio is not None]
    if not known:
        return None, None
    ratio, part = max(known, key=lambda one: abs(one[0] - 1.0))
    if abs(ratio - 1.0) <= littles_tolerance(part, pipeline):
        return ratio, None
    clients = part.answered * pipeline
    return ratio, (
        f"Little's law is off by {abs(ratio - 1.0) * 100:.0f} %: rate × latency gives "
        f"{ratio * clients:.2f} requests in flight, and {clients} were"
    )


def _cpu_gate(
    answer: Answer, share: float, cores: AvailableCores, used: float | None
) -> str | None:
    if answer.spin and all(group.open_loop for group in answer.asking):
        return None  # it spins instead of sleeping: its lag says whether it kept up
    if share <= GENERATOR_BUSY:
        return None
    allowed = max(1, min(answer.own.threads, cores.load))
    own = "its core" if allowed == 1 else f"its {allowed} cores"
    generator = f"the load generator used {share * 100:.0f} % of {own}"
    if used is None:
        return f"{generator}, and what the server used is not known"
    if used >= SERVER_BUSY * cores.server:
        return None
    return f"{generator} while the server used {used:.2f} of {cores.server}"


def _sent_gate(answer: Answer) -> str | None:
    # Of few requests the one that falls due as the window ends may be more than a hundredth.
    short = [
        one.sent / one.due
        for one in _open_loops(answer)
        if one.due - one.sent > max(1, (1 - LEAST_SENT) * one.due)
    ]
    if not short:
        return None
    # It can be its connections that are too few: each waits for one reply at a time.
    clients = answer.total.asked
    by = "1 client" if clients == 1 else f"{clients} clients"
    return f"the load generator sent {min(short) * 100:.1f} % of what was due, by {by}"
