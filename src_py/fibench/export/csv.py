# SPDX-License-Identifier: BSD-3-Clause
"""Comma-separated values, RFC 4180: a row for each cell and metric, then one for each cell with
what it could answer at most, for each that was left out, for each trial that failed, for what was
measured again, for each note, for each claim, and for each mark, which says what is wrong with the
stored run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fibench.export._rows import cells_with_summary, rows_of, unit_of
from fibench.json_values import finite
from fibench.report.words import NOT_DECIDED, notes_of
from fibench.verdict import Verdict
from fibench.verdict.sample import told
from fibench.wording import escaped

if TYPE_CHECKING:
    from fibench.experiment import Claim
    from fibench.verdict import Review

CSV_COLUMNS = (
    "row", "name", "metric", "estimate", "low", "high", "blocks", "unit", "interval", "outcome",
    "note", "decided", "at_least", "at_most",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(review: Review) -> str:
    """The figures of a run as CSV, with a line of names first."""
    rows: list[Sequence[object]] = []
    for cell, summary in cells_with_summary(review):
        for row in rows_of(summary):
            figures = (row.mean, row.low, row.high, row.blocks, row.unit, row.interval)
            bounds = (row.at_least, row.at_most)
            rows.append(
                ("cell", cell.label, row.metric, *figures, "", row.absent or "", None, *bounds)
            )
    nothing = (None, None, None, 0, "", "")
    rows += [
        (
            "possible",
            cell.label,
            "possible_throughput",
            found.per_s,
            None,
            None,
            0,
            "1/s",
            "",
            "",
            found.absent or f"by {found.limit}, from {found.source}",
        )
        for cell, summary in cells_with_summary(review)
        if (found := review.findings.possible.get(summary.cell_key)) is not None
    ]
    rows += [
        ("left out", absent.cell.label, "", *nothing, "", absent.reason)
        for absent in review.run.experiment.absent.cells
    ]
    rows += [
        ("failed", failed.trial, "", *nothing, "", told(failed.reason, failed.hint))
        for failed in review.failures
    ]
    rows += [
        ("trials", name, "", number, None, None, 0, "count", "", "", "")
        for name, number in review.findings.made_again.counted().items()
    ]
    rows += [("note", "", "", *nothing, "", note) for note in notes_of(review)]
    rows += [_claim_row(verdict, review.claims_mark) for verdict in review.verdicts]
    rows += [
        ("claim", claim.id, claimed_metric(claim), *nothing, NOT_DECIDED, review.claims_mark)
        for claim in review.findings.undecided
    ]
    rows += [("mark", "", "", *nothing, "", mark) for mark in review.marks]
    return written_rows(
        CSV_COLUMNS, ((*row, *[None] * (len(CSV_COLUMNS) - len(row))) for row in rows)
    )


def written_rows(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Rows as RFC 4180 has them: CRLF at the ends, quotes where needed, formulas made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([field(value) for value in row])
    return out.getvalue()


def field(value: object) -> str:
    """A field's text. Numbers have twelve digits; nothing is an empty field.

    A text that a spreadsheet would take for a formula is led by an apostrophe; what a terminal
    would obey is escaped, line ends too.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
        case int():
            return str(value)
    text = str(value)
    return escaped(f"'{text}" if text.startswith(_FORMULA) else text)


def _claim_row(verdict: Verdict, mark: str) -> Sequence[object]:
    claim, estimate, count = verdict.claim, verdict.estimate, verdict.count
    figures: tuple[object, ...] = (None, None, None, 0, "", "")
    if count is not None and count.total is not None:
        figures = (count.total / count.blocks, count.least, count.most, count.blocks)
        figures = (*figures, "count", "range")
    elif estimate is not None:
        unit = _unit(verdict)
        share = f"{100 * (1 - estimate.alpha):.4g} %"
        figures = (finite(estimate.mean), *verdict.known_ends, estimate.blocks, unit, share)
    note = "; ".join(text for text in (mark, verdict.reason, verdict.foreign_unknown) if text)
    named = ("claim", claim.id, claimed_metric(claim))
    bounds: tuple[float | None, ...] = (None, None)
    if estimate is not None and count is None:
        bounds = (finite(estimate.at_least), finite(estimate.at_most))
    return (*named, *figures, verdict.outcome, note, verdict.decided, *bounds)


def _unit(verdict: Verdict) -> str:
    """That of a claim's estimate: a ratio, the axis of a crossover, or the metric's."""
    claim = verdict.claim
    if claim.kind == "sustains":
        return "1/s" if claim.right is None else "ratio"
    return unit_of(claim.metric) if claim.kind == "value" else claim.over or claim.kind


def claimed_metric(claim: Claim) -> str:
    """What a claim is about: `p50`, of a client group `small/p50`."""
    return f"{claim.group}/{claim.metric}" if claim.group else claim.metric
