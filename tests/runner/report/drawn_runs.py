# SPDX-License-Identifier: BSD-3-Clause
"""Runs that are drawn on a terminal, event by event."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from tests.runner.terminals import Terminal
from tests.runner.told_runs import ToldRun

from fibench.report.live.frame import Frame
from fibench.report.live.plain import Lines
from fibench.report.live.progress import Progress
from fibench.report.live.screen import Screen
from fibench.report.live.signs import Signs
from fibench.report.live.view import LiveView
from fibench.run import Event


class _Written(io.StringIO):
    """What stands for the standard output of a terminal: each write is handed on."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        super().__init__()
        self._heard = heard

    def write(self, text: str, /) -> int:
        self._heard(text)
        return len(text)

    def isatty(self) -> bool:
        return True


@dataclass
class Drawn:
    """A run, the view of it, and the terminal that it is drawn on."""

    told: ToldRun
    terminal: Terminal
    monkeypatch: pytest.MonkeyPatch
    signs: Signs = field(default_factory=Signs)
    environment: Mapping[str, str] = field(default_factory=dict)
    now_s: float = 0.0
    step_s: float = 1.0
    """How long it takes from one event to the next."""
    writes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monkeypatch.setenv("TERM", "xterm-256color")
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "COLORTERM"):
            self.monkeypatch.delenv(name, raising=False)
        for name, value in self.environment.items():
            self.monkeypatch.setenv(name, value)
        self.stream = _Written(self._write)
        self.run = Progress(self.told.questions, self.told.decisions, lambda: self.now_s)
        self.screen = Screen(self.stream)
        self.screen.size = self._size  # type: ignore[method-assign]
        lines, frame = Lines(self.told.decisions), Frame(self.signs)
        self.view = LiveView(self.run, lines, frame, self.screen, lambda: self.now_s)

    def _size(self) -> tuple[int, int]:
        return self.terminal.columns, self.terminal.lines - 1

    def _write(self, text: str) -> None:
        self.writes.append(text)
        self.terminal.feed(text)

    def go(self) -> Iterator[Event]:
        """Tell the view of one event after the other; each is handed on afterwards."""
        for event in self.told.events():
            self.now_s += self.step_s
            self.view(event)
            yield event

    def go_to(self, place: int) -> None:
        """Tell of the events up to one."""
        for number, _ in enumerate(self.go()):
            if number == place:
                return
