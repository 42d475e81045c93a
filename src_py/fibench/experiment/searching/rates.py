# SPDX-License-Identifier: BSD-3-Clause
"""The rates that a search has found, as a plan keeps them and as it is read again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fibench.experiment.searching.search import SearchTarget


@dataclass(frozen=True)
class Sought:
    """What a search has seen for one of its targets; rates in 1/s."""

    target: SearchTarget
    trials: int
    held: float | None
    """The highest rate at which the limit was held; None: at none."""
    exceeded: float | None
    """The lowest above at which it was not; None: at none."""
    generator_limit: float | None = None
    """The lowest above that the load generator could not offer."""
    without_figure: bool = False
    """A trial had no figure, which ended the search."""


@dataclass(frozen=True)
class FoundRates:
    """The rates of one search, and how they were found."""

    cells: str
    """The key of the search."""
    label: str
    """Its cells without their rate."""
    backend: str
    rates: tuple[float, ...]
    """In 1/s, rising."""
    found_by: tuple[Sought, ...]

    @property
    def trials(self) -> int:
        """How many trials it took, one that serves two targets counted with each."""
        return sum(one.trials for one in self.found_by)

    def as_json(self) -> dict[str, object]:
        """As a plan keeps it."""
        found_by = [{**asdict(one), "target": one.target.as_json()} for one in self.found_by]
        return {
            "cells": self.cells,
            "label": self.label,
            "backend": self.backend,
            "rates": list(self.rates),
            "found_by": found_by,
        }


def read_found(kept: object) -> FoundRates | None:
    """What a plan says of a search; None where its rates are not found yet. Raises ValueError."""
    if not isinstance(kept, Mapping):
        raise ValueError("it is no table")
    if kept.get("rates") is None:
        return None
    rates, found_by = kept["rates"], kept.get("found_by")
    if not isinstance(rates, list) or not rates or not isinstance(found_by, list):
        raise ValueError("it has no proper rates")
    texts = [kept.get(name) for name in ("cells", "label", "backend")]
    cells, label, backend = (text if isinstance(text, str) else _improper() for text in texts)
    if not all(_is_rate(rate) for rate in rates):
        _improper()
    every = tuple(float(rate) for rate in rates)
    return FoundRates(cells, label, backend, every, tuple(_sought(one) for one in found_by))


def _improper() -> str:
    raise ValueError("it has no proper rates")


def _is_rate(value: object) -> bool:
    return type(value) in (int, float) and 0.0 < float(str(value)) < 1e9


def _sought(kept: object) -> Sought:
    if not isinstance(kept, Mapping) or not isinstance(kept.get("target"), Mapping):
        raise ValueError("it does not say what was looked for")
    target, trials = kept["target"], kept.get("trials")
    metric, group, limit_s = (target.get(name) for name in ("metric", "group", "limit"))
    sound = isinstance(metric, str) and (group is None or isinstance(group, str))
    if not sound or not _is_rate(limit_s) or type(trials) is not int or trials < 0:
        raise ValueError("it does not say what was looked for")
    ends = [kept.get(name) for name in ("held", "exceeded", "generator_limit")]
    if not all(end is None or _is_rate(end) for end in ends):
        raise ValueError("it does not say what was found")
    held, exceeded, limit = (None if end is None else float(end) for end in ends)
    lost = kept.get("without_figure") is True
    return Sought(SearchTarget(metric, group, float(limit_s)), trials, held, exceeded, limit, lost)
