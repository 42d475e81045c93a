# SPDX-License-Identifier: BSD-3-Clause
"""An HdrHistogram log, format 1.3 with V2 histograms: one interval for each second and group.

The hdrhistogram package encodes the histograms; its own writer knows no tags and no base time, so
the lines are written here. Source: HistogramLogProcessor and HistogramLogWriter of HdrHistogram.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fibench import called
from fibench.export import histogram
from fibench.export._rows import cells_with_summary
from fibench.export.formats import ExportError
from fibench.json_values import Object
from fibench.record import Record
from fibench.store import StoredError
from fibench.store.files import shown_path
from fibench.store.stored_run import read_load, trial_folder
from fibench.wording import shown

if TYPE_CHECKING:
    from fibench.store import StoredRun
    from fibench.verdict import Review

_NS = 1e-9
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9._=+:;/~-]+")


def export(review: Review) -> str:
    """The log as text: values in ns, times in s after the base time. Raises ExportError."""
    try:
        from hdrh.histogram import HdrHistogram
    except ImportError as error:
        raise ExportError(
            "the format hlog needs the hdrhistogram package, which is not installed",
            f"install it: {called.installing('hdrhistogram', 'hlog')}",
        ) from error
    run = review.run
    if run.page is not None:
        raise ExportError("a page carries no histograms", "give the folder of the run itself")
    tags = _tags(review)
    base_s = min((_seconds(record) for record in run.records), default=0.0)
    lines = [*_head(review, base_s), _LEGEND]
    for record in run.records:
        if not record.is_measurement or record.cell not in tags:
            continue
        for group, start_s, length_s, pairs in _intervals(run, record):
            try:
                counts = histogram.from_sparse(pairs)
            except ValueError as error:
                raise _damaged(run, record, str(error)) from error
            coded = HdrHistogram(
                histogram.LOWEST_NS, histogram.HIGHEST_NS, histogram.SIGNIFICANT_DIGITS
            )
            for index, count in histogram.to_sparse(counts):
                coded.record_value(histogram.lowest_at(index), count)
            offset_s = _seconds(record) - base_s + start_s
            tag = f"{tags[record.cell]}/{_NOT_IN_TAGS.sub('_', group)}"
            largest_ms = histogram.maximum(counts) / 1e6
            figures = f"{offset_s:.3f},{length_s:.3f},{largest_ms:.3f}"
            lines.append(f"Tag={tag},{figures},{coded.encode().decode('ascii')}")
    return "\n".join(lines) + "\n"


def _head(review: Review, base_s: float) -> Iterator[str]:
    yield "#[Histogram log format version 1.3]"
    yield f"#[StartTime: {base_s:.3f} (seconds since epoch)]"
    yield f"#[BaseTime: {base_s:.3f} (seconds since epoch)]"
    yield f"#[fibench run: {shown(review.run.name)}, values in ns, Interval_Max in ms]"
    for mark in review.marks:
        yield f"#[warning: {shown(mark)}]"
    if review.added_afterwards:
        yield f"#[{review.claims_mark}]"
    for verdict in review.verdicts:
        yield f"#[claim {shown(verdict.claim.id)}: {verdict.outcome}]"


def _tags(review: Review) -> dict[str, str]:
    """A tag for each cell: its label where that is unique without commas and spaces, or its key."""
    labels = {cell.key: _NOT_IN_TAGS.sub("_", cell.label) for cell, _ in cells_with_summary(review)}
    every = list(labels.values())
    return {
        key: label if every.count(label) == 1 else _NOT_IN_TAGS.sub("_", key)
        for key, label in labels.items()
    }


Interval = tuple[str, float, float, Sequence[object]]
"""A client group, the interval's begin in s after its trial's, its length in s, sparse counts."""


def _warmup_s(document: Object, record: Record) -> float:
    """As the load tells it; one of an older run does not."""
    if "warmup" in document:
        return _number(_inside(document, "warmup"), "ns") * _NS
    return record.parameters.warmup_s or 0.0


def _intervals(run: StoredRun, record: Record) -> Iterator[Interval]:
    """The intervals of a trial: each second of its window, or in older runs the window as one.

    The window's begin is taken to be a warm-up after the trial's: the server's start, some
    hundredths of a second, is not known.
    """
    document = read_load(run, record)
    if document is None:
        return
    try:
        begin_s = _warmup_s(document, record)
        window_s = _number(_inside(document, "window"), "duration_ns") * _NS
        for group in _groups(document):
            name = str(group["name"])
            if "seconds" in group:
                for second in map(_object, _list(group, "seconds")):
                    start_s = float(_number(second, "second"))
                    length_s = max(0.0, min(1.0, window_s - start_s))
                    yield name, begin_s + start_s, length_s, _list(second, "counts")
            else:
                histogram = _inside(_inside(group, "latency"), "histogram")
                yield name, begin_s, window_s, _list(histogram, "counts")
    except (KeyError, OverflowError) as error:
        raise _damaged(run, record, f"it lacks {error}") from error


def _groups(document: Object) -> list[Object]:
    """The client groups that ask; of older versions all clients are one."""
    listed = document.get("groups")
    if not listed:
        return [{"name": "all", "latency": document["latency"]}]
    return [group for group in map(_object, _list(document, "groups")) if not group.get("idle")]


def _object(value: object) -> Object:
    if not isinstance(value, dict):
        raise KeyError("an object")
    return value


def _inside(document: Object, name: str) -> Object:
    found = document[name]
    if not isinstance(found, dict):
        raise KeyError(name)
    return found


def _list(document: Object, name: str) -> Sequence[object]:
    found = document[name]
    if not isinstance(found, list):
        raise KeyError(name)
    return found


def _number(document: Object, name: str) -> float:
    found = document[name]
    if not isinstance(found, int | float):
        raise KeyError(name)
    return found


def _damaged(run: StoredRun, record: Record, why: str) -> StoredError:
    where = shown_path(run.folder / trial_folder(record) / "load.json")
    return StoredError(f"{where} is not what fibload writes: {why}", "copy the run's folder again")


def _seconds(record: Record) -> float:
    """When a trial began, in s since the epoch; 0.0 where its time is no time."""
    try:
        return datetime.fromisoformat(record.started_at).timestamp()
    except (ValueError, OverflowError):
        return 0.0
