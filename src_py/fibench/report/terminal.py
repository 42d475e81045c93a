# SPDX-License-Identifier: BSD-3-Clause
"""The report of a run on the terminal: the table of cells, then every claim in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fibench.experiment import NO_BELIEFS, Beliefs
from fibench.metrics import METRICS
from fibench.report._trial_line import kind_of_hint
from fibench.report.claims.expected import Expectations, expectations
from fibench.report.lines import interpreter_lines, load_words
from fibench.report.numbers import NO_FIGURE, percent, time_taken
from fibench.report.output import page, print_hanging
from fibench.report.table import POSSIBLE, print_table, shown_metrics
from fibench.report.words import (
    NOT_DECIDED,
    interval_words,
    tally,
    twin_line,
    verdict_lines,
    verdict_words,
)
from fibench.verdict import CONFIDENCE, CellSummary
from fibench.verdict.asymptotic.asymptotes import NONE_KNOWN, Possible
from fibench.verdict.bounds import MEANING
from fibench.verdict.verdict import Outcome, Verdict
from fibench.wording import counted, prose, shown

if TYPE_CHECKING:
    from rich.console import Console

    from fibench.experiment import Cell, Experiment
    from fibench.verdict import Failure, Findings

_ADDED_AFTERWARDS = (
    "claims added afterwards: who wrote them could know the figures, so that they are findings to "
    "test in a new run, not predictions that held"
)
_INTERRUPTED = "Interrupted: these are estimates. Verdicts are given on a whole run only."
_SOME_DECIDED = "Interrupted: what was decided before has its verdict, the rest has none."
_NOTHING = "NOT HERE      None of the cells can be run here."
_MOST_FAILURES = 10
_MOST_NAMED = 3
"""So many cells of which the same is said are named."""
_OUTCOME_WIDTH = len("INCONCLUSIVE") + 2
_STYLES: Mapping[Outcome, str] = {
    "CONFIRMED": "bold green",
    "REFUTED": "bold red",
    "INCONCLUSIVE": "bold yellow",
    "NOT HERE": "bold blue",
    "INVALID": "bold magenta",
}


@dataclass(frozen=True)
class Overhead:
    """Where the time of a run went. `measured_s` is warm-up and windows; `parts` name the rest."""

    total_s: float
    measured_s: float
    parts: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """`overhead 8.2 s of 95.1 s (8.6 %): starting servers 4.0 s, ...`."""
        overhead_s = max(0.0, self.total_s - self.measured_s)
        share = overhead_s / self.total_s if self.total_s > 0.0 else 0.0
        parts = ", ".join(f"{shown(name)} {time_taken(took)}" for name, took in self.parts.items())
        line = f"overhead {time_taken(overhead_s)} of {time_taken(self.total_s)} ({percent(share)})"
        return f"{line}: {parts}" if parts else line


@dataclass(frozen=True)
class Circumstances:
    """What a report says of a run beside its findings; a line that is empty is left out."""

    results_dir: str | Path
    interrupted: bool = False
    """Estimates are shown, and no verdicts."""
    overhead: Overhead | None = None
    """Known of a run that has just ended."""
    machine_line: str = ""
    pinning: str = ""
    """Which CPUs servers and load had, in one line."""
    build_line: str = ""
    """With what the programs were built."""
    interpreters: object = None
    """What the run keeps of them."""
    added_afterwards: bool = False
    """The claims are not those that the run was made for."""
    marks: Sequence[str] = ()
    """What is wrong with a stored run."""
    made_as: str = ""
    """The name that it was made under, and its seed."""
    before: str = ""
    """Which run of its experiment on its machine it is, and what came of those before."""
    age: str = ""
    """That its journal is of an earlier version, and what is not known for that."""
    beliefs: Beliefs = NO_BELIEFS
    """What was expected of its claims before it began."""


def render_results(
    out: Console | IO[str] | None,
    experiment: Experiment,
    findings: Findings,
    run: Circumstances,
) -> None:
    """Show a run, with the findings of results.find. What comes from outside is escaped.

    `out` is a console, a stream, or None for the standard output.
    """
    from rich.text import Text

    keys = {cell.key for cell in experiment.cells}
    cells = [summary for summary in findings.summaries if summary.cell_key in keys]
    with page(out) as console:
        pythons = interpreter_lines(run.interpreters, experiment.cells)
        _print_head(
            console,
            experiment.title,
            (load_words(experiment.cells) if cells else "", *_of_machine(run), *pythons),
            run.marks,
        )
        if experiment.cells:
            by_key = {cell.cell_key: cell for cell in cells}
            print_table(console, experiment.cells, by_key, findings.possible)
        else:
            console.print(Text(_NOTHING))
        console.print()
        for note in table_notes(experiment.cells, cells, findings.possible):
            print_hanging(console, 2, "", note, "dim")
        if findings.twin is not None:
            style = "yellow" if findings.twin.differs else "dim"
            print_hanging(console, 2, "", twin_line(findings.twin), style)
        if run.interrupted:
            console.print()
            console.print(Text(interrupted_words(findings.verdicts), style="bold yellow"))
        if findings.verdicts:
            console.print()
            expected = expectations(
                run.beliefs, findings.verdicts, findings.undecided, findings.possible
            )
            _print_verdicts(console, findings, expected, run.added_afterwards)
        for dropped in () if run.added_afterwards else experiment.dropped_claims:
            said = f"not judged: {prose(dropped.says)}: {shown(dropped.reason)}"
            print_hanging(console, 2, "", said, "")
        console.print()
        for note in findings.notes:
            print_hanging(console, 2, "", shown(note), "yellow")
        if findings.notes:
            console.print()
        _print_failures(console, findings.failures)
        if run.overhead is not None:
            print_hanging(console, 2, "", run.overhead.line(), "")
        # On a line of its own and never wrapped, so that it can be copied.
        console.print(Text(f"results: {shown(str(run.results_dir))}"), soft_wrap=True)


def interrupted_words(verdicts: Sequence[Verdict]) -> str:
    """What is said of a run that was interrupted, with these verdicts."""
    return _SOME_DECIDED if verdicts else _INTERRUPTED


def _of_machine(run: Circumstances) -> tuple[str, ...]:
    return run.made_as, run.before, run.machine_line, run.build_line, run.age, run.pinning


def _print_head(console: Console, title: str, lines: Iterable[str], marks: Sequence[str]) -> None:
    """What was measured with what; empty lines are of what is not known."""
    from rich.text import Text

    console.print(Text(prose(title), style="bold"))
    for line in lines:
        if line:
            console.print(Text(shown(line), style="dim"))
    for mark in marks:
        print_hanging(console, 9, "warning", prose(mark), "", "bold yellow")
    console.print()


def table_notes(
    cells: Sequence[Cell],
    summaries: Sequence[CellSummary],
    possible: Mapping[str, Possible] = NONE_KNOWN,
) -> list[str]:
    """What a reader of the table must know: intervals, what is missing, who waited, who failed."""
    labels = {cell.key: shown(cell.label) for cell in cells}
    notes = []
    blocks = max((summary.valid for summary in summaries), default=0)
    if blocks >= 2:
        made = {summary.valid for summary in summaries if summary.valid}
        several = any(_looked_at(one) for one in summaries)
        number = f"{min(made)} to {blocks}" if several and min(made) < blocks else str(blocks)
        trials = f"geometric means of {number} trials, one in each block"
        interval = f"± is the {percent(CONFIDENCE)} interval, each by itself"
        if several:
            interval += ", wide enough for cells that leave when their claims are decided"
        notes.append(f"{trials}; {interval}")
    elif blocks == 1:
        notes.append("one trial of each cell: no intervals")
    if any(one.per_s is not None for one in possible.values()):
        notes.append(POSSIBLE)
    metrics = shown_metrics(cells, summaries)
    absent = dict.fromkeys(
        f"{NO_FIGURE} {reason}"
        for summary in summaries
        for metric in metrics
        if summary.valid and (reason := summary.estimates[metric].absent) is not None
    )
    notes.extend(absent)
    if any(summary.estimates[metric].is_bound for summary in summaries for metric in metrics):
        notes.append(MEANING)
    alike: dict[str, list[str]] = {}
    for summary in summaries:
        for said in _cell_notes(summary, metrics):
            alike.setdefault(said, []).append(labels[summary.cell_key])
    return [*notes, *(f"{_names(who)}: {said}" for said, who in alike.items())]


def _names(labels: Sequence[str]) -> str:
    """Those of whom the same is said: all of them, or the first and how many others there are."""
    if len(labels) <= _MOST_NAMED:
        return ", ".join(labels)
    return f"{', '.join(labels[: _MOST_NAMED - 1])} and {len(labels) - _MOST_NAMED + 1} more"


def _looked_at(summary: CellSummary) -> bool:
    """Whether its number of trials hung on what was measured."""
    return any(estimate.looks is not None for estimate in summary.estimates.values())


def _cell_notes(summary: CellSummary, metrics: Sequence[str]) -> list[str]:
    """What must be known of a cell, without its name: what is said of several alike is one note."""
    notes = []
    total = summary.valid + summary.invalid
    if summary.invalid:
        reason = shown(summary.reason or "no reason given")
        which = "all" if summary.valid == 0 else str(summary.invalid)
        failed = f"{which} of {total} trials failed, and "
        failed += "does not count" if summary.invalid == 1 else "do not count"
        if total == 1:
            failed = "its only trial failed, and does not count"
        notes.append(f"{failed}: {reason}")
        if summary.invalid_outcomes:
            notes.append(f"how the requests of those ended: {_outcomes(summary)}")
    elif total == 0:
        notes.append("not measured")
    for metric in metrics:
        found = summary.estimates[metric]
        known = found.blocks
        if 0 < known < summary.valid and not found.slices:
            notes.append(f"{metric} is known in {known} of {summary.valid} trials")
    waiting = summary.counts.get("waiting")
    if waiting is not None and waiting.most:
        notes.append(
            f"up to {waiting.most} clients never had a reply; "
            "their requests are counted as unfinished"
        )
    for name in (metric.name for metric in METRICS.values() if metric.is_count):
        seen = summary.counts.get(name)
        if seen is not None and seen.total:
            notes.append(f"{seen.total} {name} in all of its trials")
    return notes


def _outcomes(summary: CellSummary) -> str:
    """How the requests of failed trials ended, each in one of these: `ok 990, wrong 10`."""
    outcomes = summary.invalid_outcomes
    return ", ".join(f"{shown(name)} {total:,}" for name, total in outcomes.items())


def _print_failures(console: Console, failures: Sequence[Failure]) -> None:
    """The trials that failed, those that failed alike on one line; what to do about several stands
    once, below the first of them."""
    alike: dict[str, list[Failure]] = {}
    for failed in failures:
        alike.setdefault(kind_of_hint(failed.reason), []).append(failed)
    hints: set[str] = set()
    for first, *others in list(alike.values())[:_MOST_FAILURES]:
        where = f" (stderr: {shown(first.stderr)})" if first.stderr else ""
        more = f" and {counted(len(others), 'trial')} more" if others else ""
        said = f"{shown(first.trial)}{more}: {shown(first.reason)}{where}"
        print_hanging(console, 8, "FAILED", said, "", "bold red")
        if first.hint and kind_of_hint(first.hint) not in hints:
            hints.add(kind_of_hint(first.hint))
            print_hanging(console, 8, "", shown(first.hint), "yellow")
    rest = sum(map(len, list(alike.values())[_MOST_FAILURES:]))
    if rest:
        print_hanging(console, 8, "", f"and {rest} more: see trials.jsonl", "dim")
    if failures:
        console.print()


def _print_verdicts(
    console: Console, findings: Findings, expected: Expectations, added_afterwards: bool
) -> None:
    from rich.text import Text

    verdicts = findings.verdicts

    if added_afterwards:
        print_hanging(console, 2, "", _ADDED_AFTERWARDS, "bold yellow")
        console.print()
    for verdict in verdicts:
        says = prose(verdict.claim.says)
        style = _STYLES[verdict.outcome]
        print_hanging(console, _OUTCOME_WIDTH, verdict.outcome, says, "bold", style)
        because = verdict_words(verdict).because
        for line in verdict_lines(verdict):
            print_hanging(console, _OUTCOME_WIDTH, "", line, "dim" if line == because else "")
        if said := expected.said_of(verdict.claim):
            print_hanging(console, _OUTCOME_WIDTH, "", f"you expected {said}", "italic")
        if beside := expected.beside(verdict.claim):
            print_hanging(console, _OUTCOME_WIDTH, "", beside, "italic")
    for claim in findings.undecided:
        print_hanging(console, _OUTCOME_WIDTH, NOT_DECIDED, prose(claim.says), "bold", "dim")
    console.print()
    console.print(Text(tally(verdicts, findings.undecided), style="bold"))
    for line in expected.summary():
        print_hanging(console, 2, "", line, "italic")
    print_hanging(console, 2, "", interval_words(verdicts), "dim")
