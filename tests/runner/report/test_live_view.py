# SPDX-License-Identifier: BSD-3-Clause
"""The view of a run on a terminal: when it is drawn, where, and that it leaves nothing behind."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from tests.runner.report.drawn_runs import Drawn
from tests.runner.sequential_runs import SEQUENTIAL, experiment_of, made_record
from tests.runner.terminals import Terminal
from tests.runner.told_runs import FOLDER, ToldRun

from fibench.plan import plan
from fibench.record import Disturbed, Record
from fibench.report.live.view import MOST_A_SECOND
from fibench.run import (
    Attempt,
    LoadEnded,
    LoadStarted,
    Notice,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
)

EXPERIMENT = experiment_of(SEQUENTIAL)
PROMPT = "$ invoke run made"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """Below what a shell and the warnings of a run have left on the screen."""
    made = Drawn(ToldRun(EXPERIMENT), Terminal(), monkeypatch)
    made.terminal.feed(f"{PROMPT}\r\nwarning: this is a busy machine\r\n")
    return made


BEFORE = [PROMPT, "warning: this is a busy machine"]


def test_the_picture_stands_below_what_was_printed_and_goes_without_a_trace(drawn: Drawn) -> None:
    for event in drawn.go():
        if isinstance(event, TrialStarted):
            assert drawn.terminal.screen[:2] == BEFORE
            assert drawn.terminal.screen[2].startswith("made  ")
            assert drawn.terminal.screen[3].startswith(f"now   {event.trial.cell.label}")
    drawn.view.end()
    assert drawn.terminal.screen == BEFORE
    assert (drawn.terminal.row, drawn.terminal.column, drawn.terminal.wraps) == (2, 0, True)


def test_it_has_the_same_height_from_beginning_to_end(drawn: Drawn) -> None:
    rows = {drawn.terminal.row for event in drawn.go() if isinstance(event, TrialStarted)}
    assert len(rows) == 1


def test_nothing_is_written_while_a_window_may_be_open(drawn: Drawn) -> None:
    for event in drawn.go():
        if isinstance(event, LoadStarted):
            writes = len(drawn.writes)
            drawn.now_s += 10.0
            drawn.view(StopRequested())
            drawn.view.draw_anew()
            assert len(drawn.writes) == writes
        elif isinstance(event, LoadEnded):
            assert len(drawn.writes) > writes
            assert "stopping after" in drawn.terminal.screen[3]
    assert drawn.writes


def test_it_is_drawn_at_most_four_times_in_any_second(drawn: Drawn) -> None:
    drawn.step_s = 0.01
    times: list[float] = []
    for _ in drawn.go():
        times += [drawn.now_s] * (len(drawn.writes) - len(times))
    assert len(times) >= 2 * MOST_A_SECOND
    every = zip(times, times[MOST_A_SECOND:], strict=False)
    assert all(later - earlier >= 1.0 - 1e-9 for earlier, later in every)


def test_what_fails_or_is_made_again_stays_above_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measure(attempt: Attempt) -> Record:
        made = made_record(attempt)
        if attempt.trial.index != 1:
            return made
        reason = "the server ended during the trial, with status 3, " + "and more of that " * 5
        return replace(made, valid=False, reason=reason, window_opened=True)

    drawn = Drawn(ToldRun(EXPERIMENT, measure), Terminal(lines=40), monkeypatch)
    drawn.terminal.feed(f"{PROMPT}\r\n")
    noise = replace(made_record(Attempt(plan(EXPERIMENT)[0])), disturbed=NOISE)
    for event in drawn.go():
        if isinstance(event, TrialStarted) and event.trial.index == 0:
            drawn.view(TrialMadeAgain(event.trial, noise))
        if isinstance(event, TrialStarted) and event.trial.index == 3:
            break
    drawn.view.end()
    screen = "".join(f"{line:<80}" for line in drawn.terminal.screen)
    assert "disturbed (1.8 cores were used by others: cc1): measured again" in screen
    assert "FAILED: the server ended during the trial, with status 3, and more" in screen
    assert screen.rstrip().endswith("and more of that and more of that")


NOISE = Disturbed("foreign", "1.8 cores were used by others: cc1")


def test_failed_trials_are_told_at_the_end_if_no_picture_followed(drawn: Drawn) -> None:
    last = None
    for event in drawn.go():
        last = event.trial if isinstance(event, TrialStarted) else last
        if isinstance(event, LoadEnded):
            break
    assert last is not None
    failed = replace(made_record(Attempt(last)), valid=False, reason="it went away")
    drawn.view(TrialFinished(last, failed))
    assert "it went away" not in "".join(drawn.terminal.screen)
    drawn.view.end()
    assert drawn.terminal.screen[-1].endswith("FAILED: it went away")


def test_notices_go_to_standard_error_above_the_picture(
    drawn: Drawn, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn.view(Notice("a new run begins"))
    drawn.go_to(1)
    drawn.view(Notice("not started again: c-mt"))
    assert capsys.readouterr().err == "a new run begins\nnot started again: c-mt\n"
    assert drawn.terminal.screen[2].startswith("made  ")


@pytest.mark.parametrize("columns", [100, 60, 41, 30, 20])
@pytest.mark.parametrize("lines", [60, 24, 10])
def test_a_terminal_of_another_size_gets_another_picture_and_keeps_no_rest(
    drawn: Drawn, columns: int, lines: int
) -> None:
    drawn.terminal.resize(80, 60)
    events = drawn.go()
    for event in events:
        if isinstance(event, TrialStarted) and event.trial.index == 2:
            break
    drawn.terminal.resize(columns, lines)
    fits = drawn.terminal.top == 0
    drawn.now_s += 1.0
    drawn.view.draw_anew()
    text = drawn.terminal.screen  # what has left it at the top is beyond reach
    assert sum(row.startswith("ma") for row in text) == 1, text
    assert sum(row.startswith("now ") for row in text) == 1
    drawn.terminal.resize(80, 60)
    drawn.now_s += 1.0
    drawn.view.draw_anew()
    drawn.view.end()
    assert not fits or drawn.terminal.screen == BEFORE


def test_a_terminal_that_is_made_narrower_just_when_it_is_drawn_keeps_no_rest(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn.terminal.resize(80, 60)
    drawn.go_to(1)

    def then_narrower(text: str) -> None:
        drawn.terminal.feed(text)
        drawn.terminal.resize(30, 60)

    with monkeypatch.context() as patched:
        patched.setattr(drawn.stream, "_heard", then_narrower)
        drawn.now_s += 1.0
        drawn.view.draw_anew()
    drawn.now_s += 1.0
    drawn.view.draw_anew()
    assert sum(row.startswith("made") for row in drawn.terminal.screen) == 1
    drawn.view.end()
    drawn.terminal.resize(80, 60)
    assert drawn.terminal.screen == BEFORE


def test_what_a_person_types_is_drawn_over(drawn: Drawn) -> None:
    drawn.go_to(1)
    drawn.terminal.feed("^C")
    drawn.now_s += 1.0
    drawn.view(StopRequested())
    assert "^C" not in "".join(drawn.terminal.screen)
    assert "Ctrl-C again ends at once" in drawn.terminal.screen[-1]


def test_after_a_stop_it_is_drawn_below_what_the_shell_wrote(drawn: Drawn) -> None:
    drawn.go_to(1)
    drawn.terminal.feed("^Z\r\n[1]+  Stopped\r\n$ fg\r\n")
    drawn.screen.lose_place()
    drawn.now_s += 1.0
    drawn.view.draw_anew()
    place = drawn.terminal.screen.index("[1]+  Stopped")
    assert drawn.terminal.screen[place + 1] == "$ fg"
    assert drawn.terminal.screen[place + 2].startswith("made  ")


class _Stopped(Exception):
    pass


def test_who_is_interrupted_while_it_is_drawn_leaves_the_terminal_as_it_was(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn.go_to(1)

    def half(text: str) -> None:
        drawn.terminal.feed(text[: text.index("blocks")])
        raise _Stopped

    with monkeypatch.context() as patched:
        patched.setattr(drawn.stream, "_heard", half)
        drawn.now_s += 1.0
        with pytest.raises(_Stopped):
            drawn.view.draw_anew()
    assert not drawn.terminal.wraps
    drawn.view.end()
    assert (drawn.terminal.wraps, drawn.terminal.column) == (True, 0)


def test_nothing_is_loaded_that_draws_where_there_is_no_terminal() -> None:
    program = (
        "import sys\n"
        "from fibench.report.live import showing_progress\n"
        "with showing_progress(lambda: None) as listener:\n"
        "    assert type(listener).__name__ == 'Lines', listener\n"
        "drawing = ('rich', 'numpy', 'scipy', 'fibench.report.live.view')\n"
        "assert not [m for m in sys.modules if m.startswith(drawing)]\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_was_closed_stops_no_run(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(text: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(drawn.stream, "_heard", closed)
    assert len(list(drawn.go())) > 50
    drawn.view.end()
    assert drawn.writes == []


def test_a_resumed_run_shows_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Drawn(ToldRun(EXPERIMENT), Terminal(), monkeypatch)
    for event in first.go():
        if isinstance(event, TrialStarted) and event.trial.block == 7:
            break
    told = ToldRun(EXPERIMENT, records=first.told.records, resumed=True)
    second = Drawn(told, Terminal(), monkeypatch)
    second.go_to(1)
    shown = second.terminal.screen
    assert re.fullmatch(rf"resuming [0-9]+/50 of made/{FOLDER.name}", shown[0])
    assert "block 8 of 6 to 12" in shown[1]
    rows = [line for line in shown if line.startswith("py-m")]
    assert len(rows) == 2
    assert all("/s" in row for row in rows)
    assert any("decided: Processes beat threads" in line for line in shown)
