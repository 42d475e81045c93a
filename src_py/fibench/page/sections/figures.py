# SPDX-License-Identifier: BSD-3-Clause
"""All figures: a row for each cell, what each could answer at most, and a row for each trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fibench.metrics import METRICS, in_group, number, quantity
from fibench.page.view import CellView, View
from fibench.record import Record
from fibench.report.numbers import NO_FIGURE, percent, spread
from fibench.report.table import TableLine, shown_metrics, table_lines
from fibench.report.terminal import table_notes
from fibench.verdict import CellSummary
from fibench.verdict.asymptotic.asymptotes import Demand, Possible
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
_SOURCES = {
    "one client": "as with one client",
    "this load": "as here: alone it takes more",
    "computing": "for computing alone",
    "io_wait": "for waiting alone",
}
_MOST_NAMED = 3
_NEAR_WHOLE = 0.05


@dataclass(frozen=True)
class CellFigures:
    """A cell, or a client group of it."""

    cell: CellView
    group: str
    entries: Sequence[tuple[str, str]]
    """Each figure with its interval."""


@dataclass(frozen=True)
class PossibleRow:
    """A cell of which it is known."""

    cell: CellView
    measured: str
    possible: str
    share: str
    limit: str
    """By what it is limited, and what a request needs."""
    rest: str
    """Where what was not reached went, as far as the run knows; empty where it knows nothing."""


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
    possible: Sequence[PossibleRow]
    """Of the cells of which it is known."""
    unknown: Sequence[tuple[str, str]]
    """Of the others: which, and why."""
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
        for line in table_lines(cells, view.summaries, view.review.findings.possible)
    ]
    known = [name for name in _OF_TRIALS if any(_of_trial(one, name) for one in view.measured)]
    return AllFigures(
        heads=[METRICS[metric].heading for metric in metrics],
        rows=rows,
        notes=[
            prose(note) for note in table_notes(cells, summaries, view.review.findings.possible)
        ],
        possible=list(possible_rows(view)),
        unknown=unknown_rows(view),
        trial_heads=[METRICS[name].heading for name in known],
        trials=list(_trials(view, known)),
        made=len(view.review.run.attempts),
        again=sum(one.attempt > 1 for one in view.review.run.attempts),
    )


def _entry(line: TableLine, metric: str) -> tuple[str, str]:
    """As the terminal has it; what that does not show, likewise."""
    if metric not in _MORE:
        entry = line.entry(metric)
        return entry.figure, entry.beside
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


def possible_rows(view: View) -> Iterator[PossibleRow]:
    """Those of the cells of which it is known, in the order of the file."""
    for one in view.cells:
        summary = view.summaries.get(one.cell.key)
        found = view.review.findings.possible.get(one.cell.key)
        if summary is None or found is None or found.per_s is None or found.demand is None:
            continue
        rate_per_s = summary.estimates["throughput"].mean
        if rate_per_s is None:
            continue
        yield PossibleRow(
            one,
            quantity(rate_per_s, "1/s"),
            quantity(found.per_s, "1/s"),
            percent(rate_per_s / found.per_s),
            _limit(found, found.demand),
            "; ".join(_rest(summary, found, found.demand, rate_per_s)),
        )


def unknown_rows(view: View) -> list[tuple[str, str]]:
    """The others, those of which the same is said together, and why."""
    alike: dict[str, list[str]] = {}
    for one in view.cells:
        found = view.review.findings.possible.get(one.cell.key)
        if found is not None and found.absent is not None:
            alike.setdefault(shown(found.absent), []).append(one.label)
    return [(_names(labels), why) for why, labels in alike.items()]


def _names(labels: Sequence[str]) -> str:
    if len(labels) <= _MOST_NAMED:
        return ", ".join(labels)
    return f"{', '.join(labels[: _MOST_NAMED - 1])} and {len(labels) - _MOST_NAMED + 1} more"


def _limit(found: Possible, demand: Demand) -> str:
    """`2 CPUs, and 20.4 ms of CPU time a request, as with one client`."""
    source = _SOURCES[found.source or "this load"]
    if found.limit == "cpus":
        takes = f"{quantity(demand.cpu_s, 's')} of CPU time a request"
        return f"{_cpus(found.cpus or 0.0)}, and {takes}, {source}"
    if found.limit == "gil":
        return f"one GIL, and {quantity(demand.gil_s, 's')} with it a request, for computing alone"
    least = quantity(demand.until_reply_s + demand.wait_s, "s")
    return f"{found.at_once} at once, and {least} until a reply, {source}"


def _cpus(cpus: float) -> str:
    """`2 CPUs`; of those that a GIL, or a quota, leaves, `1.2 CPUs`."""
    whole = round(cpus)
    many = str(whole) if whole and abs(cpus - whole) < _NEAR_WHOLE else number(cpus, 2)
    return "1 CPU" if many == "1" else f"{many} CPUs"


def _rest(
    summary: CellSummary, found: Possible, demand: Demand, rate_per_s: float
) -> Iterator[str]:
    """What kept it from more, by what the run measured; X = busy CPUs ÷ CPU time of a request."""
    known = {name: one.mean for name, one in summary.estimates.items() if one.mean is not None}
    if found.limit != "clients":
        if (cores := known.get("cores")) is not None:
            yield f"{number(cores)} CPUs were busy"
        if (takes_s := known.get("cpu_per_request")) is not None and takes_s > demand.cpu_s:
            yield f"a request took {quantity(takes_s, 's')} of CPU time"
    elif found.at_once is not None:
        yield f"each took {quantity(found.at_once / rate_per_s, 's')}"
    for metric, words in (("running", "threads ran {}"), ("ready", "were ready without a CPU {}")):
        if metric in known:
            yield f"{words.format(percent(known[metric]))} of their time"
    if (switches := known.get("switches_per_request")) is not None:
        yield f"{number(switches, 2)} context switches a request"
