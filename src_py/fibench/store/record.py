# SPDX-License-Identifier: BSD-3-Clause
"""What a journal record must be to be used: the digest of a line proves that it is whole, no more.

Anybody can compute a digest. Members that nothing here knows are let through: a later version, or
a person, may add some. What is known must be what a trial can leave behind, figures within limits
in which arithmetic works: no sum, logarithm or reciprocal of them overflows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from fibench.document import NAME
from fibench.json_values import (
    Object,
    list_or_empty,
    object_or_empty,
    object_or_none,
    text_or_none,
)
from fibench.parameters import Parameters
from fibench.plan import Role
from fibench.record import (
    SCHEMA,
    Checks,
    Disturbed,
    Evidence,
    GeneratorSide,
    GeneratorUse,
    GroupFigures,
    LatencyBounds,
    Record,
    Saturated,
    ServerSide,
    SystemCalls,
    Times,
    last_attempts,
)
from fibench.store import journal
from fibench.store._values import (
    LONGEST_NAME,
    LONGEST_TEXT,
    Improper,
    Members,
    all_of,
    is_count,
    is_figure,
    is_figure_or_none,
    is_parameter,
    known_figure,
    known_whole,
    moment,
    or_none,
    text_up_to,
    that,
    truth,
    two_counts,
    whole_between,
)
from fibench.store.attempts import attempts_of
from fibench.store.files import NEWEST_SCHEMA
from fibench.wording import MOST_NAMED

LARGEST_INDEX = 10_000_000
MOST_ATTEMPTS = 10**6
_ROLES: Mapping[object, Role] = {
    "measure": "measure",
    "twin": "twin",
    "ceiling": "ceiling",
    "syscalls": "syscalls",
}
_name = text_up_to(LONGEST_NAME)
_figures = all_of(is_figure_or_none)
_counts = all_of(is_count)
_name_or_none = or_none(_name)
_prose_or_none = or_none(text_up_to(LONGEST_TEXT))
_figure_or_none = that(is_figure_or_none)
_count_or_none = or_none(that(is_count))


class RecordError(Exception):
    """A line of a journal is no trial's; the text says what it lacks, in a clause."""

    def __init__(self, lacking: Sequence[str]) -> None:
        super().__init__(f"the trial has no proper {', '.join(lacking)}")


def read_record(document: Object) -> Record:
    """The record that a line holds. Raises RecordError, which names all that is wrong.

    What nobody computes with is taken where it is as it should be, and else is not known.
    """
    members = Members(document)
    unsaid: Role | None = None if "role" in document else "measure"
    found = Record(
        trial=members.needed("trial", _name, ""),
        index=members.needed("index", whole_between(0, LARGEST_INDEX), 0),
        block=members.needed("block", whole_between(-1, LARGEST_INDEX), 0),
        cell=members.needed("cell", _name, ""),
        label=members.needed("label", _name, ""),
        attempt=members.needed("attempt", whole_between(1, MOST_ATTEMPTS), 1),
        valid=members.needed("valid", truth, False),
        reason=members.needed("reason", _prose_or_none, None),
        started_at=members.needed("started_at", moment, ""),
        parameters=members.needed("parameters", _parameters, Parameters(backend="")),
        metrics=members.needed("metrics", _figures, {}),
        counts=members.needed("counts", _counts, {}),
        times=members.needed("times", _times, Times(0.0, 0.0)),
        # Records of schema 1 do not have these, or not always.
        schema=members.optional("schema", whole_between(1, NEWEST_SCHEMA), 1),
        role=members.optional("role", _role, unsaid),
        hint=members.optional("hint", _prose_or_none, None),
        failure=members.optional("failure", _name_or_none, None),
        groups=members.optional("groups", _groups, {}),
        bounds=members.optional("bounds", _bounds, {}),
        checks=members.optional("checks", _checks, Checks()),
        halves=members.optional("halves", or_none(two_counts), None),
        server=members.optional("server", _server, None),
        evidence=_evidence(document.get("evidence")),
        disturbed=members.optional("disturbed", or_none(_disturbed), None),
        window_opened=members.optional("window_opened", or_none(truth), None),
        port=known_whole(document.get("port")),
        generator=_generator(document.get("generator")),
        machine=_known_figures(document.get("machine")),
        syscalls=_system_calls(document.get("syscalls")),
    )
    wrong = members.wrong or _at_odds(found)
    if wrong:
        raise RecordError(wrong)
    return found


def _at_odds(record: Record) -> list[str]:
    """The members that others contradict."""
    wrong = [] if record.valid or record.reason is not None else ["reason"]
    answered = record.counts.get("clients_answered")
    clients = record.parameters.clients
    return wrong if answered is None or answered <= clients else [*wrong, "counts"]


@dataclass(frozen=True, slots=True)
class Head:
    """What a record says of itself before its figures: all that resuming needs."""

    trial: str
    role: Role
    index: int
    block: int
    cell: str
    attempt: int
    valid: bool
    failure: str | None = None
    window_opened: bool | None = None
    disturbed: bool = False
    schema: int = SCHEMA


def read_head(document: Object) -> Head | None:
    """The head of a record, read without the rest; None for what is none."""
    trial, cell = document.get("trial"), document.get("cell")
    index, block, attempt = (document.get(name) for name in ("index", "block", "attempt"))
    valid, role = document.get("valid"), document.get("role", "measure")
    if not isinstance(role, str) or role not in _ROLES or not isinstance(valid, bool):
        return None
    if not isinstance(trial, str) or not isinstance(cell, str):
        return None
    if type(index) is not int or type(block) is not int or type(attempt) is not int:
        return None
    if not 1 <= attempt <= MOST_ATTEMPTS:
        return None
    opened = document.get("window_opened")
    return Head(
        *(trial, _ROLES[role], index, block, cell, attempt, valid),
        failure=text_or_none(document.get("failure")),
        window_opened=opened if isinstance(opened, bool) else None,
        disturbed=document.get("disturbed") is not None,
        schema=schema if type(schema := document.get("schema")) is int else 1,
    )


def _role(value: object) -> Role:
    if isinstance(value, str) and value in _ROLES:
        return _ROLES[value]
    raise Improper


def _parameters(value: object) -> Parameters:
    """As plan.json has them: there and here one version writes the same."""
    try:
        found = Parameters.read(all_of(is_parameter)(value))
    except ValueError as error:
        raise Improper from error
    if not is_count(found.clients):
        raise Improper
    return found


def _times(value: object) -> Times:
    found = all_of(is_figure)(value)
    if not {"wall_s", "measured_s"} <= found.keys():
        raise Improper
    return Times(found["wall_s"], found["measured_s"])


def _checks(value: object) -> Checks:
    if not isinstance(value, dict):
        raise Improper
    return Checks(
        generator_bound=_prose_or_none(value.get("generator_bound")),
        flight_gate=_prose_or_none(value.get("flight_gate")),
        lag_p99_s=_figure_or_none(value.get("lag_p99_s")),
        read_lag_p50_s=_figure_or_none(value.get("read_lag_p50_s")),
        read_lag_p99_s=_figure_or_none(value.get("read_lag_p99_s")),
        steady=steady if isinstance(steady := value.get("steady"), bool) else None,
        warmup_s=known_figure(value.get("warmup_s")),
        listen_overflows=_count_or_none(value.get("listen_overflows")),
        listen_drops=_count_or_none(value.get("listen_drops")),
        retransmits=_count_or_none(value.get("retransmits")),
        generator_share=known_figure(value.get("generator_share")),
        littles_law=known_figure(value.get("littles_law")),
        sent_share=known_figure(value.get("sent_share")),
        offered_per_s=known_figure(value.get("offered_per_s")),
        computing_s=known_figure(value.get("computing_s")),
        saturated=or_none(_saturated)(value.get("saturated")),
    )


def _saturated(value: object) -> Saturated:
    found = all_of(is_figure)(value)
    if not {"answered_per_s", "due_per_s"} <= found.keys():
        raise Improper
    return Saturated(found["answered_per_s"], found["due_per_s"])


def _bounds(value: object) -> Mapping[str, LatencyBounds]:
    if not isinstance(value, dict):
        raise Improper
    return {name: _bound(ends) for name, ends in value.items()}


def _bound(value: object) -> LatencyBounds:
    if not isinstance(value, dict):
        raise Improper
    least, most = that(is_figure)(value.get("at_least")), _figure_or_none(value.get("at_most"))
    if most is not None and most < least:
        raise Improper
    return LatencyBounds(least, most)


def _disturbed(value: object) -> Disturbed:
    if not isinstance(value, dict):
        raise Improper
    return Disturbed(_name(value.get("kind")), text_up_to(LONGEST_TEXT)(value.get("says")))


def _evidence(value: object) -> Evidence:
    """Nobody computes with it: what is not as it should be is not known."""
    found = object_or_empty(value)
    missing = object_or_empty(found.get("missing"))
    return Evidence(
        foreign=tuple(n for n in list_or_empty(found.get("foreign")) if _is_short(n))[:MOST_NAMED],
        missing={kind: why for kind, why in missing.items() if _is_short(kind) and _is_short(why)},
    )


def _is_short(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= LONGEST_NAME


def _groups(value: object) -> Mapping[str, GroupFigures]:
    if not isinstance(value, dict) or not all(map(NAME.fullmatch, value)):
        raise Improper
    return {name: _group(group) for name, group in value.items()}


def _group(value: object) -> GroupFigures:
    if not isinstance(value, dict):
        raise Improper
    return GroupFigures(
        metrics=_figures(value.get("metrics")),
        counts=_counts(value.get("counts")),
        lag_p99_s=_figure_or_none(value.get("lag_p99_s")),
        read_lag_p50_s=_figure_or_none(value.get("read_lag_p50_s")),
        read_lag_p99_s=_figure_or_none(value.get("read_lag_p99_s")),
        idle="lag_p99_s" not in value,
        bounds=_bounds(value.get("bounds", {})),
        saturated=or_none(_saturated)(value.get("saturated")),
    )


def _server(value: object) -> ServerSide | None:
    """Of a trial that failed early, nothing."""
    if not isinstance(value, dict):
        raise Improper
    swept = _count_or_none(value.get("swept"))
    if not value:
        return None
    backlog, forced, readings = (value.get(n) for n in ("backlog", "forced", "memory_readings"))
    return ServerSide(
        status=known_whole(value.get("status")),
        signal=known_whole(value.get("signal")),
        swept=swept,
        forced=forced if isinstance(forced, bool) else None,
        cpus=text_or_none(value.get("cpus")),
        backlog=backlog if isinstance(backlog, int) else None,
        accounting=text_or_none(value.get("accounting")),
        cpu_user_s=known_figure(value.get("cpu_user_s")),
        cpu_system_s=known_figure(value.get("cpu_system_s")),
        threads=known_whole(value.get("threads")),
        processes=known_whole(value.get("processes")),
        rss_bytes=known_whole(value.get("rss_bytes")),
        memory_readings=[size for size in list_or_empty(readings) if is_count(size)],
        switches_voluntary=known_whole(value.get("switches_voluntary")),
        switches_involuntary=known_whole(value.get("switches_involuntary")),
        ended_itself=ended if isinstance(ended := value.get("ended_itself"), bool) else None,
        unknown=[text for text in map(_told, list_or_empty(value.get("unknown"))) if text],
    )


def _told(value: object) -> str:
    """A line for people; empty for what is none."""
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def _known_figures(value: object) -> Mapping[str, float | None]:
    return {name: known_figure(figure) for name, figure in object_or_empty(value).items()}


def _generator(value: object) -> GeneratorSide | None:
    found = object_or_empty(value)
    return GeneratorSide(text_or_none(found.get("cpus")), _generator_use(found)) if found else None


def _generator_use(value: Object) -> GeneratorUse | None:
    members = Members(value)
    figure, count = that(is_figure), that(is_count)
    found = GeneratorUse(
        cpu_s=members.needed("cpu_s", figure, 0.0),
        cpu_user_s=members.needed("cpu_user_s", figure, 0.0),
        cpu_system_s=members.needed("cpu_system_s", figure, 0.0),
        rss_peak_bytes=members.needed("rss_peak_bytes", count, 0),
        switches_voluntary=members.needed("switches_voluntary", count, 0),
        switches_involuntary=members.needed("switches_involuntary", count, 0),
        wall_s=members.needed("wall_s", figure, 0.0),
        threads=members.needed("threads", count, 0),
        clock=members.needed("clock", _name, ""),
        retransmits=members.needed("retransmits", count, 0),
        run_delay_s=known_figure(value.get("run_delay_s")),
    )
    return None if members.wrong else found


def _system_calls(value: object) -> SystemCalls | None:
    found = object_or_none(value)
    if found is None:
        return None
    calls = object_or_empty(found.get("calls_per_request"))
    return SystemCalls(
        absent=text_or_none(found.get("absent")),
        requests=known_whole(found.get("requests")),
        # Of calls that chance alone tells apart, a few less than none.
        calls_per_request={
            name: share for name, share in calls.items() if isinstance(share, int | float)
        },
    )


def sound_records(reading: journal.Reading) -> list[Record]:
    """The records of a journal that are what trials leave behind, in the order of writing."""
    found = []
    for document in reading.records:
        with contextlib.suppress(RecordError):
            found.append(read_record(document))
    return found


@dataclass(frozen=True)
class Usable:
    """What of a journal is used."""

    records: list[Record]
    """The last attempt of each trial, in the order of the plan."""
    attempts: list[Record]
    """All that were asked for, in the order of writing."""
    refused: list[tuple[int, str]]
    """Of whole lines that are no trial's the number, from 1, and why they are left out."""


def usable(reading: journal.Reading) -> Usable:
    """The records that are what trials leave behind.

    Of a cell and a block there is one measurement: another trial that claims to be it is left out.
    An attempt has one line, the first that says it is the attempt: each is made once. What no rule
    asked for (store/attempts.py) is left out.
    """
    sound: list[Record] = []
    lines: dict[tuple[str, int], int] = {}
    refused: list[tuple[int, str]] = []
    for line, document in zip(reading.lines, reading.records, strict=True):
        try:
            record = read_record(document)
        except RecordError as error:
            refused.append((line, str(error)))
            continue
        attempt = (record.trial, record.attempt)
        if attempt in lines:
            refused.append((line, "a line above has the same attempt of its trial"))
            continue
        sound.append(record)
        lines[attempt] = line
    followed = attempts_of(sound)
    refused += [
        (lines[one.trial, one.attempt], "nothing asked for this attempt: one before it stands")
        for one in followed.unasked
    ]
    owners: dict[tuple[str, int, bool], str] = {}
    kept: list[Record] = []
    for record in last_attempts(followed.made):
        place = (record.cell, record.block, record.role == "syscalls")
        if owners.setdefault(place, record.trial) == record.trial:
            kept.append(record)
        else:
            why = "another trial has measured its cell in its block"
            refused.append((lines[record.trial, record.attempt], why))
    return Usable(kept, followed.made, refused)
