# SPDX-License-Identifier: BSD-3-Clause
"""A run's search, followed through the trials that it has made: which one is next, or what was
found. Pure.

Each trial is asked for by what those before it have shown, so that the same journal gives the same
rates again, however often it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment.searching.rates import FoundRates, Sought
from fibench.plan.searching.found import followed_searches
from fibench.plan.searching.steps import (
    GRID,
    Ask,
    Bracket,
    Shown,
    bracket_of,
    least_place,
    next_step,
    rates_about,
    start_of,
    with_named,
)
from fibench.plan.trials import search_key
from fibench.record import Record
from fibench.store.searching.outcomes import outcome_of
from fibench.tried import could_not_start, last_attempts

if TYPE_CHECKING:
    from fibench.experiment import Cell, Experiment
    from fibench.experiment.searching.search import Search, SearchTarget

AGAIN = "~again"
"""What the key of a cell has behind it that is asked for a second time."""


@dataclass(frozen=True)
class SearchState:
    """How far the searches of a run have come."""

    probes: tuple[Cell, ...]
    """The cells of the trials that are made, in order."""
    following: Cell | None
    """That of the next one, which may be among them, as it could not start; None: all is found."""
    found: tuple[FoundRates, ...]
    """What was found so far."""
    chosen: tuple[tuple[float, ...], ...] = ()
    """Of each, the rates without those that claims name."""

    @property
    def place(self) -> int:
        """That of the next one among all."""
        keys = [cell.key for cell in self.probes]
        next_key = None if self.following is None else self.following.key
        return keys.index(next_key) if next_key in keys else len(keys)

    def gives(self, kept: Sequence[FoundRates]) -> bool:
        """Whether a plan has kept what was found. Claims may have named other rates then: more were
        measured, between those that were chosen."""
        if self.following is not None or len(kept) != len(self.found):
            return False
        each = zip(kept, self.found, self.chosen, strict=True)
        return all(
            replace(one, rates=found.rates) == found
            and set(chosen) <= set(one.rates)
            and list(one.rates) == sorted(set(one.rates))
            and (one.rates[0], one.rates[-1]) == (chosen[0], chosen[-1])
            for one, found, chosen in each
        )


def follow(experiment: Experiment, records: Iterable[Record]) -> SearchState:
    """Follow the searches of an experiment, one after the other, through `records`, in the order of
    writing; it does not matter whether it has their rates already.

    What could not start, for reasons that are not the server's, shows nothing, and is to be made
    again: until then the search stands still.
    """
    last = last_attempts(record for record in records if record.role == "search")
    made = {record.trial: record for record in last}
    probes: dict[str, Cell] = {}
    found: list[FoundRates] = []
    chosen: list[tuple[float, ...]] = []
    for search in followed_searches(experiment):
        rates: set[float] = set()
        sought = []
        for target in search.targets:
            seen = _Seeking(search, target, made, probes)
            following = seen.to_its_end()
            if following is not None:
                return SearchState(tuple(probes.values()), following, tuple(found), tuple(chosen))
            bracket = bracket_of(seen.seen, seen.least)
            rates |= set(rates_about(bracket, start_of(seen.seen, seen.least), seen.least))
            sought.append(_sought(target, len(seen.seen), bracket))
        chosen.append(tuple(sorted(rates)))
        named = with_named(sorted(rates), search.bounds)
        backend = search.template.backend
        found.append(FoundRates(search.key, search.label, backend, named, tuple(sought)))
    return SearchState(tuple(probes.values()), None, tuple(found), tuple(chosen))


def _sought(target: SearchTarget, trials: int, bracket: Bracket) -> Sought:
    places = (bracket.low, bracket.high, bracket.beyond)
    held, exceeded, limit = (None if at is None else GRID[at] for at in places)
    return Sought(target, trials, held, exceeded, limit, bracket.lost)


class _Seeking:
    """The way of one search for one of its targets; `probes` are those of the run so far."""

    def __init__(
        self,
        search: Search,
        target: SearchTarget,
        made: Mapping[str, Record],
        probes: dict[str, Cell],
    ) -> None:
        self._search, self._target, self._made, self._probes = search, target, made, probes
        self.seen: list[Shown] = []
        self.least = least_place(search.least_per_s(target))

    def to_its_end(self) -> Cell | None:
        """Go on as far as there are trials; returns the cell of the one that lacks."""
        closed_first = not self._search.has_groups
        while (
            ask := next_step(self.seen, closed_first=closed_first, least=self.least)
        ) is not None:
            cell = self._cell(ask)
            record = self._made.get(search_key(cell))
            if record is not None:
                self._probes.setdefault(cell.key, cell)
            if record is None or could_not_start(record):
                return cell
            self.seen.append(self._saw(ask, cell, record))
        return None

    def _cell(self, ask: Ask) -> Cell:
        if ask.at is None:
            return self._search.closed(self._target)
        cell = self._search.probe(GRID[ask.at], self._target, short=ask.short)
        return replace(cell, key=cell.key + AGAIN) if ask.again else cell

    def _saw(self, ask: Ask, cell: Cell, record: Record) -> Shown:
        if ask.at is None:
            per_s = record.metrics.get("throughput_per_s") if record.valid else None
            return Shown(None, "unknown", short=True, per_s=per_s or None)
        whole_s = self._search.template.parameters.duration
        is_short = whole_s is not None and cell.parameters.duration != whole_s
        return Shown(ask.at, outcome_of(record, self._target), short=is_short)
