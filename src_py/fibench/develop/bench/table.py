# SPDX-License-Identifier: BSD-3-Clause
"""How benchmarks of designs are laid out: a row for each subject, a line for each promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fibench.develop.bench.ratios import Limit, Spread, confidence, ratios, spread

NAME_WIDTH = 34


@dataclass(frozen=True)
class Promise:
    """A ratio that is held to a limit: of the figures of two subjects, round by round."""

    above: str
    below: str
    limit: Limit


def print_head(title: str, rounds: int, duration_s: float) -> None:
    """What is measured, before it is: it takes a while."""
    percent = 100 * confidence(rounds)
    print(f"\n{title}")
    print(
        f"{rounds} rounds of {duration_s:g} s; medians, and [their intervals at {percent:.0f} %]",
        flush=True,
    )


def print_costs(costs_ns: Mapping[str, Sequence[float]], floor: str) -> None:
    """CPU time per request of each subject, and its ratio to the first."""
    print(f"  {'':<{NAME_WIDTH}}{'CPU/request':>12}  ratio to {floor}")
    for name, own_ns in costs_ns.items():
        own_us = spread(own_ns).middle / 1000
        beside = spread(ratios(own_ns, costs_ns[floor]))
        print(f"  {name:<{NAME_WIDTH}}{own_us:>9.2f} µs  {beside}")


def print_promises(
    figures: Mapping[str, Sequence[float]], promises: Sequence[Promise], what: str = ""
) -> bool:
    """Each promise with what came of it; returns whether all are kept.

    A promise about a subject that was not measured is left out: that has been said by name.
    """
    kept = True
    for promise in promises:
        if promise.above in figures and promise.below in figures:
            found = spread(ratios(figures[promise.above], figures[promise.below]))
            kept &= print_promise(f"{promise.above} / {promise.below}", found, promise.limit, what)
    return kept


def print_promise(name: str, found: Spread, limit: Limit, what: str = "") -> bool:
    """One line; returns whether it is kept."""
    print(f"  {what + name:<{NAME_WIDTH + 14}}{found!s:<22} {limit}: {limit.verdict(found)}")
    return limit.keeps(found)


def print_absent(reasons: Mapping[str, str]) -> None:
    """What cannot be measured here, by name."""
    for name, reason in reasons.items():
        print(f"  {name}: not here: {reason}")
