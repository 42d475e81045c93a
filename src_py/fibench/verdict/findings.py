# SPDX-License-Identifier: BSD-3-Clause
"""From journal records to what the statistics take, and to all that a run is found to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fibench.machine.busy import too_much
from fibench.metrics import LATENCIES, METRICS, in_group
from fibench.plan import ceiling_of, cells_to_trace
from fibench.plan.trials import SEARCH_BLOCK
from fibench.record import (
    Checks,
    GroupFigures,
    LatencyBounds,
    Record,
    ServerSide,
    broke_off,
    could_not_start,
    last_attempts,
)
from fibench.store.attempts import failed_before, filled_in, passes_of
from fibench.store.begun import Begun
from fibench.store.stops import Session
from fibench.store.stored_run import trial_folder
from fibench.verdict._notes.cells import ceilings_note, notes
from fibench.verdict._notes.folding import folded
from fibench.verdict._notes.searching import searched_lines
from fibench.verdict._notes.servers import of_servers
from fibench.verdict.attempts.broken_load import broken_load, why_broken_off
from fibench.verdict.attempts.made_again import MadeAgain, made_again
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Decisions, questions_of
from fibench.verdict.estimate import CONFIDENCE, CellSummary, summarise
from fibench.verdict.explaining.explained import with_reasons
from fibench.verdict.foreign.telling import foreign_cores, surroundings
from fibench.verdict.judging import Verdict
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
NO_DECISIONS = Decisions(0, (), {}, ())
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
    """One for each claim, in order; if the run is not complete, for each that was decided."""
    failures: tuple[Failure, ...]
    twin: TwinCheck | None
    notes: tuple[str, ...]
    """What the checks of the run itself have to say, each in one line."""
    decisions: Decisions = NO_DECISIONS
    """After which block each claim was decided, and each cell left the run."""
    undecided: tuple[Claim, ...] = ()
    """The claims without a verdict, in order: the run ended before they had one."""
    made_again: MadeAgain = field(default_factory=MadeAgain)
    """What was made more than once."""


def find(  # noqa: PLR0913 - all that is known of a run
    experiment: Experiment,
    records: Iterable[Record],
    cores: int | None,
    *,
    complete: bool,
    claims: Sequence[Claim] | None = None,
    server_words: Mapping[str, Path] = NO_WORDS,
    sessions: Sequence[Session] = (),
    begun: Sequence[Begun] = (),
    not_quiet: str | None = None,
) -> Findings:
    """Estimate and judge a run. `cores` is how many the machine had for it, if known.

    With `claims` those are judged instead of the file's; how long cells were measured hung on the
    file's all the same. Of a run that is not `complete` only what
    it had decided has a verdict; of one that was ended since the machine was `not_quiet`, what was
    open is not decided either. `records` are all attempts, in the order of writing; `sessions` are
    those of the run, and `begun` the attempts that it has begun. `server_words` are the files with
    what the servers of failed trials wrote, by the folders of these (`trial_folder`).
    """
    made = [record for record in records if record.role != "search"]
    begun = [one for one in begun if one.block != SEARCH_BLOCK]
    records = last_attempts(made)
    index = Index(samples(made))
    questions = questions_of(experiment, cores, claims)
    ended = complete and not_quiet is None
    followed = made if ended else _whole_blocks(experiment, made)
    decisions = decide(questions, samples(followed), ended=ended)
    verdicts = decisions.verdicts
    if not_quiet is not None:
        verdicts = _not_quiet(questions.claims, verdicts, not_quiet)
    counted = made_again(made, sessions, begun)
    keys = [cell.key for cell in experiment.cells]
    summaries = summarise(index, keys, looks=questions_of(experiment, cores).repeated())
    given = {verdict.claim.id for verdict in verdicts}
    return Findings(
        summaries,
        with_reasons(verdicts, index, records),
        tuple(failures(made, server_words)),
        _twin(experiment, index),
        (*counted.lines(), *_notes(experiment, summaries, index, records)),
        decisions,
        tuple(claim for claim in questions.claims if claim.id not in given),
        counted,
    )


def _not_quiet(
    claims: Iterable[Claim], decided: Iterable[Verdict], why: str
) -> tuple[Verdict, ...]:
    """What was decided before the run ended, and of the others that it did."""
    known = {verdict.claim.id: verdict for verdict in decided}
    return tuple(
        known.get(claim.id) or Verdict(claim, "INCONCLUSIVE", 1.0 - CONFIDENCE, reason=why)
        for claim in claims
    )


def _whole_blocks(experiment: Experiment, records: Sequence[Record]) -> list[Record]:
    """The records without those of a last block that was broken off before its system calls, or
    before its last trial was measured again, or when it was measured again as a whole.

    Where anything else is missing of a block, `decide` sees it.
    """
    last = max((record.block for record in records), default=-1)
    passes = passes_of(record for record in records if record.block == last).get(last, [])
    own = list(passes[-1].all()) if passes else []
    missing = {key for one in passes for key in one.tries} - {record.trial for record in own}
    if missing or (passes and passes[-1].owes()):
        return [record for record in records if record.block < last]
    made = {(record.cell, record.role) for record in own}
    measured = {cell for cell, role in made if role == "measure"}
    lacking = [
        cell
        for cell in cells_to_trace(experiment)
        if cell.key in measured and (cell.key, "syscalls") not in made
    ]
    return [record for record in records if not lacking or record.block < last]


def samples(records: Iterable[Record]) -> list[Sample]:
    """The samples of a run: of its cells and of their twins, which have cells of their own.

    The system calls of a cell were counted in a trial of their own, since counting slows a server
    down; they join the sample of the same cell and block. Ceilings are no samples.
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
    found = []
    for record in records:
        if record.role in ("measure", "twin"):
            tries = made[record.trial]
            filled, in_pass = late.get(record.trial), counted.get(record.trial, [])
            own = replace(
                sample(record),
                every_count=_every_count(tries),
                failed_before=_why_failed_before(tries),
                unstarted=could_not_start(record) and why_broken_off(in_pass) is None,
                since=0 if filled is None else filled.blocks,
                broke_off_then=None if filled is None else why_broken_off(filled.before),
                superseded=_superseded(in_pass),
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
        halves=record.halves,
        foreign_cores=foreign_cores(record),
        design_cores=record.machine.get("design_cores"),
        foreign_names=tuple(record.evidence.foreign),
        disturbed=record.disturbed,
        crowded=too_much(record.machine, record.evidence.foreign, unbounded=True),
        unstarted=could_not_start(record),
        outcomes={name: record.counts[name] for name in OUTCOMES if name in record.counts},
    )


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


def failures(records: Iterable[Record], server_words: Mapping[str, Path]) -> list[Failure]:
    """Every trial that is not valid, and every attempt that had failed in a block that was broken
    off, which stays a result; `records` are all attempts, in the order of writing."""
    made: dict[str, list[Record]] = {}
    for record in records:
        made.setdefault(record.trial, []).append(record)
    failed = []
    for last in last_attempts(one for own in made.values() for one in own):
        for record in (*failed_before(made[last.trial]), *([] if last.valid else [last])):
            place = "before the blocks" if record.block < 0 else f"block {record.block + 1}"
            place += "" if record is last else ", which was broken off then"
            trial = f"{record.label}, {place} ({trial_folder(record)})"
            reason = record.reason or "no reason given"
            stderr = server_words.get(trial_folder(record))
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
    found = [*searched_lines(experiment), *experiment.absent.lines()]
    of_cells = [
        note
        for cell, summary in zip(experiment.cells, summaries, strict=True)
        for note in notes(cell, summary, index, known.get(cell.key))
    ]
    found.extend(folded(of_cells))
    found.extend(endings(records))
    found.extend(of_servers(records))
    found.extend(surroundings(records))
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
