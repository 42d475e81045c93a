# SPDX-License-Identifier: BSD-3-Clause
"""Whether the cause of a claim was seen, in a sentence that goes on from its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from fibench.experiment import cells_of
from fibench.metrics import LEAST_SHARE, METRICS, Scale, scale_for
from fibench.report.claims.names import name_among
from fibench.report.numbers import (
    bound_quantity,
    bounds_with_interval,
    with_interval,
)
from fibench.report.output import glued
from fibench.verdict.causes.seen import SeenCause, WasSeen, seen_together
from fibench.verdict.verdict import Outcome, Verdict
from fibench.wording import shown

if TYPE_CHECKING:
    from fibench.experiment import Cause, Cell

_NOT_KNOWN = "whether its cause was there is not known"
_HEADS: Mapping[tuple[Outcome, WasSeen], str] = {
    ("CONFIRMED", "seen"): "and the cause was seen",
    ("CONFIRMED", "not seen"): "but its stated cause was not seen",
    ("REFUTED", "seen"): "though its stated cause was seen",
    ("REFUTED", "not seen"): "nor was its stated cause seen",
}
_OTHERWISE: Mapping[WasSeen, str] = {
    "seen": "its stated cause was seen",
    "not seen": "its stated cause was not seen",
    "not known": _NOT_KNOWN,
}
"""Of what has no clear verdict, and of what is not known."""
_OF_THREADS: Mapping[str, tuple[str, str]] = {
    "running": ("ran", "of their time"),
    "ready": ("were ready to run and had no CPU", "of their time"),
    "waiting_for_gil": ("waited for the GIL", "of their time"),
    "waiting_for_lock": ("waited for locks", "of their time"),
    "waiting_for_network": ("waited for the network", "of their time"),
    "sleeping": ("slept", "of their time"),
    "run_delay_per_request": ("waited for a CPU", "for each request"),
}
"""What a server's threads did, and of what the figure between is."""
_OF_SERVER: Mapping[str, tuple[str, str]] = {
    "throughput": ("served", ""),
    "cores": ("kept", "cores busy"),
    "cpu_per_request": ("used", "of CPU time for each request"),
    "memory": ("took", "of memory"),
    "memory_peak": ("took at most", "of memory"),
    "switches_per_request": ("made", "context switches for each request"),
    "syscalls_per_request": ("made", "system calls for each request"),
}
"""The same of the server as a whole; of what is in neither, its metric is named."""
_SHARE_DIGITS = 2
"""Of per cent, which nobody needs more of."""


def cause_words(verdict: Verdict) -> str:
    """`and the cause was seen: py-mt's threads waited for the GIL 81 % [78, 84] of their time, …`.

    Empty where the claim states none, or could not be tested.
    """
    causes = verdict.causes
    if not causes:
        return ""
    together = seen_together(causes)
    head = _HEADS.get((verdict.outcome, together), _OTHERWISE[together])
    beside = _Beside(verdict.reason, _cells(verdict))
    said = [f"{head}: {_clauses(causes, together, beside)}"]
    others: tuple[WasSeen, ...] = ("not known", "seen")
    said += [
        f"{was}: {clauses}"
        for was in others
        if was != together and (clauses := _clauses(causes, was, beside))
    ]
    slices = max((one.estimate.slices for one in causes if one.estimate), default=0)
    said += [f"waits are of one untimed trial, in {slices} slices"] if slices else []
    return "; ".join(said)


class _Beside(NamedTuple):
    """What has been said of a verdict."""

    reason: str | None
    """Why it is not clear."""
    cells: Sequence[Cell]
    """All that are named beside it."""


def _cells(verdict: Verdict) -> Sequence[Cell]:
    """All that are named beside a verdict."""
    return [
        *cells_of(verdict.claim),
        *(one.cause.cell for one in verdict.causes if one.cause.cell is not None),
    ]


def _clauses(causes: Sequence[SeenCause], was: WasSeen, beside: _Beside) -> str:
    return "; ".join(_clause(one, beside) for one in causes if one.outcome == was)


def _clause(seen: SeenCause, beside: _Beside) -> str:
    """What was found of one figure, and what was needed of it; or why nothing was."""
    cause, reason = seen.cause, seen.reason
    if cause.cell is None:
        return f"{cause.metric}: {shown(reason or '')}"
    name, figure = name_among(cause.cell, beside.cells), _figure(seen)
    if not figure:
        why = shown(reason or "it was not measured")
        if reason is not None and reason == beside.reason:
            return f"{cause.metric} of {name}, for the same reason"
        of_itself = why.startswith(f"{cause.metric} ")
        told = why.removeprefix(cause.metric) if of_itself else f": {why}"
        return f"{cause.metric} of {name}{told}"
    needed = f"needed {needed_of(cause)}"
    why = f" ({shown(reason)})" if reason else ""
    return f"{_subject(cause.metric, name, figure)}, {glued(needed)}{why}"


def _subject(metric: str, name: str, figure: str) -> str:
    """`py-mt's threads waited for the GIL 81 % [78, 84] of their time`."""
    if metric in _OF_THREADS:
        verb, what = _OF_THREADS[metric]
        who = f"the threads of {name}" if " " in name else f"{name}'s threads"
        return f"{who} {verb} {glued(figure)} {what}"
    if metric not in _OF_SERVER:
        return f"{metric} of {name} was {glued(figure)}"
    verb, what = _OF_SERVER[metric]
    return f"{name} {verb} {glued(figure)} {what}".rstrip()


def _figure(seen: SeenCause) -> str:
    """`81 % [78, 84]`, `4 to 6 in each block`; empty where there is none."""
    found, count, cause = seen.estimate, seen.count, seen.cause
    if count is not None and count.blocks:
        span = f"{count.least} to {count.most}" if count.least != count.most else f"{count.most}"
        return f"{span} in each block"
    if found is None:
        return ""
    unit = METRICS[cause.metric].unit
    if found.mean is None:
        return bounds_with_interval(found, "", unit) if found.is_bound else ""
    bounds = [bound for bound in (cause.low, cause.high) if bound is not None]
    scale = scale_for(found.mean, unit)
    if unit != "share":
        return with_interval(found, scale, "", bounds)
    least = replace(found, mean=_or_none(found.mean), low=_or_none(found.low))
    return with_interval(least, scale, "", bounds, _SHARE_DIGITS)


def _or_none(share: float | None) -> float | None:
    """A share, or 0 where it stands for none at all."""
    return 0.0 if share is not None and share <= LEAST_SHARE else share


def needed_of(cause: Cause) -> str:
    """What must be seen: `> 60 %`."""
    sign, bound = (">", cause.low) if cause.low is not None else ("<", cause.high)
    assert bound is not None, "a cause has a bound"
    return f"{sign} {bound_quantity(bound, _scale_of(bound, cause.metric))}"


def _scale_of(bound: float, metric: str) -> Scale:
    return scale_for(bound, METRICS[metric].unit)
