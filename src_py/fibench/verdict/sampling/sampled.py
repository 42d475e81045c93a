# SPDX-License-Identifier: BSD-3-Clause
"""Samples of records: what one trial gave, and what earlier attempts at it say of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fibench.machine.busy import noise_while_watched, too_much
from fibench.metrics import LATENCIES, METRICS, in_group
from fibench.record import Checks, GroupFigures, LatencyBounds, Record, broke_off
from fibench.store.attempts import did_not_start, failed_before, filled_in, passes_of
from fibench.timeline import ThreadTime
from fibench.tried import could_not_start, last_attempts
from fibench.verdict.attempts.broken_load import broken_load, why_broken_off
from fibench.verdict.foreign.telling import foreign_cores
from fibench.verdict.sample import Sample, told

_COUNTS = {
    **{m.name: m.counted_as or m.name for m in METRICS.values() if m.is_count},
    **{name: name for name in ("window_ok", "unfinished", "lost")},
}
"""Counts of a sample, and what records call them: what is claimed, and what is told beside it."""
_METRICS = {
    metric.name: metric.name_with_unit for metric in METRICS.values() if not metric.is_count
}
OUTCOMES = (
    "ok", "wrong", "refused", "closed", "reset", "timeout", "opening", "local", "unfinished"
)  # fmt: skip
"""Every request of a trial ends in one of these."""


def samples(records: Iterable[Record]) -> list[Sample]:
    """The samples of a run: of its cells and of their twins, which have cells of their own.

    The system calls of a cell were counted in a trial of their own, since counting slows a server
    down; they join the sample of the same cell and block, and so does what was seen of its threads.
    Ceilings are no samples.
    """
    made: dict[str, list[Record]] = {}
    records = list(records)
    late = filled_in(records)
    passes = [each[-1].tries for each in passes_of(records).values()]
    counted = {trial: tries for own in passes for trial, tries in own.items()}
    for record in records:
        made.setdefault(record.trial, []).append(record)
    records = last_attempts(record for own in made.values() for record in own)
    calls = {
        (record.cell, record.block): record.metrics.get("syscalls_per_request")
        for record in records
        if record.role == "syscalls" and record.valid
    }
    uncounted = {
        (record.cell, record.block): told(record.reason, record.hint)
        for record in records
        if record.role == "syscalls" and not record.valid and not could_not_start(record)
    }
    watched = {
        (record.cell, record.block): _watched(record)
        for record in records
        if record.role == "timeline" and record.valid
    }
    found = []
    for record in records:
        if record.role in ("measure", "twin"):
            tries = made[record.trial]
            filled, in_pass = late.get(record.trial), counted.get(record.trial, [])
            own = replace(
                sample(record),
                every_count=_every_count(tries),
                failed_before=_why_failed_before(tries),
                uncounted=uncounted.get((record.cell, record.block)),
                unstarted=could_not_start(record) and why_broken_off(in_pass) is None,
                since=0 if filled is None else filled.blocks,
                broke_off_then=None if filled is None else why_broken_off(filled.before),
                superseded=_superseded(in_pass),
                watched=watched.get((record.cell, record.block)),
            )
            per_request = calls.get((own.cell_key, own.block))
            if per_request is not None:
                own = replace(own, metrics={**own.metrics, "syscalls_per_request": per_request})
            found.append(own)
    return found


def _why_failed_before(tries: Sequence[Record]) -> str | None:
    """Why a trial failed that was measured again, since its block was broken off."""
    failed = failed_before(tries)
    return told(failed[0].reason, failed[0].hint) if failed else None


def _superseded(tries: Sequence[Record]) -> tuple[Sample, ...]:
    """What was disturbed before the last try of a trial in the pass over its block that counts, and
    what broke off under its load, of which no figure is known."""
    return tuple(
        sample(one) if one.valid else replace(sample(one), metrics={}, disturbed=broken_load(one))
        for one in tries[:-1]
        if broke_off(one) or (one.valid and one.disturbed is not None)
    )


def _every_count(attempts: Iterable[Record]) -> dict[str, list[int]]:
    """What claims count in each attempt at a trial; of the groups too."""
    found: dict[str, list[int]] = {}
    for record in attempts:
        of_groups = [(name, one.counts) for name, one in record.groups.items()]
        for group, counts in [(None, record.counts), *of_groups]:
            for name, source in _COUNTS.items():
                if name in METRICS and source in counts:
                    found.setdefault(in_group(group, name), []).append(counts[source])
    return found


def sample(record: Record) -> Sample:
    """One trial's figures, by metric name, in base units."""
    metrics: dict[str, float | None] = {
        name: record.metrics.get(with_unit) for name, with_unit in _METRICS.items()
    }
    counts = _counts(record)
    saturated = {None: record.checks.saturated} | {n: g.saturated for n, g in record.groups.items()}
    lines = {None: record.checks.line} | {n: g.line for n, g in record.groups.items()}
    bounds = _bounds(record.bounds)
    for group, gave in record.groups.items():
        metrics |= {
            in_group(group, name): gave.metrics[with_unit]
            for name, with_unit in _METRICS.items()
            if with_unit in gave.metrics
        }
        bounds |= {in_group(group, name): bound for name, bound in _bounds(gave.bounds).items()}
        counts |= {
            in_group(group, name): gave.counts[source]
            for name, source in _COUNTS.items()
            if source in gave.counts
        }
    return Sample(
        cell_key=record.cell,
        block=record.block,
        valid=record.valid,
        reason=record.reason,
        metrics=metrics,
        counts=counts,
        hint=record.hint or "",
        bound=record.checks.generator_bound,
        not_full=record.checks.flight_gate,
        read_lags_s=_read_lags_s(record),
        lag_p99_s=record.checks.lag_p99_s,
        group_lags_p99_s={name: gave.lag_p99_s for name, gave in record.groups.items()},
        computing_s=record.checks.computing_s,
        bounds=bounds,
        saturated={name: one for name, one in saturated.items() if one is not None},
        lines={name: one for name, one in lines.items() if one is not None},
        halves=record.halves,
        foreign_cores=foreign_cores(record),
        design_cores=record.machine.get("design_cores"),
        foreign_names=tuple(record.evidence.foreign),
        disturbed=record.disturbed,
        crowded=too_much(record.machine, record.evidence.foreign, unbounded=True),
        unstarted=could_not_start(record),
        did_not_start=did_not_start(record),
        threads_unknown=None if record.server is None else record.server.thread_time_unknown,
        outcomes={name: record.counts[name] for name in OUTCOMES if name in record.counts},
    )


def _watched(record: Record) -> ThreadTime | None:
    """What a trial saw that watches threads: no figures, where others had so much of the machine
    that a timed trial would be measured again."""
    seen, noise = record.timeline, noise_while_watched(record.machine, record.evidence.foreign)
    if seen is None or noise is None or seen.absent is not None:
        return seen
    return replace(seen, shares={}, slices=(), unknown=(noise,))


def _read_lags_s(record: Record) -> dict[str, tuple[float, float | None]]:
    """Of all clients, and of each group, where that is a closed loop."""
    found: dict[str, tuple[float, float | None]] = {}
    every: dict[str, Checks | GroupFigures] = {"": record.checks, **record.groups}
    for name, lags in every.items():
        if lags.read_lag_p50_s is not None:
            found[name] = (lags.read_lag_p50_s, lags.read_lag_p99_s)
    return found


def _bounds(bounds: Mapping[str, LatencyBounds]) -> dict[str, LatencyBounds]:
    """Those of latencies, by the names that claims use."""
    return {name: bounds[_METRICS[name]] for name in LATENCIES if _METRICS[name] in bounds}


def _counts(record: Record) -> dict[str, int]:
    """What was counted of a trial as a whole, by the names that claims use; only what is known."""
    counts, checks = record.counts, record.checks
    known = {name: counts[source] for name, source in _COUNTS.items() if source in counts}
    if "clients_answered" in counts:
        known["waiting"] = record.parameters.clients - counts["clients_answered"]
    of_kernel = {
        "listen_overflows": checks.listen_overflows,
        "listen_drops": checks.listen_drops,
        "retransmits": checks.retransmits,
        "backlog": record.server.backlog if record.server else None,
    }
    return known | {name: count for name, count in of_kernel.items() if count is not None}
