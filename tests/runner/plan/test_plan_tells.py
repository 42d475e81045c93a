# SPDX-License-Identifier: BSD-3-Clause
"""What a plan says of claims before anything is measured: which there are, and which cannot be
decided."""

import io
import json

import pytest
from rich.console import Console
from tests.runner.desk import Desk
from tests.runner.experiments import KNOWN, parse

from fibench.plan.advice import warnings
from fibench.report import render_plan

SHORT = """\
title = "low blocks, short, p99 claim"
[matrix]
backend = ["py-mt", "py-mp"]
clients = 4
[load]
n = 25
duration = "{duration}"
[plan]
timelines = false
blocks = {blocks}
[[claim]]
says = "latency"
ratio = [{{ backend = "py-mp" }}, {{ backend = "py-mt" }}]
metric = "{metric}"
below = 1
"""


def advice(duration: str = "100ms", blocks: int = 2, metric: str = "p99", more: str = "") -> str:
    text = SHORT.format(duration=duration, blocks=blocks, metric=metric).replace(
        "[load]", f"{more}\n[load]"
    )
    return "\n".join(warnings(parse(text), KNOWN, 2))


def test_two_blocks_and_a_p99_of_twenty_replies_are_warned_of() -> None:
    told = advice().splitlines()
    assert told[0].startswith("of 2 blocks no claim has a verdict: that takes 5")
    assert told[1] == (
        '"latency": p99 needs 1000 replies in every trial, and py-mp gives about 26 in 0.1s: '
        "--duration 6s would do"
    )


@pytest.mark.parametrize(
    ("duration", "metric", "more"),
    [
        ("10s", "p99", ""),
        ("100ms", "throughput", ""),
        ("100ms", "cores", ""),
        ("1s", "p50", ""),
        ("10s", "p99", '[server]\nframing = "line"'),
    ],
)
def test_what_can_be_decided_is_not(duration: str, metric: str, more: str) -> None:
    assert "needs 1000 replies" not in advice(duration, 6, metric, more)


def test_waiting_bounds_what_a_closed_loop_gives_as_computing_does() -> None:
    told = advice("1s", 6, "p99", '[server]\nio_wait = "100ms"').replace("n = 25", "n = 1")
    assert "gives about 37 in 1s" in told


def test_plan_lists_what_is_to_be_judged(desk: Desk) -> None:
    done = desk.invoke("plan", "gil")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "claim Processes beat threads when the work is CPU-bound Python: throughput" in told
    listed = json.loads(desk.invoke("plan", "gil", "--json").stdout)["to_judge"]
    assert len(listed) == 8
    assert {one.keys() == {"id", "says", "judged"} for one in listed} == {True}


def test_hostile_words_of_a_claim_are_shown_as_text() -> None:
    out = io.StringIO()
    document = {
        "title": "t", "cells": [], "trials": [], "blocks": 1, "expected_s": 1.0,
        "to_judge": [{"id": "a", "says": "[red]a\x1b[2J", "judged": "x"}],
    }  # fmt: skip
    render_plan(document, (), Console(file=out, width=80, color_system=None))
    assert "[red]a\\x1b[2J" in out.getvalue()
