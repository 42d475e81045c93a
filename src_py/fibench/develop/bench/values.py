# SPDX-License-Identifier: BSD-3-Clause
"""How often intervals of values hold the truth, and those of runs that are compared.

A value has no other side with which what a machine does cancels, so that skew, humps and memory
from trial to trial tell in full. Other intervals than Student's are tried on the same figures: what
is better where figures are skewed must not be worse where they are normal.
`python -m fibench.develop.bench.values` writes the tables into docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fibench.develop.bench.simulation import Noise, draw
from fibench.develop.bench.written import write_tables
from fibench.verdict.comparing.welch import over_runs, over_trials
from fibench.verdict.looks import t_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]
    Held = NDArray[np.bool_]
    Chance = np.random.Generator

RUNS = 100_000
PAIRS = 4_000
"""Pairs of sides that are compared, by the code of real runs."""
BLOCKS = (5, 8, 10, 20)
ALPHAS = {"alone": 0.05, "one of eight": 0.05 / 8}
TRIALS = 0.03
SHARP = 0.01
HUMPS = math.log(1.2)
DRIFT = math.log(0.8)
_LEAST_SQUARE = 1e-24
"""Where all trials are the same, they vary by this, and no interval holds anything."""

Draw = Callable[["Chance", int, int], "Figures"]
"""From chance, a number of runs and one of blocks to logarithms of shape (runs, blocks) whose truth
is 0: their mean in the long run, but of drift that over the run itself."""


def of_cell(noise: Noise, chance: Chance, runs: int, blocks: int) -> Figures:
    """A cell as simulation.py has it."""
    own: Figures = TRIALS * draw(noise, chance, runs, blocks, 1)[..., 0]
    return own


def of_skewed(shape: float, chance: Chance, runs: int, blocks: int) -> Figures:
    """Trials slowed by lognormal amounts; the skewness is 1.75 for a shape of 0.5, 6.2 for 1."""
    slowed: Figures = chance.lognormal(0.0, shape, (runs, blocks)) - math.exp(shape**2 / 2.0)
    return -TRIALS * slowed


def of_humps(share: float, chance: Chance, runs: int, blocks: int) -> Figures:
    """That share of the trials is 20 % slower."""
    slow = chance.random((runs, blocks)) < share
    own: Figures = SHARP * chance.standard_normal((runs, blocks)) - HUMPS * (slow - share)
    return own


def of_disturbed(
    share: float,
    chance: Chance,
    runs: int,
    blocks: int,
    slowed_by: tuple[float, float] = (2.0, 3.0),
) -> Figures:
    """That share of the trials is slowed so many times; the truth is the mean of the others."""
    slow = chance.random((runs, blocks)) < share
    slowed = np.where(slow, np.log(chance.uniform(*slowed_by, slow.shape)), 0.0)
    own: Figures = TRIALS * chance.standard_normal((runs, blocks)) - slowed
    return own


def of_neighbours(rho: float, chance: Chance, runs: int, blocks: int) -> Figures:
    """Each trial resembles that of the block before: AR(1)."""
    shocks = chance.standard_normal((runs, blocks))
    trials = shocks.copy()
    for block in range(1, blocks):
        trials[:, block] = rho * trials[:, block - 1]
        trials[:, block] += math.sqrt(1.0 - rho**2) * shocks[:, block]
    own: Figures = TRIALS * trials
    return own


def of_drift(chance: Chance, runs: int, blocks: int) -> Figures:
    """All figures fall by 20 % during the run."""
    moved = (np.arange(blocks) + 0.5) / blocks - 0.5
    own: Figures = TRIALS * chance.standard_normal((runs, blocks)) + DRIFT * moved
    return own


KINDS: Mapping[str, Draw] = {
    "normal": partial(of_cell, "normal"),
    "pooled": partial(of_cell, "pooled"),
    "by cell": partial(of_cell, "by cell"),
    "skewness 1.75": partial(of_skewed, 0.5),
    "skewness 6.2": partial(of_skewed, 1.0),
    "sharp humps 50:50": partial(of_humps, 0.5),
    "sharp humps 80:20": partial(of_humps, 0.2),
    "AR(1) 0.3": partial(of_neighbours, 0.3),
    "AR(1) 0.8": partial(of_neighbours, 0.8),
    "drift over the run": of_drift,
    "1 % disturbed": partial(of_disturbed, 0.01),
    "5 % disturbed": partial(of_disturbed, 0.05),
    "10 % disturbed": partial(of_disturbed, 0.10),
    "10 % disturbed, ×1.1 to 1.3": partial(of_disturbed, 0.10, slowed_by=(1.1, 1.3)),
}


# What might hold more often than Student's t: each returns where the interval holds 0.


def student(logs: Figures, alpha: float) -> Held:
    """What real values have."""
    return _within(_t(logs), alpha, logs.shape[1] - 1)


def johnson(logs: Figures, alpha: float) -> Held:
    """Student's t with its middle moved by the skewness (Johnson 1978)."""
    blocks = logs.shape[1]
    return _within(_t(logs) + _skewness(logs) / (6.0 * math.sqrt(blocks)), alpha, blocks - 1)


def chen(logs: Figures, alpha: float) -> Held:
    """The further terms of the same expansion (Chen 1995)."""
    blocks = logs.shape[1]
    t, a = _t(logs), _skewness(logs) / (6.0 * math.sqrt(blocks))
    moved: Figures = t + a * (1.0 + 2.0 * t**2) + 4.0 * a**2 * (t + 2.0 * t**3)
    return _within(moved, alpha, blocks - 1)


def hall(logs: Figures, alpha: float) -> Held:
    """A cubic transformation that takes the skewness out of t, and can be inverted (Hall 1992)."""
    blocks = logs.shape[1]
    t, g = _t(logs), _skewness(logs) / math.sqrt(blocks)
    moved: Figures = t + g * t**2 / 3.0 + g**2 * t**3 / 27.0 + g / 6.0
    return _within(moved, alpha, blocks - 1)


def detrended(logs: Figures, alpha: float) -> Held:
    """The spread about a straight line over the blocks instead of that about the mean."""
    return _within(_t(logs, _off_line(logs), 2), alpha, logs.shape[1] - 2)


def neighbours(logs: Figures, alpha: float) -> Held:
    """Wider where a trial resembles the one before: by the factor that AR(1) would ask for."""
    blocks = logs.shape[1]
    off = logs - logs.mean(axis=1, keepdims=True)
    squares = np.maximum((off**2).sum(axis=1), _LEAST_SQUARE)
    rho = np.clip((off[:, 1:] * off[:, :-1]).sum(axis=1) / squares + 1.0 / blocks, 0.0, 0.9)
    return _within(_t(logs) / np.sqrt((1.0 + rho) / (1.0 - rho)), alpha, blocks - 1)


METHODS: Mapping[str, Callable[[Figures, float], Held]] = {
    "Student": student,
    "Johnson": johnson,
    "Chen": chen,
    "Hall": hall,
    "detrended": detrended,
    "neighbours": neighbours,
}


def _t(logs: Figures, off: Figures | None = None, lost: int = 1) -> Figures:
    """Student's t of the mean, from what is `off`; so many degrees of freedom are lost."""
    blocks = logs.shape[1]
    means = logs.mean(axis=1)
    about = logs - means[:, None] if off is None else off
    variances = np.maximum((about**2).sum(axis=1) / (blocks - lost), _LEAST_SQUARE)
    found: Figures = means / np.sqrt(variances / blocks)
    return found


def _off_line(logs: Figures) -> Figures:
    places = np.arange(logs.shape[1]) - (logs.shape[1] - 1) / 2.0
    off: Figures = logs - logs.mean(axis=1, keepdims=True)
    slopes = (off * places).sum(axis=1) / (places**2).sum()
    left: Figures = off - slopes[:, None] * places
    return left


def _skewness(logs: Figures) -> Figures:
    off = logs - logs.mean(axis=1, keepdims=True)
    squares = np.maximum((off**2).mean(axis=1), _LEAST_SQUARE)
    found: Figures = (off**3).mean(axis=1) / squares**1.5
    return found


def _within(t: Figures, alpha: float, degrees: int) -> Held:
    held: Held = np.abs(t) <= t_quantile(1.0 - alpha / 2.0, degrees)
    return held


# Runs that are compared

RUNS_OF_A_SIDE = (1, 2, 3, 5)
BETWEEN: Mapping[str, tuple[float, float]] = {
    "nothing": (0.0, 0.0),
    "1 %": (0.01, 0.01),
    "3 %": (0.03, 0.03),
    "10 %": (0.10, 0.10),
    "1 % and 10 %": (0.01, 0.10),
}
"""Standard deviations of what all trials of a run share, on both sides."""
BLOCKS_COMPARED = 8


def compared(between: tuple[float, float], runs: int, pairs: int, seed: int) -> dict[str, float]:
    """How often the true ratio, 1, is in the intervals: over trials, and over runs if several."""
    chance = np.random.default_rng([seed, runs, *(round(1000 * sd) for sd in between)])
    ways = {"trials": over_trials, **({"runs": over_runs} if runs > 1 else {})}
    held = dict.fromkeys(ways, 0)
    for _ in range(pairs):
        sides = [
            (
                sd * chance.standard_normal((runs, 1))
                + TRIALS * chance.standard_normal((runs, BLOCKS_COMPARED))
            ).tolist()
            for sd in between
        ]
        for name, by in ways.items():
            ratio = by(sides[0], sides[1], 0.05)
            assert ratio.low is not None
            assert ratio.high is not None
            held[name] += ratio.low <= 1.0 <= ratio.high
    return {name: 100.0 * count / pairs for name, count in held.items()}


# The tables


def cover_table(runs: int, seed: int) -> Iterator[str]:
    """How often Student's interval of a value holds the truth, in %."""
    heads = [f"{name}, {n}" for name in ALPHAS for n in BLOCKS]
    promised = ", ".join(f"{100.0 * (1.0 - alpha):.4g}" for alpha in ALPHAS.values())
    yield _row([f"values: {promised} promised", *heads])
    yield _rule(len(heads))
    for name, kind in KINDS.items():
        found = [kind(np.random.default_rng([seed, n]), runs, n) for n in BLOCKS]
        held = [100.0 * student(logs, a).mean() for a in ALPHAS.values() for logs in found]
        yield _row([name, *(f"{share:.1f}" for share in held)])
    yield ""


def method_tables(runs: int, seed: int) -> Iterator[str]:
    """The same of other intervals, for 5 and for 10 blocks."""
    for name, alpha in ALPHAS.items():
        for blocks in (5, 10):
            what = f"{name}, {blocks} blocks: {100.0 * (1.0 - alpha):.4g} promised"
            yield _row([what, *METHODS])
            yield _rule(len(METHODS))
            for kind, drawn in KINDS.items():
                logs = drawn(np.random.default_rng([seed, blocks]), runs, blocks)
                held = (100.0 * by(logs, alpha).mean() for by in METHODS.values())
                yield _row([kind, *(f"{share:.1f}" for share in held)])
            yield ""


def compare_table(pairs: int, seed: int) -> Iterator[str]:
    """How often intervals of `compare` hold the true ratio of two machines, in %."""
    several = [f"{way}, {runs} runs" for runs in RUNS_OF_A_SIDE[1:] for way in ("trials", "runs")]
    yield _row(["runs vary by", "trials, 1 run", *several])
    yield _rule(len(several) + 1)
    for name, between in BETWEEN.items():
        cells = []
        for runs in RUNS_OF_A_SIDE:
            held = compared(between, runs, pairs, seed)
            cells += [f"{share:.1f}" for share in held.values()]
        yield _row([name, *cells])
    yield ""


def tables(runs: int = RUNS, pairs: int = PAIRS, seed: int = 1) -> Mapping[str, Iterator[str]]:
    """The lines of what is written into the page, as Markdown, by the name of the place; simulated
    as they are asked for."""
    return {
        "values": cover_table(runs, seed),
        "other intervals": method_tables(runs, seed),
        "compared runs": compare_table(pairs, seed),
    }


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|" + "---|" * (columns + 1)


if __name__ == "__main__":
    write_tables(Path(), tables())
