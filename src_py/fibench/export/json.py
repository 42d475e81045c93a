# SPDX-License-Identifier: BSD-3-Clause
"""One JSON document for a run: cells, claims, machine. Its layout is in docs/reviewing.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import fibench
from fibench.export._rows import cells_with_summary, name_with_unit, rows_of
from fibench.json_values import Json, finite
from fibench.report.claims.expected import expectations_of
from fibench.report.words import notes_of
from fibench.store.before import runs_after, runs_before
from fibench.verdict import CONFIDENCE
from fibench.verdict.explaining.by_block import figures_by_block
from fibench.verdict.sampling.sampled import samples
from fibench.verdict.verdict import claim_json
from fibench.wording import json_text

if TYPE_CHECKING:
    from fibench.experiment import Cell
    from fibench.record import Record
    from fibench.verdict import CellSummary, Review, Sample, Verdict

SCHEMA = 1


def export(review: Review) -> str:
    """The document as text, indented, with a line end."""
    return json_text(document(review), 2)


def document(review: Review) -> dict[str, Json]:
    """The document. Names and units are an interface: `schema` changes when they do."""
    run = review.run
    made, measured = samples(run.attempts), _measured(run.records)
    after = runs_after(run.folder)
    return {
        "schema": SCHEMA,
        "fibench": fibench.__version__,
        "run": {
            "name": run.name,
            "experiment": run.experiment_name,
            "title": run.experiment.title,
            "as": run.plan.made_as or None,
            "complete": run.complete,
            "started_at": min((record.started_at for record in run.records), default=None),
            **run.experiment.plan.as_json(),
            "trials": len(run.records),
            "damaged_lines": [line for line, _ in run.ignored],
            "marks": list(review.marks),
            "attempts": review.findings.made_again.as_json(),
            "before": [list(one.outcomes) for one in runs_before(run.folder)],
            "after": {"made": after.made, "before_it_had_ended": after.meanwhile},
        },
        "machine": _without_nan(run.environment.document),
        "cells": [
            {
                **_named(cell),
                "trials": {"valid": summary.valid, "invalid": summary.invalid},
                "reason": summary.reason,
                "metrics": _metrics(summary),
                "possible": _possible(review, summary),
                "by_block": [_trial(record) for record in measured.get(cell.key, ())],
            }
            for cell, summary in cells_with_summary(review)
        ],
        "left_out": [
            {**_named(absent.cell), "reason": absent.reason}
            for absent in run.experiment.absent.cells
        ],
        "searches": [_without_nan(one.as_json()) for one in run.experiment.found_rates],
        "claims_added_afterwards": review.added_afterwards,
        "confidence": CONFIDENCE,
        "claims": [
            {**claim_json(verdict), "by_block": _by_block(verdict, made)}
            for verdict in review.verdicts
        ],
        "undecided": [claim.id for claim in review.findings.undecided],
        "expected": expectations_of(review).as_json(),
        "failures": [
            {"trial": failed.trial, "reason": failed.reason, "hint": failed.hint or None}
            for failed in review.failures
        ],
        "notes": notes_of(review),
    }


def _named(cell: Cell) -> dict[str, Json]:
    """Which cell it is."""
    return {
        "key": cell.key,
        "label": cell.label,
        "backend": cell.backend,
        "parameters": _without_nan(cell.parameters.as_json()),
    }


def _metrics(summary: CellSummary) -> dict[str, Json]:
    """The figures of a cell, by the names that they have in JSON."""
    return {
        name_with_unit(row.metric): {
            "mean": row.mean,
            "at_least": row.at_least,
            "at_most": row.at_most,
            "low": row.low,
            "high": row.high,
            "blocks": row.blocks,
            "unit": row.unit,
            "interval": row.interval,
            "absent": row.absent,
        }
        for row in rows_of(summary)
    }


def _possible(review: Review, summary: CellSummary) -> Json:
    """What a cell could answer at most."""
    found = review.findings.possible.get(summary.cell_key)
    return None if found is None else found.as_document(summary.estimates["throughput"].mean)


def _by_block(verdict: Verdict, made: Sequence[Sample]) -> list[Json]:
    """What each block says of a claim; of a crossover `crossover` has that."""
    return [
        {
            "block": one.block,
            "figure": finite(one.figure),
            "at_least": finite(one.at_least),
            "at_most": finite(one.at_most),
            "left": finite(one.left),
            "right": finite(one.right),
            "left_out": one.left_out or None,
            "meets_bound": one.is_met if verdict.count is not None else None,
        }
        for one in figures_by_block(verdict, made)
    ]


def _measured(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The last attempt of each trial that measured a cell, by its key, in the order of blocks."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.role == "measure":
            found.setdefault(record.cell, []).append(record)
    return {key: sorted(own, key=lambda one: one.block) for key, own in found.items()}


def _trial(record: Record) -> Json:
    """What a trial gave, by the names that metrics have in JSON; of client groups likewise."""
    groups = {
        f"{name}/{metric}": figure
        for name, group in record.groups.items()
        for metric, figure in group.metrics.items()
    }
    return {
        "block": record.block + 1,
        "attempt": record.attempt,
        "valid": record.valid,
        "disturbed": None if record.disturbed is None else record.disturbed.says,
        "metrics": {name: finite(one) for name, one in {**record.metrics, **groups}.items()},
        "counts": dict(record.counts),
    }


def _without_nan(value: object) -> Json:
    """A value that was read as JSON, with null for what JSON has no number for."""
    match value:
        case Mapping():
            return {str(name): _without_nan(item) for name, item in value.items()}
        case list() | tuple():
            return [_without_nan(item) for item in value]
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
    raise TypeError(f"{type(value)} is not of JSON")
