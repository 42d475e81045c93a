# SPDX-License-Identifier: BSD-3-Clause
"""From journal records to what the statistics and the report take."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fibench.estimate import METRICS, Sample


def sample(record: Mapping[str, Any]) -> Sample:
    """One trial's figures, by metric name, in base units."""
    counts = record["counts"]
    known = {
        name: counts[source]
        for name, source in (
            ("window_ok", "window_ok"),
            ("refused", "refused_by_cap"),
            ("errors", "errors"),
            ("unfinished", "unfinished"),
        )
        if source in counts
    }
    if "clients_answered" in counts:
        known["waiting"] = record["parameters"]["clients"] - counts["clients_answered"]
    return Sample(
        cell_key=record["cell"],
        block=record["block"],
        valid=record["valid"],
        reason=record["reason"],
        metrics={
            name: record["metrics"].get(metric.name_with_unit)
            for name, metric in METRICS.items()
            if not metric.is_count
        },
        counts=known,
    )


def samples(records: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """The samples of a run's records."""
    return [sample(record) for record in records]


def failures(records: Iterable[Mapping[str, Any]], folder: Path) -> list[tuple[str, str, str]]:
    """Every trial that is not valid: its key, why, and the server's stderr ('' if it is empty)."""
    failed = []
    for record in records:
        if record["valid"]:
            continue
        stderr = folder / "trials" / f"{record['index']:03d}" / "server.err"
        has_words = stderr.is_file() and stderr.stat().st_size > 0
        failed.append((record["trial"], record["reason"], str(stderr) if has_words else ""))
    return failed
