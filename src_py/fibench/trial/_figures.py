# SPDX-License-Identifier: BSD-3-Clause
"""From what a load tells to the figures of a trial, and whether it is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fibench.backends import Backend
from fibench.backends.catalogue import connection_cap
from fibench.parameters import Parameters
from fibench.record import Checks, GeneratorUse, GroupFigures, LatencyBounds, Saturated
from fibench.trial import load
from fibench.trial.answer import Answer, ClosedLoop, GroupAnswer, Part
from fibench.trial.overload import Spans, fell_behind, latencies, line_of, spans_of

_NS = 1e-9
LEAST_LAGS = 20
LEAST_LAGS_OF_P99 = 1000
"""Ten beyond it, as for a percentile that is shown."""


@dataclass(frozen=True)
class Figures:
    """What a load told, as a record has it; of one that told nothing, nothing."""

    metrics: Mapping[str, float | None] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, GroupFigures] = field(default_factory=dict)
    bounds: Mapping[str, LatencyBounds] = field(default_factory=dict)
    """Of latencies that are None in `metrics`."""
    halves: tuple[int, int] | None = None
    use: GeneratorUse | None = None
    checks: Checks = field(default_factory=Checks)
    measured_s: float = 0.0
    """Warm-up and window: what is not overhead."""
    load_cores: float | None = None
    """Those that the load generator kept busy in its window; None where that is not known."""
    reason: str | None = None
    """Why the trial is not valid."""
    hint: str = ""
    """What to do about it, if that is known."""


def course_figures(ending: load.LoadEnding, parameters: Parameters, folder: Path) -> Figures:
    """What can be known of client_bench.sh: its wall time, and how many clients were answered."""
    asked = parameters.clients
    assert parameters.n is not None, "client_bench.sh asks for numbers"
    right = load.count_course_replies(folder, parameters.n)
    reason = None
    if ending.status != 0 or right != asked:
        reason = f"{right} of {asked} clients of client_bench.sh got the right number"
    return Figures(
        metrics={"wall_s": ending.wall_s, "throughput_per_s": right / ending.wall_s},
        counts={"ok": right, "window_ok": right, "started": asked},
        measured_s=ending.wall_s,
        load_cores=None if ending.used_s is None else ending.used_s / ending.wall_s,
        reason=reason,
    )


def fibload_figures(
    answer: Answer, ending: load.LoadEnding, backend: Backend, parameters: Parameters
) -> Figures:
    """Counts, rates and latencies of fibload's answer, and what is wrong with the trial, if any."""
    total, spans = answer.total, spans_of(answer)
    behind = any(_is_behind(group.part, spans) for group in answer.groups)
    is_ramp = total.is_ramp or any(group.part.is_ramp for group in answer.groups)
    known, bounds = latencies(total, behind, is_ramp=is_ramp)
    counts = {
        **total.counts,
        "window_ok": total.ok,
        **_after(total),
        "cut_short": total.cut_short,
        "surplus_bytes": answer.surplus_bytes,
        "clients_answered": total.answered,
        "refused_by_cap": total.refused,
        "errors": total.errors,
    }
    found: dict[str, GroupFigures] = {}
    use = _use(answer)
    if parameters.groups:
        found = {group.name: _group_figures(group, spans) for group in answer.groups}
        counts["lost"] = sum(group.counts["lost"] for group in found.values())
    return Figures(
        metrics={
            "wall_s": answer.duration_ns * _NS,
            "throughput_per_s": total.throughput_per_s,
            **known,
        },
        bounds=bounds,
        counts=counts,
        groups=found,
        halves=total.half_ok,
        use=use,
        load_cores=use.cpu_s / use.wall_s if use.wall_s > 0 else None,
        measured_s=(answer.warmup_ns + answer.duration_ns) * _NS,
        reason=why_not_valid(answer, ending, backend, parameters),
    )


def _after(total: Part) -> dict[str, int]:
    """What was answered after the window, if the load went on: right replies, and those of them to
    requests that had been due before its end."""
    if not total.counts_after or total.open_loop is None:
        return {}
    return {"ok_after": total.counts_after["ok"], "answered_late": total.open_loop.answered_late}


def _use(answer: Answer) -> GeneratorUse:
    own = answer.own
    return GeneratorUse(
        cpu_s=(own.cpu_user_ns + own.cpu_system_ns) * _NS,
        cpu_user_s=own.cpu_user_ns * _NS,
        cpu_system_s=own.cpu_system_ns * _NS,
        rss_peak_bytes=own.rss_peak_bytes,
        switches_voluntary=own.switches_voluntary,
        switches_involuntary=own.switches_involuntary,
        wall_s=own.wall_ns * _NS,
        threads=own.threads,
        clock=answer.clock,
        retransmits=answer.retransmits,
        run_delay_s=None if own.run_delay_ns is None else own.run_delay_ns * _NS,
    )


def _is_behind(part: Part, spans: Spans) -> bool:
    return part.open_loop is not None and fell_behind(part.open_loop, spans)


def with_saturated(figures: Figures, groups: Mapping[str, Saturated]) -> Figures:
    """The figures, with what is known of the groups whose schedules the server did not keep."""
    found = {
        name: replace(gave, saturated=groups.get(name)) for name, gave in figures.groups.items()
    }
    return replace(figures, groups=found)


def with_lines(figures: Figures, answer: Answer, parameters: Parameters) -> Figures:
    """The figures, with how what waits has grown in the window: of open loops, and of groups."""
    spans, total = spans_of(answer), answer.total.open_loop
    arrivals = {group.name: group.arrivals for group in parameters.groups if group.rate}
    are_uniform = {name: one == "uniform" for name, one in arrivals.items()}
    every_uniform = all(are_uniform.values()) if arrivals else parameters.arrivals == "uniform"
    found = {
        group.name: line_of(group.open_loop, spans, is_uniform=are_uniform.get(group.name, False))
        for group in answer.groups
        if group.open_loop is not None
    }
    groups = {name: replace(gave, line=found.get(name)) for name, gave in figures.groups.items()}
    line = None if total is None else line_of(total, spans, is_uniform=every_uniform)
    return replace(figures, groups=groups, checks=replace(figures.checks, line=line))


def _group_figures(group: GroupAnswer, spans: Spans) -> GroupFigures:
    if group.idle:
        return GroupFigures({}, {"lost": group.lost}, idle=True)
    part = group.part
    counts = {
        "window_ok": part.ok,
        "refused_by_cap": part.refused,
        "errors": part.errors,
        "unfinished": part.counts["unfinished"],
        "lost": group.lost,
    }
    lag_ns = part.open_loop.lag_p99_ns if part.open_loop else None
    lag_s = None if lag_ns is None else float(lag_ns * _NS)
    known, bounds = latencies(part, _is_behind(part, spans), is_ramp=part.is_ramp)
    metrics = {"throughput_per_s": part.throughput_per_s, **known}
    read_lag = read_lag_s(part.closed_loop)
    return GroupFigures(metrics, counts, lag_s, *read_lag, bounds=bounds)


def read_lag_s(loop: ClosedLoop | None) -> tuple[float | None, float | None]:
    """How long replies of a closed loop waited for fibload, in seconds: the median, and p99.

    None where they rest on too few. Of eight lags one is told, and each that is the longest so far:
    where few were told, p99 is the longest.
    """
    if loop is None or loop.lag_p50_ns is None or loop.lag_p99_ns is None:
        return None, None
    return (
        loop.lag_p50_ns * _NS if loop.lag_count >= LEAST_LAGS else None,
        loop.lag_p99_ns * _NS if loop.lag_count >= LEAST_LAGS_OF_P99 else None,
    )


def queue_hint(answer: Answer, backlog: int | None) -> str:
    """What to do about requests that a full listen queue kept waiting; empty if none was.

    `backlog` is the length of the server's, None where it is not known.
    """
    if not (answer.resent_in_vain and answer.listen_overflows):
        return ""
    length = "" if backlog is None else f" (backlog {backlog})"
    return (
        f"the server's listen queue{length} is too short for so many clients, or it accepts too "
        "seldom: who finds it full tries again after 1, 3, 7 and more seconds"
    )


def why_not_valid(
    answer: Answer, ending: load.LoadEnding, backend: Backend, parameters: Parameters
) -> str | None:
    """Why a trial is not valid, or None. Refusals that the design declares are outcomes."""
    if answer.invalid is not None:
        return answer.invalid
    if ending.status != 0:
        return f"fibload ended with status {ending.status}"
    idle = sum(group.clients for group in parameters.groups if group.idle)
    clients, cap = parameters.clients + idle, connection_cap(backend, parameters)
    if clients > cap:
        return None
    within = f", though {clients} clients are within the server's cap of {cap}"
    if backend.command:  # which declares none
        within = ""
    refused = answer.total.refused
    if refused > 0:
        return f"{refused} connections were refused, closed or reset before a reply{within}"
    lost = sum(group.lost for group in answer.groups)
    if lost > 0:
        return f"{lost} of {idle} idle connections were lost before the window ended{within}"
    return None
