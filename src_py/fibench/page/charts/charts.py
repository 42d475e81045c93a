# SPDX-License-Identifier: BSD-3-Clause
"""Which charts a run has, by name, and what is in each: those of its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fibench.document import slug
from fibench.page.charts import layouts
from fibench.page.charts.layouts import ChartRow
from fibench.page.charts.sheet import FIGURE, WIDTH, Sheet, Style
from fibench.page.claims.cards import Card, cards
from fibench.page.draw.palette import TONE, Look
from fibench.page.sections.cores import Cores, cores
from fibench.page.sections.designs import Facet, Pane, panes
from fibench.page.sections.knee import Knee
from fibench.page.sections.latency import LatencySection, Panels, latency
from fibench.page.sections.sweeps import Sweep
from fibench.page.sections.timeline import Timeline
from fibench.page.sections.timelines import CellTimeline, Waits, waits
from fibench.page.sections.trust import Trust, trust
from fibench.page.view import View
from fibench.report.numbers import percent
from fibench.verdict import CONFIDENCE
from fibench.wording import prose, shown

if TYPE_CHECKING:
    from fibench.verdict import Review

_BLOCKS = f"Thick line: the {percent(CONFIDENCE)} interval; small dots: blocks."
_LOG = "Logarithmic: equal steps are equal factors."


@dataclass(frozen=True)
class Chart:
    """A picture of a run."""

    name: str
    title: str
    run: str
    marks: Sequence[str]
    """What is wrong with the run's files."""
    draw: Callable[[Sheet], None]

    def svg(self) -> str:
        """The picture as a file of its own."""
        sheet = Sheet()
        for mark in self.marks:
            sheet.paragraph(f"Warning: {mark}", Style(12.0, TONE["no"], bold=True))
        self.draw(sheet)
        sheet.down += 6.0
        sheet.paragraph(f"fibench {self.run}", Style(10.5))
        return sheet.svg(self.title, "; ".join(f"warning: {mark}" for mark in self.marks))


def charts_of(review: Review) -> list[Chart]:
    """The charts of a run, in the order of its page; no two have one name."""
    view, found = View(review), dict[str, Chart]()
    run, marks = shown(review.run.name), [prose(mark) for mark in review.marks]
    if review.added_afterwards:
        run += ", claims added afterwards"
    for name, title, draw in _every(view):
        own, number = name, 1
        while own in found:
            number += 1
            own = f"{name}-{number}"
        found[own] = Chart(own, title, run, marks, draw)
    return list(found.values())


_Named = tuple[str, str, Callable[[Sheet], None]]


def _every(view: View) -> Iterator[_Named]:
    for card in cards(view):
        if card.picture is not None:
            yield f"claim-{slug(card.id)}", card.says, partial(_claim, card=card)
    waiting = waits(view)
    if waiting is not None:
        yield "thread-time", "Where thread-time goes", partial(_thread_time, found=waiting)
        if pictured := [one for one in waiting.cells if one.picture is not None]:
            yield "timelines", "Who waits where", partial(_timelines, found=waiting, of=pictured)
    for pane in panes(view):
        yield from _of_pane(pane)
    busy = cores(view)
    if busy is not None:
        yield from _of_cores(busy)
    yield from _of_latency(latency(view))
    yield from _of_trust(trust(view), [one.look for one in view.drawn])


def _of_pane(pane: Pane) -> Iterator[_Named]:
    title = f"{pane.name}: {pane.meaning}"
    if pane.sweep is not None:
        yield from _of_sweep(pane.metric, pane.name, pane.sweep)
    yield pane.metric, title, partial(_pane, pane=pane)


def _of_sweep(metric: str, name: str, found: Sweep) -> Iterator[_Named]:
    title = f"{name} over {found.over}"
    yield f"{metric}-over-{slug(found.over)}", title, partial(_sweep, title=title, found=found)


def _of_cores(found: Cores) -> Iterator[_Named]:
    if found.sweep is not None:
        yield from _of_sweep("cores", "Cores kept busy", found.sweep)
    yield "cores", "Cores kept busy", partial(_cores, found=found)


def _of_latency(found: LatencySection | None) -> Iterator[_Named]:
    if found is None:
        return
    if found.knee is not None:
        yield "knee", found.knee.title, partial(_knee, found=found.knee)
    for group in found.groups:
        name = "-".join(filter(None, ("latency", slug(group.name))))
        yield name, "Latency percentiles", partial(_latency, group=group)


def _of_trust(found: Trust, looks: Sequence[Look]) -> Iterator[_Named]:
    if found.timeline is not None:
        draw = partial(_trials, found=found.timeline, looks=looks)
        yield "trials", "Every trial in the order in which it ran", draw
    if found.twin is not None:
        yield "twin", "The same cell, measured twice in every block", partial(_twin, found=found)
    if found.shares:
        title = "The load generator's share of its core"
        yield "generator", title, partial(_generator, found=found)


def _claim(sheet: Sheet, card: Card) -> None:
    layouts.heading(sheet, card.says)
    tone = Style(12.5, TONE[card.tone], bold=True)
    sheet.words(0.0, sheet.down + 6.0, card.outcome, tone)
    figure = " ".join(filter(None, (card.big, card.interval)))
    sheet.words(WIDTH, sheet.down + 6.0, figure, FIGURE)
    sheet.down += 20.0
    assert card.picture is not None
    sheet.down += sheet.drawing(card.picture, 0.0, sheet.down, WIDTH)


def _pane(sheet: Sheet, pane: Pane) -> None:
    rows = [row for facet in pane.facets for row in facet.rows]
    log = _LOG if any(facet.log for facet in pane.facets) else ""
    layouts.heading(
        sheet,
        f"{pane.name}: {pane.meaning}",
        f"{pane.better.capitalize()}. {_BLOCKS} {log}".strip(),
    )
    layouts.looks(sheet, (row.cell.look for row in rows))
    for facet in pane.facets:
        layouts.pictured_rows(sheet, facet.name, _rows(facet), facet.axis)


def _rows(facet: Facet) -> list[ChartRow]:
    return [
        ChartRow(None if one.group else one.cell.look, one.group or one.cell.name, one.picture,
            one.figure, one.spread, one.absent)
        for one in facet.rows
    ]  # fmt: skip


def _sweep(sheet: Sheet, title: str, found: Sweep) -> None:
    layouts.heading(sheet, title, found.note, _LOG if found.log else "")
    layouts.sweep(sheet, found)


def _cores(sheet: Sheet, found: Cores) -> None:
    note = (
        "CPU time of the server as cores kept busy. Full colour: its own code; light: the kernel."
    )
    layouts.heading(sheet, "Cores kept busy", note)
    layouts.looks(sheet, (row.cell.look for row in found.rows))
    rows = [
        ChartRow(one.cell.look, one.cell.label, one.picture, one.figure,
            one.kernel and f"kernel {one.kernel}")
        for one in found.rows
    ]  # fmt: skip
    layouts.pictured_rows(sheet, "", rows, found.axis)


def _thread_time(sheet: Sheet, found: Waits) -> None:
    note = (
        "Shares of the time that the threads of each server were there, seen in an untimed trial."
    )
    layouts.heading(sheet, "Where thread-time goes", note)
    layouts.levels(sheet, found.legend)
    rows = [
        ChartRow(one.cell.look, one.cell.label, one.bar, absent=one.sentence)
        for one in found.cells
    ]  # fmt: skip
    layouts.pictured_rows(sheet, "", rows, found.axis)


def _timelines(sheet: Sheet, found: Waits, of: Sequence[CellTimeline]) -> None:
    layouts.heading(sheet, "Who waits where: a row for each thread, time to the right")
    layouts.levels(sheet, found.legend)
    for one in of:
        assert one.picture is not None
        layouts.named(sheet, one.cell.look, one.cell.label, f"{one.sentence}.")
        sheet.down += sheet.drawing(one.picture, 0.0, sheet.down, WIDTH) + 14.0


def _knee(sheet: Sheet, found: Knee) -> None:
    layouts.heading(sheet, found.title, found.note)
    layouts.lines(sheet, [row.line for row in found.rows])
    sheet.down += sheet.drawing(found.picture, 0.0, sheet.down, WIDTH)


def _latency(sheet: Sheet, group: Panels) -> None:
    note = "A line for each block; dotted where fewer than ten replies lie beyond."
    title = f"Latency percentiles: {group.name}" if group.name else "Latency percentiles"
    layouts.heading(sheet, title, note)
    layouts.panels(sheet, group)


def _trials(sheet: Sheet, found: Timeline, looks: Sequence[Look]) -> None:
    note = f"{found.metric.capitalize()} as a factor of the median of its cell; bands are blocks. "
    note += "Hollow: disturbed, or measured again; a cross below: failed."
    if found.unknown:
        note += f" An arrow below: asked for more than it could answer, so no {found.metric}."
    layouts.heading(sheet, "Every trial in the order in which it ran", note)
    layouts.looks(sheet, looks)
    sheet.down += sheet.drawing(found.picture, 0.0, sheet.down, WIDTH)


def _twin(sheet: Sheet, found: Trust) -> None:
    assert found.twin is not None
    layouts.heading(sheet, "The same cell, measured twice in every block", found.twin_said)
    sheet.down += sheet.drawing(found.twin, 0.0, sheet.down, WIDTH)


def _generator(sheet: Sheet, found: Trust) -> None:
    note = "At worst. In the red it would have been the limit."
    layouts.heading(sheet, "The load generator's share of its core", note)
    rows = [
        ChartRow(one.cell.look, one.cell.label, one.picture, one.figure) for one in found.shares
    ]
    layouts.pictured_rows(sheet, "", rows, found.shares_axis)
