# SPDX-License-Identifier: BSD-3-Clause
"""All figures: a row for each cell, and one for each trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fibench.metrics import METRICS, in_group, quantity
from fibench.page.view import CellView, View
from fibench.record import Record
from fibench.report.numbers import NO_FIGURE, percent, spread
from fibench.report.table import TableLine, shown_metrics, table_lines
from fibench.report.terminal import table_notes
from fibench.wording import prose, shown

_MORE = (
    "max",
    "switches_per_request",
    "syscalls_per_request",
    "running",
    "ready",
    "run_delay_per_request",
    "memory_peak",
)
"""What the terminal has no room for."""
_MOST_LISTED = 2000
"""Attempts."""
_OF_TRIALS = ("throughput", "p50", "p99", "cores", "cpu_per_request", "memory")


@dataclass(frozen=True)
class CellFigures:
    """A cell, or a client group of it."""

    cell: CellView
    group: str
    entries: Sequence[tuple[str, str]]
    """Each figure with its interval."""


@dataclass(frozen=True)
class TrialRow:
    """An attempt at a trial."""

    anchor: str
    place: str
    block: str
    label: str
    figures: Sequence[str]
    note: str


@dataclass(frozen=True)
class AllFigures:
    """The section."""

    heads: Sequence[str]
    rows: Sequence[CellFigures]
    notes: Sequence[str]
    trial_heads: Sequence[str]
    trials: Sequence[TrialRow]
    made: int
    """How many attempts there were: of very many those alone are listed that have a note."""
    again: int
    """How many of them measured a trial again."""


def all_figures(view: View) -> AllFigures:
    """Every figure of a run."""
    cells = [one.cell for one in view.cells]
    summaries = [view.summaries[cell.key] for cell in cells if cell.key in view.summaries]
    metrics = shown_metrics(cells, summaries)
    metrics += [
        name for name in _MORE if any(one.estimates[name].mean is not None for one in summaries)
    ]
    rows = [
        CellFigures(
            view.by_key[line.cell.key],
            shown(line.group) if line.group is not None else "",
            [_entry(line, metric) for metric in metrics],
        )
        for line in table_lines(cells, view.summaries)
    ]
    known = [name for name in _OF_TRIALS if any(_of_trial(one, name) for one in view.measured)]
    return AllFigures(
        heads=[METRICS[metric].heading for metric in metrics],
        rows=rows,
        notes=[prose(note) for note in table_notes(cells, summaries)],
        trial_heads=[METRICS[name].heading for name in known],
        trials=list(_trials(view, known)),
        made=len(view.review.run.attempts),
        again=sum(one.attempt > 1 for one in view.review.run.attempts),
    )


def _entry(line: TableLine, metric: str) -> tuple[str, str]:
    """As the terminal has it; what that does not show, likewise."""
    if metric not in _MORE:
        entry = line.entry(metric)
        return entry.figure, entry.interval
    if line.summary is None or (line.group is not None and not METRICS[metric].of_groups):
        return "", ""
    found = line.summary.estimates[in_group(line.group, metric)]
    if found.mean is None:
        return NO_FIGURE, ""
    return quantity(found.mean, METRICS[metric].unit), spread(found)


def _of_trial(record: Record, metric: str) -> float | None:
    return record.metrics.get(METRICS[metric].name_with_unit)


def _trials(view: View, metrics: Sequence[str]) -> Iterator[TrialRow]:
    """Every attempt, in the order in which they were made."""
    attempts = view.review.run.attempts
    for record in attempts:
        if len(attempts) > _MOST_LISTED and not _note(record):
            continue
        known = [(name, _of_trial(record, name)) for name in metrics]
        again = f"-{record.attempt}" if record.attempt > 1 else ""
        share = record.checks.generator_share
        told = [NO_FIGURE if one is None else quantity(one, METRICS[name].unit)
                for name, one in known]  # fmt: skip
        yield TrialRow(
            anchor=f"trial-{record.index}{again}",
            place=f"{record.index}{again}",
            block=str(record.block + 1) if record.block >= 0 else "before",
            label=shown(record.label),
            figures=[*told, NO_FIGURE if share is None else percent(share)],
            note=_note(record),
        )


def _note(record: Record) -> str:
    if not record.valid:
        return f"failed: {prose(record.reason or 'no reason given')}"
    if record.disturbed is not None:
        accepted = " (noise was accepted)" if record.is_accepted else ""
        return f"disturbed: {prose(record.disturbed.says)}{accepted}"
    return {"twin": "measured again (A/A)", "syscalls": "counts system calls",
            "timeline": "watches threads, untimed",
            "ceiling": "ceiling of the load generator"}.get(record.role or "", "")  # fmt: skip
