# SPDX-License-Identifier: BSD-3-Clause
"""Two runs side by side: ratios with intervals, changed verdicts, what else differs. Pure.

The runs are independent, so that blocks are not paired: Welch's t on the logarithms, with
Satterthwaite's degrees of freedom, simultaneous over all rows (Bonferroni).
Source: B. L. Welch, Biometrika 34 (1947), 28-35.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fibench.cells import Cell
from fibench.estimate import CONFIDENCE, METRICS, CellSummary, Sample
from fibench.judged import Review
from fibench.keys import KEYS, shown_value
from fibench.results import samples
from fibench.sample import Index

COMPARED = ("throughput", "p50", "p99", "cpu_per_request", "memory")
"""The metrics of a comparison."""

_SAME_LOG = 1e-9
"""Ratios nearer to 1 than this are rounding."""
_FEWEST = 2
_PROGRAMS = ("compiler", "fibench", "git", "interpreters", "libc", "libraries", "programs",
             "python")  # fmt: skip
_DIGEST = re.compile(r"[0-9a-f]{40,}")
_VOLATILE = {"schema", "boot_id"}
_IDENTITY = ("processor", "architecture", "cpus", "physical_cores", "usable_cores",
             "virtualisation")  # fmt: skip
"""What makes a machine another one; the rest of environment.json may differ on the same."""


SOURCE_PATH = "source_path"


@dataclass(frozen=True)
class Ratio:
    """second ÷ first of a metric; the ends are None where a side has fewer than two blocks."""

    mean: float
    low: float | None
    high: float | None
    degrees: float | None
    """Satterthwaite's; None without an interval or where nothing varies."""

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 1."""
        if self.low is None or self.high is None:
            return False
        return self.low > math.exp(_SAME_LOG) or self.high < math.exp(-_SAME_LOG)


@dataclass(frozen=True)
class Row:
    """One metric of a cell that both runs have; figures in base units, geometric means."""

    cell: str
    """The cell's label."""
    metric: str
    first: float | None
    second: float | None
    blocks: tuple[int, int]
    ratio: Ratio | None
    absent: str | None = None
    """Why there is no ratio."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in both runs, as text; None: not known, or not there."""

    room: str
    """`machine`, `programs` or `plan`."""
    name: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Changed:
    """A claim whose verdict is not the same; None: the run does not have it."""

    claim: str
    says: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Comparison:
    """All that `compare` shows."""

    first: str
    second: str
    rows: tuple[Row, ...]
    confidence: float
    """Of all intervals at once."""
    changed: tuple[Changed, ...]
    differences: tuple[Difference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    interrupted: tuple[str, ...]
    """The runs that did not end, and so have no verdicts."""

    @property
    def other_file(self) -> Difference | None:
        """Where the files are that the runs are of, if they are two."""
        found = (each for each in self.differences if each.name == SOURCE_PATH)
        return next(found, None)

    @property
    def other_machine(self) -> list[Difference]:
        """The differences that make the two machines different ones."""
        return [
            each
            for each in self.differences
            if each.room == "machine" and each.name.partition(".")[0] in _IDENTITY
        ]


def compare(first: Review, second: Review) -> Comparison:
    """Compare two runs; ratios are second ÷ first."""
    pairs, only_first, only_second = matched(
        first.run.experiment.cells, second.run.experiment.cells
    )
    sides = (figures(samples(each.run.records), each.summaries) for each in (first, second))
    return Comparison(
        first=first.run.name,
        second=second.run.name,
        rows=rows(pairs, *sides),
        confidence=CONFIDENCE,
        changed=changed_verdicts(first, second),
        differences=(
            *_environment_differences(first.run.environment, second.run.environment),
            *_plan_differences(first, second, pairs),
        ),
        only_first=_explained(only_first, second),
        only_second=_explained(only_second, first),
        interrupted=tuple(each.run.name for each in (first, second) if not each.run.complete),
    )


def _explained(labels: Iterable[str], other: Review) -> tuple[str, ...]:
    """The labels of cells that only one run has, with why the other one left them out."""
    why = {absent.cell.label: absent.reason for absent in other.run.experiment.absent.cells}
    return tuple(
        f"{label} (left out of the other: {why[label]})" if label in why else label
        for label in labels
    )


Pairs = Sequence[tuple[Cell, Cell]]


def matched(
    first: Sequence[Cell], second: Sequence[Cell]
) -> tuple[Pairs, tuple[str, ...], tuple[str, ...]]:
    """Pairs of cells that both have, in the order of the first, and the labels of the others.

    Cells with the same parameters are the same. Of the rest those are paired that are called the
    same, since one window or port more or less is no other experiment; `Difference` tells of it.
    """
    by_key = {cell.key: cell for cell in second}
    same = {cell.key for cell in first} & by_key.keys()
    by_label: dict[str, list[Cell]] = {}
    for cell in second:
        if cell.key not in same:
            by_label.setdefault(cell.label, []).append(cell)
    rest = [cell.label for cell in first if cell.key not in same]
    pairs: list[tuple[Cell, Cell]] = []
    for cell in first:
        called = by_label.get(cell.label, [])
        if cell.key in same:
            pairs.append((cell, by_key[cell.key]))
        elif len(called) == 1 and rest.count(cell.label) == 1:
            pairs.append((cell, called[0]))
    firsts, seconds = ({pair[side].key for pair in pairs} for side in (0, 1))
    return (
        pairs,
        tuple(cell.label for cell in first if cell.key not in firsts),
        tuple(cell.label for cell in second if cell.key not in seconds),
    )


@dataclass(frozen=True)
class Figure:
    """A metric of one cell of one run."""

    logs: Sequence[float] = ()
    """The logarithms over valid trials."""
    absent: str | None = None
    """Why there are none."""
    grain: float = 0.0
    """The standard deviation that counting whole replies alone gives: they do not vary less."""


Figures = Mapping[tuple[str, str], Figure]
"""By the keys of cells and metrics."""


def figures(found: Iterable[Sample], summaries: Iterable[CellSummary]) -> Figures:
    """What there is to compare of one run. What its report does not show is not compared either."""
    found = tuple(found)
    index = Index(found)
    logs: dict[tuple[str, str], list[float]] = {}
    for trial in found:
        for metric in COMPARED if trial.valid else ():
            figure = trial.metrics.get(metric)
            if figure is not None and math.isfinite(figure) and figure > 0.0:
                logs.setdefault((trial.cell_key, metric), []).append(math.log(figure))
    return {
        (summary.cell_key, metric): (
            Figure(absent=summary.estimates[metric].absent)
            if summary.estimates[metric].mean is None
            else Figure(
                logs.get((summary.cell_key, metric), ()),
                grain=index.grain(summary.cell_key, metric),
            )
        )
        for summary in summaries
        for metric in COMPARED
    }


def rows(pairs: Pairs, first: Figures, second: Figures) -> tuple[Row, ...]:
    """A row for each pair of cells and metric that a side knows, simultaneous over all of them."""
    known: list[tuple[Cell, str, Figure, Figure]] = []
    for one, other in pairs:
        for metric in COMPARED:
            here = first.get((one.key, metric), Figure())
            there = second.get((other.key, metric), Figure())
            if here.logs or there.logs:
                known.append((one, metric, here, there))
    both = sum(
        len(here.logs) >= _FEWEST and len(there.logs) >= _FEWEST for _, _, here, there in known
    )
    alpha = (1.0 - CONFIDENCE) / max(1, both)
    return tuple(
        Row(
            cell=cell.label,
            metric=metric,
            first=_mean(here.logs),
            second=_mean(there.logs),
            blocks=(len(here.logs), len(there.logs)),
            ratio=(
                welch(here.logs, there.logs, alpha, (here.grain, there.grain))
                if here.logs and there.logs
                else None
            ),
            absent=_absent(here, there),
        )
        for cell, metric, here, there in known
    )


def _absent(first: Figure, second: Figure) -> str | None:
    """Why there is no ratio, and of which run that is said."""
    if first.absent and second.absent:
        return f"{first.absent} (both runs)"
    why = first.absent or second.absent
    return why and f"{why} ({'first' if first.absent else 'second'} run)"


def welch(
    first: Sequence[float],
    second: Sequence[float],
    alpha: float,
    grains: tuple[float, float] = (0.0, 0.0),
) -> Ratio:
    """exp(mean of second - mean of first) of logarithms, with its interval at 1 - alpha.

    Neither side is taken to vary less than its grain, a standard deviation.
    """
    centre = math.fsum(second) / len(second) - math.fsum(first) / len(first)
    if len(first) < _FEWEST or len(second) < _FEWEST:
        return Ratio(math.exp(centre), None, None, None)
    parts = [
        max(_variance(logs), grain**2) / len(logs)
        for logs, grain in zip((first, second), grains, strict=True)
    ]
    squared_error = math.fsum(parts)
    # The degrees, from shares, so that no tiny variance is squared to nothing.
    if squared_error == 0.0:
        return Ratio(math.exp(centre), math.exp(centre), math.exp(centre), None)
    shares = [part / squared_error for part in parts]
    degrees = 1.0 / math.fsum(
        share**2 / (len(logs) - 1) for share, logs in zip(shares, (first, second), strict=True)
    )
    half = _t(1.0 - alpha / 2.0, degrees) * math.sqrt(squared_error)
    return Ratio(math.exp(centre), _exp(centre - half), _exp(centre + half), degrees)


def changed_verdicts(first: Review, second: Review) -> tuple[Changed, ...]:
    """The claims, by their ids, whose outcome is not the same in two complete runs."""
    if not (first.run.complete and second.run.complete):
        return ()
    sides = [{v.claim.id: v for v in each.verdicts} for each in (first, second)]
    found = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        verdicts = [side.get(name) for side in sides]
        outcomes = [verdict.outcome if verdict else None for verdict in verdicts]
        if outcomes[0] != outcomes[1]:
            says = next(verdict.claim.says for verdict in verdicts if verdict)
            found.append(Changed(name, says, outcomes[0], outcomes[1]))
    return tuple(found)


def _t(probability: float, degrees: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def _exp(log: float) -> float:
    """exp, but infinite where it overflows."""
    try:
        return math.exp(log)
    except OverflowError:
        return math.inf


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _mean(logs: Sequence[float]) -> float | None:
    return _exp(math.fsum(logs) / len(logs)) if logs else None


def _environment_differences(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> Iterable[Difference]:
    """What environment.json says differently, of the machine and of the programs."""
    sides = [
        _flat({name: value for name, value in each.items() if name not in _VOLATILE})
        for each in (first, second)
    ]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = sides[0].get(name), sides[1].get(name)
        if one != other:
            room = "programs" if name.partition(".")[0] in _PROGRAMS else "machine"
            yield Difference(room, name, _short(one), _short(other))


def _short(text: str | None) -> str | None:
    """A text, the digest of a program or a commit cut to what tells it from others."""
    return text[:12] if text is not None and _DIGEST.fullmatch(text) else text


def _plan_differences(first: Review, second: Review, pairs: Pairs) -> Iterable[Difference]:
    """What was asked for differently: options of the plan, and parameters of paired cells."""
    sides = (first.run, second.run)
    for name in ("title", "blocks", "seed", SOURCE_PATH):
        one, other = (str(run.plan.get(name)) for run in sides)
        known = name != SOURCE_PATH or all(SOURCE_PATH in run.plan for run in sides)
        if one != other and known:
            yield Difference("plan", name, one, other)
    for name in ("overrides", "pinning"):
        flat = [_flat({name: run.plan.get(name) or {}}) for run in sides]
        for item in dict.fromkeys([*flat[0], *flat[1]]):
            if flat[0].get(item) != flat[1].get(item):
                yield Difference("plan", item, flat[0].get(item), flat[1].get(item))
    for name in dict.fromkeys(name for pair in pairs for cell in pair for name in cell.parameters):
        values = {
            (_parameter(one, name), _parameter(other, name))
            for one, other in pairs
            if one.parameters.get(name) != other.parameters.get(name)
        }
        if len(values) == 1:
            yield Difference("plan", name, *values.pop())
        elif values:
            both = (", ".join(sorted({str(pair[side]) for pair in values})) for side in (0, 1))
            yield Difference("plan", name, *both)


def _parameter(cell: Cell, name: str) -> str | None:
    value = cell.parameters.get(name)
    if value is None:
        return None
    return shown_value(name, value) if name in KEYS else str(value)


def _flat(value: object, name: str = "") -> dict[str, str]:
    """A document as dotted names and texts; null and what is empty is left out."""
    match value:
        case dict():
            found: dict[str, str] = {}
            for key, item in value.items():
                found |= _flat(item, f"{name}.{key}" if name else str(key))
            return found
        case None:
            return {}
        case bool():
            return {name: "yes" if value else "no"}
        case list() | tuple():
            return {name: ", ".join(str(item) for item in value)} if value else {}
    return {name: str(value)}


assert set(COMPARED) <= METRICS.keys()
