# SPDX-License-Identifier: BSD-3-Clause
"""fibload's answer: its JSON document, read once.

It comes from our own program, so that nothing in it is hostile; but it may be of another version.
src_c/load/tell/report.c has its layout. Times are in ns, as it tells them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fibench.json_values import Object
from fibench.metrics import LATENCIES, PERCENTILES
from fibench.trial.load import LoadError

T = TypeVar("T")
LEAST_OF_FIRST_ROUND = 0.02
"""Of the replies in a window, as in src_c/load/count/first_round.h."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long replies took; None where unfinished requests hide it, or none came."""

    mean_ns: float | None
    percentiles_ns: Mapping[str, float | None]
    """By the names in LATENCIES."""
    cut_off: CutOff | None = None
    """None of a closed loop."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """An open loop's percentiles, under other beliefs about the requests that were cut off: that
    had no reply when fibload looked last, at the end of the window or of the cool-down after it.

    By the names in PERCENTILES; None where a percentile is not known, or infinite.
    """

    at_least_ns: Mapping[str, float | None]
    """Each had its reply then."""
    at_most_ns: Mapping[str, float | None]
    """None ever has one."""
    last_seen_ns: Mapping[str, float | None]
    """Of the ages at which requests were last seen, wherever they began."""


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """How a schedule was kept."""

    offered_per_s: float
    due: int
    sent: int
    lag_p99_ns: float | None
    unnoticed: int
    """Of those that were due, how many the generator had not come to by the window's end."""
    waiting_at_begin: int
    """In flight and overdue when the window began…"""
    waiting_at_end: int
    """…and when it ended."""
    answered_late: int
    """Of these, how many had their reply while the load went on after it."""
    fastest_ns: float | None
    """The shortest time from sending to the reply, warm-up included."""


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """How full a closed loop was kept, over the window."""

    in_flight: float
    """Requests in flight, on average: the sum of what of each lies in the window, ÷ the window."""
    littles_law: float | None
    """The same ÷ clients × pipeline; None where that is not what was to be in flight."""
    first_round: int
    """Of the replies in the window, how many were to their client's first request."""
    lag_count: int
    lag_p50_ns: float | None
    """How long a reply that was there waited for fibload to read it, at most."""
    lag_p99_ns: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """What was counted of all clients, or of a group of them."""

    ok: int
    """Replies in the window."""
    half_ok: tuple[int, int]
    throughput_per_s: float
    """Of a closed loop each request counts by the part of it that lies in the window, so that it
    does not matter where its edges fall; of an open one, what came in the window counts."""
    counts: Mapping[str, int]
    """How every request ended, or that it was unfinished, by the end of the window…"""
    counts_after: Mapping[str, int]
    """…and the unfinished, and what was started after it; empty if the load ended then."""
    cut_short: int
    asked: int
    """Clients that there were to be."""
    answered: int
    """Clients that had a reply."""
    latency: Latency
    open_loop: OpenLoop | None
    closed_loop: ClosedLoop | None
    """None of an open loop, and of all clients where some are in one."""

    @property
    def is_ramp(self) -> bool:
        """Whether a closed loop's first round was under way when the window opened."""
        loop = self.closed_loop
        return loop is not None and loop.first_round > LEAST_OF_FIRST_ROUND * self.ok

    @property
    def refused(self) -> int:
        """Requests refused, closed or reset before any byte of a reply."""
        counts = self.counts
        return counts["refused"] + counts["closed"] + counts["reset"] - self.cut_short

    @property
    def errors(self) -> int:
        """Requests that ended otherwise than by a right reply, or as a design declares."""
        counts = self.counts
        others = counts["wrong"] + counts["timeout"] + counts.get("opening", 0) + counts["local"]
        return others + self.cut_short


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """A client group."""

    name: str
    idle: bool
    lost: int
    """Connections that ended before the window did."""
    part: Part

    @property
    def open_loop(self) -> OpenLoop | None:
        """How its schedule was kept; None without one."""
        return self.part.open_loop


@dataclass(frozen=True, slots=True)
class OwnUse:
    """What fibload used itself."""

    cpu_user_ns: int
    cpu_system_ns: int
    wall_ns: int
    threads: int
    rss_peak_bytes: int
    switches_voluntary: int
    switches_involuntary: int
    run_delay_ns: int | None
    """How long its threads were ready to run in the window and had no CPU; None: not known."""

    @property
    def cores(self) -> float | None:
        """How many cores it kept busy; None of a load without a length."""
        used_ns = self.cpu_user_ns + self.cpu_system_ns
        return used_ns / self.wall_ns if self.wall_ns > 0 else None


@dataclass(frozen=True, slots=True)
class ReplyDifference:
    """How a reply differs from what must come."""

    got: bytes
    """What came, about the first byte that differs."""
    reason: str | None
    """What is wrong with it, in words; None: its bytes differ."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer."""

    invalid: str | None
    """Why fibload calls the trial invalid; None if it does not."""
    pipeline: int
    spin: bool
    warmup_ns: int
    steady: bool | None
    """Whether the load was steady at its end; None where that was not looked at."""
    ramp: bool
    """A closed loop's clients waited for their first reply still when the window opened."""
    duration_ns: int
    cooldown_ns: int
    """For how long the load went on after the window; 0 where it ended then."""
    clock: str
    """From when on a latency counts: "service" or "schedule"."""
    surplus_bytes: int
    retransmits: int
    resent_in_vain: int
    """Requests whose segments were sent again, and which ended without a reply."""
    listen_overflows: int | None
    """As the kernel counts them; None where it does not say."""
    total: Part
    groups: Sequence[GroupAnswer]
    own: OwnUse
    first_wrong: ReplyDifference | None = None
    first_opening: ReplyDifference | None = None
    """The first connection that began in another way than its opening says."""

    @property
    def asking(self) -> list[GroupAnswer]:
        """The groups that are not idle."""
        return [group for group in self.groups if not group.idle]


class _Members:
    """An object of the document; asking for what is not there raises LoadError with its name."""

    def __init__(self, members: Object, path: str = "") -> None:
        self._members = members
        self._path = path

    def get(self, name: str, kind: type[T]) -> T:
        found = self._members.get(name)
        if not isinstance(found, kind):
            raise LoadError(f"fibload's answer has no proper {self._path}{name}")
        return found

    def whole(self, name: str) -> int:
        return self.get(name, int)

    def number(self, name: str) -> float:
        return (
            self.whole(name) if isinstance(self._members.get(name), int) else self.get(name, float)
        )

    def number_or_none(self, name: str) -> float | None:
        return None if self._members.get(name) is None else self.number(name)

    def truth_or_none(self, name: str) -> bool | None:
        return self.get(name, bool) if self.has(name) else None

    def inside(self, name: str) -> _Members:
        return _Members(self.get(name, dict), f"{self._path}{name}.")

    def has(self, name: str) -> bool:
        return self._members.get(name) is not None

    def each(self, name: str) -> list[_Members]:
        path = f"{self._path}{name}."
        found = self.get(name, list)
        return [_Members(one if isinstance(one, dict) else {}, path) for one in found]

    def counts(self, name: str) -> Mapping[str, int]:
        inner = self.inside(name)
        return {key: inner.whole(key) for key in self.get(name, dict)}


def read_answer(document: Object) -> Answer:
    """The answer that a document holds. Raises LoadError for one of another version."""
    told = _Members(document)
    settings, latency = told.inside("settings"), told.inside("latency")
    return Answer(
        invalid=_invalid(told),
        pipeline=settings.whole("pipeline"),
        spin=settings.get("spin", bool),
        warmup_ns=told.inside("warmup").whole("ns"),
        steady=told.inside("warmup").truth_or_none("steady"),
        ramp=told.inside("warmup").get("ramp", bool),
        duration_ns=told.inside("window").whole("duration_ns"),
        cooldown_ns=told.inside("cooldown").whole("ns") if told.has("cooldown") else 0,
        clock=latency.get("clock", str),
        surplus_bytes=told.whole("surplus_bytes"),
        retransmits=told.whole("retransmits"),
        resent_in_vain=sum(told.inside("resent").whole(end) for end in ("timeout", "unfinished")),
        listen_overflows=told.whole("listen_overflows") if told.has("listen_overflows") else None,
        total=_part(told),
        groups=[
            GroupAnswer(
                group.get("name", str), group.get("idle", bool), group.whole("lost"), _part(group)
            )
            for group in told.each("groups")
        ],
        own=_own(told.inside("generator")),
        first_wrong=read_difference(document.get("first_wrong")),
        first_opening=read_difference(document.get("first_wrong_opening")),
    )


def read_difference(found: object) -> ReplyDifference | None:
    """How something differs from what must come; None of null. Raises LoadError."""
    if not isinstance(found, dict):
        return None
    told = _Members(found, "first_wrong.")
    return ReplyDifference(
        got=_bytes(told.get("got", str)),
        reason=told.get("reason", str) if told.has("reason") else None,
    )


def _bytes(text: str) -> bytes:
    """Bytes as fibload writes them: a backslash is doubled, what is not printable is \\xNN."""
    return re.sub(
        rb"\\(\\|x[0-9a-f]{2})",
        lambda found: b"\\" if found[1] == b"\\" else bytes([int(found[1][1:], 16)]),
        text.encode("latin-1", "replace"),
    )


def _invalid(told: _Members) -> str | None:
    if told.get("valid", bool):
        return None
    reasons = [str(reason) for reason in told.get("invalid", list)]
    return "; ".join(reasons) or "fibload calls the trial invalid"


def _part(told: _Members) -> Part:
    window, clients, latency = (told.inside(name) for name in ("window", "clients", "latency"))
    halves = window.get("half_ok", list)
    return Part(
        ok=window.whole("ok"),
        half_ok=(halves[0], halves[1]),
        throughput_per_s=window.number("served_per_s"),
        counts=told.counts("counts"),
        counts_after=told.inside("cooldown").counts("counts") if told.has("cooldown") else {},
        cut_short=told.whole("cut_short"),
        asked=clients.whole("asked"),
        answered=clients.whole("answered"),
        latency=Latency(
            latency.number_or_none("mean_ns"),
            {name: latency.number_or_none(f"{name}_ns") for name in LATENCIES},
            _cut_off(latency) if latency.has("at_least") else None,
        ),
        open_loop=_open_loop(told.inside("open_loop")) if told.has("open_loop") else None,
        closed_loop=_closed_loop(told.inside("closed_loop")) if told.has("closed_loop") else None,
    )


def _cut_off(latency: _Members) -> CutOff:
    inner = (latency.inside(name) for name in ("at_least", "at_most", "last_seen"))
    return CutOff(
        *({name: one.number_or_none(f"{name}_ns") for name in PERCENTILES} for one in inner)
    )


def _closed_loop(told: _Members) -> ClosedLoop:
    lag = told.inside("lag")
    return ClosedLoop(
        told.number("in_flight"),
        told.number_or_none("littles_law"),
        told.whole("first_round"),
        lag.whole("count"),
        lag.number_or_none("p50_ns"),
        lag.number_or_none("p99_ns"),
    )


def _open_loop(told: _Members) -> OpenLoop:
    return OpenLoop(
        offered_per_s=told.number("offered_per_s"),
        due=told.whole("due"),
        sent=told.whole("sent"),
        lag_p99_ns=told.inside("lag").number_or_none("p99_ns"),
        unnoticed=told.whole("unnoticed"),
        waiting_at_begin=told.whole("waiting_at_begin"),
        waiting_at_end=told.whole("waiting_at_end"),
        answered_late=told.whole("answered_late"),
        fastest_ns=told.number_or_none("fastest_ns"),
    )


def _own(told: _Members) -> OwnUse:
    return OwnUse(
        cpu_user_ns=told.whole("cpu_user_ns"),
        cpu_system_ns=told.whole("cpu_system_ns"),
        wall_ns=told.whole("wall_ns"),
        threads=told.whole("threads"),
        rss_peak_bytes=told.whole("rss_peak_bytes"),
        switches_voluntary=told.whole("switches_voluntary"),
        switches_involuntary=told.whole("switches_involuntary"),
        run_delay_ns=told.whole("run_delay_ns") if told.has("run_delay_ns") else None,
    )
