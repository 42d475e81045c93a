# SPDX-License-Identifier: BSD-3-Clause
"""A suite that `pyperf` shows and compares: for each cell up to three benchmarks, in seconds.

CPU time per request, the median latency, and the time per request, which is 1 ÷ throughput. A block
is one run with one value: the server process is the unit.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fibench.export._rows import cells_with_summary
from fibench.json_values import Json, object_or_empty, text_or_none
from fibench.metrics import TIMED, Metric
from fibench.wording import json_text, shown

if TYPE_CHECKING:
    from fibench.experiment import Cell
    from fibench.verdict import Review

FORMAT_VERSION = "1.0"


def export(review: Review) -> str:
    """The suite as JSON text. pyperf's own layout: https://pyperf.readthedocs.io/en/latest/."""
    benchmarks: list[Json] = []
    for cell, summary in cells_with_summary(review):
        for metric in TIMED:
            runs = _runs(review, cell, metric) if summary.estimates[metric.name].mean else []
            if runs:
                name = f"{shown(cell.label)}: {metric.timed_as}"
                metadata = {"name": name, **_interpreter(review, cell)}
                benchmarks.append({"metadata": metadata, "runs": runs})
    document: Json = {
        "benchmarks": benchmarks,
        "metadata": _metadata(review),
        "version": FORMAT_VERSION,
    }
    return json_text(document, 1)


def _runs(review: Review, cell: Cell, metric: Metric) -> list[Json]:
    found: list[Json] = []
    for record in review.run.records:
        value = record.metrics.get(metric.name_with_unit)
        if record.cell != cell.key or not record.is_measurement:
            continue
        if value is None or not math.isfinite(value) or value <= 0.0:
            continue
        seconds = 1.0 / value if metric.unit == "1/s" else float(value)
        metadata: Json = {"date": _date(record.started_at), "fibench_block": record.block + 1}
        found.append({"metadata": metadata, "values": [seconds]})
    return found


def _interpreter(review: Review, cell: Cell) -> dict[str, str]:
    """What stands in place of the suite's own Python, where a cell names another."""
    kept = review.run.environment.interpreters
    one = object_or_empty(kept.get(str(cell.parameters.interpreter)))
    return {
        f"python_{name}": shown(text)
        for name in ("version", "implementation")
        if (text := text_or_none(one.get(name))) is not None
    }


def _metadata(review: Review) -> dict[str, Json]:
    """What all runs share. No host name: it says nothing of the figures, and may be private."""
    environment = review.run.environment.document
    python = object_or_empty(environment.get("python"))
    metadata: dict[str, object] = {
        "unit": "second",
        "cpu_model_name": environment.get("processor"),
        "cpu_count": environment.get("cpus"),
        "platform": _joined("Linux", environment.get("kernel"), environment.get("architecture")),
        "python_version": python.get("version"),
        "python_implementation": python.get("implementation"),
        "fibench_run": review.run.name,
        "fibench_title": review.run.experiment.title,
        "fibench_complete": "yes" if review.run.complete else "no",
        "fibench_claims": review.claims_mark,
        "fibench_marks": "; ".join(review.marks),
    }
    for verdict in review.verdicts:
        metadata[f"fibench_claim_{verdict.claim.id}"] = verdict.outcome
    return {
        name: shown(value) if isinstance(value, str) else value
        for name, value in metadata.items()
        if isinstance(value, (str, int)) and value != ""
    }


def _joined(*words: object) -> str:
    return "-".join(str(word) for word in words if word)


def _date(started_at: str) -> str:
    """A trial's time as pyperf writes dates: UTC, without a zone."""
    try:
        moment = datetime.fromisoformat(started_at).astimezone(UTC)
    except ValueError:
        moment = datetime.fromtimestamp(0, UTC)
    return moment.replace(tzinfo=None).isoformat(" ")
