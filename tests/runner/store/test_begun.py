# SPDX-License-Identifier: BSD-3-Clause
"""What was begun is kept before it is made, and tells what was broken off and what was cut."""

import json
from pathlib import Path

import pytest
from tests.runner.stored_runs import make_run, places_with

from fibench.store import StoredError, journal, read_run
from fibench.store.begun import (
    BEGUN,
    Begun,
    begun_again,
    cut_lines,
    last_session,
    read_begun,
    tell_begun,
)
from fibench.store.stops import STOPS, tell_end

LINES = [
    Begun(1, "b000-a", 0, 1), Begun(1, "b000-b", 0, 1), Begun(1, "b001-a", 1, 1),
    Begun(2, "b001-a", 1, 1), Begun(2, "b001-b", 1, 1), Begun(2, "b002-b", 2, 1),
]  # fmt: skip
"""Of the second block the first trial was begun twice; the last one goes on."""
CUT = "lines were cut from trials.jsonl"
ENDED = [("b000-a", 1), ("b000-b", 1), ("b001-a", 1), ("b001-b", 1)]


def _kept(folder: Path, lines: list[Begun]) -> Path:
    for one in lines:
        tell_begun(folder, one)
    return folder


def test_what_is_begun_is_read_back_with_what_has_ended_of_one_number_the_last(
    tmp_path: Path,
) -> None:
    found = read_begun(_kept(tmp_path, LINES), ENDED)
    assert [(one.session, one.trial, one.ended) for one in found] == [
        (1, "b000-a", True), (1, "b000-b", True), (1, "b001-a", False),
        (2, "b001-a", True), (2, "b001-b", True), (2, "b002-b", False),
    ]  # fmt: skip
    assert last_session(found) == 2
    (line, *_) = (tmp_path / BEGUN).read_text().splitlines()
    assert set(json.loads(line)) == {
        "schema", "session", "trial", "block", "attempt", "begun_at", "sha256",
    }  # fmt: skip


def test_without_the_file_nothing_is_known(tmp_path: Path) -> None:
    assert read_begun(tmp_path) == ()
    assert last_session(()) == 0


def test_what_was_begun_again_is_told_and_what_goes_on_is_not(tmp_path: Path) -> None:
    found = read_begun(_kept(tmp_path, LINES), ENDED)
    assert begun_again(found) == [(1, 1)]
    assert begun_again(read_begun(tmp_path, [])) == [(1, 1)], "block 1 and 3 were not begun again"


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (ENDED, []),
        (
            ENDED[:-1],
            [f"{CUT}: 1 trial was begun, and others after, and has no line"],
        ),
        (
            ENDED[1:-1],
            [f"{CUT}: 2 trials were begun, and others after, and have no line"],
        ),
        (
            [("b000-z", 1), *ENDED, ("b001-c", 1)],
            ["lines were cut from begun.jsonl: 1 trial has a line in trials.jsonl and none there"],
        ),
    ],
)
def test_a_journal_that_lacks_what_was_begun_before_another_one_was_cut(
    tmp_path: Path, ended: list[tuple[str, int]], said: list[str]
) -> None:
    """What stands before all that was begun is of a version that did not tell."""
    found = read_begun(_kept(tmp_path, LINES), ended)
    assert cut_lines(found, ended, told=True) == said


def test_a_file_that_was_removed_is_missed_where_the_sessions_tell_of_it(tmp_path: Path) -> None:
    assert cut_lines((), ENDED, told=False) == []
    run = make_run(tmp_path / "gil" / "2026-11-24T2255-63e1")
    tell_end(run, "ended")
    assert read_run(run, places_with(tmp_path)).remarks == []
    (run / STOPS).unlink()
    for record in journal.read(run / "trials.jsonl").records:
        trial, block = record["trial"], record["block"]
        assert isinstance(trial, str)
        assert isinstance(block, int)
        tell_begun(run, Begun(1, trial, block, 1))
    tell_end(run, "ended")
    assert read_run(run, places_with(tmp_path)).remarks == []
    (run / BEGUN).unlink()
    assert read_run(run, places_with(tmp_path)).remarks == ["begun.jsonl was removed, or emptied"]


@pytest.mark.parametrize("lie", ["link", "folder", "newer"])
def test_what_is_no_such_file_is_named(tmp_path: Path, lie: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / BEGUN
    if lie == "link":
        (tmp_path / "other").write_text("")
        path.symlink_to(tmp_path / "other")
    elif lie == "folder":
        path.mkdir()
    else:
        journal.append(path, {"schema": 2, "session": 1})
    with pytest.raises(StoredError, match=BEGUN):
        read_begun(folder)


@pytest.mark.parametrize(
    "wrong",
    [
        {"session": 0}, {"session": "1"}, {"session": True}, {"trial": 3}, {"block": -3},
        {"block": None}, {"attempt": 0}, {"attempt": 1.5}, {"attempt": 10**12},
    ],
)  # fmt: skip
def test_a_line_that_says_no_attempt_is_left_out(tmp_path: Path, wrong: dict[str, object]) -> None:
    whole = {"schema": 1, "session": 1, "trial": "b000-a", "block": 0, "attempt": 1}
    journal.append(tmp_path / BEGUN, {**whole, **wrong})
    journal.append(tmp_path / BEGUN, {**whole, "attempt": 2})
    assert read_begun(tmp_path) == (Begun(1, "b000-a", 0, 2),)


def test_a_line_that_a_crash_has_torn_is_none(tmp_path: Path) -> None:
    _kept(tmp_path, LINES)
    path = tmp_path / BEGUN
    path.write_bytes(path.read_bytes()[:-9])
    assert len(read_begun(tmp_path)) == len(LINES) - 1
    tell_begun(tmp_path, LINES[-1])
    assert len(read_begun(tmp_path)) == len(LINES)
