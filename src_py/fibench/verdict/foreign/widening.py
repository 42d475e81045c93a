# SPDX-License-Identifier: BSD-3-Clause
"""How far others can have moved a figure: intervals are widened by it, so that they still hold.

In a trial others kept f cores busy. Had all of that gone to a server that used c cores, it would
have answered at most 1 + f/c times as much. And they ran for f of the window at most, if f is less
than 1: had the server stood still for just as long, it would have answered at most 1/(1 - f) times
as much in their absence. The smaller of the two holds; both are 1 + f / max(c, 1 - f). The cores
that it would have used are as many times more, since a request takes the CPU time that it takes.
Nor would a design that keeps at most k cores busy have used more than these: k/c times as many.

So the upper end of a throughput, or of cores, is raised by the mean over its blocks of the
logarithm; of a ratio A/B the upper end by A's mean and the lower end by B's, and of a latency the
other way round. f is what was used less what server, load and runner used, and can come out below 0
by chance: the mean takes that as it is, so that a quiet machine widens by its noise divided by the
root of the blocks. The bound by the design has a mean of its own, and the smaller mean counts: the
smaller bound of each block would cut off what is above by chance, and nothing of what is below.

Of a trial in which f is not known it is taken for the largest of its cell: not for none, nor for
what it is on average, since what keeps it from being known may come together with others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fibench.metrics import metric_of
from fibench.verdict.sample import Index, LogGain, Sample
from fibench.wording import most_named

SAME_CORES = 1.02
"""So many times what it used a server may have used less, or more, by the clocks that tell."""


class Gain(NamedTuple):
    """By how much one cell might have done better without others: logarithms, at least 0."""

    up: float = 0.0
    """How much higher its figure can have been."""
    down: float = 0.0
    """How much lower: of a time."""


NO_GAIN = Gain()


@dataclass(frozen=True)
class Widened:
    """An interval before it was widened, and for whom."""

    low: float
    high: float
    foreign_cores: float
    """Those that others kept busy, on average over the trials that it rests on."""
    names: tuple[str, ...]
    """Who used most of them; they come from outside."""


def is_widened(samples: Index, cell_key: str, key: str) -> bool:
    """Whether what others may have moved a metric by has this bound: throughput, the cores that it
    took, and the times that are its reciprocal.

    An open loop waits for nobody, so that its latencies follow no throughput; no tail does.
    """
    name = metric_of(key).name
    if name == "wall" or metric_of(key).rises_alone:
        return True
    if name != "p50":
        return False
    group = key.rpartition("/")[0]
    if not group:
        return cell_key not in samples.open_loops
    trials = samples.valid(cell_key).values()
    return all(trial.group_lags_p99_s.get(group) is None for trial in trials)


def gain(samples: Index, cell_key: str, blocks: Collection[int], key: str) -> Gain:
    """The mean over these blocks; nothing where it is known in no block (unknown.py)."""
    known = _log_gains(samples, cell_key)
    if not known or not is_widened(samples, cell_key, key):
        return NO_GAIN
    most = LogGain(*(max(0.0, *logs) for logs in zip(*known.values(), strict=True)))
    every = [known.get(block, most) for block in samples.valid(cell_key) if block in blocks]
    means = [math.fsum(logs) / len(every) for logs in zip(*every, strict=True)]
    mean = max(0.0, min(means, default=0.0))
    return Gain(up=mean) if metric_of(key).rises_alone else Gain(down=mean)


def _log_gains(samples: Index, cell_key: str) -> Mapping[int, LogGain]:
    """Those of a cell by block, where they are known; each is worked out once."""
    found = samples.log_gains.get(cell_key)
    if found is None:
        found = {
            block: log
            for block, trial in samples.valid(cell_key).items()
            if trial.foreign_cores is not None and (log := log_gain(trial)) is not None
        }
        samples.log_gains[cell_key] = found
    return found


def log_gain(trial: Sample) -> LogGain | None:
    """How much more a server could have answered; None where it is not known what others used.

    Where that is so since the runner stood still, which anybody can bring about, any amount.
    """
    foreign, cores = trial.foreign_cores, trial.metrics.get("cores") or 0.0
    if foreign is None:
        is_late = trial.disturbed is not None and trial.disturbed.kind == "late"
        return LogGain(math.inf, math.inf) if is_late else None
    had = max(cores, 1.0 - foreign)
    by_use = math.inf if had <= 0.0 else math.log1p(max(-0.5, foreign / had))
    most = (trial.design_cores or 0.0) * SAME_CORES
    # A design that used more than it is said to be able to is not known well enough.
    return LogGain(by_use, math.log(most / cores) if 0.0 < cores <= most else by_use)


def of_sides(left: Gain, right: Gain) -> Gain:
    """That of a ratio left ÷ right."""
    return Gain(left.up + right.down, left.down + right.up)


def who(trials: Iterable[Sample]) -> tuple[float, tuple[str, ...]]:
    """The cores that others kept busy in these trials, on average, and who they mostly were."""
    cores: list[float] = []
    names: Counter[str] = Counter()
    for trial in trials:
        if trial.foreign_cores is not None:
            cores.append(trial.foreign_cores)
        names.update(trial.foreign_names)
    mean = math.fsum(cores) / len(cores) if cores else 0.0
    return max(0.0, mean), tuple(most_named(names))


def trials_of(samples: Index, cells: Iterable[str], blocks: Collection[int]) -> list[Sample]:
    """The valid trials of these cells in these blocks."""
    return [
        trial
        for key in dict.fromkeys(cells)
        for block, trial in samples.valid(key).items()
        if block in blocks
    ]
