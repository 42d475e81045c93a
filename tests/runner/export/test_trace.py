# SPDX-License-Identifier: BSD-3-Clause
"""Chrome's trace events of a run: what Perfetto and chrome://tracing need to load it."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.export.outcome_runs import ANY_TEXT, Saying
from tests.runner.judged_runs import judged_run

from fibench.export import exported
from fibench.export.trace import trial_spans
from fibench.record import GeneratorSide, Record, ServerSide, Times
from fibench.verdict import Review

Event = Mapping[str, Any]


def traced(judged: Review) -> tuple[Mapping[str, Any], Sequence[Event]]:
    """The document and its events, held to the format."""
    document = json.loads(exported(judged, "trace"))
    events = document["traceEvents"]
    for event in events:
        assert {"ph", "name", "pid", "tid"} <= event.keys()
        assert event["ph"] in ("X", "i", "M")
        assert type(event["name"]) is str
        assert {type(event["pid"]), type(event["tid"])} == {int}
        if event["ph"] != "M":
            assert event["ts"] >= 0.0
        if event["ph"] == "X":
            assert event["dur"] >= 0.0
    return document, events


def rows(events: Sequence[Event]) -> Mapping[tuple[int, int], list[Event]]:
    found = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            found[event["pid"], event["tid"]].append(event)
    return found


def names(events: Sequence[Event], kind: str) -> Mapping[tuple[int, int], str]:
    return {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event["ph"] == "M" and event["name"] == kind
    }


def overlapping(events: Sequence[Event]) -> list[tuple[Event, Event]]:
    """Slices of a row of which one neither ends before the other begins nor lies within it: no
    reader can draw them."""
    ordered = sorted(events, key=lambda one: (one["ts"], -one["dur"]))
    open_: list[Event] = []
    found = []
    for event in ordered:
        ends = event["ts"] + event["dur"]
        open_ = [one for one in open_ if one["ts"] + one["dur"] > event["ts"] + 0.15]
        found += [(one, event) for one in open_ if one["ts"] + one["dur"] < ends - 0.15]
        open_.append(event)
    return found


def test_every_attempt_stands_in_the_row_of_its_cell(outcomes: Review) -> None:
    _, events = traced(outcomes)
    called = names(events, "thread_name")
    trials = [event for event in events if event.get("cat") == "trial"]
    assert len(trials) == len(outcomes.run.attempts)
    labels = {cell.label for cell in outcomes.run.experiment.cells}
    assert {called[2, event["tid"]] for event in trials} >= labels
    for event in trials:
        record = next(one for one in outcomes.run.attempts if one.index == event["args"]["index"])
        assert event["name"].startswith(record.label)
        assert event["name"].endswith(": failed") == (not record.valid)
        assert event["dur"] <= record.times.wall_s * 1e6 + 0.1
        figures = event["args"]["metrics"]
        assert figures == {k: v for k, v in record.metrics.items() if v is not None}


def test_phases_fill_their_trial_in_order(outcomes: Review) -> None:
    _, events = traced(outcomes)
    for own in rows(events).values():
        trials = [event for event in own if event["cat"] == "trial"]
        for trial in trials:
            ends = trial["ts"] + trial["dur"]
            inside = [
                event
                for event in own
                if event["cat"] == "phase" and trial["ts"] <= event["ts"] < ends
            ]
            assert [event["name"] for event in inside] in (
                [],
                ["start and check", "window"],
                ["start and check", "warm-up", "window"],
            )
            for first, second in pairwise(inside):
                assert first["ts"] + first["dur"] == pytest.approx(second["ts"], abs=0.15)
            if inside:
                assert inside[0]["ts"] == trial["ts"]
                assert inside[-1]["ts"] + inside[-1]["dur"] == pytest.approx(ends, abs=0.15)


def test_rows_have_names_and_nothing_in_them_overlaps(outcomes: Review) -> None:
    _, events = traced(outcomes)
    called, groups = names(events, "thread_name"), names(events, "process_name")
    assert sorted(groups.values()) == ["cells", "run"], "nothing is known of CPUs"
    for row, own in rows(events).items():
        assert row in called
        assert overlapping(own) == []
    blocks = [event["name"] for event in events if event.get("cat") == "block"]
    made = dict.fromkeys(one.block for one in outcomes.run.attempts)
    assert len(blocks) == len(made)
    assert f"block {max(made) + 1}" == blocks[-1]


def test_what_disturbed_a_trial_is_told_at_its_end(outcomes: Review) -> None:
    _, events = traced(outcomes)
    told = [event["name"] for event in events if event["ph"] == "i"]
    assert set(told) == {"disturbed: 0.7 s were stolen"}
    assert len(told) == sum(one.disturbed is not None for one in outcomes.run.attempts)


def test_cpus_have_who_had_them(tmp_path: Path) -> None:
    judged = judged_run(tmp_path / "run")
    attempts = [
        replace(one, server=ServerSide(cpus="0,2"), generator=GeneratorSide("1-2"))
        for one in judged.run.attempts
    ]
    attempts[0] = replace(attempts[0], server=ServerSide(cpus="no set of CPUs"))
    _, events = traced(replace(judged, run=replace(judged.run, attempts=attempts)))
    called = names(events, "thread_name")
    assert names(events, "process_name")[3, 0] == "CPUs"
    assert [called[3, cpu + 1] for cpu in range(3)] == ["CPU 0", "CPU 1", "CPU 2"]
    own = [event for event in events if event.get("cat") == "cpu"]
    said = {(event["tid"] - 1, event["name"].partition(":")[0]) for event in own[2:]}
    assert said == {(0, "server"), (1, "load"), (2, "server and load")}
    assert len(own) == 3 * (len(attempts) - 1) + 2


def test_a_run_without_trials_is_an_empty_time_line(tmp_path: Path) -> None:
    judged = judged_run(tmp_path / "run")
    empty = replace(judged, run=replace(judged.run, attempts=(), records=[]))
    _, events = traced(empty)
    assert {event["ph"] for event in events} == {"M"}


@given(ANY_TEXT)
def test_whatever_is_said_it_stays_in_the_format(made: Saying, text: str) -> None:
    judged = made(text)
    document, _ = traced(judged)
    assert len(document["otherData"]["claims"]) == len(judged.verdicts)


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0.0, 10.0)), max_size=8))
def test_no_trial_begins_before_the_one_before_has_ended(
    made: Saying, times: list[tuple[int, float]]
) -> None:
    """Whatever the clock did meanwhile."""
    record: Record = made("").run.records[0]
    records = [
        replace(
            record,
            started_at=f"2026-11-24T22:00:0{milliseconds // 1000}.{milliseconds % 1000:03d}+00:00",
            times=Times(wall_s, wall_s),
        )
        for milliseconds, wall_s in times
    ]
    spans = trial_spans(records)
    assert len(spans) == len(records)
    assert all(one.begins <= one.ends <= two.begins for one, two in pairwise(spans))
    assert not spans or spans[0].begins == 0.0
