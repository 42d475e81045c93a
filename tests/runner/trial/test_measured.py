# SPDX-License-Identifier: BSD-3-Clause
"""From fibload's answer to metrics, counts and validity, with answers written by its schema."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from tests.runner.documents import (
    NO_COUNTS,
    answer,
    closed_loop,
    cooldown,
    group,
    idle_group,
    latency,
    open_loop,
)

from fibench.backends.catalogue import Backend
from fibench.parameters import Parameters
from fibench.parameters.groups import parse
from fibench.record import GroupFigures, Growth
from fibench.trial._figures import Figures, fibload_figures, with_lines
from fibench.trial.answer import read_answer
from fibench.trial.load import LoadEnding

BACKEND = Backend("c-mt", "mt_server", "c", "mt")
CELL = Parameters(backend="c-mt", clients=8, warmup=0.2, max_connections=None)
GROUPS = parse("name=small,clients=4,n=1;name=slow,clients=4,n=30;name=idle,clients=50,idle")
ENDED = LoadEnding(0, 1.0)


def taken(document: dict[str, Any], ending: LoadEnding = ENDED, **cell: Any) -> Figures:
    return fibload_figures(read_answer(document), ending, BACKEND, replace(CELL, **cell))


def taken_with_groups(document: dict[str, Any], cap: int | None = None) -> Figures:
    return taken(document, groups=GROUPS, max_connections=cap)


def test_a_closed_loop_gives_every_metric_count_and_half() -> None:
    measured = taken(answer(retransmits=2))
    assert measured.reason is None
    assert measured.metrics == pytest.approx(
        {
            "wall_s": 1.0,
            "throughput_per_s": 1000.0,
            **{f"{name}_s": 0.008 for name in ("p50", "p90", "p99", "p999", "max")},
        }
    )
    assert measured.counts["window_ok"] == 1000
    assert measured.counts["started"] == 1208
    assert measured.halves == (490, 510)
    assert measured.groups == {}
    assert measured.measured_s == pytest.approx(1.2)
    assert measured.use is not None
    assert asdict(measured.use) == {
        "cpu_s": pytest.approx(0.2),
        "cpu_user_s": pytest.approx(0.1),
        "cpu_system_s": pytest.approx(0.1),
        "rss_peak_bytes": 2_000_000,
        "switches_voluntary": 1000,
        "switches_involuntary": 3,
        "wall_s": 1.0,
        "threads": 1,
        "clock": "service",
        "retransmits": 2,
        "run_delay_s": pytest.approx(0.001),
    }


def test_a_percentile_that_unfinished_requests_hide_is_absent() -> None:
    document = answer(open_loop=open_loop(), latency=latency(p99_ns=None, p999_ns=None))
    metrics = taken(document).metrics
    assert metrics["p99_s"] is metrics["p999_s"] is None
    assert metrics["p90_s"] == pytest.approx(0.001)


def test_what_was_answered_after_the_window_is_counted_apart() -> None:
    loop = open_loop(waiting_at_end=8, answered_late=7)
    after = cooldown(20.0, started=16, ok=14, unfinished=2)
    measured = taken(answer(open_loop=loop, cooldown=after))
    assert (measured.counts["ok_after"], measured.counts["answered_late"]) == (14, 7)
    without = taken(answer(open_loop=open_loop()))
    assert "ok_after" not in without.counts
    assert "answered_late" not in without.counts
    shared = {name: measured.counts[name] for name in without.counts}
    assert (shared, measured.metrics) == (without.counts, without.metrics)
    assert measured.measured_s == without.measured_s


def test_without_a_reply_there_are_no_latencies() -> None:
    window = {"duration_ns": 10**9, "ok": 0, "half_ok": [0, 0], "served_per_s": 0.0}
    metrics = taken(answer(window=window)).metrics
    assert metrics["p50_s"] is metrics["max_s"] is None
    assert metrics["throughput_per_s"] == 0.0


def test_each_group_has_its_own_figures_and_idle_ones_their_losses() -> None:
    small = group("small", 900, latency=latency(2.0))
    slow = group("slow", 100, counts=NO_COUNTS | {"ok": 100, "timeout": 1, "unfinished": 3})
    measured = taken_with_groups(answer(groups=[small, slow, idle_group(50)]))
    assert measured.reason is None
    assert measured.groups["small"].metrics == pytest.approx(
        {
            "throughput_per_s": 900.0,
            **{f"{name}_s": 0.002 for name in ("p50", "p90", "p99", "p999", "max")},
        }
    )
    assert measured.groups["slow"].counts == {
        "window_ok": 100,
        "refused_by_cap": 0,
        "errors": 1,
        "unfinished": 3,
        "lost": 0,
    }
    assert measured.groups["idle"] == GroupFigures({}, {"lost": 0}, idle=True)


REFUSED = answer(
    counts=NO_COUNTS | {"started": 103, "ok": 90, "refused": 5, "closed": 6, "reset": 2}
)


def test_refusals_within_the_cap_are_failures_and_above_it_outcomes() -> None:
    assert taken(REFUSED, max_connections=8).reason == (
        "13 connections were refused, closed or reset before a reply, "
        "though 8 clients are within the server's cap of 8"
    )
    above = taken(REFUSED, max_connections=7)
    assert above.reason is None
    assert above.counts["refused_by_cap"] == 13


def test_idle_connections_count_for_the_cap() -> None:
    document = REFUSED | {"groups": [group("small"), group("slow"), idle_group(50)]}
    reason = taken_with_groups(document, cap=58).reason
    assert reason is not None
    assert "58 clients are within the server's cap of 58" in reason
    assert taken_with_groups(document, cap=57).reason is None


def test_idle_connections_that_are_lost_within_the_cap_make_the_trial_invalid() -> None:
    document = answer(groups=[group("small"), group("slow"), idle_group(50, lost=3)])
    measured = taken_with_groups(document)
    assert measured.reason == (
        "3 of 50 idle connections were lost before the window ended, "
        "though 58 clients are within the server's cap of 65536"
    )
    assert measured.counts["lost"] == 3
    assert taken_with_groups(document, cap=57).reason is None


def test_what_fibload_calls_invalid_is_the_reason() -> None:
    assert taken(answer(valid=False, invalid=["wrong replies: 3", "late"])).reason == (
        "wrong replies: 3; late"
    )
    assert taken(answer(), LoadEnding(None, 1.0)).reason == "fibload ended with status None"


def test_the_latencies_of_all_have_the_first_round_of_a_group_in_them() -> None:
    early = group("small", 500, closed_loop=closed_loop(4) | {"first_round": 11})
    measured = taken_with_groups(answer(groups=[early, group("slow", 500), idle_group(50)]))
    assert measured.metrics["p50_s"] is None
    assert measured.bounds["p50_s"].at_least == pytest.approx(0.008)
    assert measured.bounds["p50_s"].at_most is None
    assert measured.groups["small"].metrics["p50_s"] is None
    assert measured.groups["small"].bounds["p50_s"].at_most is None
    assert measured.groups["slow"].metrics["p50_s"] == pytest.approx(0.008)
    assert measured.groups["slow"].bounds == {}


@pytest.mark.parametrize(("arrivals", "at_capacity"), [("poisson", 11.56), ("uniform", 5.0)])
def test_what_waits_is_told_of_open_loops_and_of_their_groups(
    arrivals: str, at_capacity: float
) -> None:
    words = f"name=small,clients=4,n=1,rate=500,arrivals={arrivals};name=slow,clients=4,n=30"
    loop = open_loop(due=500, offered_per_s=500.0, waiting_at_end=28)
    told = read_answer(
        answer(groups=[group("small", open_loop=loop), group("slow")], open_loop=loop)
    )
    cell = replace(CELL, groups=parse(words))
    figures = with_lines(fibload_figures(told, ENDED, BACKEND, cell), told, cell)
    assert figures.checks.line == figures.groups["small"].line
    line = figures.checks.line
    assert line is not None
    assert line == Growth(20.0, line.at_capacity, 500.0)
    assert line.at_capacity == pytest.approx(at_capacity, rel=0.01)
    assert figures.groups["slow"].line is None
