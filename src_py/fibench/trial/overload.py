# SPDX-License-Identifier: BSD-3-Clause
"""Did an open loop fall behind, and what do its latencies say then? Pure.

A schedule that is kept leaves as many requests waiting at the end of the window as at its begin,
but for chance. Where more are left each time that one looks, latencies depend on how long one
looks: what was seen of them are lower bounds. docs/measurement.md has the rules, and
docs/statistics.md how often they are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fibench.metrics import PERCENTILES
from fibench.record import Growth, LatencyBounds, Saturated
from fibench.trial.answer import Answer, CutOff, OpenLoop, Part

CHANCE = 3.0
"""So many standard deviations of what is due may be left by chance."""
LEAST_NOTICED = 0.99
"""A generator that comes to less than this share of what is due is late."""
UNIFORM_LEFT = 0.01
"""Asked at equal distances, a server counts as at its capacity that leaves this share of what is
due, or a request."""
MOST_APART = 1.05
"""A percentile is shown if its highest possible value is below so many times its lowest."""

_NS = 1e-9


@dataclass(frozen=True)
class Spans:
    """How long a load was watched, in seconds."""

    warmup_s: float
    window_s: float


def spans_of(answer: Answer) -> Spans:
    """Those of an answer."""
    return Spans(answer.warmup_ns * _NS, answer.duration_ns * _NS)


def most_left(due: float, fastest_s: float, spans: Spans) -> float:
    """How many more requests than at its begin may wait at a window's end by chance.

    Arrivals that do not know of each other vary by the root of their number, and so does what is in
    flight for the length of a service alone. A warm-up shorter than a service begins the window
    with fewer in flight than there will be.
    """
    per_s = due / spans.window_s
    in_flight = per_s * fastest_s
    missing = per_s * max(0.0, fastest_s - spans.warmup_s)
    return CHANCE * math.sqrt(due + min(due, in_flight)) + missing


def fell_behind(loop: OpenLoop, spans: Spans) -> bool:
    """Whether a schedule left more requests waiting than chance explains.

    What is due and neither answered nor refused waits: so this is as well to say that less than
    1 - 3/√due of it was answered.
    """
    fastest_s = (loop.fastest_ns or 0.0) * _NS
    if spans.window_s <= 0.0:
        return False
    return loop.waiting_at_end - loop.waiting_at_begin > most_left(loop.due, fastest_s, spans)


def line_of(loop: OpenLoop, spans: Spans, *, is_uniform: bool) -> Growth:
    """How what waits grew over a window, and how it would at the server's capacity.

    What waits there has no place to which it returns. Arrivals that do not know of each other make
    it as long as the highest point of a random walk: √(2t/π) of what is due in a second, after
    t seconds, and longer where services vary too. At equal distances little is left, and the share
    is taken for it.
    """
    fastest_s = (loop.fastest_ns or 0.0) * _NS
    if spans.window_s <= 0.0:
        return Growth(0.0, 0.0, loop.offered_per_s)
    per_s = loop.due / spans.window_s
    missing = per_s * max(0.0, fastest_s - spans.warmup_s)
    begin, end = (_walked(per_s * s) for s in (spans.warmup_s, spans.warmup_s + spans.window_s))
    left = max(1.0, UNIFORM_LEFT * loop.due)
    at_capacity = min(end - begin, left) if is_uniform else end - begin
    return Growth(
        loop.waiting_at_end - loop.waiting_at_begin - missing, at_capacity, loop.offered_per_s
    )


def _walked(steps: float) -> float:
    return math.sqrt(2.0 * steps / math.pi)


def unnoticed(loop: OpenLoop) -> str | None:
    """Why a generator was late that did not come to what was due, or None."""
    # Of few requests the one that falls due as the window ends may be more than a hundredth.
    if loop.unnoticed <= max(1.0, (1.0 - LEAST_NOTICED) * loop.due):
        return None
    share = 100.0 * (1.0 - loop.unnoticed / loop.due)
    return f"the load generator came to {share:.1f} % of what was due"


def too_few(loop: OpenLoop, clients: int, pipeline: int) -> str | None:
    """Why a schedule cannot be kept by so many clients, whatever the server, or None."""
    fastest_s = (loop.fastest_ns or 0.0) * _NS
    needed = loop.offered_per_s * fastest_s
    if needed <= clients * pipeline:
        return None
    which = "1 client is" if clients == 1 else f"{clients} clients are"
    return (
        f"{which} too few for {loop.offered_per_s:,.6g}/s: no reply took less than "
        f"{fastest_s * 1e3:.3g} ms, so that {math.ceil(needed / pipeline)} are needed at least"
    )


def saturated(parts: Iterable[Part], spans: Spans) -> Saturated:
    """What schedules asked for in a window, and what of it was answered."""
    loops = [(part.ok, part.open_loop.due) for part in parts if part.open_loop is not None]
    answered, due = (sum(counts) for counts in zip(*loops, strict=True))
    return Saturated(answered / spans.window_s, due / spans.window_s)


def latencies(
    part: Part, behind: bool, *, is_ramp: bool = False
) -> tuple[dict[str, float | None], dict[str, LatencyBounds]]:
    """The latencies of a part in seconds, by the names of metrics, and bounds of those not known.

    `behind`: its schedule fell behind, so that all that is known of them is a lower bound.
    `is_ramp`: its window had the first round of a closed loop in it, as `Part.is_ramp`, and so have
    they: the line that requests wait in was still filling.
    """
    known: dict[str, float | None] = {
        f"{name}_s": None if value_ns is None or part.ok == 0 else value_ns * _NS
        for name, value_ns in part.latency.percentiles_ns.items()
    }
    if is_ramp:
        seen = {name: LatencyBounds(s, None) for name, s in known.items() if s is not None}
        return known | dict.fromkeys(seen), seen
    cut_off = part.latency.cut_off
    if part.ok == 0 or cut_off is None:
        return known, {}
    bounds = _lower_bounds(known, cut_off) if behind else _bounds(cut_off)
    return known | dict.fromkeys(bounds), bounds


def _lower_bounds(known: Mapping[str, float | None], cut_off: CutOff) -> dict[str, LatencyBounds]:
    """What requests had waited for when they were last seen; of the slowest, what it had."""
    seen_s = {name: _seconds(cut_off.last_seen_ns[name]) for name in PERCENTILES}
    seen_s["max"] = known["max_s"]
    return {f"{name}_s": LatencyBounds(s, None) for name, s in seen_s.items() if s is not None}


def _bounds(cut_off: CutOff) -> dict[str, LatencyBounds]:
    """Of the percentiles that what was cut off could move by MOST_APART: what had no reply by the
    end of the window, nor in the cool-down after it."""
    found = {}
    for name in PERCENTILES:
        low_s, high_s = _seconds(cut_off.at_least_ns[name]), _seconds(cut_off.at_most_ns[name])
        if low_s is not None and (high_s is None or high_s >= MOST_APART * low_s):
            found[f"{name}_s"] = LatencyBounds(low_s, high_s)
    return found


def _seconds(value_ns: float | None) -> float | None:
    return None if value_ns is None else value_ns * _NS
