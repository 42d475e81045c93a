# SPDX-License-Identifier: BSD-3-Clause
"""Which designs use the machine: the cores that each kept busy, how much of it in the kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fibench.metrics import number
from fibench.page.draw import labels, svg
from fibench.page.draw.labels import AxisLabel
from fibench.page.draw.palette import GRID_LINE, INK
from fibench.page.draw.scale import Axis
from fibench.page.sections.sweeps import Sweep, sweep_of
from fibench.page.view import CellView, View
from fibench.verdict import Estimate
from fibench.wording import counted

_HEIGHT = 34.0


@dataclass(frozen=True)
class CoresRow:
    """A cell."""

    cell: CellView
    figure: str
    kernel: str
    """The share of it that the kernel worked; empty where that is not known."""
    picture: Markup


@dataclass(frozen=True)
class Cores:
    """The table, with an axis below."""

    rows: Sequence[CoresRow]
    axis: Markup
    sweep: Sweep | None


def cores(view: View) -> Cores | None:
    """The cores of every cell that they are known of; None if of none."""
    known = [
        (one, found)
        for one in view.drawn
        if (summary := view.summaries.get(one.cell.key)) is not None
        and (found := summary.estimates["cores"]).mean is not None
    ]
    if not known:
        return None
    machine = view.review.run.cores or 0
    most = max(machine, *(found.mean or 0.0 for _, found in known))
    scale = Axis(0.0, most * 1.03, first=0.3, last=99.0)
    every = math.ceil(max(machine, most) / 8.0) or 1
    ticks = [float(at) for at in range(0, math.floor(most * 1.03) + 1, every)]
    rows = [_row(view, one, found, scale, ticks) for one, found in known]
    wanted = [AxisLabel(scale.at(at), counted(int(at), "core") if at else "idle") for at in ticks]
    axis = svg.canvas(20.0, *labels.drawn(labels.kept(wanted, labels.IN_TABLE_PX), 14.0))
    return Cores(rows, axis, sweep_of(view, "cores"))


def _row(
    view: View, one: CellView, found: Estimate, scale: Axis, ticks: Sequence[float]
) -> CoresRow:
    share = _in_kernel(view, one.cell.key)
    picture = svg.canvas(_HEIGHT, *_marks(one, found, share or 0.0, scale, ticks))
    assert found.mean is not None
    kernel = ""
    if share is not None:
        kernel = f"{100.0 * share:.0f} %" if share >= 0.005 else "<1 %"
    return CoresRow(one, number(found.mean), kernel, picture)


def _in_kernel(view: View, key: str) -> float | None:
    """The share of a cell's CPU time that the kernel worked for it."""
    user = system = 0.0
    for record in view.records_of(key):
        if record.server is not None:
            user += record.server.cpu_user_s or 0.0
            system += record.server.cpu_system_s or 0.0
    return system / (user + system) if user + system > 0.0 else None


def _marks(
    one: CellView, found: Estimate, share: float, scale: Axis, ticks: Sequence[float]
) -> Iterator[Markup]:
    for at in ticks:
        dashes, paint = ("3 3", INK) if at else (None, GRID_LINE)
        yield svg.line(
            scale.at(at), scale.at(at), 0.0, _HEIGHT, stroke=paint, stroke_dasharray=dashes,
            stroke_opacity=".55" if at else None, class_="bound" if at else "grid",
        )  # fmt: skip
    assert found.mean is not None
    edge = scale.at(found.mean * (1.0 - share))
    look, class_ = one.look, f"f-{one.look.family}"
    yield svg.rect(scale.at(0.0), edge, 8.0, 18.0, fill=look.fill, class_=class_)
    yield svg.rect(
        edge, scale.at(found.mean), 8.0, 18.0, fill=look.fill, fill_opacity=".45", class_=class_
    )
