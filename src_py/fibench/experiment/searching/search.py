# SPDX-License-Identifier: BSD-3-Clause
"""What a run is to look for: of cells that differ in their rate alone, the highest rate at which a
latency stays below a limit. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fibench.document import ExperimentFile, Source
from fibench.experiment.asking.rendered import Requests
from fibench.experiment.cells import Cell, Combination
from fibench.experiment.claims import Claim, Row, Step
from fibench.experiment.matrix.combinations import asking, resolve
from fibench.experiment.matrix.distinct import cell_of, varying_axes
from fibench.metrics import METRICS
from fibench.parameters import Group, Scalar
from fibench.parameters.stand_ins import AXIS, stands_in
from fibench.quantities import TIME_UNITS, parse_quantity

CLOSED = "closed loop"
"""What is said of a cell that is asked as fast as it answers."""
LEAST_WINDOW_S = 0.25
_SHORTER = 4.0
"""A short window is that part of a whole one."""


@dataclass(frozen=True)
class SearchTarget:
    """What is to stay below what."""

    metric: str
    group: str | None
    """The client group whose metric it is; None: that of all clients."""
    limit_s: float

    def as_json(self) -> dict[str, object]:
        """As a plan keeps it."""
        return {"metric": self.metric, "group": self.group, "limit": self.limit_s}


@dataclass(frozen=True)
class Search:
    """Cells whose rates are looked for."""

    template: Combination
    """One of those that stand in."""
    varying: Sequence[str]
    """The axes of the file's cells."""
    stand_ins: tuple[Cell, ...]
    requests: Requests
    """Those of the file, with names in braces."""
    source: Source = field(compare=False, repr=False)
    """The file, for what is wrong with a request at a rate that was found."""
    targets: tuple[SearchTarget, ...] = ()
    """What their rates are looked for, in the order of the claims."""
    bounds: tuple[float, ...] = ()
    """The rates that claims name, in 1/s: they are measured too where they are near."""

    @property
    def key(self) -> str:
        """Short and stable: it names the search in a plan."""
        return self.stand_ins[0].key

    @property
    def label(self) -> str:
        """The cells without their rate: `py-mt n=27`."""
        return self._labelled(self.stand_ins[0], "").label

    @property
    def has_groups(self) -> bool:
        """Whether its load is made of client groups, which may have rates of their own."""
        return bool(self.template.groups)

    def at(self, rate: float) -> Cell:
        """The cell that asks for a rate, in 1/s."""
        return self._cell({AXIS: rate})

    def probe(self, rate: float, target: SearchTarget, *, short: bool) -> Cell:
        """The same for a trial of the search; `short`: with no longer a window than it needs."""
        window_s = self.short_window_s(rate, target) if short else None
        return self._cell({AXIS: rate} | ({} if window_s is None else {"duration": window_s}))

    def closed(self, target: SearchTarget) -> Cell:
        """The cell that is asked as fast as it answers, in a short window."""
        window_s = self.short_window_s(None, target)
        cell = self._cell({} if window_s is None else {"duration": window_s}, without=AXIS)
        return self._labelled(cell, CLOSED)

    def least_per_s(self, target: SearchTarget) -> float:
        """The lowest rate at which a whole window is due to have the replies that the metric needs,
        chance included; 0 of windows that end after a number of replies."""
        whole_s = self.template.parameters.duration
        return 0.0 if whole_s is None else _needed(target) / whole_s

    def short_window_s(self, rate: float | None, target: SearchTarget) -> float | None:
        """How long a short window is: in it the metric has the replies that it needs; None: as
        long as any, since it ends after a number of replies."""
        whole_s = self.template.parameters.duration
        if whole_s is None:
            return None
        needed_s = 0.0 if rate is None else _needed(target) / rate
        return round(min(whole_s, max(whole_s / _SHORTER, LEAST_WINDOW_S, needed_s)), 3)

    def _cell(self, values: Mapping[str, Scalar], without: str = "") -> Cell:
        one = self.template
        given = {name: value for name, value in one.given.items() if name != without}
        given.update(values)
        parameters, written = resolve(one.backend, one.known, given, one.groups, self.requests)
        made = replace(one, given=given, parameters=parameters, written=written)
        return cell_of(asking(made, self.requests, self.source), self.varying)

    def _labelled(self, cell: Cell, said: str) -> Cell:
        """A cell called by its other axes and by what is said of it."""
        axes = tuple((name, value) for name, value in cell.axes if name != AXIS)
        words = cell_of(self.template, [name for name in self.varying if name != AXIS]).label
        return replace(cell, axes=axes, label=" ".join([words, *([said] if said else [])]))

    def as_json(self) -> dict[str, object]:
        """What is looked for, as the digest of a run's parameters has it."""
        targets = [target.as_json() for target in self.targets]
        return {"cells": self.key, "targets": targets}


def _needed(target: SearchTarget) -> float:
    """How many requests are to be due for enough replies, with three standard deviations more."""
    needed = METRICS[target.metric].least_requests
    return needed + 3.0 * math.sqrt(needed)


def searches_of(
    made: Sequence[Combination], cells: Sequence[Cell], requests: Requests, source: Source
) -> list[Search]:
    """The searches of a file, without their targets: `made` and `cells` are in the same order."""
    varying = varying_axes(made)
    found: dict[object, Search] = {}
    for one, cell in zip(made, cells, strict=True):
        if stands_in(AXIS, one.parameters.rate):
            alike = replace(one.parameters, rate=None, groups=_without_rates(one))
            known = found.get(alike)
            stand_ins = (cell,) if known is None else (*known.stand_ins, cell)
            template = one if known is None else known.template
            found[alike] = Search(template, varying, stand_ins, requests, source)
    return list(found.values())


def _without_rates(one: Combination) -> tuple[Group, ...]:
    """The client groups without the rate that they have from their load."""
    rate = one.parameters.rate
    return tuple(
        replace(group, rate=None) if group.rate == rate else group
        for group in one.parameters.groups
    )


def with_targets(
    searches: Sequence[Search],
    claims: Sequence[Claim],
    file: ExperimentFile,
    source: Source,
) -> tuple[Search, ...]:
    """The searches with what each is for; one that is for nothing is reported.

    Where options have changed the cells so that no claim about them is left, the limits of the
    file's other claims are looked for.
    """
    others = tuple(dict.fromkeys(_targets_in(file)))
    found = []
    for search in searches:
        keys = {cell.key for cell in search.stand_ins}
        own = [claim for claim in claims if _has(claim, keys)]
        targets = tuple(
            dict.fromkeys(
                SearchTarget(one.metric, one.group, one.limit) for one in own if one.limit
            )
        )
        single = [claim for claim in own if len(claim.rows) == 1]
        bounds = [bound for one in single for bound in (one.low, one.high) if bound is not None]
        if not targets and not others and not source.diagnostics:
            what = f"nothing says what rate of {search.label} to search for"
            hint = 'add a [[claim]] with sustains = { over = "rate", of = ... } and a limit'
            source.report(("matrix", search.template.table, AXIS), what, hint)
        found.append(replace(search, targets=targets or others, bounds=tuple(sorted(bounds))))
    return tuple(found)


def _has(claim: Claim, keys: Collection[str]) -> bool:
    return any(step.cell.key in keys for row in claim.rows for step in row)


def _targets_in(file: ExperimentFile) -> Iterator[SearchTarget]:
    for claim in file.claim:
        if claim.sustains is None or not isinstance(claim.limit, str):
            continue
        limit_s = parse_quantity(claim.limit, TIME_UNITS)
        if limit_s:
            yield SearchTarget(claim.metric, claim.group, limit_s)


def found_row(row: Row, found: dict[str, Sequence[Cell]], of_stand_in: dict[str, str]) -> Row:
    """A row with the cells that were found instead of those that stand in for them."""
    steps: dict[float, Step] = {}
    for step in row:
        key = of_stand_in.get(step.cell.key)
        if key is None or key not in found:
            steps.setdefault(step.at, step)
        else:
            for cell in found[key]:
                assert cell.parameters.rate is not None
                steps.setdefault(cell.parameters.rate, Step(cell.parameters.rate, cell))
    return tuple(steps[at] for at in sorted(steps))
