# SPDX-License-Identifier: BSD-3-Clause
"""GitHub-flavoured Markdown: a table of cells, and every claim in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fibench.metrics import METRICS
from fibench.report.claims.expected import expectations_of
from fibench.report.lines import (
    age_line,
    before_line,
    build_line,
    interpreter_lines,
    machine_line_of,
    made_as_line,
    pinning_line,
)
from fibench.report.table import Entry, TableLine, shown_metrics, table_lines
from fibench.report.terminal import interrupted_words, table_notes
from fibench.report.words import NOT_DECIDED, interval_words, notes_of, tally, verdict_lines
from fibench.wording import prose, shown

if TYPE_CHECKING:
    from fibench.verdict import Review

_MARKUP = re.compile(
    r"([\\`*\[|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+#>=]|^[0-9]+(?=[.)](?:\s|$)))"
)
"""What GitHub would take for markup; an underscore within a word is none."""
_MENTION = re.compile(r"@(?=\w)")
_NO_BREAK = "\N{NO-BREAK SPACE}"


def export(review: Review) -> str:
    """The report of a run, to paste into an issue or a README."""
    run = review.run
    cells = run.experiment.cells
    lines = [f"# {escape(prose(run.experiment.title))}", ""]
    lines += [f"Run {escape(run.name)}: {escape(machine_line_of(run))}", ""]
    built = build_line(run.environment.fibench, run.environment.compiler)
    lines += [f"With {escape(built)}.", ""] if built else []
    pinning = pinning_line(run.plan.document)
    lines += [f"{escape(pinning[:1].upper() + pinning[1:])}.", ""] if pinning else []
    pythons = interpreter_lines(run.environment.interpreters, cells)
    lines += [word for line in pythons for word in (f"{escape(line[:1].upper() + line[1:])}.", "")]
    lines += [word for mark in review.marks for word in (f"**Warning:** {escape(prose(mark))}", "")]
    for line in filter(None, (made_as_line(run.folder), before_line(run.folder), age_line(run))):
        lines += [f"{escape(line[:1].upper() + line[1:])}.", ""]
    lines += _cells_table(review) if cells else ["None of the cells could be run here."]
    possible = review.findings.possible
    notes = [*table_notes(cells, review.summaries, possible), *notes_of(review)]
    lines += ["", *(f"- {escape(prose(note.removeprefix('– ')))}" for note in notes)]
    if review.failures:
        lines += ["", "## Failed trials", ""]
        for failed in review.failures:
            lines.append(f"- {escape(failed.trial)}: {escape(prose(failed.reason))}")
            lines += [f"  - {escape(prose(failed.hint))}"] if failed.hint else []
    if review.interrupted:
        lines += ["", interrupted_words(review.verdicts)]
    if review.verdicts:
        lines += ["", *_claims(review)]
    for dropped in run.experiment.dropped_claims:
        lines += ["", f"Not judged: {escape(prose(dropped.says))}: {escape(prose(dropped.reason))}"]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that GitHub shows as it is, in a table too; on one line, without control characters.

    An @ is parted from what follows: a pasted report must not call anybody.
    """
    safe = shown(text.replace(_NO_BREAK, " "))
    safe = _MARKUP.sub(_marked, safe.replace("&", "&amp;"))
    return _MENTION.sub("@<!-- -->", safe.replace("<", "&lt;"))


def _marked(match: re.Match[str]) -> str:
    """The markup with a backslash: before it, or in `1.` behind the number."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """A table's lines; the first `left` columns are text, the others figures. Escapes all."""
    rule = [":--" if place < left else "--:" for place in range(len(heads))]
    return [
        f"| {' | '.join(escape(text) or ' ' for text in heads)} |",
        f"| {' | '.join(rule)} |",
        *(f"| {' | '.join(escape(text) or ' ' for text in row)} |" for row in rows),
    ]


def _cells_table(review: Review) -> list[str]:
    cells = review.run.experiment.cells
    summaries = {summary.cell_key: summary for summary in review.summaries}
    metrics = shown_metrics(cells, review.summaries)
    rows = [
        [_label(line), *(_figure(line.entry(metric)) for metric in metrics)]
        for line in table_lines(cells, summaries, review.findings.possible)
    ]
    return table(["cell", *(METRICS[metric].heading for metric in metrics)], rows)


def _label(line: TableLine) -> str:
    """A cell's, or of a client group of it: `py-mt: small`, since nothing is indented here."""
    return line.cell.label if line.group is None else f"{line.cell.label}: {line.group}"


def _figure(entry: Entry) -> str:
    return f"{entry.figure} {entry.beside}".strip()


def _claims(review: Review) -> list[str]:
    mark = f" ({review.claims_mark})" if review.added_afterwards else ""
    lines = [f"## Claims{mark}", ""]
    expected = expectations_of(review)
    for verdict in review.verdicts:
        lines.append(f"- **{verdict.outcome}** {escape(prose(verdict.claim.says))}")
        lines += [f"  - {escape(line)}" for line in verdict_lines(verdict)]
        said = expected.said_of(verdict.claim)
        beside = expected.beside(verdict.claim)
        lines += [f"  - Predicted {escape(said)}"] if said else []
        lines += [f"  - {escape(beside[:1].upper() + beside[1:])}"] if beside else []
    undecided = review.findings.undecided
    lines += [f"- {NOT_DECIDED}: {escape(prose(claim.says))}" for claim in undecided]
    lines += ["", f"{escape(tally(review.verdicts, undecided))}{mark}"]
    lines += [word for line in expected.summary() for word in ("", f"{escape(line)}.")]
    return [*lines, "", f"{escape(interval_words(review.verdicts))}."]
