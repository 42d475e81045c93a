# SPDX-License-Identifier: BSD-3-Clause
"""Rounds: every subject is measured once in each, so that a neighbour's noise hits all alike."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from fibench.backends import Backend, why_unavailable
from fibench.develop.bench.measuring import Desk, Load, Measured, Server, measure


@dataclass(frozen=True)
class Subject:
    """A server and a load to measure together."""

    server: Server
    load: Load


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int = 6
    """The fewest over which a median has an interval at 95 %."""
    duration_s: float | None = None
    """Length of each window; None: what suits the part."""

    def window_s(self, suits_s: float) -> float:
        """The length of a window of which so much suits."""
        return suits_s if self.duration_s is None else self.duration_s


def measure_rounds(
    subjects: Mapping[str, Subject], desk: Desk, rounds: int, seed: int = 1
) -> dict[str, list[Measured]]:
    """By label, round by round; in each round in an order shuffled from the seed."""
    found: dict[str, list[Measured]] = {label: [] for label in subjects}
    shuffler = random.Random(seed)
    for _ in range(rounds):
        order = list(subjects)
        shuffler.shuffle(order)
        for label in order:
            found[label].append(measure(subjects[label].server, subjects[label].load, desk))
    return found


def costs_ns(found: Mapping[str, list[Measured]]) -> dict[str, list[float]]:
    """The server's CPU time per request, likewise."""
    return {label: [once.cost_ns for once in measured] for label, measured in found.items()}


def absent_backends(
    names: tuple[str, ...], backends: Mapping[str, Backend], desk: Desk
) -> dict[str, str]:
    """Which of them cannot run here, and why."""
    reasons = {name: why_unavailable(backends[name], desk.programs) for name in names}
    return {name: why for name, why in reasons.items() if why is not None}
