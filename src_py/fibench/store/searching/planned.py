# SPDX-License-Identifier: BSD-3-Clause
"""From what a plan has kept of its searches to the experiment as it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fibench.experiment import Cell, Experiment
from fibench.experiment.searching.rates import FoundRates, read_found
from fibench.json_values import Object, list_or_empty, object_or_empty
from fibench.parameters import Parameters
from fibench.plan.searching.found import with_rates


def found_in(plan: Object) -> list[FoundRates]:
    """The rates that a plan says were found. Raises ValueError."""
    read = [read_found(one) for one in list_or_empty(plan.get("searches"))]
    return [one for one in read if one is not None]


def as_searched(experiment: Experiment, plan: Object) -> Experiment:
    """An experiment with the rates that a plan says were found, and the trials that found them.

    Raises ValueError.
    """
    if not experiment.searches or "searches" not in plan:
        return experiment
    trials = map(object_or_empty, list_or_empty(plan.get("trials")))
    probes = tuple(_probe(one) for one in trials if one.get("role") == "search")
    return replace(with_rates(experiment, found_in(plan)), probes=probes)


def _probe(trial: Mapping[str, object]) -> Cell:
    """The cell of a trial of a search, of which nothing is shown but its label."""
    key, label, values = (trial.get(name) for name in ("key", "cell", "parameters"))
    if not isinstance(key, str) or not isinstance(label, str) or not isinstance(values, dict):
        raise ValueError("a trial has no proper cell")
    parameters = Parameters.read(values)
    return Cell(parameters.backend, parameters, (), label, key.removeprefix("search-"))
