# SPDX-License-Identifier: BSD-3-Clause
"""From what a side of a claim says to the one cell, or the row of cells, that it selects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from fibench.document import ClaimTable, CrossoverTable, Source
from fibench.document.locate import Path
from fibench.experiment.cells import Cell, axes_of_the_file
from fibench.experiment.matrix.selecting import lacking, matches, selectable, shown_selector
from fibench.metrics import METRICS, PROCESSES_HAVE
from fibench.parameters import KEYS, Scalar, Value, shown_value
from fibench.wording import one_of

FEWEST_POINTS = 3
"""With fewer values of its axis, a crossover is not looked for."""

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Point:
    """One value of the axis of a crossover, and the two cells that it compares there."""

    at: float
    left: Cell
    right: Cell


@dataclass
class UnresolvedError(Exception):
    """A side of a claim does not select exactly one cell."""

    path: Path
    what: str
    hint: str
    keys: frozenset[str]
    """The keys on which this depends."""
    more: list[UnresolvedError] = field(default_factory=list)
    """The same of other sides of the claim."""


def sides_of(table: ClaimTable, index: int, cells: Sequence[Cell]) -> tuple[Cell, Cell | None]:
    """The cells of a claim's sides. Raises UnresolvedError."""
    where = table.where.given() if table.where is not None else {}
    found: list[Cell] = []
    wrong: list[UnresolvedError] = []
    for tail, side in table.sides():
        if tail == ("where",):
            continue
        path = ("claim", index, *tail)
        given = side.given()
        try:
            refuse_repeated(path, given, where)
            found.append(one_cell(path, given, where, cells))
        except UnresolvedError as fault:
            if fault.path not in [one.path for one in wrong]:  # a fault of `where` is of both sides
                wrong.append(fault)
    if wrong:
        first, *first.more = wrong
        raise first
    if len(found) == 2 and found[0].key == found[1].key:
        path = ("claim", index, "ratio")
        what = f"both sides are the same cell: {found[0].label}"
        raise UnresolvedError(path, what, "a ratio compares two cells", frozenset())
    return found[0], found[1] if len(found) == 2 else None


def refuse_repeated(path: Path, side: dict[str, Scalar], where: dict[str, Scalar]) -> None:
    """Raise UnresolvedError for a key that stands in a side and in `where`."""
    for name in side.keys() & where.keys():
        what = f"{name} stands in `where` and in this side"
        raise UnresolvedError((*path, name), what, "keep one of them", frozenset())


def one_cell(
    path: Path, side: dict[str, Scalar], where: dict[str, Scalar], cells: Sequence[Cell]
) -> Cell:
    """The one cell that a side and `where` match together. Raises UnresolvedError."""
    found = matching(path, side, where, cells)
    if len(found) > 1:
        raise _left_free(path, side | where, found, None)
    return found[0]


def matching(
    path: Path, side: dict[str, Scalar], where: dict[str, Scalar], cells: Sequence[Cell]
) -> list[Cell]:
    """The cells that a side and `where` match together, at least one. Raises UnresolvedError."""
    selector = side | where
    found = [cell for cell in cells if matches(selector, cell)]
    if found:
        return found
    what = f"no cell has {shown_selector(selector)}"
    hint = lacking(selector, cells)
    absent = [name for name, value in selector.items() if not _exists(name, value, cells)]
    if absent:
        at = (*path[:2], "where", absent[0]) if absent[0] in where else (*path, absent[0])
        raise UnresolvedError(at, what, hint, frozenset(absent))
    raise UnresolvedError(path, what, hint, frozenset(selector))


def _left_free(
    path: Path, selector: dict[str, Scalar], found: Sequence[Cell], over: str | None
) -> UnresolvedError:
    """What to say of a selector that leaves more free than `over`, the axis of a crossover."""
    free: dict[str, list[str]] = {}
    for name in ("backend", *KEYS, *axes_of_the_file(found)):
        values = list(dict.fromkeys(selectable(cell, name) for cell in found))
        if len(values) > 1 and name != over:
            free[name] = [shown_value(name, value) for value in values[:8]]
    axes = "; ".join(f"{name} ({', '.join(values)})" for name, values in free.items())
    beside = "" if over is None else f" beside {over}"
    what = f"{shown_selector(selector)} selects {len(found)} cells; left free{beside}: {axes}"
    hint = f"add {next(iter(free))} to this side, or to where"
    return UnresolvedError(path, what, hint, frozenset(selector) | frozenset(free))


def _exists(name: str, value: Value, cells: Sequence[Cell]) -> bool:
    return any(selectable(cell, name) == value for cell in cells)


def points_of(
    table: ClaimTable, crossover: CrossoverTable, index: int, cells: Sequence[Cell]
) -> tuple[Point, ...]:
    """The points of a crossover, by rising value of its axis. Raises UnresolvedError."""
    where = table.where.given() if table.where is not None else {}
    over, path = crossover.over, ("claim", index, "crossover")
    if over in where:
        raise fixed(("claim", index, "where", over), over)
    sides: list[dict[float, Cell]] = []
    for place, side in enumerate(crossover.of):
        at, given = (*path, "of", place), side.given()
        refuse_repeated(at, given, where)
        if over in given:
            raise fixed((*at, over), over)
        sides.append(along(at, given, where, over, cells))
    first, second = sides
    if first.keys() != second.keys():
        shown_values = [axis_values(over, side) for side in sides]
        what = f"the two sides have different values of {over}: {' against '.join(shown_values)}"
        raise UnresolvedError((*path, "of"), what, "give both the same", frozenset({over}))
    points = tuple(Point(at, first[at], second[at]) for at in sorted(first))
    if points[0].left.key == points[0].right.key:
        what = f"both sides are the same cells: {crossover.of[0].given().get('backend', over)}"
        raise UnresolvedError((*path, "of"), what, "a crossover compares two", frozenset())
    return points


def along(
    path: Path,
    side: dict[str, Scalar],
    where: dict[str, Scalar],
    over: str,
    cells: Sequence[Cell],
    wanted: tuple[str, int] = ("a crossover", FEWEST_POINTS),
) -> dict[float, Cell]:
    """For each value of an axis the one cell that a side and `where` match there.

    `wanted` is what for, and how many values that needs. Raises UnresolvedError.
    """
    found = matching(path, side, where, cells)
    row: dict[float, Cell] = {}
    for cell in found:
        value = selectable(cell, over)
        if not isinstance(value, int | float):
            what = f"{over} has no value for {cell.label}"
            raise UnresolvedError(path, what, f"leave out what has no {over}", frozenset({over}))
        row[value] = cell
    needs, fewest = wanted
    if len(row) < fewest:
        what = f"{over} has {_several_values(row)}: {axis_values(over, row)}"
        hint = f"{needs} needs at least {fewest}: give more in [[matrix]]"
        raise UnresolvedError((*path[:3], "over"), what, hint, frozenset({over}))
    if len(row) < len(found):
        raise _left_free(path, side | where, found, over)
    return row


def fixed(path: Path, over: str, claimed: str = "the crossover") -> UnresolvedError:
    """What to say of a side that fixes the axis of what is claimed."""
    what = f"{over} is what {claimed} goes over, and has one value here"
    return UnresolvedError(path, what, "remove it", frozenset())


def _several_values(values: Collection[float]) -> str:
    return f"{len(values)} value{'' if len(values) == 1 else 's'} only"


def axis_values(over: str, values: Collection[float]) -> str:
    """Values of an axis, for people."""
    return one_of(shown_value(over, value) for value in sorted(values))


def refuse_beyond(over: str, points: Sequence[Point], bounds: Bounds, path: Path) -> None:
    """Raise UnresolvedError for bounds that no crossover between the points can decide."""
    low, high = bounds
    if (low is None or low < points[-1].at) and (high is None or high > points[0].at):
        return
    what = f"no crossover can meet this bound: {over} goes from "
    ends = [shown_value(over, point.at) for point in (points[0], points[-1])]
    hint = f"give a bound between them, or more values of {over}"
    raise UnresolvedError(path, what + " to ".join(ends), hint, frozenset({over}))


def report_unmeasured(path: Path, metric: str, cells: Sequence[Cell], source: Source) -> None:
    """Report a metric that the load of one of these cells does not have."""
    for cell in cells:
        if cell.parameters.kind == "process" and not METRICS[metric].of_processes:
            what = f'kind "process" has no {metric}'
            source.report(path, what, f"it has {', '.join(PROCESSES_HAVE)}")
        ends_by_itself = cell.parameters.kind == "process" or cell.parameters.requests
        if metric == "wall" and not ends_by_itself:
            what = f"wall says nothing of {cell.label}: its load lasts as long as the file says"
            source.report(path, what, "give requests instead of a duration, or use throughput")
