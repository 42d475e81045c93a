# SPDX-License-Identifier: BSD-3-Clause
"""Which trials a claim can be borne by: not those that were disturbed still when they were measured
for the last time, nor those that the load generator kept less than full or whose figure could not
be read, and none at all where too many failed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment import cells_of, unbounded_cells
from fibench.metrics import METRICS, in_group
from fibench.verdict.foreign.widening import is_widened
from fibench.verdict.sample import Index, Sample, most_frequent_reason

if TYPE_CHECKING:
    from fibench.experiment import Claim

MOST_LEFT_OUT = 0.25
"""Of the blocks that a claim could have rested on, no larger a share may be left out."""
LEFT_OUT = frozenset(("probe", "steal"))
"""What a disturbance of these kinds did to a figure, no interval can be widened by. (That of the
load generator concerns the figures that rest on it alone: Sample.not_full.)"""
_OF_MOVED = frozenset(("foreign", "late"))
"""These are left out where others move the figure: one trial that they slowed to a half makes an
interval wider than most bounds are away…"""
_BORNE = frozenset(("foreign",))
"""…and these count after all where they are too many, since the interval is widened for them."""


@dataclass(frozen=True)
class LeftOut:
    """The trials that a claim does not rest on, for what happened beside them: by a rule that looks
    at no figure that is claimed."""

    trials: Collection[tuple[str, int]] = ()
    """By cell and block."""
    not_quiet: str | None = None
    """Why the claim cannot be decided, if too much is left out of it…"""
    limited: str | None = None
    """…and why it is INVALID, if the load generator alone was the limit in too many blocks."""


NOTHING_LEFT_OUT = LeftOut()


def left_out_of(claim: Claim, samples: Index, fewest: int) -> LeftOut:
    """What is left out of a claim that needs so many blocks, and whether that is too much of it.

    The share is of the blocks in which every cell of the claim has a valid trial, or one that could
    not start, since it rests on whole blocks; and it is one share, whatever the reasons. Blocks in
    which a trial could not start, or what is claimed could not be read of a server, count among
    them: who brings that about where another trial went badly would else drop the block. What
    intervals can be widened for counts where fewer blocks than that, or too small a share of them,
    would be left without it.
    """
    cells = {cell.key: cell.label for cell in cells_of(claim)}
    every = blocks_begun(samples, cells)
    whole = every.intersection(*(samples.valid(key) for key in cells))
    lacking = every - whole
    unread = _unread(claim, samples, whole)
    if METRICS[claim.metric].is_count or not (samples.spoilt or unread or lacking):
        return NOTHING_LEFT_OUT
    unbounded, metric = unbounded_cells(claim), in_group(claim.group, claim.metric)
    moved = {key for key in cells if key in unbounded or is_widened(samples, key, metric)}
    noisy: dict[tuple[str, int], str] = {}
    borne: dict[tuple[str, int], str] = {}
    not_full: dict[tuple[str, int], str] = {}
    for key in cells:
        for block, trial in samples.valid(key).items():
            noise = _noise(trial, is_unbounded=key in unbounded, is_moved=key in moved)
            if noise is not None:
                can_be_borne = key not in unbounded and _kind(trial) in _BORNE
                (borne if can_be_borne else noisy)[key, block] = noise
            if trial.not_full is not None and METRICS[claim.metric].rests_on_meter:
                not_full[key, block] = trial.not_full
    missing = lacking | {block for _, block in unread}
    without = missing | (whole & {block for _, block in (*noisy, *not_full, *borne)})
    if len(without) <= min(MOST_LEFT_OUT * len(every), len(every) - fewest):
        noisy |= borne
    of_meter = whole & {block for _, block in not_full}
    lost = missing | of_meter | (whole & {block for _, block in noisy})
    if len(of_meter) > MOST_LEFT_OUT * len(every):
        key, block = min(not_full, key=lambda one: one[1])
        share = f"{len(of_meter)} of {len(every)} blocks"
        which = f"the first is {cells[key]} in block {block + 1}: {not_full[key, block]}"
        return LeftOut(noisy, limited=f"the load generator was the limit in {share}, {which}")
    beside = {(key, block) for key in cells for block in lacking if block in samples.valid(key)}
    trials = noisy.keys() | not_full.keys() | unread | beside
    if len(lost) <= MOST_LEFT_OUT * len(every):
        return LeftOut(trials)
    blocks = f"of {len(every)} blocks"
    if missing:
        read, begun = len({block for _, block in unread}), len(lacking)
        said = [f"{claim.metric} could not be read in {read} {blocks}"] if read else []
        said += (
            [f"a trial could not start in {begun} {blocks}{_why(samples, cells)}"] if begun else []
        )
        more = len(lost) - len(missing)
        also = f"{more} more {'is' if more == 1 else 'are'} left out for what disturbed them"
        said += [also] if more else []
        so = "" if len(said) > 1 else ", more than a quarter"
        return LeftOut(trials, not_quiet=", and ".join(said) + so)
    what = _most_frequent(noisy.values())
    share = f"{len(lost)} {blocks} are left out for what disturbed them"
    return LeftOut(trials, not_quiet=f"the machine was not quiet: {what}; {share}")


def blocks_begun(samples: Index, cells: Iterable[str]) -> set[int]:
    """The blocks in which each of these cells has a valid trial, or one that could not start."""
    return set.intersection(*({*samples.valid(key), *samples.unstarted(key)} for key in cells))


def _why(samples: Index, cells: Iterable[str]) -> str:
    """Why trials could not start, in brackets."""
    unstarted = (one for key in cells for one in samples.all(key) if one.unstarted)
    return f" ({most_frequent_reason(unstarted)})"


def _unread(claim: Claim, samples: Index, whole: Collection[int]) -> set[tuple[str, int]]:
    """The trials, by cell and block, of which a figure of a server, as its cores, is not known;
    none if it is known in no whole block, since it cannot be read here, then."""
    if METRICS[claim.metric].is_count or METRICS[claim.metric].rests_on_meter:
        return set()
    known = {cell.key: samples.logs(cell.key, claim.metric) for cell in cells_of(claim)}
    unread = {(key, block) for key, logs in known.items() for block in whole if block not in logs}
    return unread if len({block for _, block in unread}) < len(whole) else set()


def _noise(trial: Sample, *, is_unbounded: bool, is_moved: bool) -> str | None:
    """What disturbed a trial, if it is left out for it.

    Where others had used too much, or the runner read too late what the server had used, it is of
    figures that others move.
    """
    kind = _kind(trial)
    if trial.disturbed is not None and (
        kind in LEFT_OUT or (is_unbounded and kind == "foreign") or (is_moved and kind in _OF_MOVED)
    ):
        return trial.disturbed.says
    return trial.crowded if is_unbounded else None


def _kind(trial: Sample) -> str:
    return "" if trial.disturbed is None else trial.disturbed.kind


def why_failed(claim: Claim, samples: Index) -> str | None:
    """Why a claim rests on a cell of which too many trials failed; None if none does.

    To judge the others would be to leave out what went badly. What could not start is no result;
    what failed in a block that was broken off is one, whatever came of it afterwards.
    """
    for cell in cells_of(claim):
        trials = [one for one in samples.all(cell.key) if not one.unstarted or one.failed_before]
        failed = [_as_failed(one) for one in trials if not one.valid or one.failed_before]
        if claim.metric == "syscalls_per_request":
            failed += [replace(one, valid=False, reason=one.uncounted, hint="")
                       for one in trials if one.valid and one.uncounted is not None]  # fmt: skip
        if failed and len(failed) > claim.tolerates * len(trials):
            share = f"{len(failed)} of {len(trials)} trials of {cell.label} failed"
            more = f", more than {claim.tolerates:.0%} are tolerated" if claim.tolerates else ""
            return f"{share}{more}: {most_frequent_reason(failed)}"
    return None


def _as_failed(sample: Sample) -> Sample:
    """A trial that failed, as it was when it did."""
    if sample.failed_before is None:
        return sample
    return replace(sample, valid=False, reason=sample.failed_before, hint="")


def _most_frequent(texts: Iterable[str]) -> str:
    """The commonest of some texts, the first among equals."""
    return Counter(texts).most_common(1)[0][0]
