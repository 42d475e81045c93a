# SPDX-License-Identifier: BSD-3-Clause
"""What came of a claim in a sentence that somebody can read who knows nothing of fibench."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from fibench.metrics import number
from fibench.page.claims.telling import teller
from fibench.report.claims.names import side_names
from fibench.report.words import verdict_words
from fibench.verdict import Verdict
from fibench.verdict.estimate import CountRange
from fibench.wording import shown

_RATIOS: Mapping[str, tuple[str, str]] = {
    "throughput": ("served", "times as many requests per second as"),
    "wall": ("needed", "times as long for the whole load as"),
    "p50": ("had", "times the median latency of"),
    "p90": ("had", "times the 90th percentile of latency of"),
    "p99": ("had", "times the 99th percentile of latency of"),
    "p999": ("had", "times the 99.9th percentile of latency of"),
    "max": ("had a slowest reply of", "times that of"),
    "cores": ("kept", "times as many cores busy as"),
    "cpu_per_request": ("used", "times the CPU time per request of"),
    "memory": ("took", "times the memory of"),
    "memory_peak": ("took at most", "times the memory of"),
    "switches_per_request": ("made", "times as many context switches per request as"),
    "syscalls_per_request": ("made", "times as many system calls per request as"),
    "running": ("had threads that ran for", "times the share of their time of"),
    "ready": ("had threads that were ready without a CPU for", "times the share of their time of"),
    "waiting_for_gil": ("had threads that waited for a GIL", "times the share of their time of"),
    "waiting_for_lock": ("had threads that waited for locks", "times the share of their time of"),
    "waiting_for_network": (
        "had threads that waited for the network",
        "times the share of their time of",
    ),
    "sleeping": ("had threads that slept for", "times the share of their time of"),
    "run_delay_per_request": ("waited for a CPU", "times as long per request as"),
}
_VALUES: Mapping[str, tuple[str, str]] = {
    "throughput": ("served", "requests per second"),
    "wall": ("needed", "for the whole load"),
    "p50": ("answered half of its requests within", ""),
    "p90": ("answered 9 of 10 requests within", ""),
    "p99": ("answered 99 of 100 requests within", ""),
    "p999": ("answered 999 of 1,000 requests within", ""),
    "max": ("took at most", "for a reply"),
    "cores": ("kept", "cores busy"),
    "cpu_per_request": ("used", "of CPU time for each request"),
    "memory": ("took", "of memory"),
    "memory_peak": ("took at most", "of memory"),
    "switches_per_request": ("made", "context switches for each request"),
    "syscalls_per_request": ("made", "system calls for each request"),
    "running": ("had threads that ran for", "of their time"),
    "ready": ("had threads that were ready and had no CPU for", "of their time"),
    "waiting_for_gil": ("had threads that waited for a GIL for", "of their time"),
    "waiting_for_lock": ("had threads that waited for other locks for", "of their time"),
    "waiting_for_network": ("had threads that waited for the network for", "of their time"),
    "sleeping": ("had threads that slept for", "of their time"),
    "run_delay_per_request": ("waited", "for a CPU for each request"),
}


def sentence_of(verdict: Verdict) -> str:
    """The sentence, with the figure marked; where there is none for a kind, the terminal's words;
    empty where there is no figure.

    What stands in the way of a verdict is not in it: that is told beside it.
    """
    claim, found = verdict.claim, verdict.estimate
    if claim.kind in ("ratio", "value") and found is not None and found.mean is not None:
        verbs = _VALUES if claim.right is None else _RATIOS
        if claim.metric in verbs:
            return _with_figure(verdict, found.mean, *verbs[claim.metric])
    if verdict.count is not None and verdict.count.blocks:
        return _counted(verdict, verdict.count)
    said = verdict_words(verdict).figures.replace("\N{NO-BREAK SPACE}", " ")
    return said and f"{said}."


def _with_figure(verdict: Verdict, mean: float, verb: str, what: str) -> Markup:
    """As `py-mp served 1.86 times as many requests per second as py-mt: between 1.74 and 2.00`."""
    claim = verdict.claim
    left, right, shared = side_names(claim.left, claim.right)
    say = teller(verdict)
    is_ratio = claim.right is not None
    plain = claim.metric == "throughput" and not is_ratio
    figure = number(mean) if is_ratio or plain else say.figure(mean)
    of = f" (group {shown(claim.group)})" if claim.group is not None else ""
    at = f" at {shared}" if shared else ""
    low, high = verdict.known_ends
    ends = [None if one is None else (number(one) if is_ratio or plain else say.figure(one))
            for one in (low, high)]  # fmt: skip
    between = f": between {ends[0]} and {ends[1]}" if None not in ends else ""
    whole = Markup("<bdi>{}</bdi>{} {} <b>{}</b>").format(left, of, verb, figure)
    whole += f" {what}" if what else ""
    whole += Markup(" <bdi>{}</bdi>").format(right) if right else ""
    return whole + f"{at}{between}."


def _counted(verdict: Verdict, count: CountRange) -> Markup:
    """As `py-mt had 0 errors in each block, 0 in all`."""
    claim = verdict.claim
    left, _, _ = side_names(claim.left, claim.right)
    of = f" (group {shown(claim.group)})" if claim.group is not None else ""
    what = {"refused": "refused connections"}.get(claim.metric, claim.metric)
    span = f"{count.least} to {count.most}" if count.least != count.most else f"{count.most}"
    said = "<bdi>{}</bdi>{} had <b>{}</b> {} in each block, {} in all."
    return Markup(said).format(left, of, span, what, count.total)


def sentence_from(clause: str) -> str:
    """A clause as a sentence; nothing of nothing."""
    ends = "" if clause.endswith((".", "!", "?")) else "."
    return f"{clause[:1].upper()}{clause[1:]}{ends}" if clause else ""
