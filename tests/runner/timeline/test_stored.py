# SPDX-License-Identifier: BSD-3-Clause
"""Thread-time as a record keeps it: it comes back as it was, and nothing else comes back as it."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.json_values import Json
from fibench.timeline import (
    COLUMNS,
    LETTERS,
    NOT_THERE,
    ROWS,
    STATES,
    Row,
    State,
    ThreadTime,
    read_thread_time,
)
from fibench.timeline.runs import letters_of, run_lengths

LETTER = st.sampled_from((*LETTERS.values(), NOT_THERE))
NOBODY: dict[State, float] = {}
ALL: dict[State, float] = {"running": 1.0}
MOST: dict[State, float] = {"running": 0.5, "gil": 0.375}
KNOWN = ThreadTime(
    absent=None,
    source="samples",
    rate_hz=998.5,
    wall_s=0.3,
    threads=2,
    shares={"running": 0.5, "gil": 0.375, "network": 0.0},
    slices=(ALL, *(MOST,) * 8, NOBODY),
    residual=0.125,
    rows=(Row(7, 7, "py-mt", "r" * 90 + "g" * 60), Row(7, 8, "a\x1b b", "." * 149 + "q")),
    rows_left_out=3,
    unknown=("how long they were ready: the kernel has no schedstat",),
)


def through_json(time: ThreadTime) -> Json:
    document: Json = json.loads(json.dumps(time.as_document(), allow_nan=False))
    return document


@pytest.mark.parametrize("time", [KNOWN, ThreadTime(absent="this kernel does not tell")])
def test_what_is_written_comes_back_as_it_was(time: ThreadTime) -> None:
    assert read_thread_time(through_json(time)) == time


def test_columns_are_written_by_their_run_lengths() -> None:
    rows = KNOWN.as_document()["rows"]
    assert isinstance(rows, list)
    assert rows[0] == {"pid": 7, "tid": 7, "name": "py-mt", "columns": "90r60g"}


@given(st.text(LETTER, max_size=COLUMNS))
def test_letters_come_back_from_their_run_lengths(letters: str) -> None:
    written = run_lengths(letters)
    assert len(written) <= max(1, len(letters))
    assert letters_of(written, COLUMNS) == letters


@pytest.mark.parametrize(
    "written", ["151r", "999r" * 400, "0r", "-1r", "1E3r", "12", "r12", "R", "١r", "0999999r", " r"]
)
def test_what_is_no_row_is_refused_and_never_made_longer(written: str) -> None:
    assert letters_of(written, COLUMNS) is None


def bad(**changed: object) -> dict[str, Any]:
    return {**KNOWN.as_document(), **changed}


ROW = {"pid": 1, "tid": 1, "name": "x", "columns": "r"}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "is no object"),
        ([], "is no object"),
        ({"absent": 3}, "'absent'"),
        ({"absent": "x" * 10_000}, "'absent'"),
        (bad(source="guesses"), "no source"),
        (bad(source=["samples"]), "no source"),
        (bad(rate_hz=math.nan), "'rate_hz'"),
        (bad(rate_hz=None), "'rate_hz'"),
        (bad(wall_s=-1), "'wall_s'"),
        (bad(wall_s=10**400), "'wall_s'"),
        (bad(threads=True), "'threads'"),
        (bad(threads=1.5), "'threads'"),
        (bad(threads=2**60), "'threads'"),
        (bad(shares={"dreaming": 0.875}), "unknown states"),
        (bad(shares={"running": 1.5}), "'running'"),
        (bad(shares={"running": 0.5}), "add up to 1"),
        (bad(shares={"running": 0.9, "gil": 0.9}, residual=-0.8), "more of it than"),
        (bad(residual=math.inf), "'residual'"),
        (bad(slices=[{}] * 9), "10 slices"),
        (bad(slices=[{}] * 9 + [None]), "unknown states"),
        (bad(rows=[ROW] * (ROWS + 1)), "'rows'"),
        (bad(rows=["r"]), "no object"),
        (bad(rows=[{**ROW, "columns": "9" * 10_000}]), "'columns'"),
        (bad(rows=[{**ROW, "columns": "999r"}]), "other columns"),
        (bad(rows=[{**ROW, "columns": "z"}]), "other columns"),
        (bad(rows=[{**ROW, "name": "x" * 65}]), "'name'"),
        (bad(rows=[{**ROW, "tid": -1}]), "'tid'"),
        (bad(rows=[ROW, {**ROW, "columns": "rr"}]), "several lengths"),
        (bad(unknown=["x"] * 17), "'unknown'"),
        (bad(unknown=[None]), "'unknown'"),
    ],
)
def test_what_is_not_so_is_said(document: Json, says: str) -> None:
    found = read_thread_time(document)
    assert isinstance(found, str)
    assert says in found
    assert found.isprintable()
    assert len(found) < 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from((*KNOWN.as_document(), *STATES, "absent")), inner, max_size=4
            )
        ),
        max_leaves=10,
    )
)
def test_anything_is_read_or_refused(value: Any) -> None:
    changed: Any = {**KNOWN.as_document(), **value} if isinstance(value, dict) else value
    found = read_thread_time(changed)
    if isinstance(found, ThreadTime):
        assert found == replace(found)
        assert read_thread_time(through_json(found)) == found
    else:
        assert found.startswith("its thread-time ")
