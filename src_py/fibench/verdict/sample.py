# SPDX-License-Identifier: BSD-3-Clause
"""What one trial gave, and the samples of a run in an order that the statistics can work with.

Everything that estimates asks for "the trials of this cell by block", often and for many metrics.
An Index answers that from one pass over the samples, and takes each logarithm once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from fibench.metrics import OF_THREADS, metric_of
from fibench.record import Growth, LatencyBounds, Saturated

BOUNDED = "bounds alone"
"""What is said of a figure that no more is known of; longer windows would not do."""
Flaw = Literal["short", "hidden", "bounded"]
"""Why a metric of a trial may not be shown."""

if TYPE_CHECKING:
    from fibench.record import Disturbed
    from fibench.timeline import ThreadTime


@dataclass(frozen=True)
class Sample:
    """What one trial gave.

    `metrics` are in base units (s, bytes, 1/s, cores; `cpu_per_request` in s). None means that it
    could not be measured, and is never taken for zero. `counts` holds at least `window_ok`, the
    replies counted inside the window; a count that is missing is not known. What a client group
    gave has its name in front: "small/p99", "small/window_ok".
    """

    cell_key: str
    block: int
    valid: bool
    reason: str | None
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int]
    hint: str = ""
    """What to do about the reason; empty where nothing is known."""
    bound: str | None = None
    """Why the load generator, not the server, was the limit of this trial; None: it was not."""
    not_full: str | None = None
    """Why the load generator did not keep as many requests in flight as it was to; None: it did."""
    lag_p99_s: float | None = None
    """Open loop: the 99th percentile of the generator's own lag."""
    group_lags_p99_s: Mapping[str, float | None] = field(default_factory=dict)
    """The same of each client group; None of one without a schedule."""
    computing_s: float | None = None
    """What computing one reply takes a core, at least; None: not known."""
    read_lags_s: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    """Closed loops: how long replies waited for the generator, median and 99th percentile, by
    client group; "" is all clients. None: too few of them are known for that."""
    bounds: Mapping[str, LatencyBounds] = field(default_factory=dict)
    """Of latencies that are not known, between what they lie."""
    saturated: Mapping[str | None, Saturated] = field(default_factory=dict)
    """Open loops that asked for more than the server could answer: all together (None), groups."""
    lines: Mapping[str | None, Growth] = field(default_factory=dict)
    """How what waits grew over the window: of all open loops together (None), of groups."""
    halves: tuple[int, int] | None = None
    """Replies in the first and the second half of the window."""
    foreign_cores: float | None = None
    """The cores that neither server nor load nor runner used, but others; below 0 by chance. None:
    that is not known."""
    design_cores: float | None = None
    """The most cores that it can have been measured to use, by its design. None: not known."""
    foreign_names: tuple[str, ...] = ()
    """Who used most of them."""
    disturbed: Disturbed | None = None
    """What disturbed it, though it was measured again as often as that is done."""
    crowded: str | None = None
    """What others used, if it is too much for a figure that no interval can be widened for; whether
    or not the run was measured for such claims."""
    unstarted: bool = False
    """It never began, for reasons that are not the server's: it is no result at all."""
    did_not_start: bool = False
    """Its server did not become ready, for its own reasons."""
    uncounted: str | None = None
    """Why the trial of its cell and block failed that was to count system calls; None: it did not,
    or there was none."""
    failed_before: str | None = None
    """Why it had failed in a pass over its block that was broken off: that stays a result."""
    since: int = 0
    """So many blocks were begun when it was measured after all, having failed to start in its own;
    0: it was measured in its turn. Looks after no more blocks than that do not know of it."""
    broke_off_then: str | None = None
    """Why it had failed for these, if its load had begun to ask: not for want of a start."""
    every_count: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """What claims count in each attempt at the trial that knows it, also in those that do not count
    otherwise, in their order."""
    superseded: tuple[Sample, ...] = ()
    """The attempts before it in its pass over the block that were disturbed, in their order."""
    watched: ThreadTime | None = None
    """What was seen of its cell's server in the trial of its block that only watches it; None: in
    this block there was none."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """How every request of the trial ended, warm-up included: "ok", "wrong", "unfinished" …"""

    threads_unknown: str | None = None
    """Why it is not known what the server's threads did; None: it is, or nobody said."""

    def log(self, key: str) -> float | None:
        """The logarithm of a metric, where it has one; of what may be nothing, as a share may, that
        of the least that counts."""
        figure = self.metrics.get(key)
        return log_of(None if figure is None else max(figure, metric_of(key).least))

    @property
    def is_spoilt(self) -> bool:
        """Whether it may be left out of some claim, for what happened beside it."""
        return not (self.disturbed is None and self.crowded is None and self.not_full is None)

    def as_of(self, blocks: int) -> Sample:
        """The trial as a look after so many blocks saw it: what is decided does not change."""
        if self.since == 0 or self.since < blocks:
            return self
        return replace(
            self, valid=False, unstarted=self.broke_off_then is None,
            reason=self.broke_off_then or "it could not start", hint="",
            metrics={}, counts={}, every_count={}, disturbed=None, crowded=None, superseded=(),
        )  # fmt: skip


class LogGain(NamedTuple):
    """ln of how much more a server could have answered in a trial without others."""

    by_use: float
    """By what others used; below 0 by chance."""
    by_design: float
    """By what its design can use; where that is not known, by what others used."""


class Index:
    """The samples of a run, by cell and block. Raises ValueError if a block has a valid cell twice:
    then someone counted an attempt twice."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._all: dict[str, list[Sample]] = {}
        self._valid: dict[str, dict[int, Sample]] = {}
        self._logs: dict[tuple[str, str], dict[int, float]] = {}
        self._flaws: dict[tuple[str, str], dict[int, Flaw]] = {}
        self._grains: dict[tuple[str, str], float] = {}
        self.log_gains: dict[str, Mapping[int, LogGain]] = {}
        """By cell and block what foreign/widening.py has found of its trials."""
        self.open_loops: set[str] = set()
        """The cells whose trials know how late the load generator was."""
        self.limited: set[str] = set()
        """The cells with a trial of which the load generator may have been the limit."""
        self._watched: dict[str, ThreadTime] = {}
        self.spoilt = False
        """Whether any trial may be left out of a claim, for what happened beside it."""
        for sample in samples:
            self._all.setdefault(sample.cell_key, []).append(sample)
            self.spoilt = self.spoilt or sample.is_spoilt
            if sample.watched is not None:
                self._watched.setdefault(sample.cell_key, sample.watched)
            if sample.lag_p99_s is not None:
                self.open_loops.add(sample.cell_key)
            if sample.bound or sample.lag_p99_s is not None or sample.read_lags_s:
                self.limited.add(sample.cell_key)
        for key, own in self._all.items():
            by_block: dict[int, Sample] = {}
            for sample in own:
                if sample.valid and sample.block in by_block:
                    raise ValueError(f"cell {key} has two samples in block {sample.block}")
                if sample.valid:
                    by_block[sample.block] = sample
            self._valid[key] = dict(sorted(by_block.items()))

    @property
    def cell_count(self) -> int:
        """How many cells there are, twins included."""
        return max(1, len(self._all))

    def without(self, left_out: Callable[[Sample], bool]) -> Index:
        """The same without some samples."""
        return Index(one for own in self._all.values() for one in own if not left_out(one))

    def mapped(self, change: Callable[[Sample], Sample]) -> Index:
        """The same with other figures."""
        return Index(change(one) for own in self._all.values() for one in own)

    def all(self, cell_key: str) -> Sequence[Sample]:
        """The trials of a cell, invalid ones too."""
        return self._all.get(cell_key, ())

    def valid(self, cell_key: str) -> Mapping[int, Sample]:
        """The valid trials of a cell by block, in the order of blocks."""
        return self._valid.get(cell_key, {})

    def watched(self, cell_key: str) -> ThreadTime | None:
        """What was seen of a cell's server, whatever became of the trial that its block has."""
        return self._watched.get(cell_key)

    def unstarted(self, cell_key: str) -> Collection[int]:
        """The blocks in which a cell has no valid trial, since the one that it has could not
        start."""
        valid = self.valid(cell_key)
        own = self.all(cell_key)
        return {one.block for one in own if one.unstarted and one.block not in valid}

    def grain(self, cell_key: str, key: str) -> float:
        """The standard deviation that counting whole replies gives a logarithm; 0 if none.

        A window with N replies would have had anything from N to N + 1 of them: a uniform error.
        """
        found = self._grains.get((cell_key, key))
        if found is None:
            metric = metric_of(key)
            name = key.removesuffix(metric.name) + "window_ok"
            trials = self.valid(cell_key).values() if metric.per_reply else ()
            replies = [count for trial in trials if (count := trial.counts.get(name))]
            squares = math.fsum(1.0 / count**2 for count in replies)
            found = math.sqrt(squares / len(replies) / 12.0) if replies else 0.0
            self._grains[cell_key, key] = found
        return found

    def flaws(self, cell_key: str, key: str) -> Mapping[int, Flaw]:
        """The blocks in which a metric says too little: for want of replies, or of its value, or
        since it is bounded alone."""
        found = self._flaws.get((cell_key, key))
        if found is None:
            metric = metric_of(key)
            replies = key.removesuffix(metric.name) + "window_ok"
            found = {}
            for block, trial in self.valid(cell_key).items():
                if trial.counts.get(replies, 0) < metric.least_requests:
                    found[block] = "short"
                elif metric.is_percentile and trial.metrics.get(key) is None:
                    found[block] = "bounded" if key in trial.bounds else "hidden"
            self._flaws[cell_key, key] = found
        return found

    def logs(self, cell_key: str, metric: str) -> Mapping[int, float]:
        """The logarithms of a metric by block, where it has one."""
        found = self._logs.get((cell_key, metric))
        if found is None:
            found = {
                block: log
                for block, trial in self.valid(cell_key).items()
                if (log := trial.log(metric)) is not None
            }
            self._logs[cell_key, metric] = found
        return found

    def none_of(self, metric: str, *cells: str) -> str:
        """That a metric of a cell, or on both sides of a claim, was not measured, and why where
        trials say so."""
        said = f"{metric} was not measured" + (" on both sides of any block" if cells[1:] else "")
        if metric_of(metric).name not in OF_THREADS:
            return said
        trials = (trial for cell in cells for trial in self.valid(cell).values())
        why = Counter(trial.threads_unknown for trial in trials if trial.threads_unknown)
        return f"{said}: {why.most_common(1)[0][0]}" if why else said


def index(samples: Iterable[Sample] | Index) -> Index:
    """The index of samples; what is one already is returned as it is."""
    return samples if isinstance(samples, Index) else Index(samples)


@dataclass(frozen=True)
class Withheld:
    """Why a metric is not shown."""

    says: str
    bounded: bool = False
    """It is known by bounds alone in some trials, and hidden in none."""


def withheld(
    samples: Index, cells: Sequence[str], blocks: Collection[int], key: str
) -> Withheld | None:
    """Why a metric may not be shown for the valid trials of these cells and blocks, or None.

    One trial that is too short withholds it for all, and so does one whose percentile is hidden by
    requests that were never answered: to leave out just those trials would be to leave out the
    slow ones.
    """
    least = metric_of(key).least_requests
    if least == 0:
        return None
    flaws = [samples.flaws(cell, key) for cell in cells]
    found = [flaw for own in flaws for block, flaw in own.items() if block in blocks]
    if "short" in found:
        replies = "a reply" if least == 1 else f"{least} replies"
        return Withheld(f"{key} needs {replies} in every trial")
    if not found:
        return None
    trials = sum(block in blocks for cell in cells for block in samples.valid(cell))
    if len(found) == trials and not any(cell in samples.open_loops for cell in cells):
        return None
    share = f"{len(found)} of {trials} trials"
    if "hidden" not in found:
        return Withheld(f"{key} is known by {BOUNDED} in {share}", bounded=True)
    return Withheld(f"{key} is hidden by unfinished requests in {share}")


def is_saturated(trial: Sample, key: str) -> bool:
    """Whether the server could not answer what a trial asked for, in the group that `key` names."""
    return (key.rpartition("/")[0] or None) in trial.saturated


def told(reason: str | None, hint: str | None) -> str:
    """Why a trial failed, and what to do if that is known, in one line."""
    return "; ".join(text for text in (reason or "no reason given", hint) if text)


def most_frequent_reason(samples: Iterable[Sample]) -> str | None:
    """Why trials were invalid, and what to do: the commonest reason, the first by name among
    equals."""
    reasons = Counter(told(trial.reason, trial.hint) for trial in samples if not trial.valid)
    if not reasons:
        return None
    return min(reasons, key=lambda reason: (-reasons[reason], reason))


def log_of(figure: float | None) -> float | None:
    """The logarithm of a figure; None if it is absent, not finite, zero or negative."""
    if figure is None or not math.isfinite(figure) or figure <= 0.0:
        return None
    return math.log(figure)
