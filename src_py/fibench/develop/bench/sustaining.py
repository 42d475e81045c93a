# SPDX-License-Identifier: BSD-3-Clause
"""How well the rate that a server sustains is found: the real code on made-up runs.

The latency of a made-up server is what it waits, and what it serves divided by what is left of its
capacity: L(x) = 20 ms + 2 ms / (1 - x / capacity). "open": it passes the limit between two rates at
which it is known. "edge": up to the capacity it is held, a rate is so near it that some trials
saturate the server there, and the next one saturates it always.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from fibench.develop.bench.simulation import (
    BATCH,
    BLOCK_SPREAD,
    BLOCKS,
    NOISES,
    Noise,
    Tally,
    draw,
    made_cell,
)
from fibench.experiment import Claim, Row, Step
from fibench.record import LatencyBounds, Saturated
from fibench.verdict import Estimate, Index, Sample, judge
from fibench.verdict.crossover import crossing

Shape = Literal["open", "edge"]
CAPACITY_PER_S = 500.0
LIMIT_S: Mapping[Shape, float] = {"open": 0.028, "edge": 0.2}
RATES: Mapping[Shape, Sequence[float]] = {
    "open": (100.0, 200.0, 300.0, 400.0, 450.0),
    "edge": (100.0, 300.0, 490.0, 600.0),
}
CAPACITY_SPREAD = 0.03
"""That of a trial's capacity: it decides whether the server is saturated near it."""
RUNS = 2500
SPREADS = {"quiet": 0.03, "busy": 0.2}
"""Standard deviations over trials, on logarithms."""
_COLUMNS = {"sustained covered": "covered", "false above": "above", "false below": "below"}
_REPLIES = {"window_ok": 100_000}


def latency_s(rate_per_s: float) -> float:
    """The made-up latency below the capacity."""
    return 0.02 + 0.002 / (1.0 - rate_per_s / CAPACITY_PER_S)


def true_rate() -> float:
    """The rate at which the line between the points of "open" passes the limit."""
    rates = RATES["open"]
    excess = [math.log(latency_s(rate) / LIMIT_S["open"]) for rate in rates]
    at = crossing([math.log(rate) for rate in rates], excess)
    assert not isinstance(at, str)
    return math.exp(at)


def made_row(shape: Shape, name: str = "a") -> Row:
    """The cells of one side."""
    return tuple(Step(rate, made_cell(f"{name}-{rate:g}")) for rate in RATES[shape])


def made_claim_of(shape: Shape, bound: float, row: Row) -> Claim:
    """The claim that more than a bound is sustained."""
    left = row[0].cell
    claim = Claim("x", "x", None, "value", "p99", left, None, bound, None, 1)
    return replace(claim, kind="sustains", over="rate", rows=(row,), limit=LIMIT_S[shape])


def sustained_runs(
    shape: Shape, noise: Noise, blocks: int, spread: float, runs: int, seed: int
) -> Iterator[list[Sample]]:
    """Made-up runs of the cells of one row."""
    row, chance = made_row(shape), np.random.default_rng([seed, blocks, int(1000 * spread)])
    known = np.array([math.log(latency_s(min(step.at, 490.0))) for step in row])
    for begin in range(0, runs, BATCH):
        count = min(BATCH, runs - begin)
        logs = known + spread * draw(noise, chance, count, blocks, len(row))
        logs += BLOCK_SPREAD * chance.standard_normal((count, blocks, 1))
        capacities = CAPACITY_PER_S * np.exp(
            CAPACITY_SPREAD * chance.standard_normal((count, blocks, len(row)))
        )
        for figures, most in zip(np.exp(logs).tolist(), capacities.tolist(), strict=True):
            yield [
                _trial(step, block, figure, capacity, shape)
                for block, rows in enumerate(zip(figures, most, strict=True))
                for step, figure, capacity in zip(row, *rows, strict=True)
            ]


def _trial(step: Step, block: int, figure: float, capacity: float, shape: Shape) -> Sample:
    is_full = shape == "edge" and step.at > capacity
    return Sample(
        *(step.cell.key, block, True, None, {"p99": None if is_full else figure}, _REPLIES),
        bounds={"p99": LatencyBounds(figure, None)} if is_full else {},
        saturated={None: Saturated(capacity, step.at)} if is_full else {},
    )


def simulate_sustained(
    shape: Shape, noise: Noise, blocks: int, spread: float, runs: int, seed: int
) -> Tally:
    """How often the interval has the true rate in it, and a claim on it is wrongly CONFIRMED.

    Of "edge" the truth is between the last rate that is held in every trial, 300/s, and the first
    that never is.
    """
    tally = Tally()
    least = most = true_rate()
    if shape == "edge":
        least, most = 300.0, 600.0
    above = made_claim_of(shape, most, made_row(shape))
    wrong = [above, replace(above, low=None, high=least)]
    for samples in sustained_runs(shape, noise, blocks, spread, runs, seed):
        found = Index(samples)
        verdicts = [judge([claim], found, 1)[0] for claim in wrong]
        estimate = verdicts[0].estimate
        assert estimate is not None
        tally.add("sustained covered", _covers(estimate, least, most))
        tally.add("false above", shape == "open" and verdicts[0].outcome == "CONFIRMED")
        tally.add("false below", shape == "open" and verdicts[1].outcome == "CONFIRMED")
        tally.add("interpolated", estimate.mean is not None)
    return tally


def _covers(estimate: Estimate, least: float, most: float) -> bool:
    """Whether what lies between two rates may be in an interval; a curve that falls has none."""
    low, high = estimate.low, estimate.high
    return low is None or high is None or (low <= most and high >= least)


def print_sustained(runs: int = RUNS, seed: int = 1) -> None:
    """Simulate every setting whose truth is a rate, and print a table of percentages."""
    heads = "".join(f"{head:>11}" for head in _COLUMNS.values())
    print(f"\n{'sustained rates':<16}{'runs':>7}{'blocks':>7}{heads}")
    for name, spread in SPREADS.items():
        for noise in NOISES[:2]:
            for blocks in BLOCKS:
                tally = simulate_sustained("open", noise, blocks, spread, runs, seed)
                cells = "".join(f"{100.0 * tally.share(key):>11.2f}" for key in _COLUMNS)
                print(f"{f'{name}, {noise}':<16}{runs:>7,}{blocks:>7}{cells}", flush=True)
