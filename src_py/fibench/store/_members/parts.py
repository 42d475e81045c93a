# SPDX-License-Identifier: BSD-3-Clause
"""What the parts of a journal record must be: its checks, its groups, its server, its generator.

Each raises Improper for what no trial leaves behind, but where nobody computes with a part: of that
what is not as it should be is not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    Checks,
    Disturbed,
    Evidence,
    GeneratorSide,
    GeneratorUse,
    GroupFigures,
    Growth,
    LatencyBounds,
    Saturated,
    ServerSide,
    SystemCalls,
    Times,
)
from fibench.store._members.values import (
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
    or_none,
    text_up_to,
    that,
)
from fibench.timeline import ThreadTime, read_thread_time
from fibench.wording import MOST_NAMED

ROLES: Mapping[object, Role] = {
    "measure": "measure",
    "twin": "twin",
    "ceiling": "ceiling",
    "syscalls": "syscalls",
    "timeline": "timeline",
    "search": "search",
}
A_NAME = text_up_to(LONGEST_NAME)
NAMED_FIGURES = all_of(is_figure_or_none)
NAMED_COUNTS = all_of(is_count)
NAME_OR_NONE = or_none(A_NAME)
PROSE_OR_NONE = or_none(text_up_to(LONGEST_TEXT))
_figure_or_none = that(is_figure_or_none)
_count_or_none = or_none(that(is_count))


def read_role(value: object) -> Role:
    if isinstance(value, str) and value in ROLES:
        return ROLES[value]
    raise Improper


def read_parameters(value: object) -> Parameters:
    """As plan.json has them: there and here one version writes the same."""
    try:
        found = Parameters.read(all_of(is_parameter)(value))
    except ValueError as error:
        raise Improper from error
    if not is_count(found.clients):
        raise Improper
    return found


def read_times(value: object) -> Times:
    found = all_of(is_figure)(value)
    if not {"wall_s", "measured_s"} <= found.keys():
        raise Improper
    return Times(found["wall_s"], found["measured_s"])


def read_checks(value: object) -> Checks:
    if not isinstance(value, dict):
        raise Improper
    return Checks(
        generator_bound=PROSE_OR_NONE(value.get("generator_bound")),
        flight_gate=PROSE_OR_NONE(value.get("flight_gate")),
        lag_p99_s=_figure_or_none(value.get("lag_p99_s")),
        read_lag_p50_s=_figure_or_none(value.get("read_lag_p50_s")),
        read_lag_p99_s=_figure_or_none(value.get("read_lag_p99_s")),
        steady=steady if isinstance(steady := value.get("steady"), bool) else None,
        ramp=ramp if isinstance(ramp := value.get("ramp"), bool) else None,
        warmup_s=known_figure(value.get("warmup_s")),
        listen_overflows=_count_or_none(value.get("listen_overflows")),
        listen_drops=_count_or_none(value.get("listen_drops")),
        retransmits=_count_or_none(value.get("retransmits")),
        generator_share=known_figure(value.get("generator_share")),
        littles_law=known_figure(value.get("littles_law")),
        sent_share=known_figure(value.get("sent_share")),
        offered_per_s=known_figure(value.get("offered_per_s")),
        computing_s=known_figure(value.get("computing_s")),
        fibonacci_s=known_figure(value.get("fibonacci_s")),
        check_s=known_figure(value.get("check_s")),
        saturated=or_none(_saturated)(value.get("saturated")),
        line=or_none(_line)(value.get("line")),
    )


def _saturated(value: object) -> Saturated:
    found = all_of(is_figure)(value)
    if not {"answered_per_s", "due_per_s"} <= found.keys():
        raise Improper
    return Saturated(found["answered_per_s"], found["due_per_s"])


def _line(value: object) -> Growth:
    found = object_or_empty(value)
    grown = found.get("grown")  # which is below 0 where a line became shorter
    rest = all_of(is_figure)({name: found.get(name) for name in ("at_capacity", "offered_per_s")})
    if isinstance(grown, bool) or not isinstance(grown, int | float) or not math.isfinite(grown):
        raise Improper
    return Growth(float(grown), rest["at_capacity"], rest["offered_per_s"])


def read_bounds(value: object) -> Mapping[str, LatencyBounds]:
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


def read_disturbed(value: object) -> Disturbed:
    if not isinstance(value, dict):
        raise Improper
    says = text_up_to(LONGEST_TEXT)(value.get("says"))
    return Disturbed(A_NAME(value.get("kind")), says, value.get("accepted") is True)


def read_evidence(value: object) -> Evidence:
    """Nobody computes with it: what is not as it should be is not known."""
    found = object_or_empty(value)
    missing = object_or_empty(found.get("missing"))
    return Evidence(
        foreign=tuple(n for n in list_or_empty(found.get("foreign")) if _is_short(n))[:MOST_NAMED],
        missing={kind: why for kind, why in missing.items() if _is_short(kind) and _is_short(why)},
    )


def _is_short(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= LONGEST_NAME


def read_groups(value: object) -> Mapping[str, GroupFigures]:
    if not isinstance(value, dict) or not all(map(NAME.fullmatch, value)):
        raise Improper
    return {name: _group(group) for name, group in value.items()}


def _group(value: object) -> GroupFigures:
    if not isinstance(value, dict):
        raise Improper
    return GroupFigures(
        metrics=NAMED_FIGURES(value.get("metrics")),
        counts=NAMED_COUNTS(value.get("counts")),
        lag_p99_s=_figure_or_none(value.get("lag_p99_s")),
        read_lag_p50_s=_figure_or_none(value.get("read_lag_p50_s")),
        read_lag_p99_s=_figure_or_none(value.get("read_lag_p99_s")),
        idle="lag_p99_s" not in value,
        bounds=read_bounds(value.get("bounds", {})),
        saturated=or_none(_saturated)(value.get("saturated")),
        line=or_none(_line)(value.get("line")),
    )


def read_server(value: object) -> ServerSide | None:
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
        thread_time_s=known_figure(value.get("thread_time_s")),
        thread_time_unknown=_told(value.get("thread_time_unknown")) or None,
        ended_itself=ended if isinstance(ended := value.get("ended_itself"), bool) else None,
        unknown=[text for text in map(_told, list_or_empty(value.get("unknown"))) if text],
    )


def _told(value: object) -> str:
    """A line for people; empty for what is none."""
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def known_figures(value: object) -> Mapping[str, float | None]:
    return {name: known_figure(figure) for name, figure in object_or_empty(value).items()}


def read_generator(value: object) -> GeneratorSide | None:
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
        clock=members.needed("clock", A_NAME, ""),
        retransmits=members.needed("retransmits", count, 0),
        run_delay_s=known_figure(value.get("run_delay_s")),
    )
    return None if members.wrong else found


def read_system_calls(value: object) -> SystemCalls | None:
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


def read_timeline(value: object) -> ThreadTime:
    """What verdicts may rest on: of one that is not as it should be, nothing is taken."""
    found = read_thread_time(value)
    if isinstance(found, str):
        raise Improper
    return found
