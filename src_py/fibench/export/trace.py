# SPDX-License-Identifier: BSD-3-Clause
"""Chrome's trace event format: a run on a time line, for Perfetto and chrome://tracing.

Two groups of rows: one row for each cell, with its trials and their phases; one for each CPU, with
whose trial had it. Before them stand the blocks. Times are microseconds after the run's beginning.

A trial's record says when it began, and how long it took as a whole and under load, and not how
what remains lies before and after that: starting a server and checking its replies takes longer
than ending it, and all of it is drawn before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import fibench
from fibench.export.graders.plain import told_claims
from fibench.json_values import Json, finite
from fibench.parameters.cpu_list import CpuListError, parse_cpus
from fibench.plan import TWIN
from fibench.record import Record
from fibench.wording import json_text, shown

if TYPE_CHECKING:
    from fibench.verdict import Review

_RUN, _CELLS, _CPUS = 1, 2, 3
"""The groups of rows, as processes of the trace."""
_US = 1e6
_BEFORE = "before the blocks"
_MOST_CPUS = 64
"""Rows of CPUs of a trial: of more nobody sees anything."""

TraceEvent = dict[str, Json]


@dataclass(frozen=True)
class TrialSpan:
    """A trial on the time line, in seconds after the run's beginning."""

    record: Record
    begins: float
    ends: float

    @property
    def block(self) -> str:
        """In which it was made, from 1."""
        return _BEFORE if self.record.block < 0 else f"block {self.record.block + 1}"


def export(review: Review) -> str:
    """The document as text."""
    spans = trial_spans(review.run.attempts)
    rows = _rows(review, spans)
    events: list[TraceEvent] = list(_blocks(spans))
    cpus: set[int] = set()
    for span in spans:
        events += _trial(span, rows[_row_of(span.record)])
        for cpu, owners in _owners(span.record).items():
            name = f"{' and '.join(owners)}: {shown(span.record.label)}"
            events.append(_slice(name, "cpu", (_CPUS, cpu + 1), span.begins, span.ends))
            cpus.add(cpu)
    events += _row_names(rows, sorted(cpus))
    document: Json = {
        "traceEvents": _ordered(events),
        "displayTimeUnit": "ms",
        "otherData": {
            "run": shown(review.run.name),
            "title": shown(review.run.experiment.title),
            "fibench": fibench.__version__,
            "claims": {shown(told.id): told.outcome for told in told_claims(review)},
            "claims_added_afterwards": review.added_afterwards,
            "marks": [shown(mark) for mark in review.marks],
        },
    }
    return json_text(document, None)


def trial_spans(attempts: Iterable[Record]) -> Sequence[TrialSpan]:
    """The attempts at trials one after another: none begins before the one before has ended, to
    the millisecond that a record has."""
    timed = [(datetime.fromisoformat(one.started_at).timestamp(), one) for one in attempts]
    timed.sort(key=lambda pair: (pair[0], pair[1].index, pair[1].attempt))
    base = timed[0][0] if timed else 0.0
    spans = [TrialSpan(one, at - base, at - base + max(one.times.wall_s, 0.0)) for at, one in timed]
    later = [span.begins for span in spans[1:]]
    return [
        TrialSpan(span.record, span.begins, min(span.ends, later[place]))
        for place, span in enumerate(spans[:-1])
    ] + spans[-1:]


def _ordered(events: Iterable[TraceEvent]) -> list[TraceEvent]:
    """Names come first, then what begins first."""

    def place(event: TraceEvent) -> tuple[bool, float]:
        at = event.get("ts", 0.0)
        return event["ph"] != "M", at if isinstance(at, float) else 0.0

    return sorted(events, key=place)


def _row_of(record: Record) -> str:
    """Whose row a trial is in: a twin's is its cell's; ceilings and searches have one of theirs."""
    if record.role in ("ceiling", "search", None):
        return record.role or "of no role"
    return record.cell.removesuffix(TWIN)


def _rows(review: Review, spans: Iterable[TrialSpan]) -> dict[str, tuple[int, str]]:
    """By what `_row_of` gives: the number of a row from 1, and what it is called."""
    cells = {cell.key: shown(cell.label) for cell in review.run.planned_cells}
    used = dict.fromkeys(_row_of(span.record) for span in spans)
    order = [*(key for key in cells if key in used), *(key for key in used if key not in cells)]
    return {key: (place, cells.get(key, shown(key))) for place, key in enumerate(order, 1)}


def _row_names(rows: dict[str, tuple[int, str]], cpus: Sequence[int]) -> Iterator[TraceEvent]:
    for process, name in ((_RUN, "run"), (_CELLS, "cells"), (_CPUS, "CPUs")):
        if process != _CPUS or cpus:
            yield _meta("process_name", process, 0, {"name": name})
            yield _meta("process_sort_index", process, 0, {"sort_index": process})
    yield _meta("thread_name", _RUN, 1, {"name": "blocks"})
    for number, label in rows.values():
        yield _meta("thread_name", _CELLS, number, {"name": label})
        yield _meta("thread_sort_index", _CELLS, number, {"sort_index": number})
    for cpu in cpus:
        yield _meta("thread_name", _CPUS, cpu + 1, {"name": f"CPU {cpu}"})


def _meta(name: str, process: int, thread: int, said: Json) -> TraceEvent:
    return {"ph": "M", "name": name, "pid": process, "tid": thread, "args": said}


def _slice(name: str, kind: str, row: tuple[int, int], begins: float, ends: float) -> TraceEvent:
    """A span of a row, in seconds; it is never shorter than nothing."""
    return {
        "ph": "X",
        "name": name,
        "cat": kind,
        "pid": row[0],
        "tid": row[1],
        "ts": round(begins * _US, 1),
        "dur": round(max(ends - begins, 0.0) * _US, 1),
    }


def _blocks(spans: Sequence[TrialSpan]) -> Iterator[TraceEvent]:
    """What lies between the first trial of a block and its last, attempts in a row."""
    begin = 0
    edges = [end for end, (one, two) in enumerate(pairwise(spans), 1) if one.block != two.block]
    for end in [*edges, len(spans)] if spans else ():
        first, last = spans[begin], spans[end - 1]
        yield _slice(first.block, "block", (_RUN, 1), first.begins, last.ends)
        begin = end


def _trial(span: TrialSpan, row: tuple[int, str]) -> Iterator[TraceEvent]:
    """A trial, and within it its phases."""
    record, place = span.record, (_CELLS, row[0])
    said = shown(record.label)
    said += "" if record.role in ("measure", None) else f" ({record.role})"
    said += "" if record.valid else ": failed"
    whole = _slice(said, "trial", place, span.begins, span.ends)
    whole["args"] = _about(record)
    if not record.valid:
        whole["cname"] = "terrible"
    yield whole
    measured = min(max(record.times.measured_s, 0.0), span.ends - span.begins)
    if measured > 0.0:
        opens = span.ends - measured
        warm = min(_warmup_s(record), measured)
        yield _slice("start and check", "phase", place, span.begins, opens)
        if warm > 0.0:
            yield _slice("warm-up", "phase", place, opens, opens + warm)
        yield _slice("window", "phase", place, opens + warm, span.ends)
    if record.disturbed is not None:
        yield {
            "ph": "i",
            "s": "t",
            "name": f"disturbed: {shown(record.disturbed.says)}",
            "cat": "disturbed",
            "pid": place[0],
            "tid": place[1],
            "ts": round(span.ends * _US, 1),
        }


def _warmup_s(record: Record) -> float:
    """How long its warm-up was; 0 where that is not known."""
    known = record.checks.warmup_s
    return max((record.parameters.warmup_s if known is None else known) or 0.0, 0.0)


def _about(record: Record) -> Json:
    figures = {name: finite(value) for name, value in record.metrics.items()}
    return {
        "block": record.block + 1,
        "attempt": record.attempt,
        "index": record.index,
        "role": record.role,
        "valid": record.valid,
        "reason": None if record.reason is None else shown(record.reason),
        "disturbed": None if record.disturbed is None else shown(record.disturbed.says),
        "metrics": {name: value for name, value in figures.items() if value is not None},
    }


def _owners(record: Record) -> dict[int, list[str]]:
    """Who of a trial had which CPUs, where it was given some: its server, its load."""
    owners: dict[int, list[str]] = {}
    sides = {"server": record.server, "load": record.generator}
    for name, side in sides.items():
        for cpu in _numbers(side.cpus if side is not None else None):
            owners.setdefault(cpu, []).append(name)
    return owners


def _numbers(cpus: str | None) -> Sequence[int]:
    """The CPUs that a record names, the first of very many; none of a text that names none."""
    try:
        return parse_cpus(cpus)[:_MOST_CPUS] if cpus else ()
    except CpuListError:
        return ()
