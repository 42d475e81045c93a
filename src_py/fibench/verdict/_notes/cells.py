# SPDX-License-Identifier: BSD-3-Clause
"""What a run's own checks have to say, in plain words: one line for each finding. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from statistics import median
from typing import TYPE_CHECKING

from fibench.metrics import METRICS, quantity
from fibench.verdict._meter import limited_by_meter
from fibench.verdict._notes.folding import Note
from fibench.verdict.estimate import CellSummary
from fibench.verdict.sample import Index, Sample
from fibench.verdict.twin import drift

if TYPE_CHECKING:
    from fibench.experiment import Cell

NEAR_CEILING = 0.8
"""From this share of the null server's throughput on, a cell is said to be near the ceiling."""
TOO_FAST = 10.0
"""So many times less than the recursion takes in C no compiler makes of it."""
_KERNEL_COUNTS = {
    "listen_overflows": ("time", "times", "a listen queue{} was full"),
    "listen_drops": ("connection was", "connections were", "dropped by a listening socket"),
    "retransmits": ("segment was", "segments were", "sent again"),
}
_TRIED_AGAIN = "who was turned away tries again after 1, 3, 7 and more seconds"
_WAITS = {
    "listen_overflows": _TRIED_AGAIN,
    "listen_drops": _TRIED_AGAIN,
    "retransmits": "such requests wait for it",
}


def notes(
    cell: Cell, summary: CellSummary, samples: Index, ceiling: float | None
) -> Iterator[Note]:
    """Everything worth a line about one cell. `ceiling` is the null server's rate, if known."""
    yield from _meter(cell, samples)
    yield from _not_full(cell, samples)
    yield from _saturated(cell, samples)
    yield from _late(cell, samples)
    yield from _near_ceiling(cell, summary, ceiling)
    yield from _kernel(cell, summary)
    yield from _lost(cell, summary)
    yield from _unsteady(cell, samples)
    yield from _too_fast(cell, samples)


def _meter(cell: Cell, samples: Index) -> Iterator[Note]:
    trials = samples.valid(cell.key)
    reasons = Counter(trial.bound for trial in trials.values() if trial.bound is not None)
    if reasons:
        reason = min(reasons, key=lambda each: (-reasons[each], each))
        where = f"in {reasons.total()} of {len(trials)} trials"
        yield Note(cell.label, f"the load generator was the limit {where}: {reason}")


def _not_full(cell: Cell, samples: Index) -> Iterator[Note]:
    trials = samples.valid(cell.key)
    reasons = [trial.not_full for trial in trials.values() if trial.not_full is not None]
    if reasons:
        yield Note(
            cell.label,
            f"{len(reasons)} of {len(trials)} trials are left out of claims about "
            f"throughput and latency: {reasons[0]}",
        )


def _saturated(cell: Cell, samples: Index) -> Iterator[Note]:
    """Open loops that asked for more than there was: a line for all of them, or for each group."""
    trials = samples.valid(cell.key).values()
    names = dict.fromkeys(name for trial in trials for name in trial.saturated)
    for name in [name for name in names if name is not None] or names:
        found = [trial.saturated[name] for trial in trials if name in trial.saturated]
        answered, due = (
            quantity(sum(rates) / len(found), "1/s")
            for rates in zip(*((one.answered_per_s, one.due_per_s) for one in found), strict=True)
        )
        where = "" if len(found) == len(trials) else f" in {len(found)} of {len(trials)} trials"
        of_group = "" if name is None else f"group {name} "
        yield Note(
            cell.label,
            f"{of_group}saturated{where}: answers {answered.removesuffix('/s')} of "
            f"{due}; its latencies are lower bounds",
        )


def _late(cell: Cell, samples: Index) -> Iterator[Note]:
    """Which percentiles a late generator spoils; a claim about one is INVALID."""
    trials = samples.valid(cell.key).values()
    free = [trial for trial in trials if trial.bound is None]
    spoilt = {
        metric.name: late
        for metric in METRICS.values()
        if (late := sum(limited_by_meter(trial, metric.name) is not None for trial in free))
    }
    if spoilt:
        yield Note(
            cell.label,
            f"the load generator {_what_it_did(trials)} late in "
            f"{max(spoilt.values())} of {len(trials)} trials, by over 5 % of {', '.join(spoilt)}",
        )


def _what_it_did(trials: Iterable[Sample]) -> str:
    return "read replies" if all(trial.lag_p99_s is None for trial in trials) else "woke up"


def _near_ceiling(cell: Cell, summary: CellSummary, ceiling: float | None) -> Iterator[Note]:
    throughput = summary.estimates["throughput"].mean
    if throughput is None or not ceiling or throughput < NEAR_CEILING * ceiling:
        return
    yield Note(
        cell.label,
        f"near the ceiling: {_share(throughput / ceiling)} of what a server answers "
        "that computes nothing, under the same load; the server may do better than this shows",
    )


def _kernel(cell: Cell, summary: CellSummary) -> Iterator[Note]:
    for name, (one, several, what) in _KERNEL_COUNTS.items():
        total = _total(summary, name)
        if name == "listen_drops":  # which has the overflows in it
            total -= _total(summary, "listen_overflows")
        if name == "retransmits" and _total(summary, "listen_overflows") > 0:
            continue  # which are the cause
        if total > 0:
            says = (
                f"{what.format(_queue(summary))} during its trials "
                f"(counted in the whole network namespace, whoever's they are): {_WAITS[name]}"
            )
            yield Note(cell.label, says, total, (one, several))


def _total(summary: CellSummary, name: str) -> int:
    counted = summary.counts.get(name)
    return (counted.total or 0) if counted is not None else 0


def _queue(summary: CellSummary) -> str:
    """How long the server's listen queue is, where that is known and always the same."""
    known = summary.counts.get("backlog")
    if known is None or known.least != known.most:
        return ""
    return f" (the server's has a backlog of {known.least})"


def _lost(cell: Cell, summary: CellSummary) -> Iterator[Note]:
    for name, counted in summary.counts.items():
        group, slash, what = name.rpartition("/")
        if slash and what == "lost" and counted.total:
            nouns = (f"connection of group {group} was", f"connections of group {group} were")
            yield Note(cell.label, "lost", counted.total, nouns)


def _unsteady(cell: Cell, samples: Index) -> Iterator[Note]:
    found = drift(samples, cell.key, cell.parameters, samples.cell_count)
    if found is not None and found.mean is not None:
        rises = "rises" if found.mean > 1.0 else "falls"
        size = _share(abs(found.mean - 1.0))
        yield Note(
            cell.label,
            f"not steady: the throughput {rises} {size} "
            "from the first half of the windows to the second: a longer warmup may help",
        )


def _too_fast(cell: Cell, samples: Index) -> Iterator[Note]:
    """A server that cannot have computed what it answers: it remembers, or has another way."""
    pairs = [
        (needed_s, used_s)
        for trial in samples.valid(cell.key).values()
        if (needed_s := trial.computing_s) is not None
        and (used_s := trial.metrics.get("cpu_per_request") or trial.metrics.get("p50"))
    ]
    if not pairs:
        return
    needed_s, used_s = (median(side) for side in zip(*pairs, strict=True))
    times = needed_s / used_s
    if times >= TOO_FAST:
        asking = [group.n for group in cell.parameters.groups if group.n is not None]
        n = min(asking, default=cell.parameters.n or 0)
        yield Note(
            cell.label,
            f"answers {times:.0f} times faster than fibonacci({n}) can be computed "
            f"so: {quantity(used_s, 's')} for each request, and the recursion takes a core "
            f"{quantity(needed_s, 's')} here, in C: it remembers results, or computes otherwise",
        )


def _share(share: float) -> str:
    return f"{100.0 * share:.0f} %"


def ceilings_note(missing: Mapping[str, str]) -> str | None:
    """Says that a ceiling could not be measured, for the first reason of why not."""
    if not missing:
        return None
    reason = next(iter(missing.values()))
    return f"the ceiling of this load is not known, since its trial failed: {reason}"
