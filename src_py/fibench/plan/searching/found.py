# SPDX-License-Identifier: BSD-3-Clause
"""An experiment whose rates were searched, with the cells that were found. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fibench.experiment.searching.rates import FoundRates
from fibench.experiment.searching.search import Search, found_row
from fibench.plan.searching.steps import MOST_SEARCH_TRIALS

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim, Experiment


def open_searches(experiment: Experiment) -> list[Search]:
    """The searches whose rates are still to be found, of cells that can be run here."""
    keys = {cell.key for cell in experiment.cells}
    return [one for one in experiment.searches if keys & {cell.key for cell in one.stand_ins}]


def followed_searches(experiment: Experiment) -> list[Search]:
    """The searches whose rates were found, or are to be."""
    found = {one.cells for one in experiment.found_rates}
    still = {search.key for search in open_searches(experiment)}
    return [search for search in experiment.searches if search.key in found | still]


def with_rates(experiment: Experiment, of_searches: Sequence[FoundRates]) -> Experiment:
    """The experiment with the rates that were found in the place of those that stand in for
    them."""
    rates = {one.cells: one.rates for one in of_searches}
    searches = [search for search in experiment.searches if search.key in rates]
    found: dict[str, Sequence[Cell]] = {
        search.key: [search.at(rate) for rate in sorted(rates[search.key])] for search in searches
    }
    of_stand_in = {cell.key: search.key for search in searches for cell in search.stand_ins}
    cells: dict[str, Cell] = {}
    for cell in experiment.cells:
        search = of_stand_in.get(cell.key)
        for one in [cell] if search is None else found[search]:
            cells.setdefault(one.key, one)
    claims = tuple(_with_cells(claim, found, of_stand_in) for claim in experiment.claims)
    return replace(
        experiment, cells=tuple(cells.values()), claims=claims, found_rates=tuple(of_searches)
    )


def most_trials(experiment: Experiment) -> int:
    """How many trials the searches of an experiment make at most."""
    return MOST_SEARCH_TRIALS * sum(len(search.targets) for search in open_searches(experiment))


def searches_json(experiment: Experiment, seconds: Callable[[Cell], float]) -> dict[str, object]:
    """What a plan says of searches: what they have found, or that they are still to be made.

    `seconds` says how long a trial of a cell takes. Nothing of an experiment that has none.
    """
    left = [
        {
            "cells": search.key,
            "label": search.label,
            "backend": search.template.backend,
            "rates": None,
            "targets": [target.as_json() for target in search.targets],
        }
        for search in open_searches(experiment)
    ]
    kept = [*(one.as_json() for one in experiment.found_rates), *left]
    longest_s = sum(
        MOST_SEARCH_TRIALS * len(search.targets) * seconds(search.stand_ins[0])
        for search in open_searches(experiment)
    )
    most = {"most_search_trials": most_trials(experiment), "search_s": round(longest_s, 3)}
    return {"searches": kept, **most} if kept else {}


def _with_cells(
    claim: Claim, found: dict[str, Sequence[Cell]], of_stand_in: dict[str, str]
) -> Claim:
    if not claim.rows:
        return claim
    rows = tuple(found_row(row, found, of_stand_in) for row in claim.rows)
    right = rows[1][0].cell if len(rows) == 2 else None
    return replace(claim, rows=rows, left=rows[0][0].cell, right=right)
