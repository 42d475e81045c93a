# SPDX-License-Identifier: BSD-3-Clause
"""How well runs decide that may end after any block: made-up runs whose truth is known.

Only d, what a block says of a claim, is made up, and judged for very many runs at once, with the
critical values of looks.py. That the code of real runs decides them alike, at the
same look, is a test. `python -m fibench.develop.bench.sequential` writes the tables into
docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fibench.develop.bench.simulation import (
    BENT,
    BLOCK_SPREAD,
    SPREADS,
    Noise,
    Tally,
    covers,
    crossover_runs,
    draw,
    made_crossover,
    true_crossing,
)
from fibench.develop.bench.written import write_tables
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.looks import Looks, critical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]
    Chance = np.random.Generator

RUNS = 100_000
BATCH = 20_000
"""Runs that are made up at once."""
MOST = 20
ALPHAS = {"alone": 0.05, "one of eight": 0.05 / 8}
"""Of a claim in a file of one and in a file of eight."""
LOOKS = Looks(6, MOST)
"""Those that experiments have."""
PLANS = {
    "8 blocks": Looks(8, 8),
    "20 blocks": Looks(20, 20),
    **{f"from {least}": Looks(least, MOST) for least in (3, 5, 6, 8, 10)},
}
"""The numbers of blocks that are compared: fixed ones, and looks from a block to the twentieth."""

TRIALS = 0.03
"""The standard deviation over trials, on logarithms, where nothing else is said."""
SHARP = 0.01
"""The same of trials that have two humps and hardly vary within each."""
UNEQUAL = (0.20, TRIALS)
"""Those of two cells, of which one is far more spread."""
HUMPS = math.log(1.2)
"""How far the two humps of a cell are apart."""
DRIFT = math.log(0.8)
"""How far all figures have moved after MOST blocks."""
TRIALS_OF_A_BLOCK = 9

Draw = Callable[["Chance", int], "Figures"]
"""From a source of chance and a number of runs to d, of shape (runs, MOST); its truth is 0."""


# What trials do


def of_cells(noise: Noise, chance: Chance, runs: int) -> Figures:
    """A ratio of two cells that vary alike; what scales both does not matter."""
    return _difference(TRIALS * draw(noise, chance, runs, MOST, 2))


def of_humps(share: float, spread: float, chance: Chance, runs: int) -> Figures:
    """A ratio to a cell without humps; trials of the other are slow with a chance of `share`."""
    slow = chance.random((runs, MOST)) < share
    plain = _difference(spread * chance.standard_normal((runs, MOST, 2)))
    return plain - HUMPS * (slow - share)


def of_lognormal(chance: Chance, runs: int) -> Figures:
    """A ratio of cells whose figures are lognormal, of one far more spread than of the other."""
    return _difference(np.array(UNEQUAL) * chance.standard_normal((runs, MOST, 2)))


def of_skewed(chance: Chance, runs: int) -> Figures:
    """The same of cells slowed by lognormal amounts: their logarithms have a skewness of 1.75."""
    variance = math.exp(0.25)
    slowed = chance.lognormal(0.0, 0.5, (runs, MOST, 2)) - math.exp(0.125)
    return _difference(-np.array(UNEQUAL) * slowed / math.sqrt((variance - 1.0) * variance))


def of_neighbours(rho: float, chance: Chance, runs: int) -> Figures:
    """A ratio of cells each of whose trials resembles that of the block before: AR(1)."""
    shocks = chance.standard_normal((runs, MOST, 2))
    trials: Figures = shocks.copy()
    for block in range(1, MOST):
        trials[:, block] = rho * trials[:, block - 1]
        trials[:, block] += math.sqrt(1.0 - rho**2) * shocks[:, block]
    own: Figures = TRIALS * trials
    return _difference(own)


def of_drift(chance: Chance, runs: int) -> Figures:
    """A ratio where all figures drift; each block has its trials in an order of its own."""
    places = chance.permuted(np.tile(np.arange(TRIALS_OF_A_BLOCK), (runs, MOST, 1)), axis=2)
    apart: Figures = (places[:, :, 0] - places[:, :, 1]) / TRIALS_OF_A_BLOCK
    return of_cells("normal", chance, runs) + DRIFT / MOST * apart


def of_value_in_drift(chance: Chance, runs: int) -> Figures:
    """A value that drifts; the truth is its mean over MOST blocks."""
    moved = (np.arange(MOST) + 0.5) / MOST - 0.5
    own: Figures = TRIALS * chance.standard_normal((runs, MOST)) + DRIFT * moved
    return own


def of_disturbed(
    share: float,
    chance: Chance,
    runs: int,
    *,
    slowed_by: tuple[float, float] = (2.0, 3.0),
    sides: int = 2,
) -> Figures:
    """A ratio of two cells; of each, or of the first one alone, that share of trials is slowed so
    many times. The truth is that of the others."""
    slow = (chance.random((runs, MOST, 2)) < share) & (np.arange(2) < sides)
    slowed = np.where(slow, np.log(chance.uniform(*slowed_by, slow.shape)), 0.0)
    own: Figures = TRIALS * chance.standard_normal((runs, MOST, 2)) - slowed
    return _difference(own)


def _difference(trials: Figures) -> Figures:
    found: Figures = trials[..., 0] - trials[..., 1]
    return found


KINDS: Mapping[str, Draw] = {
    "normal": partial(of_cells, "normal"),
    "pooled": partial(of_cells, "pooled"),
    "by cell": partial(of_cells, "by cell"),
    "lognormal, unequal": of_lognormal,
    "skewed, unequal": of_skewed,
    "two humps 50:50": partial(of_humps, 0.5, TRIALS),
    "two humps 80:20": partial(of_humps, 0.2, TRIALS),
    "sharp humps 50:50": partial(of_humps, 0.5, SHARP),
    "sharp humps 80:20": partial(of_humps, 0.2, SHARP),
    "AR(1) 0.3": partial(of_neighbours, 0.3),
    "drift": of_drift,
    "drift, a value": of_value_in_drift,
    "1 % disturbed": partial(of_disturbed, 0.01),
    "5 % disturbed": partial(of_disturbed, 0.05),
    "10 % disturbed": partial(of_disturbed, 0.10),
    "10 % of one side": partial(of_disturbed, 0.10, sides=1),
    **{
        f"{share} % of one side, ×1.1 to 1.3": partial(
            of_disturbed, share / 100.0, slowed_by=(1.1, 1.3), sides=1
        )
        for share in (5, 10)
    },
}
"""The kinds of noise, by the name that the table has."""


# What is decided


@dataclass(frozen=True)
class Decided:
    """Of each run: after how many blocks it ended, and on which side: 1 above, -1 below, 0 none."""

    blocks: NDArray[np.int64]
    side: NDArray[np.int64]

    def false(self) -> float:
        """Where the truth is the bound: how often a claim to the worse side is CONFIRMED."""
        return float(max((self.side == 1).mean(), (self.side == -1).mean()))

    def power(self) -> float:
        """Where the truth is above the bound: how often that is CONFIRMED."""
        return float((self.side == 1).mean())


def intervals(d: Figures, looks: Looks, alpha: float) -> tuple[NDArray[np.int64], Figures, Figures]:
    """The numbers of blocks after which runs are looked at, and the mean of d and half the width of
    its interval at each, of shape (runs, looks)."""
    numbers = np.arange(looks.least, looks.most + 1)
    sums, squares = d.cumsum(axis=1)[:, numbers - 1], (d**2).cumsum(axis=1)[:, numbers - 1]
    means = sums / numbers
    # Of figures that do not vary, rounding may leave less than nothing.
    off = np.maximum(squares - numbers * means**2, 0.0)
    errors = np.sqrt(off / (numbers - 1) / numbers)
    critical = np.array([looks.critical(int(n), alpha) for n in numbers])
    return numbers, means, critical * errors


def decide_runs(d: Figures, looks: Looks, alpha: float) -> Decided:
    """Judge runs of which d, of shape (runs, blocks), is above or below a bound of 0."""
    numbers, means, halves = intervals(d, looks, alpha)
    clear = np.abs(means) > halves
    ends = clear.any(axis=1)
    first = np.where(ends, clear.argmax(axis=1), len(numbers) - 1)
    sides = np.sign(means[np.arange(len(d)), first]).astype(np.int64)
    return Decided(numbers[first], np.where(ends, sides, 0))


def file_of_ten(noise: Noise, chance: Chance, runs: int) -> Figures:
    """d of ten claims that share five cells, as simulation.file_of_ten has; (claims, runs, MOST).

    Turned so that each claim is that d is above 0.
    """
    above = ((0, 2), (2, 3), (3, 5), (4, None), (0, 5), (3, 4))
    below = ((0, 3), (2, 4), (4, 5), (2, None))
    trials: Figures = np.array(SPREADS) * draw(noise, chance, runs, MOST, len(SPREADS))
    trials += BLOCK_SPREAD * chance.standard_normal((runs, MOST, 1))

    def side(left: int, right: int | None) -> Figures:
        own: Figures = trials[..., left]
        return own if right is None else own - trials[..., right]

    found = [side(*sides) for sides in above] + [-side(*sides) for sides in below]
    return np.array(found)


def _batches(runs: int) -> Iterator[int]:
    for begin in range(0, runs, BATCH):
        yield min(BATCH, runs - begin)


def _decide(
    kind: Draw, runs: int, seed: int, effect: float = 0.0
) -> dict[tuple[str, str], Decided]:
    """Runs judged with every plan and alpha, by their names. All plans see the same runs."""
    chance = np.random.default_rng(seed)
    parts: dict[tuple[str, str], list[Decided]] = {}
    for count in _batches(runs):
        d = kind(chance, count) + effect
        for alpha, value in ALPHAS.items():
            for plan, looks in PLANS.items():
                parts.setdefault((alpha, plan), []).append(decide_runs(d, looks, value))
    return {
        key: Decided(
            np.concatenate([part.blocks for part in own]),
            np.concatenate([part.side for part in own]),
        )
        for key, own in parts.items()
    }


# The tables


def false_tables(runs: int, seed: int) -> Iterator[str]:
    """For each alpha, how often a claim whose truth lies on its bound is CONFIRMED, in %."""
    found = {name: _decide(kind, runs, seed) for name, kind in KINDS.items()}
    for alpha, value in ALPHAS.items():
        promised = f"{alpha}: {100.0 * value / 2.0:.2f} promised"
        yield _row([promised, *PLANS])
        yield _rule(len(PLANS))
        for name, decided in found.items():
            shares = (100.0 * decided[alpha, plan].false() for plan in PLANS)
            yield _row([name, *(f"{share:.2f}" for share in shares)])
        yield ""


def any_of_ten(runs: int, seed: int) -> Iterator[str]:
    """How often a file of ten claims has at least one false CONFIRMED, in %."""
    yield _row(["any of ten: at most 5 promised", *PLANS])
    yield _rule(len(PLANS))
    noises: tuple[Noise, ...] = ("normal", "pooled", "by cell")
    for noise in noises:
        chance = np.random.default_rng(seed)
        wrong = dict.fromkeys(PLANS, 0)
        for count in _batches(runs):
            claims = file_of_ten(noise, chance, count)
            for plan, looks in PLANS.items():
                sides = [decide_runs(d, looks, 0.05 / len(claims)).side == 1 for d in claims]
                wrong[plan] += int(np.any(sides, axis=0).sum())
        yield _row([noise, *(f"{100.0 * wrong[plan] / runs:.2f}" for plan in PLANS)])
    yield ""


def power_table(runs: int, seed: int) -> Iterator[str]:
    """How often an effect is seen, in %, and after how many blocks on average."""
    yield _row(["effect, trials vary by", "claim", *PLANS])
    yield _rule(len(PLANS) + 1)
    for spread in (0.03, 0.10):
        for effect in (0.05, 0.10, 0.30):
            kind = partial(_scaled, spread / TRIALS)
            decided = _decide(kind, runs, seed, math.log1p(effect))
            for alpha in ALPHAS:
                own = [decided[alpha, plan] for plan in PLANS]
                what = f"{100 * effect:.0f} %, {100 * spread:.0f} %"
                cells = (f"{100.0 * one.power():.0f} in {one.blocks.mean():.1f}" for one in own)
                yield _row([what, alpha, *cells])
    yield ""


def cover_table(runs: int, seed: int) -> Iterator[str]:
    """Of cells that leave when a ratio is decided: how often intervals hold the truth, in %."""
    yield _row(
        [f"a cell that leaves, from {LOOKS.least}", "claim", "blocks", "Student's", "repeated"]
    )
    yield _rule(4)
    chance = np.random.default_rng(seed)
    for effect in (0.0, 0.03, 0.05, 0.10):
        for name, alpha in ALPHAS.items():
            trials = np.array([0.05, SHARP]) * chance.standard_normal((runs, MOST, 2))
            blocks = decide_runs(_difference(trials) + math.log1p(effect), LOOKS, alpha).blocks
            held = (f"{100.0 * holds(trials[..., 0], blocks, by):.2f}" for by in (None, LOOKS))
            yield _row([f"{100 * effect:.0f} %", name, f"{blocks.mean():.1f}", *held])
    yield ""


def holds(trials: Figures, blocks: NDArray[np.int64], looks: Looks | None) -> float:
    """How often the 95 % interval of as many trials as there are blocks holds their truth, 0."""
    own = np.arange(MOST) < blocks[:, None]
    means = (trials * own).sum(axis=1) / blocks
    squares = ((trials - means[:, None]) ** 2 * own).sum(axis=1)
    numbers = range(LOOKS.least, MOST + 1)
    errors = np.array([critical(n, 0.05, looks) for n in numbers])[blocks - LOOKS.least]
    return float((np.abs(means) <= errors * np.sqrt(squares / (blocks - 1) / blocks)).mean())


def crossover_table(runs: int, seed: int) -> Iterator[str]:
    """Crossovers, by the code of real runs: how often it is right, in %, in how many blocks."""
    heads = ("covered", "false CONFIRMED", "false REFUTED", "blocks")
    yield _row([f"crossovers, from {LOOKS.least}", *heads])
    yield _rule(len(heads))
    noises: tuple[Noise, ...] = ("normal", "pooled")
    for name, spread in BENT.items():
        for noise in noises:
            tally, blocks = decide_crossovers(noise, spread, runs, seed)
            shares = [f"{100.0 * tally.share(head):.2f}" for head in heads[:-1]]
            yield _row([f"{name}, {noise}", *shares, f"{blocks:.1f}"])
    yield ""


def decide_crossovers(noise: Noise, spread: float, runs: int, seed: int) -> tuple[Tally, float]:
    """Runs about a crossover whose truth lies on the bound, and their mean number of blocks."""
    truth = true_crossing()
    claim = made_crossover(truth)
    cells = [cell.key for point in claim.points for cell in (point.left, point.right)]
    tally, blocks = Tally(), 0
    for samples in crossover_runs(noise, MOST, spread, runs, seed):
        found = decide(Questions([claim], cells, LOOKS, 1), samples)
        (verdict,) = found.verdicts
        assert verdict.estimate is not None
        assert verdict.crossover is not None
        tally.add("covered", verdict.crossover.falls or covers(verdict.estimate, truth))
        tally.add("false CONFIRMED", verdict.outcome == "CONFIRMED")
        tally.add("false REFUTED", verdict.outcome == "REFUTED")
        blocks += found.blocks
    return tally, blocks / runs


def _scaled(by: float, chance: Chance, runs: int) -> Figures:
    return by * of_cells("normal", chance, runs)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|" + "---|" * (columns + 1)


def tables(runs: int = RUNS, seed: int = 1) -> Iterator[str]:
    """All tables, line by line, as Markdown."""
    yield from false_tables(runs, seed)
    yield from any_of_ten(math.ceil(runs / 4), seed)
    yield from power_table(math.ceil(runs / 4), seed)
    yield from cover_table(math.ceil(runs / 4), seed)
    yield from crossover_table(math.ceil(runs / 40), seed)


if __name__ == "__main__":
    write_tables(Path(), {"sequential": tables()})
