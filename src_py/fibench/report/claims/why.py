# SPDX-License-Identifier: BSD-3-Clause
"""What a verdict means, and why it is not clear, in words: a line each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from fibench.metrics import METRICS, Scale, number, scale_for
from fibench.report.numbers import RATIO, percent, time_taken
from fibench.verdict import CONFIDENCE
from fibench.verdict.verdict import Verdict
from fibench.wording import listed_with, shown

_MINUTE_S = 60.0
_NO_REASON = "nothing that was measured explains it"
_SURER = (
    "a ratio would be surer: the bound is near, and the interval of a value holds less often than "
    "it says where trials are skewed or resemble those before"
)


def meaning_lines(verdict: Verdict) -> Iterator[str]:
    """What stands below a claim's figures: what a count that was always met means, which blocks
    decided that nothing is clear, and that a value is near its bound."""
    if verdict.missed_below is not None:
        yield _count_line(verdict, verdict.missed_below)
    if verdict.far is not None:
        yield _far_line(verdict)
    if verdict.near_bound and verdict.outcome in ("CONFIRMED", "REFUTED", "INCONCLUSIVE"):
        yield _SURER


def about(duration_s: float | None) -> str:
    """How long something would take: `, in about 6 min`; nothing where that is not known."""
    if duration_s is None or duration_s <= 0.0:
        return ""
    if duration_s < _MINUTE_S:
        return f", in about {math.ceil(duration_s)} s"
    minutes = math.ceil(duration_s / _MINUTE_S)
    return f", in about {minutes} min" if minutes < 60 else f", in about {time_taken(duration_s)}"


def _count_line(verdict: Verdict, share: float) -> str:
    """`0 in 8 blocks: fewer than 31 % of trials have one (95 %)`."""
    claim, counts = verdict.claim, verdict.count
    blocks = counts.blocks if counts else 0
    most = f"fewer than {percent(share)} of trials"
    sure = f"({percent(CONFIDENCE)})"
    none_allowed = claim.right is None and claim.high is not None and claim.high <= 1.0
    if none_allowed and claim.low is None:
        return f"0 in {blocks} blocks: {most} have one {sure}"
    met = f"met in all {blocks} blocks"
    return (
        f"{met}: {most if claim.right is None else most.replace('trials', 'blocks')} miss it {sure}"
    )


def _far_line(verdict: Verdict) -> str:
    """`block 8 is far from the others: ×0.43 beside ×0.92 to ×1.02, trial 71; nothing that …`."""
    far = verdict.far
    assert far is not None
    scale, sign = _scale(verdict, far.most)
    names = [str(one.block) for one in far.blocks]
    one = len(names) == 1
    which = f"block {names[0]} is" if one else f"blocks {listed_with('and', names)} are"
    figures = ", ".join(_figure(each.figure, scale, sign) for each in far.blocks)
    least, most = (_figure(figure, scale, sign) for figure in (far.least, far.most))
    trials = [f"{trial}" for each in far.blocks for trial in each.trials]
    named = ""
    if trials:
        named = (
            f", trial {trials[0]}"
            if len(trials) == 1
            else (f", trials {listed_with('and', trials)}")
        )
    said = [text for each in far.blocks for text in _evidence(each.block, each.evidence, alone=one)]
    why = "; ".join(said) or _NO_REASON
    return f"{which} far from the others: {figures} beside {least} to {most}{named}; {why}"


def _evidence(block: int, found: Sequence[str], *, alone: bool) -> Iterator[str]:
    for text in found:
        yield shown(text) if alone else f"block {block}: {shown(text)}"


def _scale(verdict: Verdict, most: float) -> tuple[Scale, str]:
    claim = verdict.claim
    if claim.kind in ("value", "sustains"):
        return scale_for(most, METRICS[claim.metric].unit), ""
    return RATIO, "×"


def _figure(figure: float, scale: Scale, sign: str) -> str:
    return f"{sign}{number(figure / scale.size)}{scale.suffix}"
