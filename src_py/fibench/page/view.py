# SPDX-License-Identifier: BSD-3-Clause
"""What the sections of a page draw: a judged run, and how its cells look. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fibench.experiment import Cell
from fibench.json_values import object_or_empty, text_or_none
from fibench.page.draw.palette import Look, look_of
from fibench.page.source import SourceFile, read_source
from fibench.record import Record
from fibench.verdict import CellSummary, Index, Review, Sample
from fibench.verdict.sampling.sampled import samples
from fibench.wording import shown

MOST_DRAWN = 150
"""Cells."""


@dataclass(frozen=True)
class CellView:
    """A cell as the page names and draws it."""

    cell: Cell
    anchor: str
    """Its place among the cells, by which marks and rows of one cell find each other."""
    look: Look
    name: str
    """The backend."""
    facet: str
    """The other axes, as words: "n=27"; empty where there are none."""

    @property
    def label(self) -> str:
        """The whole name, as the terminal has it."""
        return shown(self.cell.label)


@dataclass(frozen=True)
class View:
    """A judged run."""

    review: Review

    @cached_property
    def cells(self) -> tuple[CellView, ...]:
        """The cells that were measured, in the order of the file."""
        every = self.review.run.experiment.cells
        return tuple(self._cell(cell, place) for place, cell in enumerate(every))

    def _cell(self, cell: Cell, place: int) -> CellView:
        rest = cell.label.removeprefix(cell.backend).strip()
        look = look_of(cell.backend, self._language(cell.backend))
        return CellView(cell, f"c{place}", look, shown(cell.backend), shown(rest))

    def _language(self, backend: str) -> str:
        """What the run keeps of a backend's language; of an earlier version, what its name says."""
        experiment = self.review.run.experiment
        if backend in experiment.backends:
            return "own"
        kept = object_or_empty(self.review.run.plan.document.get("backends"))
        said = text_or_none(object_or_empty(kept.get(backend)).get("language"))
        return said or ("c" if backend.startswith("c-") else "python")

    @cached_property
    def source(self) -> SourceFile:
        """The experiment's file."""
        return read_source(self.review.run.folder)

    @cached_property
    def by_key(self) -> Mapping[str, CellView]:
        """The cells by their keys."""
        return {one.cell.key: one for one in self.cells}

    @cached_property
    def summaries(self) -> Mapping[str, CellSummary]:
        """What is known of each cell, by its key."""
        return {one.cell_key: one for one in self.review.summaries}

    @cached_property
    def samples(self) -> Sequence[Sample]:
        """What each trial gave, as the findings have it."""
        return samples(self.review.run.attempts)

    @cached_property
    def index(self) -> Index:
        """The same, by cell and block."""
        return Index(self.samples)

    @cached_property
    def measured(self) -> tuple[Record, ...]:
        """The last attempt of each trial that measured a cell, in the order of the plan."""
        return tuple(one for one in self.review.run.records if one.role in ("measure", "twin"))

    def records_of(self, key: str) -> Iterator[Record]:
        """The valid measurements of a cell, in the order of blocks."""
        return (one for one in self.measured if one.cell == key and one.valid)

    @property
    def blocks(self) -> int:
        """How many blocks were begun."""
        return 1 + max((one.block for one in self.measured), default=-1)

    @property
    def drawn(self) -> tuple[CellView, ...]:
        """Those with pictures of their own: of very many the first, or no page could be opened."""
        return self.cells[:MOST_DRAWN]

    def facets(self, place: Callable[[CellView], float]) -> dict[str, list[CellView]]:
        """The drawn cells that have all but the backend in common, by their `place`, and in the
        order of the file."""
        found: dict[str, list[CellView]] = {}
        for one in sorted(self.drawn, key=place):
            found.setdefault(one.facet, []).append(one)
        return found
