# SPDX-License-Identifier: BSD-3-Clause
"""From a claim as the file words it to the cells and the bounds that decide it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fibench.cells import Cell, Value, lacking, matches, shown_selector
from fibench.diagnostics import Source, shown
from fibench.document import ClaimTable, slug
from fibench.keys import shown_value
from fibench.locate import Path
from fibench.quantities import METRIC_UNITS, parse_quantity

PROCESS_METRICS = ("wall", "throughput", "cores", "cpu_per_request")
"""What is known of a load of kind "process": it keeps no clock for each request."""

_EXAMPLES = {"s": "5ms", "B": "30MiB", "/s": "500/s"}


@dataclass(frozen=True)
class Point:
    """One value of the axis of a crossover, and the two cells that it compares there."""

    at: float
    left: Cell
    right: Cell


@dataclass(frozen=True)
class Claim:
    """What is to be judged. It holds if the ratio or value lies between low and high."""

    id: str
    says: str
    because: str | None
    kind: Literal["ratio", "value", "crossover"]
    metric: str
    left: Cell
    """The cell of a value; the numerator of a ratio; of a crossover, the one at its first point
    that is to begin to win."""
    right: Cell | None
    """The denominator of a ratio; of a crossover, the other one at its first point."""
    low: float | None
    """Base units: s, bytes, 1/s, cores, counts; a ratio has none."""
    high: float | None
    needs_cpus: int
    """Physical cores without which it cannot be tested."""
    group: str | None = None
    """The client group whose metric is judged; None: that of all clients."""
    over: str | None = None
    """The axis of a crossover."""
    points: tuple[Point, ...] = ()
    """Of a crossover, by rising value of its axis; at least two."""


def cells_of(claim: Claim) -> tuple[Cell, ...]:
    """Every cell that a claim rests on, each once."""
    sides = [claim.left, *([] if claim.right is None else [claim.right])]
    sides += [cell for point in claim.points for cell in (point.left, point.right)]
    return tuple({cell.key: cell for cell in sides}.values())


@dataclass(frozen=True)
class DroppedClaim:
    """A claim that is not judged, since options have changed the cells that it is about."""

    id: str
    says: str
    reason: str


@dataclass
class _UnresolvedError(Exception):
    """A side of a claim does not select exactly one cell."""

    path: Path
    what: str
    hint: str
    keys: frozenset[str]
    """The keys on which this depends."""


def resolve_claims(
    tables: Sequence[tuple[int, ClaimTable]],
    cells: Sequence[Cell] | None,
    source: Source,
    *,
    doubtful: Collection[str],
    changed: bool,
) -> tuple[tuple[Claim, ...], tuple[DroppedClaim, ...]]:
    """Find the cells and bounds of claims, and report what is wrong with them.

    Without cells, only what does not need them is checked. With `changed`, options have changed
    the cells, and a claim that has lost its cells is dropped instead of reported.
    """
    claims: list[Claim] = []
    dropped: list[DroppedClaim] = []
    ids: set[str] = set()
    for index, table in tables:
        name = table.id or slug(table.says) or f"claim-{index + 1}"
        _report_repeated_id(name, table, index, ids, source)
        bounds = _bounds(table, index, source)
        if not _report_sides(table, index, source) or bounds is None or cells is None:
            continue
        try:
            left, right = _sides(table, index, cells)
        except _UnresolvedError as fault:
            if changed:
                dropped.append(DroppedClaim(name, table.says, f"{fault.what}"))
            elif not fault.keys & set(doubtful):
                source.report(fault.path, fault.what, fault.hint)
            continue
        _report_metric(table, index, (left, right), source)
        kind: Literal["ratio", "value"] = "value" if right is None else "ratio"
        because, metric, needs = table.because, table.metric, table.needs_cpus
        claims.append(Claim(name, table.says, because, kind, metric, left, right, *bounds, needs))
    return tuple(claims), tuple(dropped)


def _report_repeated_id(
    name: str, table: ClaimTable, index: int, ids: set[str], source: Source
) -> None:
    if name in ids:
        key = "id" if table.id is not None else "says"
        what = f"another claim has the id {shown(name)} too"
        source.report(("claim", index, key), what, 'give each claim an id of its own: id = "..."')
    ids.add(name)


def _report_sides(table: ClaimTable, index: int, source: Source) -> bool:
    """Check that a claim is either about a ratio or about a value; return whether it is."""
    if (table.ratio is None) == (table.value is None):
        both = table.ratio is not None
        what = "ratio and value are both given" if both else "the claim has no ratio and no value"
        path = ("claim", index, "value") if both else ("claim", index)
        hint = 'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }] or '
        source.report(path, what, hint + 'value = { backend = "py-mt" }', key=True)
        return False
    return True


def _bounds(
    table: ClaimTable, index: int, source: Source
) -> tuple[float | None, float | None] | None:
    """The lower and upper bound, in base units; None if they are wrong, which is reported."""
    given = [name for name in ("above", "below", "within") if table.has(name)]
    if len(given) != 1:
        what = "the claim has no bound" if not given else f"{' and '.join(given)} are both given"
        path = ("claim", index, given[1]) if given else ("claim", index)
        hint = "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        source.report(path, what, hint, key=True)
        return None
    path = ("claim", index, given[0])
    if given == ["within"]:
        low = _bound(table, (*path, 0), table.within[0], source)
        high = _bound(table, (*path, 1), table.within[1], source)
        if low is None or high is None:
            return None
        if not low < high:
            source.report(path, "within is empty: its first number is not below its second")
            return None
        return low, high
    bound = _bound(table, path, table.above if given == ["above"] else table.below, source)
    if bound is None:
        return None
    return (bound, None) if given == ["above"] else (None, bound)


def _bound(table: ClaimTable, path: Path, given: float | str, source: Source) -> float | None:
    """One bound in base units; None if it is wrong, which is reported."""
    name = str(path[2])
    units: Mapping[str, float] = {} if table.ratio is not None else METRIC_UNITS[table.metric]
    if isinstance(given, str):
        number = parse_quantity(given, units) if units else None
        if number is None:
            if table.ratio is not None:
                what = f"{name} of a ratio is a number without unit, not {shown(given)}"
                source.report(path, what, f"write {name} = 1.3")
            elif not units:
                what = f"{name} of {table.metric} is a number without unit, not {shown(given)}"
                source.report(path, what, f"write {name} = 1.1")
            else:
                what = f"{name} {shown(given)} is no measure of {table.metric}"
                source.report(path, what, f"units: {', '.join(units)}")
            return None
    elif units and "/s" not in units:
        example = next(text for unit, text in _EXAMPLES.items() if unit in units)
        what = f"{name} needs a unit, since {table.metric} has one"
        source.report(path, what, f'write for example {name} = "{example}"')
        return None
    else:
        number = float(given) if abs(given) < 1e30 else math.inf
    lowest_allowed = table.ratio is None and path[2] != "below"
    if not math.isfinite(number) or number < 0 or (number == 0 and not lowest_allowed):
        what = f"{name} {shown(given)} is no bound: it must be above 0"
        source.report(path, what)
        return None
    return number


def _sides(table: ClaimTable, index: int, cells: Sequence[Cell]) -> tuple[Cell, Cell | None]:
    """The cells of a claim's sides. Raises _UnresolvedError."""
    where = table.where.given() if table.where is not None else {}
    found: list[Cell] = []
    for tail, side in table.sides():
        if tail == ("where",):
            continue
        path = ("claim", index, *tail)
        given = side.given()
        for name in given.keys() & where.keys():
            what = f"{name} stands in `where` and in this side"
            raise _UnresolvedError((*path, name), what, "keep one of them", frozenset())
        found.append(_select(path, given, where, cells))
    if len(found) == 2 and found[0].key == found[1].key:
        path = ("claim", index, "ratio")
        what = f"both sides are the same cell: {found[0].label}"
        raise _UnresolvedError(path, what, "a ratio compares two cells", frozenset())
    return found[0], found[1] if len(found) == 2 else None


def _select(
    path: Path, side: dict[str, Value], where: dict[str, Value], cells: Sequence[Cell]
) -> Cell:
    """The one cell that a side and `where` match together. Raises _UnresolvedError."""
    selector = side | where
    found = [cell for cell in cells if matches(selector, cell.parameters)]
    if len(found) == 1:
        return found[0]
    if not found:
        what = f"no cell has {shown_selector(selector)}"
        hint = lacking(selector, [cell.parameters for cell in cells])
        absent = [name for name, value in selector.items() if not _exists(name, value, cells)]
        if absent:
            at = (*path[:2], "where", absent[0]) if absent[0] in where else (*path, absent[0])
            raise _UnresolvedError(at, what, hint, frozenset(absent))
        raise _UnresolvedError(path, what, hint, frozenset(selector))
    free: dict[str, list[str]] = {}
    for name in found[0].parameters:
        values = list(dict.fromkeys(cell.parameters[name] for cell in found))
        if len(values) > 1:
            free[name] = [shown_value(name, value) for value in values[:8]]
    axes = "; ".join(f"{name} ({', '.join(values)})" for name, values in free.items())
    first = next(iter(free))
    what = f"{shown_selector(selector)} selects {len(found)} cells; left free: {axes}"
    hint = f"add {first} to this side, or to where"
    raise _UnresolvedError(path, what, hint, frozenset(selector) | frozenset(free))


def _exists(name: str, value: Value, cells: Sequence[Cell]) -> bool:
    return any(cell.parameters[name] == value for cell in cells)


def _report_metric(
    table: ClaimTable, index: int, sides: tuple[Cell, Cell | None], source: Source
) -> None:
    """Report a metric that a side's load does not have."""
    path = ("claim", index, "metric")
    for cell in sides:
        if cell is None:
            continue
        if cell.parameters["kind"] == "process" and table.metric not in PROCESS_METRICS:
            what = f'kind "process" has no {table.metric}'
            source.report(path, what, f"it has {', '.join(PROCESS_METRICS)}")
        ends_by_itself = cell.parameters["kind"] == "process" or cell.parameters["requests"]
        if table.metric == "wall" and not ends_by_itself:
            what = f"wall says nothing of {cell.label}: its load lasts as long as the file says"
            source.report(path, what, "give requests instead of a duration, or use throughput")
