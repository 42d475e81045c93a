# SPDX-License-Identifier: BSD-3-Clause
"""What whole runs on made-up machines come to: verdicts that are wrong, and what a run costs.

`python -m fibench.develop.bench.proof [RUNS]` writes the tables into docs/statistics.md, as `invoke
bench --statistics` does.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from fibench.develop.bench.made_claims import ON_A_VALUE, File, truth_of, truths
from fibench.develop.bench.made_trials import CALM, DRIFT, TWO_CORES, UNEQUAL, Machine
from fibench.develop.bench.whole_runs import WholeRun, whole_run
from fibench.develop.bench.written import write_tables
from fibench.verdict import Verdict

RUNS = 1_000
PARTS: Mapping[File, int] = {"gil": 2, "mixed": 1, "small": 1, "open": 4}
"""Of a file one of so many of these runs is gone through, for each row."""
PER_FILE = 0.05
"""What is promised of files; of each of their claims, that divided by their number."""
SURE = 2.0
"""A share that is above what is promised by so many of its standard errors is marked."""

_IN_74 = 1.0 / 74.0
_SLIGHTLY = (1.1, 1.3)
_BURST_S = (20.0, 60.0)
_LOOPS = Machine(loops=True, accepts=True)
GIL: Mapping[str, Machine] = {
    "quiet, trials vary as in three runs": Machine(spreads=CALM),
    "quiet, by 2 to 4 %": Machine(),
    "the same, with real trials' noise": Machine(noise="pooled"),
    "1 in 74 disturbed, 4 of 5 found": Machine(disturbed=_IN_74),
    "1 in 74, none found": Machine(disturbed=_IN_74, found=0.0),
    "5 %, 4 of 5 found": Machine(disturbed=0.05),
    "5 %, 4 of 5 found, in bursts": Machine(disturbed=0.05, again=0.5),
    "5 %, none found": Machine(disturbed=0.05, found=0.0),
    "10 %, 4 of 5 found": Machine(disturbed=0.10),
    "5 % read late": Machine(late=0.05),
    "0.2 cores of others": Machine(foreign=0.2),
    "one core of others for 20 to 60 s": Machine(burst_s=_BURST_S),
    "two endless loops": Machine(loops=True),
    "two endless loops, FIBENCH_NOISE=accept": _LOOPS,
}
"""The machines on which experiments/gil.toml is run, by the names that its table has."""
_ONE_SIDED: Mapping[str, Machine] = {
    "10 % disturbed, none found": Machine(disturbed=0.1, found=0.0),
    "10 %, none found, ×1.1 to 1.3": Machine(disturbed=0.1, found=0.0, slowed=_SLIGHTLY),
    "10 %, 4 of 5 found, of two cores only": Machine(disturbed=0.1, hits=TWO_CORES),
    "10 %, none found, of two cores only": Machine(disturbed=0.1, found=0.0, hits=TWO_CORES),
    "10 %, none found, of two cores only, ×1.1 to 1.3": Machine(
        disturbed=0.1, found=0.0, hits=TWO_CORES, slowed=_SLIGHTLY
    ),
}
NOISY: Mapping[str, Machine] = {
    "quiet": Machine(),
    "quiet, with real trials' noise": Machine(noise="pooled"),
    **{
        f"{share} % disturbed, {word}": Machine(disturbed=share / 100.0, found=found)
        for found, word in ((0.8, "4 of 5 found"), (0.0, "none found"))
        for share in (1, 5, 10)
    },
    "5 % disturbed, 4 of 5 found, in bursts": Machine(disturbed=0.05, again=0.5),
    "10 %, 4 of 5 found, FIBENCH_NOISE=accept": Machine(disturbed=0.1, accepts=True),
    **_ONE_SIDED,
    "0.2 cores of others": Machine(foreign=0.2),
    "one core of others for 20 to 60 s": Machine(burst_s=_BURST_S),
    "two endless loops, FIBENCH_NOISE=accept": _LOOPS,
    "the same, half of the trials read late": replace(_LOOPS, late=0.5),
    "the same, without /proc/stat": replace(_LOOPS, blind=True),
    "5 % read late": Machine(late=0.05),
    "unequal spreads": Machine(spreads=UNEQUAL),
    "drift": Machine(drift=DRIFT),
    "two humps 50:50": Machine(slow=0.5),
    "two humps 80:20": Machine(slow=0.2),
    "AR(1) 0.3 from trial to trial": Machine(carried=0.3),
    "AR(1) 0.8 from trial to trial": Machine(carried=0.8),
    "AR(1) 0.3 from block to block": Machine(rho=0.3),
    "AR(1) 0.8 from block to block": Machine(rho=0.8),
}
"""Those on which the eight claims of MIXED are judged."""
OF_TWO: Mapping[str, Machine] = {
    "quiet": Machine(),
    **_ONE_SIDED,
    "AR(1) 0.3 from trial to trial": Machine(carried=0.3),
    "AR(1) 0.8 from trial to trial": Machine(carried=0.8),
}
"""Those on which a file of two cells is run."""
OF_TAILS: Mapping[str, Machine] = {
    "quiet": Machine(),
    "5 % disturbed, 4 of 5 found": Machine(disturbed=0.05),
    "10 % disturbed, 4 of 5 found": Machine(disturbed=0.1),
    **_ONE_SIDED,
    "5 % read late": Machine(late=0.05),
    "AR(1) 0.8 from trial to trial": Machine(carried=0.8),
}
"""Those on which an open loop is run."""
MACHINES: Mapping[File, Mapping[str, Machine]] = {
    "gil": GIL, "mixed": NOISY, "small": OF_TWO, "open": OF_TAILS,
}  # fmt: skip
_HEADS: Mapping[File, tuple[str, ...]] = {
    "small": ("two claims", "ratio", "value", "any of two"),
    "open": ("an open loop", "ratio", "value", "crossover", "any of four"),
}


@dataclass
class Found:
    """What runs on one machine came to. The lists have an entry for each run."""

    right: list[int] = field(default_factory=list)
    """How many claims have the verdict that they should have…"""
    wrong: list[frozenset[int]] = field(default_factory=list)
    """…and the places of those that have another than that, or any where the truth is the bound."""
    near: int = 0
    """How often the claim near its bound was decided rightly."""
    held: int = 0
    """Intervals of ratios that hold the truth…"""
    intervals: int = 0
    """…of so many."""
    attempts: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    ended: int = 0
    """Runs that were ended since the machine was not quiet."""

    def add(self, file: File, run: WholeRun) -> None:
        """Count a run."""
        self.attempts.append(len(run.records))
        self.blocks.append(run.decisions.blocks)
        self.ended += run.not_quiet
        outcomes = [verdict.outcome if verdict else None for verdict in run.verdicts]
        should = {"far": "CONFIRMED", "near": "CONFIRMED", "false": "REFUTED"}
        pairs = list(zip(truths(file), outcomes, strict=True))
        self.right.append(sum(outcome == should.get(truth, "") for truth, outcome in pairs))
        self.near += ("near", "CONFIRMED") in pairs
        wrong = (
            place
            for place, (truth, outcome) in enumerate(pairs)
            if outcome in ("CONFIRMED", "REFUTED") and outcome != should.get(truth)
        )
        self.wrong.append(frozenset(wrong))
        for verdict in run.verdicts:
            held = None if verdict is None else _holds(verdict)
            if held is not None:
                self.held += held
                self.intervals += 1

    def share_right(self, least: int) -> float:
        """The share of runs in which at least so many claims have the right verdict."""
        return sum(right >= least for right in self.right) / len(self.right)

    def share_wrong(self, places: Sequence[int]) -> float:
        """The share of runs in which any of these claims has a wrong verdict."""
        return sum(not own.isdisjoint(places) for own in self.wrong) / len(self.wrong)


def _holds(verdict: Verdict) -> bool | None:
    """Whether the interval of a ratio holds the truth; None of another, or where there is none."""
    claim, found = verdict.claim, verdict.estimate
    if claim.kind != "ratio" or found is None or found.low is None or found.high is None:
        return None
    return found.low <= truth_of(claim) <= found.high


def simulate(file: File, machine: Machine, runs: int, seed: int) -> Found:
    """Go through runs of a file on a machine."""
    found = Found()
    for run in range(runs):
        found.add(file, whole_run(file, machine, seed + run))
    return found


# The tables


def gil_table(found: Mapping[str, Found]) -> Iterator[str]:
    """What gil.toml comes to: in % of runs, and on average."""
    heads = ["gil.toml", "all eight right", "six or more", "right of eight", "any wrong"]
    yield _row([*heads, "attempts", "95 of 100", "blocks", "ended"])
    yield _rule(8)
    for name, own in found.items():
        runs = len(own.right)
        cells = [
            *(
                f"{_percent(sum(right >= least for right in own.right) / runs):.1f}"
                for least in (8, 6)
            ),
            f"{sum(own.right) / runs:.1f}",
            _marked(own.share_wrong(range(8)), PER_FILE, runs, 1),
            f"{sum(own.attempts) / runs:.1f}",
            f"{sorted(own.attempts)[math.ceil(0.95 * runs) - 1]}",
            f"{sum(own.blocks) / runs:.1f}",
            f"{_percent(own.ended / runs):.1f}",
        ]
        yield _row([name, *cells])
    yield ""


def false_table(found: Mapping[str, Found]) -> Iterator[str]:
    """How often verdicts on eight claims are wrong, in %."""
    every = range(len(truths("mixed")))
    ratios = [place for place in every if place != ON_A_VALUE]
    per_claim = PER_FILE / len(every)
    heads = ["eight claims", "worst ratio", "any ratio", "value", "any of eight", "held"]
    yield _row([*heads, "near seen", "attempts", "blocks", "ended"])
    yield _rule(9)
    for name, own in found.items():
        runs = len(own.right)
        held = own.held / own.intervals if own.intervals else None
        cells = [
            _marked(max(own.share_wrong([place]) for place in ratios), per_claim, runs, 2),
            _marked(own.share_wrong(ratios), PER_FILE, runs, 2),
            _marked(own.share_wrong([ON_A_VALUE]), per_claim, runs, 2),
            _marked(own.share_wrong(every), PER_FILE, runs, 2),
            "–" if held is None else f"{_percent(held):.2f}",
            f"{_percent(own.near / runs):.1f}",
            f"{sum(own.attempts) / runs:.1f}",
            f"{sum(own.blocks) / runs:.1f}",
            f"{_percent(own.ended / runs):.1f}",
        ]
        yield _row([name, *cells])
    yield ""


def bound_table(file: File, found: Mapping[str, Found]) -> Iterator[str]:
    """How often verdicts are wrong on the claims of a file whose truth is their bound, in %."""
    heads = _HEADS[file]
    yield _row([*heads, "true by far", "attempts", "blocks", "ended"])
    yield _rule(len(heads) + 3)
    of = truths(file)
    on_bound = [place for place, truth in enumerate(of) if truth == "bound"]
    far = of.count("far")
    for name, own in found.items():
        runs = len(own.right)
        shares = (own.share_wrong([place]) for place in on_bound)
        cells = [
            *(_marked(share, PER_FILE / len(of), runs, 2) for share in shares),
            _marked(own.share_wrong(range(len(of))), PER_FILE, runs, 2),
            f"{_percent(sum(own.right) / far / runs):.1f}" if far else "–",
            f"{sum(own.attempts) / runs:.1f}",
            f"{sum(own.blocks) / runs:.1f}",
            f"{_percent(own.ended / runs):.1f}",
        ]
        yield _row([name, *cells])
    yield ""


def _percent(share: float) -> float:
    return 100.0 * share


def _marked(share: float, promised: float, runs: int, digits: int) -> str:
    """A share in %, marked where it is surely more than is promised."""
    error = math.sqrt(promised * (1.0 - promised) / runs)
    text = f"{_percent(share):.{digits}f}"
    return f"**{text}**" if share > promised + SURE * error else text


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" + "|--:" * columns + "|"


_TABLES: Mapping[File, Callable[[Mapping[str, Found]], Iterator[str]]] = {
    "gil": gil_table,
    "mixed": false_table,
    "small": partial(bound_table, "small"),
    "open": partial(bound_table, "open"),
}


def _one(file: File, runs: int, seed: int, machine: Machine) -> Found:
    return simulate(file, machine, runs, seed)


def tables(runs: int = RUNS, seed: int = 1, *, alone: bool = False) -> Iterator[str]:
    """All tables, line by line, as Markdown; on all cores, or in this process `alone`."""
    with _all_cores() if not alone else nullcontext() as pool:
        every = map if pool is None else pool.map
        often = {file: math.ceil(runs / part) for file, part in PARTS.items()}
        found = {
            file: every(partial(_one, file, often[file], seed), machines.values())
            for file, machines in MACHINES.items()
        }
        for file, machines in MACHINES.items():
            yield f"{often[file]:,} runs for each row:"
            yield ""
            yield from _TABLES[file](dict(zip(machines, found[file], strict=True)))


def _all_cores() -> ProcessPoolExecutor:
    # A fresh interpreter for each: to fork one that has threads, as numpy's, is not safe.
    return ProcessPoolExecutor(mp_context=get_context("spawn"))


if __name__ == "__main__":
    write_tables(Path(), {"whole runs": tables(*map(int, sys.argv[1:2]))})
