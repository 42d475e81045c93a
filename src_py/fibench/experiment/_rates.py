# SPDX-License-Identifier: BSD-3-Clause
"""From what `sustains` says to the row of cells of each side, by rising rate, and to its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fibench.document import ClaimTable, Source, SustainsTable
from fibench.document.locate import Path
from fibench.experiment._sides import (
    Bounds,
    UnresolvedError,
    along,
    axis_values,
    fixed,
    matching,
    refuse_repeated,
)
from fibench.experiment.cells import Cell
from fibench.metrics import LATENCIES, METRICS
from fibench.parameters import shown_value
from fibench.quantities import TIME_UNITS, parse_quantity
from fibench.wording import as_toml, one_of

FEWEST_RATES = 2
"""Of fewer rates nothing can be said but that one of them is met."""
_CLAIMED = ("sustains", FEWEST_RATES)


@dataclass(frozen=True)
class Step:
    """One rate that a server is asked for, in 1/s, and the cell that is."""

    at: float
    cell: Cell


Row = tuple[Step, ...]
"""What one side is asked for, by rising rate."""


def limit_of(table: ClaimTable, index: int, source: Source) -> float | None:
    """What the metric must stay below, in seconds; None if there is none, or it is wrong.

    What is wrong is reported.
    """
    path: Path = ("claim", index, "limit")
    if table.sustains is None:
        if table.has("limit"):
            what = "limit belongs to sustains, and this claim has none"
            source.report(path, what, "a bound of other claims is above, below or within", key=True)
        return None
    if not table.has("limit"):
        source.report(("claim", index), "the claim has no limit", 'add limit = "50ms"', key=True)
        return None
    if isinstance(table.limit, str):
        limit_s = parse_quantity(table.limit, TIME_UNITS)
        if limit_s is None:
            what = f"limit {as_toml(table.limit)} is no time"
            source.report(path, what, f"units: {', '.join(TIME_UNITS)}")
        elif limit_s <= 0.0:
            source.report(path, f"limit {as_toml(table.limit)} is no limit: it must be above 0")
            return None
        return limit_s
    source.report(
        path, "limit needs a unit, since it is a time", 'write for example limit = "50ms"'
    )
    return None


def report_no_latency(table: ClaimTable, index: int, source: Source) -> bool:
    """Report a metric that is no latency; return whether it is one."""
    if table.metric in LATENCIES:
        return True
    has = "it is no time" if METRICS[table.metric].unit != "s" else "it is no latency"
    what = f"{table.metric} cannot stay below a limit as the rate rises: {has}"
    source.report(("claim", index, "metric"), what, f"latencies: {one_of(LATENCIES)}")
    return False


def steps_of(
    table: ClaimTable, sustains: SustainsTable, index: int, cells: Sequence[Cell]
) -> tuple[Row, ...]:
    """The row of each side. Raises UnresolvedError."""
    where = table.where.given() if table.where is not None else {}
    over, path = sustains.over, ("claim", index, "sustains")
    if over in where:
        raise fixed(("claim", index, "where", over), over, "`sustains`")
    rows: list[Row] = []
    for place, side in enumerate(sustains.of):
        at, given = (*path, "of", place), side.given()
        refuse_repeated(at, given, where)
        if over in given:
            raise fixed((*at, over), over, "`sustains`")
        for cell in matching(at, given, where, cells):
            _refuse_closed_loop((*path, "over"), cell, table.group)
        found = along(at, given, where, over, cells, _CLAIMED)
        rows.append(tuple(Step(rate, found[rate]) for rate in sorted(found)))
    if len(rows) == 2 and rows[0][0].cell.key == rows[1][0].cell.key:
        what = f"both sides are the same cells: {rows[0][0].cell.backend}"
        raise UnresolvedError((*path, "of"), what, "a ratio compares two", frozenset())
    return tuple(rows)


def _refuse_closed_loop(path: Path, cell: Cell, group: str | None) -> None:
    """Raise UnresolvedError for a load that waits for its server, or has a rate of its own."""
    parameters = cell.parameters
    if parameters.rate is None:
        what = f"{cell.label} has no rate: in a closed loop the load waits for its server"
        hint = 'give rates: rate = ["50/s", "100/s", "200/s"] in [[matrix]]'
        raise UnresolvedError(path, what, hint, frozenset({"rate"}))
    for asking in parameters.groups:
        own = not asking.idle and asking.rate != parameters.rate
        if own and asking.name == group:
            what = f"the client group {as_toml(asking.name)} has a rate of its own"
            raise UnresolvedError(path, what, "remove its rate", frozenset({"rate", "group"}))


def refuse_out_of_reach(rows: Sequence[Row], bounds: Bounds, path: Path) -> None:
    """Raise UnresolvedError for a bound that no measured rate can decide; a ratio may be any."""
    if len(rows) == 2:
        return
    low, high = bounds
    rates = [step.at for step in rows[0]]
    if (low is None or low <= rates[-1]) and (high is None or high >= rates[0]):
        return
    what = f"no run can meet this bound: the rate goes from {shown_value('rate', rates[0])} to "
    hint = f"give a bound between them, or more rates than {axis_values('rate', rates)}"
    raise UnresolvedError(
        path, what + str(shown_value("rate", rates[-1])), hint, frozenset({"rate"})
    )
