# SPDX-License-Identifier: BSD-3-Clause
"""From a claim as the file words it to the cells and the bounds that decide it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from fibench.document import ClaimTable, Source, slug
from fibench.document.locate import Path
from fibench.experiment._bounds import bounds_of
from fibench.experiment._rates import (
    Row,
    Step,
    limit_of,
    refuse_out_of_reach,
    report_no_latency,
    steps_of,
)
from fibench.experiment._sides import (
    Bounds,
    Point,
    UnresolvedError,
    points_of,
    refuse_beyond,
    report_unmeasured,
    sides_of,
)
from fibench.experiment._worth import report_worth, worth_of
from fibench.experiment.causes.stated import Cause, StatedCauses
from fibench.experiment.cells import Cell, is_stand_in
from fibench.metrics import GROUPS_HAVE, METRICS
from fibench.wording import as_toml, listed_with, one_of, suggestion

__all__ = [
    "Claim",
    "DroppedClaim",
    "Point",
    "Row",
    "Step",
    "cells_about",
    "cells_of",
    "claims_digest",
    "name_of_claim",
    "resolve_claims",
]


ClaimKind = Literal["ratio", "value", "crossover", "sustains"]
_NO_BOUNDS: Bounds = (None, None)
"""Of a claim whose bounds are wrong: its cells are looked for nevertheless."""
_KINDS: tuple[ClaimKind, ...] = ("ratio", "value", "crossover", "sustains")
"""What a claim may be about, as the file calls it."""


@dataclass(frozen=True)
class Claim:
    """What is to be judged. It holds if the ratio or value lies between low and high."""

    id: str
    says: str
    because: str | None
    kind: ClaimKind
    metric: str
    left: Cell
    """The cell of a value; the numerator of a ratio; of a crossover, the one at its first point
    that is to begin to win; of `sustains`, that at the lowest rate of its first side."""
    right: Cell | None
    """The denominator of a ratio; of a crossover, the other one at its first point; of
    `sustains`, that at the lowest rate of its second side, if it has two."""
    low: float | None
    """Base units: s, bytes, 1/s, cores, counts; a ratio has none."""
    high: float | None
    needs_cpus: int
    """Physical cores without which it cannot be tested."""
    group: str | None = None
    """The client group whose metric is judged; None: that of all clients."""
    over: str | None = None
    """The axis of a crossover, or of `sustains`: then it is the rate."""
    points: tuple[Point, ...] = ()
    """Of a crossover, by rising value of its axis; at least two."""
    rows: tuple[Row, ...] = ()
    """Of `sustains`, one for each side: its cells by rising rate, at least two."""
    limit: float | None = None
    """Of `sustains`: what the metric must stay below, in seconds."""
    needs_backend: tuple[str, ...] = ()
    """Backends that must be able to run here for it to be tested."""
    needs_interpreter: tuple[str, ...] = ()
    """Interpreters that must be installed here."""
    tolerates: float = 0.0
    """Which share of the trials of a cell may have failed."""
    worth: int | None = None
    """How many points it is worth where a lab is graded; None: it is not graded."""
    causes: tuple[Cause, ...] = ()
    """By which figures it is seen why it is so; they decide nothing."""


def cells_of(claim: Claim) -> tuple[Cell, ...]:
    """Every cell that a claim rests on, each once."""
    sides = [claim.left, *([] if claim.right is None else [claim.right])]
    sides += [cell for point in claim.points for cell in (point.left, point.right)]
    sides += [step.cell for row in claim.rows for step in row]
    return tuple({cell.key: cell for cell in sides}.values())


def cells_about(claim: Claim, metric: str) -> Iterator[Cell]:
    """The cells of which a claim, or a cause of it, needs a metric."""
    if claim.metric == metric:
        yield from cells_of(claim)
    for cause in claim.causes:
        if cause.metric == metric and cause.cell is not None:
            yield cause.cell


def claims_digest(claims: Iterable[Claim], dropped: int = 0, *, with_needs: bool = True) -> str:
    """A digest of what claims say of which figures, whatever their words, and where they can be
    tested; and of how many others of their file were `dropped`.

    Claims may change when a run is gone on with, since no number depends on them; but who has seen
    estimates may choose claims by them, or which are tested, or how many there are, so that it is
    to be said. Earlier versions kept it without what claims need, and without the dropped ones.
    """
    document: list[object] = [
        [
            *(claim.kind, claim.metric, claim.group, claim.low, claim.high, claim.over),
            *(cell.key for cell in cells_of(claim)),
            *(() if claim.limit is None else (claim.limit,)),
            *([claim.tolerates] if claim.tolerates else []),
            *([[cause.as_digested() for cause in claim.causes]] if claim.causes else []),
            *(_needs(claim) if with_needs else ()),
        ]
        for claim in claims
    ]
    document += [dropped] if dropped else []
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _needs(claim: Claim) -> list[object]:
    """What a claim needs, if it needs anything that not every machine has."""
    named = [sorted(claim.needs_backend), sorted(claim.needs_interpreter)]
    return [[claim.needs_cpus, *named]] if claim.needs_cpus > 1 or any(named) else []


@dataclass(frozen=True)
class DroppedClaim:
    """A claim that is not judged, since options have changed the cells that it is about."""

    id: str
    says: str
    reason: str
    worth: int | None = None
    """As in Claim."""


def resolve_claims(
    tables: Sequence[tuple[int, ClaimTable]],
    cells: Sequence[Cell] | None,
    source: Source,
    *,
    doubtful: Collection[str],
    changed: bool,
    untrusted: Mapping[int, Collection[str]] = MappingProxyType({}),
) -> tuple[tuple[Claim, ...], tuple[DroppedClaim, ...]]:
    """Find the cells and bounds of claims, and report what is wrong with them.

    Without cells, only what does not need them is checked. With `changed`, options have changed
    the cells, and a claim that has lost its cells is dropped instead of reported. Of a claim whose
    keys are `untrusted`, by its place, the rest is checked.
    """
    resolving = _Resolving(cells, source, frozenset(doubtful), changed)
    for index, table in tables:
        resolving.take(index, table, frozenset(untrusted.get(index, ())))
    return tuple(resolving.claims), tuple(resolving.dropped)


@dataclass
class _Resolving:
    """Claims that become what they mean, one after the other."""

    cells: Sequence[Cell] | None
    source: Source
    doubtful: frozenset[str]
    changed: bool
    claims: list[Claim] = field(default_factory=list)
    dropped: list[DroppedClaim] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)

    def take(self, index: int, table: ClaimTable, wrong: frozenset[str]) -> None:
        """Resolve a claim, some keys of which are `wrong`; what else is wrong is reported."""
        source = self.source
        name = name_of_claim(table, index)
        if not wrong & {"id", "says"}:
            _report_repeated_id(name, table, index, self._ids, source)
        bounds, limit = _bounds_and_limit(table, index, wrong, source)
        if "worth" not in wrong:
            report_worth(table, index, source)
        stated = StatedCauses(table, index, source, self.doubtful, self.changed)
        causes = stated.resolved(None if "where" in wrong else self.cells)
        if wrong & {*_KINDS} or not _report_sides(table, index, source):
            return
        if "where" in wrong or self.cells is None:
            return
        if table.sustains is not None and not self._can_sustain(table, index, wrong, limit):
            return
        try:
            claim = _claim(name, table, index, bounds or _NO_BOUNDS, limit, self.cells)
        except UnresolvedError as fault:
            left = DroppedClaim(name, table.says, fault.what, worth_of(table))
            self._leave(left, index, fault, bounds)
            return
        if not claim.rows and any(is_stand_in(cell) for cell in cells_of(claim)):
            what = "the rate of these cells is searched, and not known beforehand"
            hint = f'only `sustains` can be about them: give {claim.kind} a rate = ["50/s", ...]'
            source.report(("claim", index, claim.kind), what, hint, key=True)
            return
        self._check(claim, table, index, wrong)
        if claim.kind == "value" and claim.group is None and "metric" not in wrong:
            stated.report_circular(causes, claim.metric, claim.left)
        if bounds is not None:
            self.claims.append(replace(claim, causes=causes))

    def _can_sustain(
        self, table: ClaimTable, index: int, wrong: frozenset[str], limit: float | None
    ) -> bool:
        if "metric" in wrong or not report_no_latency(table, index, self.source):
            return False
        return limit is not None

    def _leave(
        self, claim: DroppedClaim, index: int, fault: UnresolvedError, bounds: Bounds | None
    ) -> None:
        """Drop a claim that options have taken the cells from; else report that it has none."""
        if self.changed:
            if bounds is not None:
                self.source.forgive(("claim", index))
                self.dropped.append(claim)
            return
        for one in (fault, *fault.more):
            if not one.keys & self.doubtful:
                self.source.report(one.path, one.what, one.hint)

    def _check(self, claim: Claim, table: ClaimTable, index: int, wrong: frozenset[str]) -> None:
        if "metric" in wrong:
            return
        _report_metric(table, index, cells_of(claim), self.source)
        if "group" not in self.doubtful | wrong:
            _report_group(table, index, cells_of(claim), self.source)


def _bounds_and_limit(
    table: ClaimTable, index: int, wrong: Collection[str], source: Source
) -> tuple[Bounds | None, float | None]:
    """The bounds and the limit of a claim, some keys of which are `wrong`; None for what is wrong,
    or cannot be known for that."""
    if {*_KINDS} & set(wrong):
        return None, None
    about_metric = table.value is not None
    unknown = {"above", "below", "within"} & set(wrong) or ("metric" in wrong and about_metric)
    bounds = None if unknown else bounds_of(table, index, source)
    return bounds, None if "limit" in wrong else limit_of(table, index, source)


def name_of_claim(table: ClaimTable, index: int) -> str:
    """The id of a claim: its own, or one made from what it says, or from its place in the file."""
    return table.id or slug(table.says) or f"claim-{index + 1}"


def _claim(
    name: str,
    table: ClaimTable,
    index: int,
    bounds: Bounds,
    limit: float | None,
    cells: Sequence[Cell],
) -> Claim:
    """The claim that a table means. Raises UnresolvedError."""
    left: Cell
    right: Cell | None
    points: tuple[Point, ...] = ()
    rows: tuple[Row, ...] = ()
    over = None
    given = (key for key in ("above", "below", "within") if table.has(key))
    path = ("claim", index, next(given, "metric"))
    if table.sustains is not None:
        rows, over = steps_of(table, table.sustains, index, cells), table.sustains.over
        refuse_out_of_reach(rows, bounds, path)
        left, right = rows[0][0].cell, rows[1][0].cell if len(rows) == 2 else None
    elif table.crossover is None:
        left, right = sides_of(table, index, cells)
    else:
        points, over = points_of(table, table.crossover, index, cells), table.crossover.over
        refuse_beyond(over, points, bounds, path)
        left, right = points[0].left, points[0].right
    return Claim(
        id=name,
        says=table.says,
        because=table.because,
        kind=_kind(table),
        metric=table.metric,
        left=left,
        right=right,
        low=bounds[0],
        high=bounds[1],
        needs_cpus=table.needs_cpus,
        group=table.group,
        over=over,
        points=points,
        rows=rows,
        limit=limit,
        needs_backend=tuple(table.needs_backend),
        needs_interpreter=tuple(table.needs_interpreter),
        worth=worth_of(table),
    )


def _kind(table: ClaimTable) -> ClaimKind:
    """What a claim is about, of which it has one."""
    return next(kind for kind in _KINDS if table.has(kind))


def _report_repeated_id(
    name: str, table: ClaimTable, index: int, ids: set[str], source: Source
) -> None:
    if name in ids:
        key = "id" if table.id is not None else "says"
        what = f"another claim has the id {as_toml(name)} too"
        source.report(("claim", index, key), what, 'give each claim an id of its own: id = "..."')
    ids.add(name)


def _report_sides(table: ClaimTable, index: int, source: Source) -> bool:
    """Check that a claim is about one thing alone; return whether it is."""
    given = [kind for kind in _KINDS if table.has(kind)]
    if len(given) == 1:
        return True
    what = f"the claim has none of {listed_with('and', _KINDS)}"
    path: Path = ("claim", index)
    if given:
        what = f"{given[0]} and {given[1]} are both given"
        path = (*path, given[1])
    hint = 'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
    source.report(path, what, hint + 'value = { backend = "py-mt" }', key=True)
    return False


def _report_metric(table: ClaimTable, index: int, cells: Sequence[Cell], source: Source) -> None:
    """Report a metric that a side's load does not have."""
    path, metric = ("claim", index, "metric"), METRICS[table.metric]
    if table.crossover is not None and metric.is_count:
        what = f"{table.metric} has no crossover: it is a count, which may be zero on both sides"
        source.report(path, what, "use a metric that has ratios, such as throughput")
    report_unmeasured(path, table.metric, cells, source)


def _report_group(table: ClaimTable, index: int, cells: Sequence[Cell], source: Source) -> None:
    """Report a client group that a side's load does not have, or whose metric it does not know."""
    if table.group is None:
        return
    if not METRICS[table.metric].of_groups:
        what = f"a client group has no {table.metric} of its own"
        source.report(("claim", index, "metric"), what, f"it has {', '.join(GROUPS_HAVE)}")
    path = ("claim", index, "group")
    for cell in cells:
        groups = {group.name: group for group in cell.parameters.groups}
        if not groups:
            what = f"the load of {cell.label} has no client groups"
            source.report(path, what, "write [[load.group]], or remove `group`")
        elif table.group not in groups:
            what = f"there is no client group {as_toml(table.group)}"
            source.report(path, what, suggestion(table.group, groups))
        elif groups[table.group].idle:
            what = f"the client group {as_toml(table.group)} is idle: it asks for nothing"
            asking = [name for name, group in groups.items() if not group.idle]
            source.report(path, what, f"groups that ask: {one_of(asking)}")
        else:
            continue
        return
