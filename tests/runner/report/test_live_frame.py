# SPDX-License-Identifier: BSD-3-Clause
"""What the view shows, in terminals of any size, and of whatever files and servers say."""

import re
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from tests.runner.report.drawn_runs import Drawn
from tests.runner.sequential_runs import SEQUENTIAL, experiment_of, made_record
from tests.runner.terminals import Terminal
from tests.runner.told_runs import ToldRun

from fibench.experiment import Experiment
from fibench.record import Disturbed, Record
from fibench.report.live.frame import Frame
from fibench.report.live.room import room_for
from fibench.report.live.signs import ASCII, STEP, Signs, signs_of
from fibench.run import Attempt, BlockEnded, LoadStarted, StopRequested, TrialStarted

SIZES = [
    (columns, lines) for columns in (20, 30, 40, 60, 80, 200) for lines in (3, 5, 10, 16, 24, 60)
]
HOSTILE = "[red]\x1b[2J\x1b]0;owned\x07\r\nbold[/red] \u202eevil 漢字 " + "long " * 30


def with_cells(count: int, claims: int = 2) -> Experiment:
    """Many cells, and claims about some of them."""
    text = SEQUENTIAL.replace("n = 27", f"n = {[*range(1, count // 3 + 1)]}", 1)
    head = text.partition("[[claim]]")[0].replace("{ least = 6, most = 12 }", "8")
    sides = ", ".join(f'{{ backend = "{name}", n = 1 }}' for name in ("py-mp", "py-mt"))
    every = (
        f'[[claim]]\nsays = "Claim {one}"\nid = "c{one}"\nmetric = "throughput"\nabove = 1.3\n'
        f"ratio = [{sides}]\n"
        for one in range(claims)
    )
    return experiment_of(head + "".join(every))


def drawn_at(
    monkeypatch: pytest.MonkeyPatch,
    experiment: Experiment,
    columns: int = 80,
    lines: int = 24,
    **more: Any,
) -> Drawn:
    """A run that is in its fourth block, on an empty screen."""
    made = Drawn(ToldRun(experiment), Terminal(columns, lines), monkeypatch, **more)
    for event in made.go():
        if isinstance(event, TrialStarted) and event.trial.block == 3:
            break
    return made


@pytest.mark.parametrize(("cells", "claims"), [(3, 2), (60, 30), (3, 0), (30, 1)])
def test_it_fits_every_terminal(monkeypatch: pytest.MonkeyPatch, cells: int, claims: int) -> None:
    made = drawn_at(monkeypatch, with_cells(cells, claims))
    for columns, lines in SIZES:
        drawn = Frame(Signs()).lines(made.run, columns, lines - 1)
        assert len(drawn) == min(lines - 1, room_for(lines - 1, cells, claims).lines)
        assert max(line.cell_len for line in drawn) <= columns
        head = drawn[0].plain
        assert head.startswith("ma")
        assert "━" in head
        assert ":" in head.rsplit("  ", 1)[-1], "the time is left"


@pytest.mark.parametrize(("columns", "lines"), [(30, 10), (80, 24)])
def test_cells_that_do_not_fit_are_counted_and_the_one_in_hand_is_there(
    monkeypatch: pytest.MonkeyPatch, columns: int, lines: int
) -> None:
    made = Drawn(ToldRun(with_cells(60, 30)), Terminal(columns, lines), monkeypatch)
    for event in made.go():
        if isinstance(event, TrialStarted) and event.trial.role == "measure":
            shown = made.terminal.screen
            rows = [line for line in shown if line.startswith("py-")]
            assert any(line.startswith(event.trial.cell.label[:8]) for line in rows)
            assert f"and {60 - len(rows)} more cells" in shown
            claims = [line for line in shown if line[0] in "✓✗?–" and "Claim" in line]
            assert f"and {30 - len(claims)} more claims" in shown
        if isinstance(event, BlockEnded):
            break


def test_a_run_is_told_in_its_head_its_cells_and_its_claims(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Drawn(ToldRun(experiment_of(SEQUENTIAL)), Terminal(), monkeypatch)
    for event in made.go():
        if isinstance(event, TrialStarted) and event.trial.block == 8:
            break
    shown = made.terminal.screen
    assert shown[0].startswith("made  block 9 of 6 to 12  ━")
    assert shown[0].endswith(" left at most")
    assert shown[1].startswith(f"now   {made.run.now.cell.label}  since ")  # type: ignore[union-attr]
    assert shown[1].endswith(", about 2.2 s")
    assert "they may still turn" in "\n".join(shown)
    clear, near = (line for line in shown if line.startswith(("✓", "?")))
    assert re.match(r"✓ +×1\.[0-9]+  \[1\.[0-9]+, [0-9.]+\] +> 1\.3  ", clear)
    assert clear.endswith("decided: Processes beat threads")
    assert re.match(r"\? +×", near)
    assert near.endswith("  Threads beat one at a time")


def test_what_fails_and_what_is_disturbed_has_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(attempt: Attempt) -> Record:
        made, block = made_record(attempt), attempt.trial.block
        if attempt.trial.cell.backend != "py-mt" or attempt.trial.role != "measure":
            return made
        if block == 0:
            return replace(made, valid=False, reason="wrong", window_opened=True)
        return replace(made, disturbed=Disturbed("steal", "stolen")) if block == 1 else made

    told = ToldRun(with_cells(3), measure)
    made = Drawn(told, Terminal(), monkeypatch)
    for event in made.go():
        if isinstance(event, TrialStarted) and event.trial.block == 3:
            break
    (row,) = (line for line in made.terminal.screen if line.startswith("py-mt"))
    assert "✗!" in row
    assert "·····" in row
    assert "1 failed" in made.terminal.screen[-1]


def test_a_step_up_is_a_twentieth_more() -> None:
    signs = Signs()
    levels = [signs.level(STEP * step, 0.0) for step in (-9, -3, -1, 0, 1, 4, 9)]
    assert levels == ["▁", "▁", "▃", "▄", "▅", "█", "█"]


def test_nothing_that_comes_from_outside_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = with_cells(6)
    cells = tuple(replace(cell, label=HOSTILE + cell.label) for cell in plain.cells)
    labels = {cell.key: cell for cell in cells}
    claims = tuple(replace(one, says=HOSTILE, left=labels[one.left.key]) for one in plain.claims)
    made = drawn_at(monkeypatch, replace(plain, cells=cells, claims=claims), 100)
    text = "\n".join(made.terminal.screen)  # which would have failed over unknown sequences
    assert "[red]\\x1b[2J\\x1b]0" in text
    assert "\u202e" not in text
    assert all(cell_len(line) <= 100 for line in made.terminal.screen)


@pytest.mark.parametrize("colours", [True, False])
def test_no_color_leaves_weights_alone(monkeypatch: pytest.MonkeyPatch, colours: bool) -> None:
    more = {} if colours else {"NO_COLOR": "1"}
    made = drawn_at(monkeypatch, with_cells(3), environment=more)
    codes = {number for code in made.terminal.codes for number in code.split(";")}
    assert {"1", "2"} <= codes
    assert ({"32", "36"} <= codes) is colours
    assert colours or codes <= {"0", "1", "2"}


@pytest.mark.parametrize(
    ("encoding", "environ", "drawn"),
    [
        ("utf-8", {"LANG": "de_AT.UTF-8"}, True),
        ("UTF-8", {"LANG": "C.utf8"}, True),
        ("utf-8", {}, True),
        ("utf-8", {"LANG": "de_AT.UTF-8@euro"}, True),
        ("utf-8", {"LC_ALL": "C", "LANG": "de_AT.UTF-8"}, False),
        ("utf-8", {"LC_CTYPE": "POSIX", "LANG": "de_AT.UTF-8"}, False),
        ("utf-8", {"LANG": "de_AT.ISO-8859-1"}, False),
        ("utf-8", {"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, True),
        ("iso8859-1", {"LANG": "de_AT.UTF-8"}, False),
        ("ascii", {}, False),
        ("no such encoding", {}, False),
    ],
)
def test_what_a_terminal_may_not_have_is_not_drawn(
    encoding: str, environ: dict[str, str], drawn: bool
) -> None:
    assert (signs_of(encoding, environ).levels == Signs().levels) is drawn


def test_without_utf_8_all_is_ascii_and_as_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, plain = (
        drawn_at(monkeypatch, with_cells(3)),
        drawn_at(monkeypatch, with_cells(3), signs=ASCII),
    )
    text = "\n".join(plain.terminal.screen)
    assert text.isascii()
    assert "+/-" in text
    assert len(plain.terminal.screen) == len(drawn.terminal.screen)
    (row,) = (line for line in plain.terminal.screen if line.startswith("py-mt"))
    assert any(level in row for level in ASCII.levels)


def test_who_stops_is_told_what_happens_next(monkeypatch: pytest.MonkeyPatch) -> None:
    made = drawn_at(monkeypatch, with_cells(3), 30, 10)
    made.now_s += 1.0
    made.view(StopRequested())
    assert made.terminal.screen[1].startswith("stopping after  py-m")
    made.view(LoadStarted())
