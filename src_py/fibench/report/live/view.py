# SPDX-License-Identifier: BSD-3-Clause
"""The view of a run on a terminal, drawn between measurements.

There is no clock that draws: each picture is drawn in answer to an event, or to a signal of the
terminal, by the thread that measures. From the start of a trial's load to its end nothing is
written: a picture takes CPU time here, and in the terminal, of the machine that is measured. The
last one before a load is drawn before its server is started, so that the terminal has done its part
by then.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fibench.report.live.frame import Frame
from fibench.report.live.plain import Lines
from fibench.report.live.progress import Progress
from fibench.report.live.screen import Screen
from fibench.run import (
    Event,
    LoadEnded,
    Notice,
    RatesFound,
    RunStarted,
    SearchStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
)

MOST_A_SECOND = 4
"""Pictures."""
_DRAWN = (SearchStarted, RunStarted, RatesFound, TrialStarted, TrialMadeAgain)


class LiveView:
    """A listener that draws."""

    def __init__(
        self,
        run: Progress,
        lines: Lines,
        frame: Frame,
        screen: Screen,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run, self._lines, self._frame, self._screen = run, lines, frame, screen
        self._clock_s = clock_s
        self._drawn_s: deque[float] = deque(maxlen=MOST_A_SECOND)
        self._above: list[str] = []
        """What is to stand above the picture for good, and does not yet."""
        self._is_due, self._is_busy = False, False

    def __call__(self, event: Event) -> None:
        """Take note of an event, and draw where something is to be seen."""
        self._run.hear(event)
        if isinstance(event, Notice):
            self._notice(event.text)
            return
        said = self._lines.said(event)
        if isinstance(event, TrialFinished) and event.record.reason is not None:
            said = self._lines.line(event.trial, event.record)
        self._above += [said] if said else []
        self._is_due |= isinstance(event, (*_DRAWN, StopRequested))
        if isinstance(event, (*_DRAWN, StopRequested, LoadEnded)):
            self.draw()

    def draw(self) -> None:
        """Draw if there is anything to be seen, and nothing is measured. Signals may come at any
        time: one that finds a picture half drawn has it drawn again."""
        while self._is_due and not self._is_busy and self._may_draw():
            self._is_busy, self._is_due = True, False
            try:
                above, self._above = self._above, []
                columns, height = self._screen.size()
                lines = self._frame.lines(self._run, columns, height)
                self._screen.draw(lines, columns, "\n".join(above))
            finally:
                self._is_busy = False

    def draw_anew(self) -> None:
        """The terminal has another size, or somebody else wrote there."""
        self._is_due = bool(self._drawn_s)
        self.draw()

    def end(self) -> None:
        """Take the picture away, and leave what is to stay."""
        self._screen.lift("\n".join(self._above))
        self._above = []

    def _may_draw(self) -> bool:
        if self._run.under_load or not self._screen.is_ours():
            return False
        now_s = self._clock_s()
        if len(self._drawn_s) == MOST_A_SECOND and now_s - self._drawn_s[0] < 1.0:
            return False
        self._drawn_s.append(now_s)
        return True

    def _notice(self, text: str) -> None:
        """Standard error has it, which may be another file."""
        self._screen.lift()
        print(text, file=sys.stderr, flush=True)
        self.draw_anew()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Heed what happens to the terminal: another size, and a Ctrl-Z that is over."""

        def resized(number: int, frame: FrameType | None) -> None:
            self.draw_anew()

        def gone_on(number: int, frame: FrameType | None) -> None:
            self._screen.lose_place()
            self.draw_anew()

        handlers = {signal.SIGWINCH: resized, signal.SIGCONT: gone_on}
        before = {number: signal.signal(number, heed) for number, heed in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
