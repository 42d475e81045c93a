# SPDX-License-Identifier: BSD-3-Clause
"""What threads did, in words and as rows of signs in a terminal."""

import io
import re
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console
from tests.runner.thread_times import (
    a_thousand,
    in_processes,
    not_seen,
    one_loop,
    seen,
    turns,
    with_a_gil,
)

from fibench.report.waits.drawn import BLOCKS, render_timeline, squeezed
from fibench.report.waits.said import method_words, sentence_of_waits, wait_totals
from fibench.timeline import COLUMNS, LETTERS, STATES, ThreadTime

HOSTILE = "\x1b[31m\u202e\nx"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def rendered(time: ThreadTime, width: int = 80, *, colours: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, color_system="standard" if colours else None,
        force_terminal=colours, highlight=False,
    )  # fmt: skip
    render_timeline(console, "py-mt", time)
    return out.getvalue()


def rows_of(text: str, names: str = "python3") -> list[str]:
    """The signs of each row, without their name."""
    found = re.compile(rf"^{names}(?: [0-9]+)? (.+)$", re.MULTILINE)
    return found.findall(COLOUR.sub("", text))


SAID = {
    "9 threads: one runs at a time, 76 % of their time they wait for the GIL": with_a_gil(),
    "8 processes: they keep 2.0 cores busy, 75 % of their time they are ready and have no core": (
        in_processes()
    ),
    "one thread: it runs 96 % of its time": one_loop(),
    "one thread: it runs 10 % of its time; 90 % it waits for the network": (
        seen(["n" * 90 + "r" * 10])
    ),
    "one thread: it runs 10 % of its time; 90 % it is ready and has no core": (
        seen(["q" * 90 + "r" * 10])
    ),
    "3 threads: hardly any runs, 100 % of their time they wait for the network": (
        seen(["n" * 100] * 3)
    ),
    "3 threads: they keep 3.0 cores busy, 100 % of their time they run": seen(["r" * 100] * 3),
    "2 threads: they keep 1.0 cores busy, 100 % of their time they run": (
        seen(["r" * 50 + "." * 50, "." * 50 + "r" * 50])
    ),
    "what its threads did is not known: no schedstat": not_seen("no schedstat"),
    "no thread was seen": ThreadTime(None),
}


@pytest.mark.parametrize("said", SAID)
def test_a_sentence_says_what_the_picture_shows(said: str) -> None:
    assert sentence_of_waits(SAID[said]) == said


def test_threads_that_wait_for_the_gil_on_several_cores_are_not_said_to_run_one_at_a_time() -> None:
    rows = ["r" * 50 + "g" * 50] * 4
    assert "2.0 cores busy" in sentence_of_waits(seen(rows))


def test_of_how_many_cores_nothing_is_said_where_not_every_thread_has_a_row() -> None:
    said = sentence_of_waits(a_thousand())
    assert said.startswith("1,000 threads: they run 14 % of their time")
    assert "cores" not in said
    assert "one runs at a time" not in sentence_of_waits(seen(turns(8), more=100))


def test_totals_are_those_of_the_data_and_leave_nothing_out() -> None:
    totals = wait_totals(with_a_gil())
    assert [total.state for total in totals] == ["running", "gil", "network", None]
    assert sum(total.share for total in totals) == pytest.approx(1.0)
    assert totals[-1].name == "not accounted for"
    too_much = wait_totals(seen(["r" * 10], residual=-0.02))
    assert (too_much[-1].name, too_much[-1].said) == ("accounted for twice", "2 %")


def test_it_is_said_how_it_was_seen_what_is_not_drawn_and_what_is_not_known() -> None:
    assert method_words(with_a_gil()) == [
        "from 990 samples a second, over 0.40 s of an untimed trial"
    ]
    switches = replace(with_a_gil(), source="switches")
    assert "every switch that the kernel made" in method_words(switches)[0]
    assert method_words(a_thousand())[1:] == [
        "976 more threads not drawn",
        "who holds locks: not told",
    ]


def test_in_letters_each_thread_has_a_row_with_its_letters() -> None:
    rows = rows_of(rendered(with_a_gil(), width=200))
    assert rows == [row.columns for row in with_a_gil().rows]


def test_in_colours_each_row_has_the_blocks_of_its_letters() -> None:
    blocks = {
        sign: [state for state in STATES if BLOCKS[state][0] == sign] for sign, _ in BLOCKS.values()
    }
    text = rendered(with_a_gil(), width=200, colours=True)
    for drawn, row in zip(rows_of(text), with_a_gil().rows, strict=True):
        assert len(drawn) == len(row.columns)
        for sign, letter in zip(drawn, row.columns, strict=True):
            assert letter in {LETTERS[state] for state in blocks[sign]}


def test_states_of_one_height_differ_in_colour() -> None:
    assert len(set(BLOCKS.values())) == len(BLOCKS)


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("colours", [False, True])
def test_nothing_is_wider_than_the_terminal(width: int, colours: bool) -> None:
    for time in (with_a_gil(), in_processes(), one_loop(), a_thousand(HOSTILE)):
        lines = COLOUR.sub("", rendered(time, width, colours=colours)).splitlines()
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [70, 30, 1])
def test_squeezed_into_fewer_columns_every_state_keeps_its_share(width: int) -> None:
    for row in a_thousand().rows:
        narrow = squeezed(row.columns, width)
        assert len(narrow) == width
        wide, found = Counter(row.columns), Counter(narrow)
        for letter, count in wide.items():
            assert found[letter] / width == pytest.approx(count / COLUMNS, abs=2.0 / width)


def test_a_column_has_a_state_of_its_own_moments() -> None:
    row = "r" * 75 + "n" * 75
    narrow = squeezed(row, 50)
    assert narrow == "r" * 25 + "n" * 25


def test_a_thread_that_was_not_there_is_told_from_one_that_was() -> None:
    time = seen(["..rr", "ss.."], names=["a", "b"])
    assert rows_of(rendered(time), "[ab]") == ["..rr", "ss.."]
    assert rows_of(rendered(time, colours=True), "[ab]") == ["  ██", "▁▁"]


def test_without_rows_there_is_a_sentence() -> None:
    for time in (ThreadTime(None), not_seen("hidepid")):
        text = rendered(time)
        assert sentence_of_waits(time) in text.replace("\n", " ")
        assert "0 s" not in text


def test_names_that_threads_gave_themselves_are_harmless() -> None:
    text = rendered(a_thousand(HOSTILE))
    assert "\x1b" not in text
    assert "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("\\x1b[3")]
    assert len(rows) == len(a_thousand().rows)
    assert {row.partition(" ")[2].partition(" ")[0] for row in rows} == {
        str(n) for n in range(1, 25)
    }


def test_where_no_colours_are_wanted_there_are_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = rendered(with_a_gil(), colours=True)
    assert rows_of(text)[0].strip("rg") == ""
    assert "█" not in text


def test_where_the_terminal_has_no_blocks_there_are_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    console = Console(file=out, width=80, color_system="standard", force_terminal=True)
    render_timeline(console, "", with_a_gil())
    out.seek(0)
    assert rows_of(out.read())[0].strip("rg") == ""


def test_what_each_sign_is_stands_beside_how_much_of_it_there_is() -> None:
    text = rendered(with_a_gil())
    assert re.search(r"^ +r  +11 %  runs$", text, re.MULTILINE)
    assert re.search(r"^ +g  +76 %  waits for the GIL$", text, re.MULTILINE)
    assert re.search(r"^ +2 %  not accounted for$", text, re.MULTILINE)
