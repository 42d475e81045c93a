# SPDX-License-Identifier: BSD-3-Clause
"""How the rates of a run were found, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fibench.metrics import exact, quantity
from fibench.plan.searching.found import open_searches
from fibench.wording import counted

if TYPE_CHECKING:
    from fibench.experiment import Experiment
    from fibench.experiment.searching.rates import Sought


def searched_lines(experiment: Experiment) -> Iterator[str]:
    """A line for each search: `py-mt: rates found by 6 search trials: 150, 160, 180/s`."""
    for found in experiment.found_rates:
        rates = f"{_listed(found.rates)}/s"
        yield "; ".join(
            [
                f"{found.label}: rates found by {counted(found.trials, 'search trial')}: {rates}",
                *(said for one in found.found_by if (said := _outside(one)) is not None),
            ]
        )
    left = open_searches(experiment)
    if left:
        labels = ", ".join(search.label for search in left)
        yield f"the search for rates has not ended yet: of {labels} nothing was measured"


def _outside(one: Sought) -> str | None:
    """Why a limit lies outside of what was seen, if it does."""
    of = "" if one.target.group is None else f" of {one.target.group}"
    limit = f"{one.target.metric}{of} below {quantity(one.target.limit_s, 's')}"
    if one.without_figure:
        return (
            f"the search ended early, at a trial without {one.target.metric}{of}: it failed, or "
            "had too few replies, for which a longer window would do (--duration)"
        )
    if one.held is None and one.exceeded is None:
        return f"no trial shows whether {limit} is held: the rates are a guess"
    if one.held is None:
        assert one.exceeded is not None
        return f"{limit} was not held at {exact(one.exceeded)}/s, the lowest rate that was tried"
    if one.exceeded is not None:
        return None
    if one.generator_limit is not None:
        limit_at = f"{exact(one.generator_limit)}/s"
        return f"{limit} was held up to what the load generator can offer, less than {limit_at}"
    return f"{limit} was held at {exact(one.held)}/s, the highest rate that was tried"


def _listed(rates: Sequence[float]) -> str:
    return ", ".join(exact(rate) for rate in rates)
