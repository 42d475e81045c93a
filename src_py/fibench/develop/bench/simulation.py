# SPDX-License-Identifier: BSD-3-Clause
"""How well the statistics work: the real code on made-up runs whose truth is known.

Only the figures of the trials are made up; what is measured are modules of `verdict` themselves:
estimate.py, judging.py, crossover.py and twin.py. docs/statistics.md has the results, and what they
rest on.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from fibench.experiment import Cell, Claim, Point
from fibench.parameters import Parameters
from fibench.verdict import Estimate, Index, Sample, Verdict, judge
from fibench.verdict.crossover import crossing
from fibench.verdict.estimate import contrast, value
from fibench.verdict.looks import seen_from
from fibench.verdict.twin import check_twin, drift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]

RUNS = 20_000
BLOCKS = (5, 10, 20)
BATCH = 500
"""Runs that are drawn at once."""

Noise = Literal["normal", "pooled", "by cell"]
NOISES: tuple[Noise, ...] = ("normal", "pooled", "by cell")
"""Where the noise of trials comes from: the normal distribution; residuals of real runs, pooled;
the same, each made-up cell having those of one real cell, two-humped ones as they are."""

RESIDUALS = Path(__file__).parent / "residuals.json"
SPREADS = (0.05, 0.05, 0.03, 0.12, 0.08, 0.20)
"""Standard deviations over trials of six cells, on logarithms: of quiet and of busy machines."""
LEVELS = (100.0, 100.0, 40.0, 250.0, 130.0, 90.0)
BLOCK_SPREAD = 0.05
"""That of the effect that all trials of a block share: real runs had a third of the trials' own."""
LEAST = {"window_ok": 100_000}


@dataclass
class Tally:
    """Of how many trials of a thing, how many came out; by the name of the thing."""

    hits: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, hit: bool) -> None:
        """Count one."""
        self.tries[name] += 1
        self.hits[name] += hit

    def share(self, name: str) -> float:
        """The share that came out."""
        return self.hits[name] / self.tries[name]


@lru_cache(maxsize=1)
def residuals() -> Figures:
    """Residuals of real trials, one row for each cell and metric: mean 0, mean square 1."""
    cells = json.loads(RESIDUALS.read_text(encoding="utf-8"))["cells"]
    rows = np.array([cell["hundredths"] for cell in cells], dtype=float)
    rows -= rows.mean(axis=1, keepdims=True)
    scaled: Figures = rows / np.sqrt((rows**2).mean(axis=1, keepdims=True))
    return scaled


def draw(noise: Noise, chance: np.random.Generator, runs: int, blocks: int, cells: int) -> Figures:
    """Noise of mean 0 and variance 1, of shape (runs, blocks, cells)."""
    shape = (runs, blocks, cells)
    if noise == "normal":
        return chance.standard_normal(shape)
    rows = residuals()
    if noise == "pooled":
        pooled: Figures = chance.choice(rows.ravel(), size=shape)
        return pooled
    row = chance.integers(len(rows), size=(runs, 1, cells))
    own: Figures = rows[row, chance.integers(rows.shape[1], size=shape)]
    return own


def made_cell(key: str, n: float = 1) -> Cell:
    """A cell that nothing was measured of."""
    return Cell(key, Parameters(backend=key, n=int(n)), axes=(), label=key, key=key)


CELLS = tuple(made_cell(key) for key in ("a", "a~aa", "c", "d", "e", "f"))
"""The second is the twin of the first."""


def made_claim(left: int, right: int | None, low: float | None, high: float | None) -> Claim:
    """A claim about the throughput of cells, by their place in CELLS."""
    other = None if right is None else CELLS[right]
    kind: Literal["value", "ratio"] = "value" if right is None else "ratio"
    return Claim("made", "made", None, kind, "throughput", CELLS[left], other, low, high, 1)


def true_ratio(left: int, right: int | None) -> float:
    """What is true of a claim's sides."""
    return LEVELS[left] / (LEVELS[right] if right is not None else 1.0)


Sides = tuple[tuple[int, int | None], ...]


def file_of_ten() -> tuple[Claim, ...]:
    """Ten claims that share cells, as in real files. The truth lies on the bound of each."""
    above: Sides = ((0, 2), (2, 3), (3, 5), (4, None))
    below: Sides = ((0, 3), (2, 4), (4, 5), (2, None))
    within = ((0, 5), (3, 4))
    claims = [made_claim(left, right, true_ratio(left, right), None) for left, right in above]
    claims += [made_claim(left, right, None, true_ratio(left, right)) for left, right in below]
    for left, right in within:
        truth = true_ratio(left, right)
        claims.append(made_claim(left, right, truth, 9.0 * truth))
    return tuple(claims)


def runs_of(
    noise: Noise, blocks: int, runs: int, chance: np.random.Generator
) -> Iterator[list[Sample]]:
    """Made-up runs of CELLS."""
    for begin in range(0, runs, BATCH):
        count = min(BATCH, runs - begin)
        logs = np.log(LEVELS) + np.array(SPREADS) * draw(noise, chance, count, blocks, len(CELLS))
        logs += BLOCK_SPREAD * chance.standard_normal((count, blocks, 1))
        first = 1e6 * np.exp(0.02 * draw(noise, chance, count, blocks, 1))
        for figures, halves in zip(np.exp(logs).tolist(), first[..., 0].tolist(), strict=True):
            yield [
                Sample(
                    *(cell.key, block, True, None, {"throughput": figure}, LEAST),
                    halves=(int(halves[block]), 1_000_000) if cell is CELLS[0] else None,
                )
                for block, row in enumerate(figures)
                for cell, figure in zip(CELLS, row, strict=True)
            ]


def simulate(noise: Noise, blocks: int, runs: int, seed: int) -> Tally:
    """Judge made-up runs, and count what came out wrong."""
    tally = Tally()
    ten = file_of_ten()
    alone = made_claim(4, 3, true_ratio(4, 3), None)
    spread = math.hypot(SPREADS[4], SPREADS[3])
    visible = true_ratio(4, 3) / math.exp(seen_from(blocks, spread, 0.05))
    for samples in runs_of(noise, blocks, runs, np.random.default_rng([seed, blocks])):
        index = Index(samples)
        for left, right in ((0, 2), (4, 3), (5, 1)):
            sides = (CELLS[left].key, CELLS[right].key)
            ratio = contrast(index, *sides, "throughput", 0.05)
            tally.add("ratio covered", covers(ratio, true_ratio(left, right)))
            if (left, right) == (4, 3):
                tally.add("seen", ratio.low is not None and ratio.low > visible)
        for cell in (0, 2, 3, 4, 5):
            found = value(index, CELLS[cell].key, "throughput", 0.05)
            tally.add("value covered", covers(found, LEVELS[cell]))
        confirmed = [verdict.outcome == "CONFIRMED" for verdict in judge(ten, index, 1)]
        for each in confirmed:
            tally.add("false in ten", each)
        tally.add("any false in ten", any(confirmed))
        tally.add("false alone", judge([alone], index, 1)[0].outcome == "CONFIRMED")
        twin = check_twin(index, CELLS[0].key, "a", CELLS[0].parameters)
        tally.add("A/A alarm", twin is not None and twin.differs)
        tally.add("not steady", drift(index, CELLS[0].key, CELLS[0].parameters) is not None)
    return tally


def covers(estimate: Estimate, truth: float) -> bool:
    """Whether an interval has the truth in it."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


# Crossovers

NUMBERS = (15, 18, 21, 24, 27, 30)
"""Where a made-up crossover is measured."""
BENT = {"quiet": 0.03, "busy": 0.25}
"""Standard deviations over trials, on logarithms."""


def advantage(n: float) -> float:
    """d of a forking server on two cores over a plain one, about as measured in Python.

    The work takes 20 ms at n = 27 and grows by 1.618 with each n; a fork costs 4.8 ms, a request
    without one 0.3 ms.
    """
    work_ms = 20.0 * 1.618 ** (n - 27.0)
    return math.log(2.0 * (work_ms + 0.3) / (work_ms + 4.8))


def true_crossing() -> float:
    """The n at which the line between the points has its zero; that of the curve is 0.04 less."""
    at = crossing([float(n) for n in NUMBERS], [advantage(n) for n in NUMBERS])
    assert not isinstance(at, str)
    return at


def simulate_crossover(noise: Noise, blocks: int, spread: float, runs: int, seed: int) -> Tally:
    """Crossovers over made-up runs: how often the interval has the true one in it."""
    tally, truth = Tally(), true_crossing()
    claim = made_crossover(truth)
    for samples in crossover_runs(noise, blocks, spread, runs, seed):
        (verdict,) = judge([claim], samples, 1)
        _count_crossover(tally, verdict, truth)
    return tally


def crossover_runs(
    noise: Noise, blocks: int, spread: float, runs: int, seed: int
) -> Iterator[list[Sample]]:
    """Made-up runs of the cells of `made_crossover`."""
    claim, chance = made_crossover(0.0), np.random.default_rng([seed, blocks, int(1000 * spread)])
    means = np.array([half for n in NUMBERS for half in (advantage(n), 0.0)])
    keys = [cell.key for point in claim.points for cell in (point.left, point.right)]
    for begin in range(0, runs, BATCH):
        count = min(BATCH, runs - begin)
        logs = means + spread * draw(noise, chance, count, blocks, len(keys))
        logs += BLOCK_SPREAD * chance.standard_normal((count, blocks, 1))
        for figures in np.exp(logs).tolist():
            yield [
                Sample(key, block, True, None, {"throughput": figure}, LEAST)
                for block, row in enumerate(figures)
                for key, figure in zip(keys, row, strict=True)
            ]


def made_crossover(bound: float) -> Claim:
    """The claim that the first side begins to win above a bound, over NUMBERS."""
    points = tuple(
        Point(float(n), made_cell(f"left-{n}", n=n), made_cell(f"right-{n}", n=n)) for n in NUMBERS
    )
    sides = (points[0].left, points[0].right, bound, None, 1)
    return Claim("x", "x", None, "crossover", "throughput", *sides, over="n", points=points)


def _count_crossover(tally: Tally, verdict: Verdict, truth: float) -> None:
    assert verdict.estimate is not None
    assert verdict.crossover is not None
    tally.add("crossover covered", verdict.crossover.falls or covers(verdict.estimate, truth))
    tally.add("bounded", verdict.crossover.half is not None)
    tally.add("censored", any(block.wins for block in verdict.crossover.blocks))
    tally.add("false crossover", verdict.outcome == "CONFIRMED")


# What is printed

_COLUMNS: tuple[tuple[str, str], ...] = (
    ("ratio covered", "ratios"),
    ("value covered", "values"),
    ("false alone", "alone"),
    ("false in ten", "in ten"),
    ("any false in ten", "any of ten"),
    ("seen", "seen"),
    ("A/A alarm", "A/A"),
    ("not steady", "unsteady"),
)
_CROSSOVER_COLUMNS: tuple[tuple[str, str], ...] = (
    ("crossover covered", "covered"),
    ("false crossover", "false"),
    ("bounded", "bounded"),
    ("censored", "censored"),
)


def print_statistics(runs: int = RUNS, seed: int = 1) -> None:
    """Simulate every setting, on all cores, and print two tables of percentages.

    What is not required, but good to know, is simulated a quarter as often.
    """
    began_s = time.monotonic()
    few = math.ceil(runs / 4)
    # A fresh interpreter for each: to fork one that has threads, as numpy's, is not safe.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        plain = [
            (noise, blocks, often, pool.submit(simulate, noise, blocks, often, seed))
            for noise, often in zip(NOISES, (runs, runs, few), strict=True)
            for blocks in BLOCKS
        ]
        bent = [
            (f"{name}, {noise}", blocks, few,
             pool.submit(simulate_crossover, noise, blocks, sd, few, seed))
            for name, sd in BENT.items()
            for noise in NOISES[:2]
            for blocks in BLOCKS
        ]  # fmt: skip
        _print_table("noise", _COLUMNS, plain)
        print()
        _print_table("crossovers", _CROSSOVER_COLUMNS, bent)
    print(f"\nall in %; {time.monotonic() - began_s:.0f} s")


def _print_table(
    title: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[tuple[str, int, int, Future[Tally]]],
) -> None:
    print(f"{title:<14}{'runs':>7}{'blocks':>7}" + "".join(f"{head:>11}" for _, head in columns))
    for name, blocks, runs, job in rows:
        tally = job.result()
        cells = "".join(f"{100.0 * tally.share(key):>11.2f}" for key, _ in columns)
        print(f"{name:<14}{runs:>7,}{blocks:>7}{cells}", flush=True)
