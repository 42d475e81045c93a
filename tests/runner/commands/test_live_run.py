# SPDX-License-Identifier: BSD-3-Clause
"""`run` as somebody sees it who sits at a terminal, or at one that can do little."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from tests.here import CHECKOUT, program
from tests.processes import PATIENCE_S, ending
from tests.runner.desk import INVOKE, SMALL, Desk
from tests.runner.terminals import Terminal

BEGIN_OF_PICTURE, END_OF_PICTURE = "\x1b[?7l", "\x1b[?7h"
DONE = (0, 3, 4)
"""Every trial was measured, whatever the claims have come to."""
CURSOR_HIDDEN, OTHER_SCREEN = "\x1b[?25l", "\x1b[?1049h"


@dataclass
class Seat:
    """Who sits at a terminal at which a command runs."""

    process: "subprocess.Popen[bytes]"
    hand: int
    """The other side of the terminal."""
    terminal: Terminal
    text: str = ""
    held: bytes = b""

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Read what is written, until something is to be seen, or nothing is written any more."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not until():
            ready, _, _ = select.select([self.hand], [], [], deadline_s - time.monotonic())
            assert ready, f"{PATIENCE_S:g} s, and nothing new on the terminal:\n{self.text[-2000:]}"
            try:
                self.held += os.read(self.hand, 65536)
            except OSError:  # nobody has it open any more
                return
            # A sequence, or a sign, that is not whole yet waits for its rest.
            cut = re.search(rb"(\x1b(\[[?0-9;]*)?|[\xc0-\xff][\x80-\xbf]{0,2})$", self.held)
            whole = self.held[: cut.start()] if cut else self.held
            try:
                text = whole.decode()
            except UnicodeDecodeError:
                continue
            self.held = self.held[len(whole) :]
            self.text += text
            self.terminal.feed(text)

    def resize(self, columns: int, lines: int) -> None:
        """As who drags a corner of the window."""
        self.terminal.resize(columns, lines)
        fcntl.ioctl(self.hand, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        """As who presses them."""
        os.write(self.hand, keys)

    def end(self) -> int:
        """Read to the end; returns the exit status."""
        self.watch()
        return self.process.wait(PATIENCE_S)


@contextmanager
def at_a_terminal(
    desk: Desk,
    *words: str,
    under: Sequence[str] = (),
    size: tuple[int, int] = (80, 24),
    said: Mapping[str, str] | None = None,
) -> Iterator[Seat]:
    """`invoke` with these words, as the only one at a terminal of its own; what is `said` is in
    the environment."""
    extra = said or {}
    columns, lines = size
    hand, place = pty.openpty()
    fcntl.ioctl(place, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {**desk.environment(), "TERM": "xterm-256color", "LANG": "C.UTF-8", **extra}
    for name in ("COLUMNS", "LINES", "CI", "NO_COLOR", "FORCE_COLOR", "LC_ALL"):
        if name not in extra:
            environment.pop(name, None)
    argv = [str(program("setsid")), "--ctty", *under, *INVOKE, *words]
    with ending(
        subprocess.Popen(
            argv, cwd=CHECKOUT, env=environment, stdin=place, stdout=place, stderr=place
        )
    ) as process:
        os.close(place)
        try:
            yield Seat(process, hand, Terminal(columns, lines))
        finally:
            os.close(hand)


def small(desk: Desk, blocks: int) -> str:
    return str(desk.write(SMALL.format(blocks=blocks, above=1)))


def in_hand(seat: Seat) -> bool:
    """Whether a trial is, by what is to be seen."""
    return any(re.match("now   c-(sync|mt) ", line) for line in seat.terminal.screen)


def bar_of(seat: Seat) -> int:
    """How long the bar is that was drawn last, in columns."""
    whole = seat.text.rpartition(END_OF_PICTURE)[0].rpartition(BEGIN_OF_PICTURE)[2]
    return whole.count("━") + whole.count("─")


@pytest.mark.needs("setsid")
def test_a_run_is_drawn_while_it_lasts_and_its_report_stands_alone(desk: Desk) -> None:
    with at_a_terminal(desk, "run", small(desk, 2)) as seat:
        seat.watch(lambda: in_hand(seat))
        assert any("block 1 of 2" in line for line in seat.terminal.screen)
        assert any("they may still turn" in line for line in seat.terminal.screen)
        seat.watch(lambda: any("block 2 of 2" in line for line in seat.terminal.screen))
        (row,) = [line for line in seat.terminal.screen if line.startswith("c-sync ")]
        assert "MiB" in row, "what the claim is about"
        assert seat.end() in DONE
    text = "\n".join(seat.terminal.rows)
    assert "One small block" in text
    assert "results: " in text
    assert "block 2 of 2" not in text
    assert not re.search(r"^\[ *[0-9]+/[0-9]+\]", text, re.MULTILINE)
    assert CURSOR_HIDDEN not in seat.text
    assert OTHER_SCREEN not in seat.text
    assert seat.terminal.wraps


@pytest.mark.needs("setsid")
def test_it_follows_the_size_of_the_terminal_and_ctrl_c_leaves_it_as_it_was(desk: Desk) -> None:
    with at_a_terminal(desk, "run", small(desk, 30)) as seat:
        seat.watch(lambda: in_hand(seat))
        for columns, bars in ((30, range(6, 16)), (60, range(16, 35)), (100, range(40, 41))):
            before = seat.text.count(END_OF_PICTURE)  # what comes late would be of the old size
            seat.watch(lambda n=before: seat.text.count(END_OF_PICTURE) > n)  # type: ignore[misc]
            seat.resize(columns, 60)
            seat.watch(lambda bars=bars: bar_of(seat) in bars)  # type: ignore[misc]
            heads = [line for line in seat.terminal.screen if line.startswith("small  ")]
            assert len(heads) == 1, seat.terminal.screen
            assert len(heads[0]) <= columns
        seat.type(b"\x03")
        check_an_interrupted_end(seat)


@pytest.mark.needs("setsid")
def test_a_second_ctrl_c_leaves_the_terminal_as_it_was_too(desk: Desk) -> None:
    with at_a_terminal(desk, "run", small(desk, 30)) as seat:
        seat.watch(lambda: in_hand(seat))
        for _ in range(2):
            seat.type(b"\x03")
        check_an_interrupted_end(seat)


def check_an_interrupted_end(seat: Seat) -> None:
    """Fail unless a run that was interrupted leaves the terminal as it was."""
    assert seat.end() == 128 + signal.SIGINT
    text = "\n".join(seat.terminal.rows)
    assert "resumesit" in "".join(text.split()), "whichever place the terminal breaks the line at"
    assert "now   c-" not in text
    assert (seat.terminal.wraps, CURSOR_HIDDEN in seat.text) == (True, False)
    assert OTHER_SCREEN not in seat.text


@pytest.mark.needs("setsid")
@pytest.mark.parametrize(
    "extra",
    [
        {"TERM": "dumb"},
        pytest.param({"CI": "true"}, marks=pytest.mark.long),
        pytest.param({"TERM": ""}, marks=pytest.mark.long),
    ],
)
def test_a_terminal_that_cannot_draw_gets_a_line_for_each_trial(
    desk: Desk, extra: dict[str, str]
) -> None:
    with at_a_terminal(desk, "run", small(desk, 1), said=extra) as seat:
        assert seat.end() in DONE
    lines = [line for line in seat.terminal.rows if re.match(r"\[ *[0-9]+/[0-9]+\] ", line)]
    assert len(lines) == len(desk.planned())
    assert BEGIN_OF_PICTURE not in seat.text


@pytest.mark.needs("setsid")
def test_a_small_terminal_without_colours_and_utf_8_gets_what_it_can_show(desk: Desk) -> None:
    path, said = small(desk, 2), {"LC_ALL": "C", "NO_COLOR": "1"}
    with at_a_terminal(desk, "run", path, size=(30, 10), said=said) as seat:
        seat.watch(lambda: in_hand(seat) and any("2/2" in one for one in seat.terminal.screen))
        shown = [line for line in seat.terminal.screen if line.startswith(("small", "now", "c-"))]
        assert all(line.isascii() and len(line) <= 30 for line in shown)
        assert re.search("=+-*  [0-9]+:[0-9]{2}$", shown[0])
        assert any(re.match("c-(mt|sync) +[1-8x?!][1-8x?!.o]", line) for line in shown)
        assert seat.end() in DONE
    assert {number for code in seat.terminal.codes for number in code.split(";")} <= {*"012"}


_TERMINAL = re.compile(r"^write(?:v)?\([12],")
_EDGE = re.compile(r'^read\([0-9]+, "(start|begin|end) [0-9]+\\n')


@pytest.mark.needs("setsid", "strace")
def test_nothing_is_written_to_the_terminal_between_the_edges_of_a_window(desk: Desk) -> None:
    """By what the runner's own thread, which does both, asks of the kernel."""
    calls = desk.folder / "calls"
    traced = [str(program("strace")), "-qq", "-s", "40", "-e", "trace=read,write,writev"]
    with at_a_terminal(desk, "run", small(desk, 1), under=[*traced, "-o", str(calls)]) as seat:
        assert seat.end() in DONE
    inside, outside, windows, is_open = 0, 0, 0, False
    for line in calls.read_text(errors="replace").splitlines():
        if edge := _EDGE.match(line):
            windows += edge[1] == "end"
            is_open = edge[1] != "end"
        elif _TERMINAL.match(line):
            inside, outside = inside + is_open, outside + (not is_open)
    assert windows >= 2
    assert outside > windows
    assert inside == 0
