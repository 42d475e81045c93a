# SPDX-License-Identifier: BSD-3-Clause
"""From journal records to what the statistics take, and to all that a run is found to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fibench.metrics import LATENCIES, METRICS, in_group
from fibench.plan import ceiling_of
from fibench.record import LatencyBounds, Record, ServerSide, last_attempts
from fibench.store.stored_run import trial_folder
from fibench.verdict._notes import ceilings_note, notes
from fibench.verdict.estimate import CellSummary, summarise
from fibench.verdict.judging import Verdict, judge
from fibench.verdict.sample import Index, Sample, told
from fibench.verdict.twin import TwinCheck, check_twin

if TYPE_CHECKING:
    from fibench.experiment import Claim, Experiment

_COUNTS = {
    **{m.name: m.counted_as or m.name for m in METRICS.values() if m.is_count},
    **{name: name for name in ("window_ok", "unfinished", "lost")},
}
"""Counts of a sample, and what records call them: what is claimed, and what is told beside it."""
_METRICS = {
    metric.name: metric.name_with_unit for metric in METRICS.values() if not metric.is_count
}
NO_WORDS: Mapping[str, Path] = {}
OUTCOMES = ("ok", "wrong", "refused", "closed", "reset", "timeout", "local", "unfinished")
"""Every request of a trial ends in one of these."""


class Failure(NamedTuple):
    """A trial that is not valid."""

    trial: str
    """Its name as in the progress lines: cell, block from 1, and its folder."""
    reason: str
    stderr: str = ""
    """Where what its server wrote is; empty if it wrote nothing."""
    hint: str = ""
    """What to do about it; empty where nothing is known."""


@dataclass(frozen=True)
class Findings:
    """All that a run says: what the report shows and what decides the exit status."""

    summaries: tuple[CellSummary, ...]
    """One for each cell, in the order of the file."""
    verdicts: tuple[Verdict, ...]
    """One for each claim, in order; none if the run is not complete."""
    failures: tuple[Failure, ...]
    twin: TwinCheck | None
    notes: tuple[str, ...]
    """What the checks of the run itself have to say, each in one line."""


def find(
    experiment: Experiment,
    records: Iterable[Record],
    cores: int | None,
    *,
    complete: bool,
    claims: Sequence[Claim] | None = None,
    server_words: Mapping[str, Path] = NO_WORDS,
) -> Findings:
    """Estimate and judge a run. `cores` is how many the machine had for it, if known.

    With `claims` those are judged instead of the file's. A run that is not `complete` has no
    verdicts. `server_words` are the files with what the servers of failed trials wrote, by the
    trials' keys.
    """
    records = last_attempts(records)
    index = Index(samples(records))
    in_file = len(experiment.claims) + len(experiment.dropped_claims)
    verdicts = judge(
        experiment.claims if claims is None else claims,
        index,
        cores,
        complete=complete,
        total_claims=in_file if claims is None else None,
        absent=experiment.absent,
    )
    summaries = summarise(index, [cell.key for cell in experiment.cells])
    return Findings(
        summaries,
        verdicts,
        tuple(failures(records, server_words)),
        _twin(experiment, index),
        tuple(_notes(experiment, summaries, index, records)),
    )


def samples(records: Iterable[Record]) -> list[Sample]:
    """The samples of a run: of its cells and of their twins, which have cells of their own.

    The system calls of a cell were counted in a trial of their own, since counting slows a server
    down; they join the sample of the same cell and block. Ceilings are no samples.
    """
    records = last_attempts(records)
    calls = {
        (record.cell, record.block): record.metrics.get("syscalls_per_request")
        for record in records
        if record.role == "syscalls" and record.valid
    }
    found = []
    for record in records:
        if record.role in ("measure", "twin"):
            own = sample(record)
            per_request = calls.get((own.cell_key, own.block))
            if per_request is not None:
                own = replace(own, metrics={**own.metrics, "syscalls_per_request": per_request})
            found.append(own)
    return found


def sample(record: Record) -> Sample:
    """One trial's figures, by metric name, in base units."""
    metrics: dict[str, float | None] = {
        name: record.metrics.get(with_unit) for name, with_unit in _METRICS.items()
    }
    counts = _counts(record)
    saturated = {None: record.checks.saturated} | {n: g.saturated for n, g in record.groups.items()}
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
        lag_p99_s=record.checks.lag_p99_s,
        group_lags_p99_s={name: gave.lag_p99_s for name, gave in record.groups.items()},
        bounds=bounds,
        saturated={name: one for name, one in saturated.items() if one is not None},
        halves=record.halves,
        outcomes={name: record.counts[name] for name in OUTCOMES if name in record.counts},
    )


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


def failures(records: Iterable[Record], server_words: Mapping[str, Path]) -> list[Failure]:
    """Every trial that is not valid."""
    failed = []
    for record in last_attempts(records):
        if not record.valid:
            place = "before the blocks" if record.block < 0 else f"block {record.block + 1}"
            trial = f"{record.label}, {place} ({trial_folder(record)})"
            reason = record.reason or "no reason given"
            stderr = server_words.get(record.trial)
            words = "" if stderr is None else str(stderr)
            failed.append(Failure(trial, reason, words, record.hint or ""))
    return failed


def null_rates(experiment: Experiment, records: Iterable[Record]) -> dict[str, float]:
    """The throughput of the null server under the load of each cell, by the cell's key."""
    rates = {
        record.trial.removeprefix("ceiling-"): record.metrics.get("throughput_per_s")
        for record in records
        if record.role == "ceiling" and record.valid
    }
    shapes = {cell.key: ceiling_of(cell, experiment) for cell in experiment.cells}
    found = {key: rates.get(shape) for key, shape in shapes.items() if shape is not None}
    return {key: rate for key, rate in found.items() if rate}


def _twin(experiment: Experiment, index: Index) -> TwinCheck | None:
    for cell in experiment.cells:
        found = check_twin(index, cell.key, cell.label, cell.parameters)
        if found is not None:
            return found
    return None


def _notes(
    experiment: Experiment,
    summaries: Sequence[CellSummary],
    index: Index,
    records: Sequence[Record],
) -> list[str]:
    known = null_rates(experiment, records)
    found = list(experiment.absent.lines())
    for cell, summary in zip(experiment.cells, summaries, strict=True):
        found.extend(notes(cell, summary, index, known.get(cell.key)))
    found.extend(endings(records))
    missing = {
        record.trial: told(record.reason, record.hint)
        for record in records
        if record.role == "ceiling" and not record.valid
    }
    said = ceilings_note(missing)
    return found if said is None else [*found, said]


def endings(records: Iterable[Record]) -> Iterator[str]:
    """Servers that do not end as they should: of each backend once, in how many trials."""
    by_backend: dict[str, list[ServerSide]] = {}
    for record in records:
        if record.server is not None:
            by_backend.setdefault(record.parameters.backend, []).append(record.server)
    for backend, servers in by_backend.items():
        forced = sum(server.forced is True for server in servers)
        swept = [count for server in servers if (count := server.swept or 0) > 0]
        said = []
        if forced:
            said.append(f"did not end at SIGTERM in {forced} of {len(servers)} trials")
        if swept:
            processes = "1 process" if sum(swept) == 1 else f"{sum(swept)} processes"
            said.append(f"left {processes} behind in {len(swept)} of {len(servers)} trials")
        if said:
            yield f"{backend} {' and '.join(said)}: they were killed, which makes each trial longer"
