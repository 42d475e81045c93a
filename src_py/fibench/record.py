# SPDX-License-Identifier: BSD-3-Clause
"""One trial's record: what a trial leaves behind, and a line of trials.jsonl holds.

`trial` makes records, `store` writes them and reads them back as hostile; docs/results.md says what
each member means. Figures are in base units; None is what is not known, and never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from fibench.json_values import Json
from fibench.metrics import METRICS
from fibench.parameters import Parameters
from fibench.plan import Role
from fibench.timeline import State, ThreadTime
from fibench.tried import could_not_start

SCHEMA = 3
WAITS: Mapping[str, State] = {
    "waiting_for_gil": "gil",
    "waiting_for_lock": "lock",
    "waiting_for_network": "network",
    "sleeping": "sleeping",
}
"""By metrics of an untimed trial, the states of threads whose shares they are."""


@dataclass(frozen=True, slots=True)
class LatencyBounds:
    """Between what a figure lies that the end of the window has hidden, in its base unit."""

    at_least: float
    at_most: float | None
    """None: it is not known."""


@dataclass(frozen=True, slots=True)
class Saturated:
    """An open loop that asked for more than the server could answer: the queue grew."""

    answered_per_s: float
    due_per_s: float


@dataclass(frozen=True, slots=True)
class Growth:
    """What an open loop has in flight and overdue, over a window, in requests."""

    grown: float
    """More at its end than at its begin, but for what a warm-up shorter than a service lacks."""
    at_capacity: float
    """What that is on average at a rate as high as the server's capacity, which is never kept."""
    offered_per_s: float


def _documents(bounds: Mapping[str, LatencyBounds]) -> dict[str, Json]:
    """Bounds as they stand in a record: nothing where every figure is known."""
    return {"bounds": {name: asdict(bound) for name, bound in bounds.items()}} if bounds else {}


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What a client group gave. An idle one has only counted how many of its connections ended."""

    metrics: Mapping[str, float | None]
    counts: Mapping[str, int]
    lag_p99_s: float | None = None
    """The generator's own lag behind the group's schedule; None where it has none."""
    read_lag_p50_s: float | None = None
    """Of a closed loop: how long replies waited until the generator read them."""
    read_lag_p99_s: float | None = None
    idle: bool = False
    bounds: Mapping[str, LatencyBounds] = field(default_factory=dict)
    """Of latencies that are None, between what they lie."""
    saturated: Saturated | None = None
    """Its schedule asked for more than the server could answer."""
    line: Growth | None = None
    """None of a closed loop, and where nobody said."""

    def as_document(self) -> dict[str, Json]:
        """As it stands in a record."""
        lags = ("lag_p99_s", "read_lag_p50_s", "read_lag_p99_s")
        lag: dict[str, Json] = {} if self.idle else {name: getattr(self, name) for name in lags}
        more = _documents(self.bounds)
        if self.saturated is not None:
            more["saturated"] = asdict(self.saturated)
        if self.line is not None:
            more["line"] = asdict(self.line)
        return {"metrics": self.metrics, **more, **lag, "counts": self.counts}


@dataclass(frozen=True, slots=True)
class Checks:
    """Whether the load generator was the limit, and what the kernel lost during the trial."""

    generator_bound: str | None = None
    """Why the generator, not the server, was the limit; None: it was not, as far as is known."""
    generator_share: float | None = None
    littles_law: float | None = None
    flight_gate: str | None = None
    """Why the generator did not keep a closed loop full; None: it did."""
    lag_p99_s: float | None = None
    read_lag_p50_s: float | None = None
    """Of a closed loop: how long replies waited until the generator read them."""
    read_lag_p99_s: float | None = None
    steady: bool | None = None
    """Whether the load was steady when the window began; None: that was not looked at."""
    ramp: bool | None = None
    """Whether the first round of a closed loop was under way then; None: nobody said."""
    warmup_s: float | None = None
    sent_share: float | None = None
    offered_per_s: float | None = None
    saturated: Saturated | None = None
    """Of all open loops together, where one was; None: none was, or the generator was late."""
    line: Growth | None = None
    """Of all open loops together; None: there is none, or nobody said."""
    listen_overflows: int | None = None
    listen_drops: int | None = None
    retransmits: int | None = None
    computing_s: float | None = None
    """What the least fibonacci(n) asked of a server of the user's own takes a core here, in C."""
    fibonacci_s: float | None = None
    """What the least fibonacci(n) asked of a server of the catalogue takes a core here, at best, in
    its own language."""
    check_s: float | None = None
    """Where requests of the file are asked for: how long the fastest reply took before the load, to
    the one that takes longest."""


@dataclass(frozen=True, slots=True)
class ServerSide:
    """How the server ran and ended."""

    status: int | None = None
    signal: int | None = None
    swept: int | None = None
    """How many processes it left behind, which were killed."""
    forced: bool | None = None
    """It did not end at SIGTERM, and was killed."""
    cpus: str | None = None
    backlog: int | None = None
    """How many connections may wait to be accepted."""
    accounting: str | None = None
    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    threads: int | None = None
    processes: int | None = None
    rss_bytes: int | None = None
    memory_readings: Sequence[int] = ()
    switches_voluntary: int | None = None
    switches_involuntary: int | None = None
    thread_time_s: float | None = None
    """For how long its threads were there between the readings that shares are of, all together."""
    thread_time_unknown: str | None = None
    """Why that is not known, in a clause: nor is any share of it, then."""
    ended_itself: bool | None = None
    """It ended before it was asked to, after the window if the trial is valid."""
    unknown: Sequence[str] = ()
    """What of the above could not be read in time or at all, and why."""


@dataclass(frozen=True, slots=True)
class GeneratorUse:
    """What fibload says of itself."""

    cpu_s: float
    cpu_user_s: float
    cpu_system_s: float
    rss_peak_bytes: int
    switches_voluntary: int
    switches_involuntary: int
    wall_s: float
    threads: int
    clock: str
    retransmits: int
    run_delay_s: float | None = None
    """How long its threads were ready to run in the window and had no CPU."""


@dataclass(frozen=True, slots=True)
class GeneratorSide:
    """How the load ran."""

    cpus: str | None
    use: GeneratorUse | None = None
    """None of client_bench.sh, which says nothing of itself."""

    def as_document(self) -> dict[str, Json]:
        """As it stands in a record."""
        return {**(asdict(self.use) if self.use else {}), "cpus": self.cpus}


@dataclass(frozen=True, slots=True)
class SystemCalls:
    """What a trial counted that counts system calls."""

    absent: str | None = None
    """Why they could not be counted."""
    requests: int | None = None
    calls_per_request: Mapping[str, float] = field(default_factory=dict)

    def as_document(self) -> dict[str, Json]:
        """As it stands in a record."""
        if self.requests is None:
            return {"absent": self.absent}
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """Evidence from inside a window of who else had the machine, or of a load that fell short."""

    kind: str
    """For programs: "foreign", "steal", "probe", "late", "generator", by the rules of
    trial/evidence/disturbed.py."""
    says: str
    """For people, a clause: "1.8 cores were used by others: python3, cc1"."""
    accepted: bool = False
    """Who ran it accepts noise: it is not measured again."""

    def as_document(self) -> dict[str, Json]:
        """As it stands in a record."""
        accepted: dict[str, Json] = {"accepted": True} if self.accepted else {}
        return {"kind": self.kind, "says": self.says, **accepted}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of who else had the machine; the figures are those of `Record.machine`."""

    foreign: Sequence[str] = ()
    """The names of those who used most CPU time, at most three; they come from outside."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Which evidence is missing ("foreign", "names", "steal", "probe"), and why, in a clause."""


@dataclass(frozen=True, slots=True)
class Times:
    """Where a trial's time went."""

    wall_s: float
    measured_s: float
    """Warm-up and window: what is not overhead."""


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt at one trial."""

    trial: str
    """The trial's key."""
    role: Role | None
    """What the trial was for; None: the record says that it was for nothing."""
    index: int
    """The trial's place in the plan, from 0."""
    block: int
    """From 0; -1: before all blocks."""
    cell: str
    """The key of its cell."""
    label: str
    """What that is called."""
    attempt: int
    """Which try it was, from 1."""
    started_at: str
    """ISO 8601."""
    valid: bool
    reason: str | None
    """Why it is not valid."""
    hint: str | None
    """What to do about that."""
    failure: str | None
    """The kind of that, for programs."""
    parameters: Parameters
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int]
    times: Times
    port: int | None = None
    groups: Mapping[str, GroupFigures] = field(default_factory=dict)
    bounds: Mapping[str, LatencyBounds] = field(default_factory=dict)
    """Of latencies that are None in `metrics`, between what they lie."""
    halves: tuple[int, int] | None = None
    """Replies in the first and the second half of the window."""
    checks: Checks = field(default_factory=Checks)
    server: ServerSide | None = None
    """None of one that did not start."""
    generator: GeneratorSide | None = None
    machine: Mapping[str, float | None] = field(default_factory=dict)
    """What the rest of the machine did meanwhile."""
    syscalls: SystemCalls | None = None
    """Only of a trial that counts system calls."""
    timeline: ThreadTime | None = None
    """Only of a trial that watches the server's threads."""
    evidence: Evidence = field(default_factory=Evidence)
    """Who that was, and what could not be told."""
    disturbed: Disturbed | None = None
    """None: nothing shows that it was."""
    window_opened: bool | None = None
    """Whether it came to its window; None: it is not known, as before schema 3."""
    load_began: bool | None = None
    """Whether its load, or fibload before it, had begun to ask; None: it is not known, as of
    earlier versions."""
    schema: int = SCHEMA

    @property
    def is_accepted(self) -> bool:
        """Whether it was disturbed, and is not measured again for that."""
        return self.disturbed is not None and self.disturbed.accepted

    @property
    def is_measurement(self) -> bool:
        """Whether its times are figures of its cell: a ceiling's are those of the null server."""
        return self.valid and self.role == "measure"

    def as_document(self) -> dict[str, Json]:
        """The record as trials.jsonl has it. What decides about resuming stands before the
        parameters: there a journal is read no further."""
        return {
            "schema": self.schema,
            "trial": self.trial,
            "role": self.role,
            "index": self.index,
            "block": self.block,
            "cell": self.cell,
            "label": self.label,
            "attempt": self.attempt,
            "started_at": self.started_at,
            "valid": self.valid,
            "reason": self.reason,
            "hint": self.hint,
            "failure": self.failure,
            "window_opened": self.window_opened,
            "load_began": self.load_began,
            "disturbed": None if self.disturbed is None else self.disturbed.as_document(),
            "parameters": self.parameters.as_json(),
            "port": self.port,
            "metrics": self.metrics,
            **_documents(self.bounds),
            "counts": self.counts,
            "groups": {name: group.as_document() for name, group in self.groups.items()},
            "halves": None if self.halves is None else list(self.halves),
            "checks": asdict(self.checks),
            "server": asdict(self.server) if self.server else {},
            "generator": self.generator.as_document() if self.generator else {},
            "machine": self.machine,
            **({} if self.syscalls is None else {"syscalls": self.syscalls.as_document()}),
            **({} if self.timeline is None else {"timeline": self.timeline.as_document()}),
            "evidence": {
                "foreign": list(self.evidence.foreign),
                "missing": self.evidence.missing,
            },
            "times": asdict(self.times),
        }


def waiting_metrics(seen: ThreadTime) -> dict[str, float | None]:
    """The metrics of a trial that watches threads, by the names that records have; None of a state
    that cannot be known there."""
    return {METRICS[name].name_with_unit: seen.shares.get(state) for name, state in WAITS.items()}


def broke_off(record: Record) -> bool:
    """Whether a trial's load ended before its window, once its server was ready.

    It is tried again as what could not start is, but somebody may have seen how it went: by the
    load's own requests if it had begun to ask, or else by some of his own.
    """
    began = record.load_began is True and record.failure == "load"
    return (began or record.server is not None) and could_not_start(record)
