# SPDX-License-Identifier: BSD-3-Clause
"""Servers whose capacity is known, in place of measuring, and files that search their rates."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.runner.beginner import Beginner
from tests.runner.run.machine import Killed, Machine

from fibench.plan.trials import Trial
from fibench.record import Record, Saturated

FILE = """\
title = "t"
[[matrix]]
backend = ["c-mt", "c-sync"]
rate = "search"
[load]
clients = 8
duration = "4s"
warmup = "0.1s"
[plan]
timelines = false
blocks = 5
seed = 7
[[claim]]
says = "alone"
sustains = { over = "rate", of = { backend = "c-mt" } }
metric = "p90"
limit = "20ms"
above = "440/s"
[[claim]]
says = "two"
sustains = { over = "rate", of = [{ backend = "c-mt" }, { backend = "c-sync" }] }
metric = "p90"
limit = "20ms"
above = 1.1
"""
LIMIT_S = 0.020


@dataclass(frozen=True)
class Server:
    """Latency is `least_s` ÷ (1 - rate ÷ capacity), off by `noise` (a standard deviation of
    logarithms); above its capacity it is saturated."""

    capacity: float
    least_s: float = 0.002
    noise: float = 0.0

    @property
    def knee(self) -> float:
        """Up to which rate its latency stays below the limit."""
        return self.capacity * (1.0 - self.least_s / LIMIT_S)

    def latency_s(self, rate: float, chance: random.Random) -> float | None:
        """None: it is saturated."""
        if rate >= self.capacity:
            return None
        exact = self.least_s / (1.0 - rate / self.capacity)
        return exact * math.exp(chance.gauss(0.0, self.noise))


SERVERS = {"c-mt": Server(500.0), "c-sync": Server(120.0)}


class SearchedMachine(Machine):
    """Measures servers of known capacities."""

    def __init__(
        self, beginner: Beginner, monkeypatch: pytest.MonkeyPatch, servers: Mapping[str, Server]
    ) -> None:
        super().__init__(beginner, monkeypatch)
        self.servers = servers
        self.trials: list[Trial] = []
        self.stop_before: int | None = None
        self.stop_with: type[BaseException] = KeyboardInterrupt

    def run_trial(self, trial: Trial, context: object, folder: Path, attempt: int) -> Record:
        if len(self.trials) == self.stop_before:
            self.stop_before = None
            raise self.stop_with
        self.trials.append(trial)
        made = super().run_trial(trial, context, folder, attempt)
        server = self.servers.get(trial.cell.backend)
        return made if server is None or not made.valid else answered(made, server)

    @property
    def probes(self) -> list[Trial]:
        """The trials of the search that were made."""
        return [one for one in self.trials if one.role == "search"]


def answered(made: Record, server: Server) -> Record:
    """The record of a trial as such a server would have answered it."""
    asked, chance = made.parameters.rate, random.Random(made.trial)
    counts = {**made.counts, "window_ok": 10_000, "errors": 0}
    if asked is None:
        return replace(made, metrics={"throughput_per_s": server.capacity}, counts=counts)
    latency_s = server.latency_s(asked, chance)
    metrics = {"throughput_per_s": min(asked, server.capacity), "p90_s": latency_s}
    saturated = None if latency_s is not None else Saturated(server.capacity, asked)
    checks = replace(made.checks, saturated=saturated, lag_p99_s=20e-6)
    return replace(made, metrics=metrics, counts=counts, checks=checks)


__all__ = ["FILE", "LIMIT_S", "SERVERS", "Killed", "SearchedMachine", "Server", "answered"]
