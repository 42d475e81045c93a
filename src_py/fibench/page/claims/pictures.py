# SPDX-License-Identifier: BSD-3-Clause
"""Which picture a claim has, and what is in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from fibench.experiment import Claim
from fibench.metrics import METRICS, exact, in_group, metric_of, number, quantity, scale_for
from fibench.page.claims.counted import Count, CountPicture, counted_picture
from fibench.page.claims.curve import AlongAxis, CurvePoint, Half, curve_picture
from fibench.page.claims.interval import Dot, IntervalPicture, interval_picture
from fibench.page.claims.telling import Teller, teller
from fibench.page.draw.palette import TONE, TONES
from fibench.page.view import View
from fibench.report.numbers import bound_quantity
from fibench.verdict import CONFIDENCE, Index, Verdict
from fibench.verdict.crossover import scale_of
from fibench.verdict.estimate import contrast, value
from fibench.verdict.explaining.by_block import BlockFigure, seen_samples
from fibench.wording import shown

_MOST_TITLED = 100
"""Blocks: of more, no dot says which it is."""


def picture_of(view: View, verdict: Verdict, blocks: Sequence[BlockFigure]) -> Markup | None:
    """The picture of a claim; None where nothing was measured that could be in it."""
    claim = verdict.claim
    if verdict.count is not None:
        return _of_count(verdict, blocks) if blocks else None
    if claim.kind == "crossover":
        return _of_crossover(view, verdict)
    if claim.kind == "sustains" and claim.right is None:
        curve = _of_sustained(view, verdict)
        if curve is not None:
            return curve
    found = verdict.shown_estimate
    known = [one for one in blocks if one.figure is not None or one.at_least is not None]
    if found is None and not known:
        return None
    return interval_picture(_interval(verdict, known))


def needed_words(claim: Claim, say: Teller) -> str:
    """`needed above ×1.3`, `needed 0.9 to 1.1`."""
    if claim.low is not None and claim.high is not None:
        return f"needed {say.exactly(claim.low)} to {say.exactly(claim.high)}"
    if claim.low is not None:
        at_least = claim.kind == "sustains" and claim.right is None
        return f"needed {'at least' if at_least else 'above'} {say.exactly(claim.low)}"
    assert claim.high is not None, "a claim has a bound"
    return f"needed below {say.exactly(claim.high)}"


def _words(verdict: Verdict, say: Teller) -> str:
    """A picture in words: `×1.86, interval 1.74 to 2.00; needed above ×1.3; confirmed`."""
    found, parts = verdict.shown_estimate, []
    if found is not None and found.mean is not None:
        parts.append(say.figure(found.mean))
    low, high = verdict.known_ends
    if low is not None or high is not None:
        ends = ("open" if end is None else say.figure(end) for end in (low, high))
        parts.append(f"interval {' to '.join(ends)}")
    figures = ", ".join(parts) or "no figure"
    return f"{figures}; {needed_words(verdict.claim, say)}; {verdict.outcome.lower()}"


def _interval(verdict: Verdict, blocks: Sequence[BlockFigure]) -> IntervalPicture:
    claim, say = verdict.claim, teller(verdict)
    found = verdict.shown_estimate
    before = found.widened if found is not None else None
    far = {one.block for one in verdict.far.blocks} if verdict.far else set()
    return IntervalPicture(
        tone=TONES[verdict.outcome],
        say=say.exactly,
        label=_words(verdict, say),
        mean=found.mean if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        sure_low=before.low if before else None,
        sure_high=before.high if before else None,
        above=claim.low,
        below=claim.high,
        needed=needed_words(claim, say),
        is_ratio=claim.right is not None,
        dots=[
            _dot(one, say, far=one.block in far, titled=len(blocks) <= _MOST_TITLED)
            for one in blocks
        ],
    )


def _dot(one: BlockFigure, say: Teller, *, far: bool, titled: bool) -> Dot:
    title = f"block {one.block}: {say.block(one)}" if titled else ""
    title += f"; left out: {one.left_out}" if one.left_out and titled else ""
    name = f"block {one.block}" if far else ""
    return Dot(title, one.figure, one.at_least, one.at_most, not one.left_out, name)


def _of_count(verdict: Verdict, blocks: Sequence[BlockFigure]) -> Markup:
    claim = verdict.claim
    needed = needed_words(claim, Teller(teller(verdict).scale, "", "count"))
    of_right = "" if claim.right is None else f" × that of {shown(claim.right.label)}"
    counts = verdict.count
    span = "" if counts is None else f"{counts.least} to {counts.most} in each block; "
    return counted_picture(
        CountPicture(
            tone=TONES[verdict.outcome],
            label=f"{span}{needed}{of_right} in every block; {verdict.outcome.lower()}",
            counts=[
                Count(
                    f"block {one.block}: {exact(one.figure or 0.0)}", one.figure or 0.0, one.is_met
                )
                for one in blocks
            ],
            above=claim.low if claim.right is None else None,
            below=claim.high if claim.right is None else None,
            needed=f"{needed}{of_right} in every block",
        )
    )


def _of_crossover(view: View, verdict: Verdict) -> Markup | None:
    """The ratio of both sides at every point, and where it is 1."""
    claim = verdict.claim
    metric = in_group(claim.group, claim.metric)
    if not claim.points or claim.over is None:
        return None
    seen = Index(seen_samples(verdict, view.samples))
    points = [_ratio_at(seen, at.at, at.left.key, at.right.key, metric) for at in claim.points]
    points = [one for one in points if one.mean is not None]
    if len(points) < 2:
        return None
    lines = [
        line
        for block in {block for at in claim.points for block in seen.logs(at.left.key, metric)}
        if len(line := list(_line(seen, claim, metric, block))) > 1
    ]
    higher_wins = metric_of(metric).more_is_better
    winner, other = (claim.left, claim.right) if higher_wins else (claim.right, claim.left)
    say, estimate = teller(verdict), verdict.estimate
    assert winner is not None
    assert other is not None
    return curve_picture(
        AlongAxis(
            tone=TONES[verdict.outcome],
            label=f"Ratio of {claim.left.backend} to {claim.right.backend if claim.right else ''} "
            f"in {claim.metric} over {claim.over}: {_words(verdict, say)}",
            log=scale_of(claim.over, [one.at for one in claim.points]) == "log",
            points=points,
            lines=lines,
            threshold=1.0,
            threshold_said="×1",
            upper=_half(view, winner.key),
            lower=_half(view, other.key),
            say_x=say.exactly,
            say_y=lambda ratio: f"×{exact(ratio, 3)}",
            caption=f"{shown(claim.over or '')}; {needed_words(claim, say)} (green)",
            mean=estimate.mean if estimate else None,
            low=estimate.low if estimate else None,
            high=estimate.high if estimate else None,
            above=claim.low,
            below=claim.high,
        )
    )


def _half(view: View, key: str) -> Half:
    """The side that is ahead there, in its own colour."""
    one = view.by_key[key]
    return Half(f"{one.name} ahead", one.look.fill, f"f-{one.look.family}")


def _ratio_at(samples: Index, at: float, left: str, right: str, metric: str) -> CurvePoint:
    found = contrast(samples, left, right, metric, 1.0 - CONFIDENCE)
    if found.mean is None:
        return CurvePoint(at, "", None)
    ends = "" if found.low is None else f" [{number(found.low)}, {number(found.high or math.inf)}]"
    title = f"at {exact(at)}: ×{number(found.mean)}{ends}"
    return CurvePoint(at, title, found.mean, found.low, found.high)


def _line(samples: Index, claim: Claim, metric: str, block: int) -> Iterator[tuple[float, float]]:
    """The ratios of one block along the axis."""
    for at in claim.points:
        left, right = (samples.logs(cell.key, metric) for cell in (at.left, at.right))
        if block in left and block in right:
            yield at.at, math.exp(left[block] - right[block])


def _of_sustained(view: View, verdict: Verdict) -> Markup | None:
    """The latency at every rate beside its limit, and up to which rate it is held."""
    claim, limit = verdict.claim, verdict.claim.limit
    if limit is None:
        return None
    say, found = teller(verdict), verdict.estimate
    metric = in_group(claim.group, claim.metric)
    seen = Index(seen_samples(verdict, view.samples))
    points = [_latency_at(seen, step.at, step.cell.key, metric) for step in claim.rows[0]]
    lines = _latency_lines(seen, claim, metric)
    if len(points) < 2 or not (lines or any(one.mean is not None for one in points)):
        return None
    said = bound_quantity(limit, scale_for(limit, "s"))
    paint, class_ = TONE["ok"], "t-ok"
    return curve_picture(
        AlongAxis(
            tone=TONES[verdict.outcome],
            label=f"{claim.metric} of {claim.left.backend} over the rate, beside {said}: "
            f"{_words(verdict, say)}",
            log=True,
            points=points,
            lines=lines,
            threshold=limit,
            threshold_said=said,
            upper=Half("too slow", TONE["off"], "t-off"),
            lower=Half(f"{claim.metric} within {said}", paint, class_),
            say_x=exact,
            say_y=lambda time: quantity(time, "s", 2),
            caption=f"requests per second asked for; {needed_words(claim, say)} (green)",
            mean=found.mean if found else None,
            low=found.low if found else None,
            high=found.high if found else None,
            above=claim.low,
            below=claim.high,
        )
    )


def _latency_at(samples: Index, rate: float, key: str, metric: str) -> CurvePoint:
    found = value(samples, key, metric, 1.0 - CONFIDENCE)
    if found.mean is None:
        least = f" above {quantity(found.at_least, 's')}" if found.at_least is not None else ""
        unit = METRICS[metric.rpartition("/")[2]].name
        why = f"{unit}{least or ' is not known'}"
        return CurvePoint(rate, f"at {exact(rate)}/s: {why}", None)
    title = f"at {exact(rate)}/s: {quantity(found.mean, 's')}"
    return CurvePoint(rate, title, found.mean, found.low, found.high)


def _latency_lines(samples: Index, claim: Claim, metric: str) -> list[list[tuple[float, float]]]:
    """Of each block the latencies up to the first rate at which one is not known."""
    logs = [(step.at, samples.logs(step.cell.key, metric)) for step in claim.rows[0]]
    found = []
    for block in sorted({block for _, own in logs for block in own}):
        line = []
        for at, own in logs:
            if block not in own:
                break
            line.append((at, math.exp(own[block])))
        if len(line) > 1:
            found.append(line)
    return found
