# SPDX-License-Identifier: BSD-3-Clause
"""Servers whose capacity is known, asked for more and for less: what is certain of that."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fibench.trial import _gates as gates
from fibench.trial.answer import Answer, read_answer
from fibench.trial.overload import fell_behind, latencies, spans_of

from .conftest import Program, running
from .estimator import check_percentiles

LINE = ("--framing", "line")
DELAY_S = 0.01
ONE = gates.AvailableCores(server=1, load=1)


@pytest.fixture
def serial_port(programs: Path) -> Iterator[int]:
    """The port of a server that takes 10 ms for each request, one at a time: 100/s at most.

    A fresh one for each load: it still serves what the one before has left.
    """
    options = ("--delays", f"{DELAY_S * 1000:g}", "--serial")
    with running(programs / "delay_server", *options, is_hurried=True) as (port, _):
        yield port


def load(fibload: Program, port: int, *options: str) -> Answer:
    told = fibload.load(port, *LINE, "--clients", "64", "--warmup", "0.3", *options)
    assert told.status == 0, told.reasons
    check_percentiles(told)
    return read_answer(told.report)


def idle(answer: Answer) -> Answer:
    """The same of a generator that had a core for itself, whatever this machine did."""
    own = replace(answer.own, cpu_user_ns=1, cpu_system_ns=1, run_delay_ns=0)
    return replace(answer, own=own)


def loop_of(answer: Answer) -> Any:
    loop = answer.groups[0].open_loop
    assert loop is not None
    return loop


@pytest.mark.parametrize("seed", ["1", *(pytest.param(s, marks=pytest.mark.long) for s in "23")])
def test_twice_the_capacity_is_saturated(fibload: Program, serial_port: int, seed: str) -> None:
    answer = load(fibload, serial_port, "--rate", "200", "--duration", "2", "--seed", seed)
    loop, spans = loop_of(answer), spans_of(answer)
    assert fell_behind(loop, spans)
    # No reply comes sooner than the server gives it.
    assert loop.fastest_ns >= DELAY_S * 1e9 * 0.998
    loaded_s = spans.warmup_s + spans.window_s
    assert answer.total.counts["ok"] <= loaded_s / DELAY_S + 1
    known, bounds = latencies(answer.total, behind=True)
    assert set(known.values()) == {None}
    # The k-th of those that are due at 5 k ms is answered at 10 k ms: 0.3 s have passed when the
    # window begins, and those that are answered in it have waited for more than 0.1 s each.
    assert bounds["p50_s"].at_least > 0.1
    assert bounds["p50_s"].at_most is None
    if loop.unnoticed <= 0.01 * loop.due:
        checked = gates.check(idle(answer), ONE, 0.01)
        assert checked.generator_bound is None
        assert checked.saturated is not None
        assert checked.saturated.answered_per_s < 0.75 * checked.saturated.due_per_s


def test_a_fifth_of_the_capacity_is_not(hurried_fibload: Program, serial_port: int) -> None:
    answer = load(hurried_fibload, serial_port, "--rate", "20", "--duration", "3")
    assert not fell_behind(loop_of(answer), spans_of(answer))
    checked = gates.check(idle(answer), ONE, 0.01)
    assert checked.saturated is None


def test_two_clients_are_too_few_whatever_the_server(fibload: Program, programs: Path) -> None:
    with running(programs / "delay_server", "--delays", "50") as (port, _):
        told = fibload.load(
            port, *LINE, "--clients", "2", "--rate", "200", "--warmup", "0.3", "--duration", "1"
        )
    answer = read_answer(told.report)
    assert fell_behind(loop_of(answer), spans_of(answer))
    if loop_of(answer).unnoticed <= 2:
        bound = gates.check(idle(answer), ONE, 0.01).generator_bound
        assert bound is not None
        assert bound.startswith("2 clients are too few for 200/s: no reply took less than ")
