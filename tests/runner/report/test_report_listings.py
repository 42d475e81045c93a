# SPDX-License-Identifier: BSD-3-Clause
"""What `backends` and `plan` show, and the line of one trial."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.runner.records import recorded
from tests.runner.report.three_cells import one_line

from fibench.parameters import Parameters
from fibench.record import Record, Saturated
from fibench.report import (
    failure,
    figures,
    place_of,
    render_backends,
    render_interpreters,
    render_plan,
    trial_line,
)


def measured(**metrics: float | None) -> Record:
    (record,) = recorded(
        {
            "schema": 2, "trial": "b000-a", "role": "measure", "index": 0, "block": 0,
            "cell": "a", "label": "a", "attempt": 1, "valid": True, "reason": None,
            "parameters": Parameters(backend="py-mt", clients=8).as_json(),
            "metrics": metrics, "counts": {},
        }
    )  # fmt: skip
    return record


def test_a_trial_is_one_line_with_its_figures() -> None:
    said = figures(measured(throughput_per_s=71.34, p50_s=0.0249))
    line = trial_line(place_of(11, 120, 1), "py-mt n=27", said, label_width=14)
    assert line == "[ 12/120] block 2  py-mt n=27      71.3/s, p50 24.9 ms"


def test_a_failed_trial_says_why_and_where_the_servers_stderr_is() -> None:
    line = trial_line(place_of(0, 9, 0), "c-mt", failure("hung\x07", "x/server.err"))
    assert line == "[1/9] block 1  c-mt  FAILED: hung\\x07 (stderr: x/server.err)"


def test_what_to_do_about_a_failed_trial_is_a_line_of_its_own() -> None:
    line = trial_line(place_of(0, 9, 0), "c-mt", failure("hung"), "give it\x1b time")
    assert line == "[1/9] block 1  c-mt  FAILED: hung\n        give it\\x1b time"


def test_figures_that_are_not_known_are_left_out() -> None:
    assert figures(measured(throughput_per_s=71.3)) == "71.3/s"
    assert figures(measured()) == ""


def test_of_a_saturated_server_that_is_said_in_place_of_a_latency() -> None:
    record = measured(throughput_per_s=98.0, p50_s=None)
    checks = replace(record.checks, saturated=Saturated(98.0, 150.0))
    assert figures(replace(record, checks=checks)) == "98.0/s, saturated"


# Listings

BACKEND: dict[str, Any] = {
    "name": "c-sync",
    "language": "c",
    "design": "sync",
    "program": "server",
    "argv": ["server"],
    "framings": ["message", "line"],
    "serves": 1,
    "available": True,
    "reason": None,
    "course": True,
    "teaches": "One client at a time",
    "limits": "A silent client blocks all others",
}


@pytest.mark.parametrize("width", [120, 100, 80, 60])
def test_backends_are_grouped_by_language_with_what_they_teach(width: int) -> None:
    rows = [
        BACKEND,
        {**BACKEND, "name": "py-mp", "language": "python", "design": "mp", "serves": "any"},
        {
            **BACKEND,
            "name": "c-uring",
            "available": False,
            "reason": "io_uring is disabled",
            "needs": "io_uring",
        },
    ]
    stream = io.StringIO()
    render_backends(rows, Console(file=stream, width=width))
    text = stream.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.index("c-sync") < text.index("c-uring") < text.index("Python") < text.index("py-mp")
    assert "sync (one client at a time)" in one_line(text)
    assert "mp (any number of clients at once)" in one_line(text)
    assert "Limits: A silent client blocks" in one_line(text)
    assert one_line(text).count("Needs: ") == 1
    assert "Needs: io_uring" in one_line(text)
    assert "Not here: io_uring is disabled" in one_line(text)
    assert text.endswith("2 of 3 can run here\n")


def make_plan(blocks: int) -> dict[str, Any]:
    names = ["c-sync n=1", "c-sync n=2"]
    return {
        "title": "Threads [bold]",
        "blocks": blocks,
        "cells": [
            {"label": name, "parameters": {"clients": 8, "n": n, "duration": 0.7, "port": None}}
            for n, name in enumerate(names, start=1)
        ],
        "trials": [{"block": block, "cell": name} for block in range(blocks) for name in names],
        "expected_s": 72.0,
        "dropped_claims": [{"id": "x", "says": "C is faster", "reason": "its cells are left out"}],
    }


def test_a_plan_shows_how_much_there_is_in_which_order_and_what_to_mind() -> None:
    stream = io.StringIO()
    render_plan(make_plan(3), ["one\x1b client"], Console(file=stream, width=80))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Threads [bold]"
    assert lines[1] == "2 cells in 3 blocks: 6 trials, about 72.0 s of warm-up and measuring"
    assert "all cells   clients=8, duration=0.7s" in lines
    assert "block 3     c-sync n=1, c-sync n=2" in lines
    assert "not judged  C is faster: its cells are left out" in lines
    assert "warning     one\\x1b client" in lines


def rendered(plan: dict[str, Any]) -> list[str]:
    stream = io.StringIO()
    render_plan(plan, (), Console(file=stream, width=100))
    return stream.getvalue().splitlines()


def test_a_plan_without_claims_ends_with_its_first_look_and_one_without_cells_at_once() -> None:
    plan = {**make_plan(6), "blocks": 20, "least_blocks": 6, "shortest_s": 72.0}
    plan |= {"fewest_trials": 12, "most_trials": 12}
    assert rendered(plan)[1] == (
        "2 cells in 6 blocks: 12 trials, about 72.0 s of warm-up and measuring"
    )
    assert rendered({**plan, "cells": []})[1] == "none of its cells can be measured here"


def test_a_plan_shows_which_cpus_servers_and_load_get() -> None:
    pinning = {"server": "0", "load": "1", "why": "the requests are about I/O"}

    assert "cpus        servers on 0, load on 1 (the requests are about I/O)" in rendered(
        {**make_plan(1), "pinning": pinning}
    )
    assert "cpus        not pinned: one core" in rendered(
        {**make_plan(1), "pinning": {"server": None, "load": None, "why": "one core", "more": 1}}
    )


def test_a_plan_shows_what_the_interpreters_are_and_what_is_left_out() -> None:
    plan = make_plan(1)
    for cell in plan["cells"]:
        cell["parameters"]["interpreter"] = "3.13"
    kept = {"path": "/usr/bin/python3.13", "version": "3.13.0", "implementation": "CPython"}
    plan["interpreters"] = {"3.13": {**kept, "gil": True}, "3.6": kept}
    plan["left_out"] = [
        {"label": f"c-uring n={n}", "reason": "c-uring: io_uring\x1b is off"} for n in (1, 2)
    ]
    lines = rendered(plan)

    assert "python      3.13: CPython 3.13.0, with the GIL (/usr/bin/python3.13)" in lines
    assert "left out    c-uring n=1, c-uring n=2 (c-uring: io_uring\\x1b is off)" in lines
    assert not any("3.6" in line for line in lines), "no cell names it"


def test_a_plan_of_which_nothing_can_run_shows_what_is_left_out() -> None:
    plan = {**make_plan(1), "cells": [], "trials": []}
    plan["left_out"] = [{"label": "c-uring", "reason": "c-uring: io_uring is off"}]
    lines = rendered(plan)

    assert "left out    c-uring (c-uring: io_uring is off)" in lines
    assert not any(line.startswith("all cells") for line in lines)


def test_a_plan_shows_what_runs_first_and_what_is_traced() -> None:
    plan = make_plan(1)
    plan["trials"].insert(0, {"block": -1, "cell": "c-null", "role": "ceiling"})
    plan["trials"].append({"block": 0, "cell": "c-sync n=1", "role": "syscalls"})
    lines = rendered(plan)

    assert "first       c-null" in lines
    assert "block 1     c-sync n=1, c-sync n=2, c-sync n=1 (system calls)" in lines


def test_ceilings_do_not_count_as_a_block() -> None:
    plan = make_plan(10)
    plan["trials"].insert(0, {"block": -1, "cell": "c-null", "role": "ceiling"})

    assert "…           and 7 more blocks, each in an order of its own" in rendered(plan)


def with_groups(*texts: str) -> dict[str, Any]:
    plan = make_plan(1)
    for cell, text in zip(plan["cells"], texts, strict=True):
        cell["parameters"]["groups"] = text
    return plan


def test_client_groups_are_described_on_a_line_of_their_own() -> None:
    lines = rendered(with_groups(*["name=small,clients=7,n=1;name=idle,clients=9,idle"] * 2))

    assert "all cells   clients=8, duration=0.7s" in lines
    assert "groups      small: 7 clients, n=1; idle: 9 clients, connected and silent" in lines


def test_client_groups_that_differ_between_cells_are_named_only() -> None:
    texts = (f"name=small,clients=7,n=1;name=slow,clients=1,n={n}" for n in (1, 2))

    assert "groups      small, slow" in rendered(with_groups(*texts))


def test_of_a_long_plan_the_first_blocks_are_shown() -> None:
    stream = io.StringIO()
    render_plan(make_plan(10), (), Console(file=stream, width=80))
    text = stream.getvalue()
    assert "block 3 " in text
    assert "block 4 " not in text
    assert "…           and 7 more blocks, each in an order of its own" in text


def test_a_stream_without_our_signs_gets_plain_ones() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    rows = [{**BACKEND, "teaches": "×2 ± ☃"}]
    render_backends(rows, stream)
    assert b"x2 +/- \\u2603" in raw.getvalue()


def test_before_a_build_that_nothing_is_built_stands_once() -> None:
    rows: list[dict[str, Any]] = [
        {"name": f"c-{n}", "language": "c", "design": "mt", "mechanism": "threads", "serves": "any",
         "available": False, "reason": "not built yet: run `invoke build`"}
        for n in range(33)
    ]  # fmt: skip
    out = io.StringIO()
    render_backends(rows, Console(file=out, width=100, color_system=None))
    assert out.getvalue().count("not built yet") == 1
    assert out.getvalue().count("Not here") == 0
    assert "0 of 33 can run here" in out.getvalue()
    rows[0] |= {"available": True, "reason": None}
    out = io.StringIO()
    render_backends(rows, Console(file=out, width=100, color_system=None))
    assert out.getvalue().count("Not here: not built yet") == 32


def test_interpreters_are_shown_with_nothing_that_a_terminal_obeys() -> None:
    hostile = "3.13\x1b[31m\n\u202e"
    rows: list[dict[str, Any]] = [
        {"write": [hostile, hostile], "path": f"/{hostile}", "default": False, "available": True,
         "reason": None, "version": hostile, "implementation": hostile, "gil": True,
         "free_threaded": True, "subinterpreters": False},
        {"write": [], "path": None, "default": False, "available": False, "reason": hostile},
    ]  # fmt: skip
    for width in (20, 100):
        out = io.StringIO()
        render_interpreters(rows, "advice", Console(file=out, width=width, color_system=None))
        text = out.getvalue()
        assert "\x1b" not in text
        assert "\u202e" not in text
        flat = "".join(text.split())
        assert flat.count(r"3.13\x1b[31m\n\u202e") == 6
        assert "itsGILswitchedon,nosub-interpreters" in flat
        assert flat.endswith("1of2canrunserversinPython,0withoutaGIL,0withsub-interpretersadvice")
