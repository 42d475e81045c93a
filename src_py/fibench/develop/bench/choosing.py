# SPDX-License-Identifier: BSD-3-Clause
"""What somebody gets who chooses which trials are measured again, or left out, or broken off.

He knows a trial's figure before its window ends, as of a server of his own, and disturbs those that
go badly: by the very rule that keeps noise out they are measured again then. Very many runs are
made up at once, whose truth lies on the bound, and judged as verdict/attempts/chosen.py does; that
the code of real runs decides them alike is a test. What it costs who is disturbed by chance is the
other side of it. `python -m fibench.develop.bench.choosing` writes the tables into
docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fibench.develop.bench.sequential import (
    ALPHAS,
    HUMPS,
    LOOKS,
    MOST,
    SHARP,
    TRIALS,
    Decided,
    decide_runs,
)
from fibench.develop.bench.written import write_tables
from fibench.verdict.attempts.bearing import MOST_LEFT_OUT
from fibench.verdict.attempts.chosen import FEW, MANY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]
    Held = NDArray[np.bool_]
    Chance = np.random.Generator

RUNS = 20_000
_DRAWS = 400_000
"""So many trials tell where the worst of them begin."""
TRIES = 3
_SIDES = np.array([1.0, -1.0])
"""Of a ratio A/B: a trial of B is the better for the claim that A is above, the lower it is."""

Noise = Callable[["Chance", tuple[int, ...]], "Figures"]
"""Logarithms of trials, of the shape that is asked for; high is welcome, and the truth is 0."""


class Rule(NamedTuple):
    """From which shares of trials on it matters which were measured again, and nothing is said."""

    few: float
    many: float


NONE = Rule(math.inf, math.inf)
RULES: Mapping[str, Rule] = {
    "no rule": NONE, "above 1/4 only": Rule(math.inf, MANY), "as it is": Rule(FEW, MANY),
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """Runs of two cells, of shape (runs, MOST, 2). Their figures are logarithms, turned so that
    high is welcome to the claim; d of a block is the sum of both."""

    last: Figures
    """Of the last attempt at each trial."""
    least: Figures
    """The worst that any of its attempts can have been without others…"""
    most: Figures
    """…and the best."""
    again: Held
    """Which were measured again, or left out."""
    lost: Held
    """The blocks that are left out, of shape (runs, MOST)…"""
    can_be_borne: bool = False
    """…which count after all where too few others are there (verdict/attempts/bearing.py)."""


# What trials do


def normal(chance: Chance, shape: tuple[int, ...]) -> Figures:
    """As trials vary if nothing else is said."""
    own: Figures = TRIALS * chance.standard_normal(shape)
    return own


def sharp_humps(share: float, chance: Chance, shape: tuple[int, ...]) -> Figures:
    """That share of the trials is 20 % slower, and the others hardly vary."""
    slow = chance.random(shape) < share
    own: Figures = SHARP * chance.standard_normal(shape) - HUMPS * (slow - share)
    return own


def attacked(
    noise: Noise, share: float, chance: Chance, runs: int, *, leaves_out: bool = False
) -> Chosen:
    """Who disturbs the worst trials of both sides, by that share of all, once more what comes out
    below the middle then, and a third time what is among the worst even so, whose block is left
    out; or all three attempts at the worst, so that all of their blocks are.

    What he burns moves no figure, which suits him best.
    """
    own = noise(chance, (TRIES, runs, MOST, 2))
    drawn = noise(chance, (_DRAWS,))
    edge = float(np.quantile(drawn, share)) if share else -math.inf
    again = own[0] < edge
    if leaves_out:
        return _chosen((own, own, own), again, again, again.any(axis=2))
    twice = again & (own[1] < max(edge, float(np.median(drawn))))
    thrice = twice & (own[2] < edge)
    return _chosen((own, own, own), again, twice, thrice.any(axis=2), can_be_borne=True)


def emptied(noise: Noise, share: float, chance: Chance, runs: int) -> Chosen:
    """Who has that share of the blocks left out that come out worst, as long as they are no more
    than a quarter: he disturbs all attempts at the trial of one side, and moves no figure."""
    own = noise(chance, (TRIES, runs, MOST, 2))
    edge = float(np.quantile(noise(chance, (_DRAWS, 2)).sum(axis=1), share))
    is_bad = own[0].sum(axis=2) < edge
    lost = np.zeros_like(is_bad)
    for block in range(MOST):
        most = MOST_LEFT_OUT * max(LOOKS.least, block + 1)
        lost[:, block] = is_bad[:, block] & (lost.sum(axis=1) + 1 <= most)
    again = np.stack([lost, np.zeros_like(lost)], axis=2)
    return _chosen((own, own, own), again, again, lost)


def disturbed(share: float, slowed: tuple[float, float], chance: Chance, runs: int) -> Chosen:
    """That share of all attempts is slowed so many times and measured again, by chance, or left
    out; how much others have taken of each is known."""
    own = normal(chance, (TRIES, runs, MOST, 2))
    hit = chance.random(own.shape) < share
    slow = _SIDES * np.where(hit, np.log(chance.uniform(*slowed, own.shape)), 0.0)
    raw = own - slow
    ends = np.minimum(raw, own), np.maximum(raw, own)
    twice = hit[0] & hit[1]
    lost: Held = (twice & hit[2]).any(axis=2)
    return _chosen((raw, *ends), hit[0], twice, lost, can_be_borne=True)


def _chosen(
    made: tuple[Figures, Figures, Figures],
    again: Held,
    twice: Held,
    lost: Held,
    *,
    can_be_borne: bool = False,
) -> Chosen:
    """From what the attempts gave, and between what each can have been without others."""
    raw, low, high = made
    last = np.where(twice, raw[2], np.where(again, raw[1], raw[0]))
    least, most = last, last
    for number, was_made in enumerate((again, twice)):
        least = np.where(was_made, np.minimum(least, low[number]), least)
        most = np.where(was_made, np.maximum(most, high[number]), most)
    return Chosen(last, least, most, again, lost, can_be_borne)


# What is decided


def judged(made: Chosen, alpha: float, rule: Rule, effect: float = 0.0) -> Decided:
    """As real runs are that look from LOOKS.least to LOOKS.most blocks; the claim is that A is
    above B, and A is by `effect`."""
    numbers = np.arange(LOOKS.least, LOOKS.most + 1)
    low, high = _interval(made, alpha, rule, effect)
    lost = _summed(made.lost)
    unclear = lost > MOST_LEFT_OUT * numbers
    if made.can_be_borne:
        whole = _interval(replace(made, lost=np.zeros_like(made.lost)), alpha, rule, effect)
        is_borne = unclear | (numbers - lost < LOOKS.least)
        low, high = np.where(is_borne, whole[0], low), np.where(is_borne, whole[1], high)
        unclear = np.zeros_like(unclear)
    unclear |= _summed(made.again.sum(axis=2)) > rule.many * 2 * numbers
    side = np.where(unclear, 0, np.where(low > 0.0, 1, np.where(high < 0.0, -1, 0)))
    ends = (side != 0).any(axis=1)
    first = np.where(ends, (side != 0).argmax(axis=1), len(numbers) - 1)
    return Decided(numbers[first], side[np.arange(len(side)), first].astype(np.int64))


def _interval(made: Chosen, alpha: float, rule: Rule, effect: float) -> tuple[Figures, Figures]:
    """What the verdict of each look must hold by, without the blocks that are lost."""
    numbers = np.arange(LOOKS.least, LOOKS.most + 1)
    kept = ~made.lost
    blocks = _summed(kept)
    with np.errstate(divide="ignore", invalid="ignore"):  # where no block is kept yet
        means = _summed(made.last * kept[..., None]) / blocks[..., None]
        d = (made.last.sum(axis=2) + effect) * kept
        mean = _summed(d) / blocks
        off = np.maximum(_summed(d**2) - blocks * mean**2, 0.0)
        half = _criticals(alpha)[blocks.astype(np.int64)] * np.sqrt(off / (blocks - 1) / blocks)
        down = _moved(made, means, made.least, -1.0) / numbers
        up = _moved(made, means, made.most, 1.0) / numbers
    counts = _summed(made.again.sum(axis=2)) > rule.few * 2 * numbers
    return mean - half + np.where(counts, down, 0.0), mean + half + np.where(counts, up, 0.0)


def _summed(of_blocks: Figures | Held) -> Figures:
    """The sums over the blocks up to each look."""
    sums: Figures = np.cumsum(of_blocks, axis=1, dtype=np.float64)
    return sums[:, LOOKS.least - 1 :]


def _criticals(alpha: float) -> Figures:
    """By the number of blocks that a claim has; infinite where they are too few for a look."""
    of_looks = [LOOKS.critical(n, alpha) for n in range(LOOKS.least, LOOKS.most + 1)]
    return np.array([math.inf] * LOOKS.least + of_looks)


def _moved(made: Chosen, means: Figures, ends: Figures, sign: float) -> Figures:
    """The sums over blocks and sides of how far one end of the attempts is from what counts: the
    upper one, whose `sign` is 1, or the lower one.

    A trial of a block that is left out counts by how far it is from the mean of those that are
    kept, where it is further to that end.
    """
    found = _summed((ends - made.last).sum(axis=2) * ~made.lost)
    if not made.lost.any():
        return found
    for look, blocks in enumerate(range(LOOKS.least, LOOKS.most + 1)):
        further = np.maximum(sign * (ends[:, :blocks] - means[:, look, None, :]), 0.0)
        found[:, look] += sign * (further.sum(axis=2) * made.lost[:, :blocks]).sum(axis=1)
    return found


def broken_off(share: float, again: int | None, chance: Chance, runs: int) -> Figures:
    """d of runs of which blocks that come out among the worst, by that share, are broken off and
    measured again: so many times, or until they do not."""
    spread = math.sqrt(2.0) * TRIALS
    d = spread * chance.standard_normal((runs, MOST))
    edge = float(np.quantile(spread * chance.standard_normal(_DRAWS), share)) if share else -9.0
    times = 0
    while (again is None or times < again) and (bad := d < edge).any():
        d[bad] = spread * chance.standard_normal(int(bad.sum()))
        times += 1
    return d


# The tables

NOISES: Mapping[str, tuple[Noise, Sequence[float]]] = {
    "": (normal, (0.0, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5)),
    "of sharp humps 80:20, ": (partial(sharp_humps, 0.2), (0.0, 0.2)),
    "of sharp humps 50:50, ": (partial(sharp_humps, 0.5), (0.5,)),
}
"""How trials vary, and the shares of trials that somebody would change."""
_OF_BLOCKS = (0.1, 0.25, 0.4)
_EFFECTS = (0.27, 0.13, 0.05)
_HONEST: Mapping[str, float] = {"1 in 74": 1.0 / 74.0, "5 %": 0.05, "10 %": 0.1}
_SLOWED: Mapping[str, tuple[float, float]] = {"×2 to 3": (2.0, 3.0), "×1.2 to 1.6": (1.2, 1.6)}
_BROKEN = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5)
_TIMES: Mapping[str, int | None] = {"once": 1, "without limit": None}


def false_table(runs: int, seed: int, *, leaves_out: bool = False) -> Iterator[str]:
    """How often a claim whose truth is its bound is CONFIRMED, in %, by whom trials are chosen."""
    rules = {"no rule": NONE, "as it is": RULES["as it is"]} if leaves_out else RULES
    what = "would have left out" if leaves_out else "would change"
    yield _row([f"trials that he {what}", *_promised(list(rules))])
    yield _rule(len(ALPHAS) * len(rules))
    for name, (noise, shares) in NOISES.items():
        for share in shares:
            if leaves_out and share > MOST_LEFT_OUT:
                continue
            chance = np.random.default_rng([seed, round(1000 * share)])
            made = attacked(noise, share, chance, runs, leaves_out=leaves_out)
            found = [
                judged(made, alpha, rule) for alpha in ALPHAS.values() for rule in rules.values()
            ]
            yield _row([f"{name}{_share(share)}", *_powers(found)])
    if leaves_out:
        for share in _OF_BLOCKS:
            made = emptied(normal, share, np.random.default_rng([seed, round(1000 * share)]), runs)
            found = [
                judged(made, alpha, rule) for alpha in ALPHAS.values() for rule in rules.values()
            ]
            yield _row([f"{_share(share)} of blocks, up to a quarter", *_powers(found)])
    yield ""


def _powers(found: Sequence[Decided]) -> Iterator[str]:
    return (f"{100.0 * one.power():.1f}" for one in found)


def honest_table(runs: int, seed: int) -> Iterator[str]:
    """How often an effect is seen in spite of the rule, in %, and in how many blocks."""
    rules = ("no rule", "as it is")
    heads = [f"{slowed}, {rule}" for slowed in _SLOWED for rule in rules]
    yield _row(["off the bound by", "disturbed", *heads])
    yield _rule(len(heads) + 1)
    for effect in _EFFECTS:
        for name, share in _HONEST.items():
            cells = []
            for slowed in _SLOWED.values():
                chance = np.random.default_rng([seed, round(1000 * share)])
                made = disturbed(share, slowed, chance, runs)
                for rule in rules:
                    own = judged(made, ALPHAS["one of eight"], RULES[rule], math.log1p(effect))
                    cells.append(f"{100.0 * own.power():.0f} in {own.blocks.mean():.1f}")
            yield _row([f"{100.0 * effect:.0f} %", name, *cells])
    yield ""


def broken_table(runs: int, seed: int) -> Iterator[str]:
    """As false_table has it, of who breaks off blocks."""
    yield _row(["blocks that he would break off", *_promised(list(_TIMES))])
    yield _rule(len(ALPHAS) * len(_TIMES))
    for share in _BROKEN:
        cells = []
        for alpha in ALPHAS.values():
            for times in _TIMES.values():
                chance = np.random.default_rng([seed, round(1000 * share)])
                d = broken_off(share, times, chance, runs)
                cells.append(f"{100.0 * decide_runs(d, LOOKS, alpha).power():.1f}")
        yield _row([_share(share), *cells])
    yield ""


def _promised(names: Sequence[str]) -> Iterator[str]:
    """The heads of columns, for each alpha; the first of them says what is promised of it."""
    for alpha, value in ALPHAS.items():
        said = f"{alpha}: {100.0 * value / 2.0:.2g} promised, {names[0]}"
        yield from (said, *names[1:])


def _share(share: float) -> str:
    return f"{100.0 * share:.0f} %" if share else "none"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" + "|--:" * columns + "|"


def tables(runs: int = RUNS, seed: int = 1) -> Mapping[str, Iterator[str]]:
    """The lines of what is written into the page, as Markdown, by the name of the place; simulated
    as they are asked for."""
    return {
        "measured again by choice": false_table(runs, seed),
        "left out by choice": false_table(runs, seed, leaves_out=True),
        "measured again by chance": honest_table(runs, seed),
        "broken off by choice": broken_table(runs, seed),
    }


if __name__ == "__main__":
    write_tables(Path(), tables())
