# SPDX-License-Identifier: BSD-3-Clause
"""Was the meter the limit? Pure: from a trial's figures to what its claims must know.

The gates are those of docs/measurement.md. That of the lag depends on the percentile that is
claimed, so that it is judged with the claims; the lag is only handed on here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fibench.record import Checks, Saturated
from fibench.trial._figures import read_lag_s
from fibench.trial.answer import Answer, ClosedLoop, GroupAnswer, OpenLoop, OwnUse
from fibench.trial.overload import (
    Spans,
    fell_behind,
    saturated,
    spans_of,
    too_few,
    unnoticed,
)

GENERATOR_BUSY = 0.80
"""Above this share of the CPU that it may use, the generator may be the limit…"""
SERVER_BUSY = 0.90
"""…unless the server used at least this share of the cores that its design can use."""
WAITED_LEAST = 0.01
"""Less than this share of its time in waiting for a CPU explains nothing."""
LITTLE_LEAST = 0.95
"""A closed loop keeps at least this share of its requests in flight: less, and it was the limit…"""
LITTLE_MOST = 1.001
"""…and never more than all of them, but for rounding."""

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


def check(
    answer: Answer, cores: AvailableCores, server_used_cores: float | None, hint: str = ""
) -> Checks:
    """The checks of a trial, from fibload's answer and the cores that the server used.

    `hint` is what to do where the server is said to have left cores unused.
    """
    share = generator_share(answer.own, cores.load)
    open_loop = answer.total.open_loop
    # Where requests were refused, closed or reset before a reply, it does not hold.
    littles_law, littles_gate = (None, None) if answer.total.refused else _littles(answer)
    kept = overload(answer, cores, server_used_cores)
    gates = [_cpu_gate(answer, share, cores, server_used_cores, hint), kept.late]
    read_lag_p50_s, read_lag_p99_s = read_lag_s(answer.total.closed_loop)
    lag_p99_ns = open_loop.lag_p99_ns if open_loop else None
    generator_bound = "; ".join(gate for gate in gates if gate) or None
    return Checks(
        generator_bound=_with_delay(generator_bound or "", answer.own),
        flight_gate=_with_delay(littles_gate or "", answer.own),
        generator_share=share,
        littles_law=littles_law,
        lag_p99_s=None if lag_p99_ns is None else lag_p99_ns * _NS,
        read_lag_p50_s=read_lag_p50_s,
        read_lag_p99_s=read_lag_p99_s,
        steady=answer.steady,
        ramp=answer.ramp,
        warmup_s=answer.warmup_ns * _NS,
        sent_share=min(sent_shares(answer), default=None),
        offered_per_s=open_loop.offered_per_s if open_loop else None,
        saturated=None if generator_bound else kept.total,
    )


def _with_delay(gates: str, own: OwnUse) -> str | None:
    """Gates in words, with what explains them: threads of the generator that waited for a CPU."""
    if not gates:
        return None
    waited_ns = own.run_delay_ns or 0
    if waited_ns <= WAITED_LEAST * own.threads * own.wall_ns:
        return gates
    share = waited_ns / (own.threads * own.wall_ns)
    return f"{gates}; it waited for a CPU for {share * 100:.0f} % of the window"


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


def closed_loops(answer: Answer) -> list[ClosedLoop]:
    """What keeps a fixed number of requests in flight: all clients, or groups without a rate."""
    if answer.total.closed_loop is not None:
        return [answer.total.closed_loop]
    return [group.part.closed_loop for group in answer.asking if group.part.closed_loop is not None]


def _littles(answer: Answer) -> tuple[float | None, str | None]:
    """The ratio that is furthest from 1, and the gate in words if it is too far."""
    known = [(one.littles_law, one) for one in closed_loops(answer) if one.littles_law is not None]
    if not known:
        return None, None
    ratio, loop = max(known, key=lambda one: abs(one[0] - 1.0))
    if LITTLE_LEAST <= ratio <= LITTLE_MOST:
        return ratio, None
    return ratio, (
        f"the load generator kept {ratio * 100:.0f} % of the requests in flight that it was to: "
        f"{loop.in_flight:.2f} of {loop.in_flight / ratio:.0f}"
        if ratio > 0
        else "the load generator kept no request in flight"
    )


def _cpu_gate(
    answer: Answer, share: float, cores: AvailableCores, used: float | None, hint: str = ""
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
    said = f"{generator} while the server used {used:.2f} of {cores.server}"
    return f"{said} ({hint})" if hint and cores.server > 1 else said


def _delay_gate(answer: Answer, cores: AvailableCores, used: float | None) -> str | None:
    """Why a generator that fell behind may itself have been the cause: others had its cores.

    A thread that is ready and has no CPU reads no replies, and its clients look busy.
    """
    own = answer.own
    delay_ns = own.run_delay_ns or 0
    allowed = max(1, min(own.threads, cores.load))
    share = (own.cpu_user_ns + own.cpu_system_ns + delay_ns) / (own.wall_ns * allowed or 1)
    is_busy = used is not None and used >= SERVER_BUSY * cores.server
    if share <= GENERATOR_BUSY or is_busy or answer.spin:
        return None
    waited = 100.0 * delay_ns / (own.wall_ns * allowed or 1)
    return f"the load generator fell behind, and was ready without a CPU {waited:.0f} % of the time"


@dataclass(frozen=True)
class Overload:
    """What became of the schedules of a trial."""

    late: str | None = None
    """Why the generator, or too few clients, kept a schedule from being met; None: they did not."""
    total: Saturated | None = None
    """Of all open loops together, where the server kept one from being met."""
    groups: Mapping[str, Saturated] = field(default_factory=dict)
    """Of the groups whose schedules it kept from being met."""


def overload(answer: Answer, cores: AvailableCores, used: float | None) -> Overload:
    """Tell apart a generator that is late, too few clients, and a server that is saturated."""
    spans = spans_of(answer)
    late = [why for one in _open_loops(answer) if (why := unnoticed(one)) is not None]
    behind = [group for group in answer.groups if _fell_behind(group, spans)]
    if (
        late
        or not behind
        or _cpu_gate(answer, generator_share(answer.own, cores.load), cores, used)
    ):
        return Overload("; ".join(late) or None)
    causes = [_delay_gate(answer, cores, used), *(_too_few(g, answer.pipeline) for g in behind)]
    late = [why for why in causes if why is not None]
    if late:
        return Overload("; ".join(late))
    every = [group.part for group in answer.groups if group.open_loop]
    groups = {group.name: saturated([group.part], spans) for group in behind}
    return Overload(None, saturated(every, spans), groups)


def _fell_behind(group: GroupAnswer, spans: Spans) -> bool:
    return group.open_loop is not None and fell_behind(group.open_loop, spans)


def _too_few(group: GroupAnswer, pipeline: int) -> str | None:
    return too_few(group.open_loop, group.part.asked, pipeline) if group.open_loop else None
