# SPDX-License-Identifier: BSD-3-Clause
"""Listeners that show a run while it goes on: a bar on a terminal, a line per trial elsewhere."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.metrics import exact
from fibench.plan import TWIN, Trial, expected_seconds
from fibench.record import Record
from fibench.report import (
    again,
    block_name,
    failure,
    figures,
    kind_of_hint,
    place_of,
    still_disturbed,
    trial_line,
)
from fibench.run import (
    BlockEnded,
    Event,
    Listener,
    Notice,
    RatesFound,
    RunStarted,
    SearchStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
)
from fibench.store.journal import folder_name
from fibench.wording import counted, shown

if TYPE_CHECKING:
    from rich.progress import Progress

    from fibench.experiment.searching.rates import FoundRates
    from fibench.verdict import Decisions

DecisionsOf = Callable[[], "Decisions | None"]
"""Gives what is decided so far; None where the number of blocks is fixed."""
_STOPPING = "finishing this trial; Ctrl-C again ends at once"


class _Lines:
    """One line for each finished trial."""

    def __init__(self, decisions: DecisionsOf) -> None:
        self._decisions = decisions
        self._total = 0
        self._width = 0
        self._folder = Path()
        self._hints: set[str] = set()

    def __call__(self, event: Event) -> None:
        if isinstance(event, SearchStarted | RatesFound):
            self._tell_of_search(event)
        elif isinstance(event, RunStarted):
            self._total = event.total
            self._width = max((len(_label(trial)) for trial in event.trials), default=0)
            self._folder = event.folder
            if event.resumed:
                self._print(_resuming(event))
        elif isinstance(event, TrialMadeAgain):
            self._print(self.again(event))
        elif isinstance(event, TrialFinished):
            self._print(self.line(event.trial, event.record))
        elif isinstance(event, BlockEnded):
            said = self.decided(event)
            if said:
                self._print(said)
        elif isinstance(event, StopRequested):
            print(_STOPPING, file=sys.stderr, flush=True)
        elif isinstance(event, Notice):
            print(event.text, file=sys.stderr, flush=True)

    def _tell_of_search(self, event: SearchStarted | RatesFound) -> None:
        if isinstance(event, SearchStarted):
            self._total, self._folder = event.most, event.folder
            self._print(_searching(event))
        else:
            self._print("\n".join(map(_found, event.experiment.found_rates)))

    def decided(self, event: BlockEnded) -> str:
        """How the claims stand after a block; empty where that could not change anything."""
        found = self._decisions()
        return "" if found is None else decided_line(found, event)

    @staticmethod
    def _print(line: str) -> None:
        """Print, or go on in silence when nobody reads any more (`| head`): the journal has all."""
        try:
            print(line, flush=True)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    def line(self, trial: Trial, record: Record) -> str:
        """The trial's line; a failed one names the reason and the server's stderr, if any.

        What to do about it follows, the first time.
        """
        if record.reason is None:
            said = figures(record)
            said += still_disturbed(record)
        else:
            folder = folder_name(trial.index, record.attempt)
            stderr = self._folder / "trials" / folder / "server.err"
            said_something = stderr.is_file() and stderr.stat().st_size > 0
            said = failure(record.reason, str(stderr) if said_something else None)
        hint = record.hint or ""
        kind = kind_of_hint(hint)
        is_new = kind not in self._hints
        self._hints.add(kind)
        place = place_of(trial.index, self._total, trial.block)
        return trial_line(place, _label(trial), said, hint if is_new else "", self._width)

    def again(self, event: TrialMadeAgain) -> str:
        """The line of an attempt that is followed by another at once; its figures are not told."""
        place = place_of(event.trial.index, self._total, event.trial.block)
        return trial_line(place, _label(event.trial), again(event.record), "", self._width)


class _Bar:
    """A bar with what runs now, the last figure, and the time left; failed trials stay above it."""

    def __init__(self, bar: "Progress", decisions: DecisionsOf) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None, last="")
        self._lines = _Lines(decisions)
        self._left: Sequence[Trial] = ()
        self._done_s = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Notice | SearchStarted | RatesFound):
            self._lines(event)
        elif isinstance(event, RunStarted):
            self._lines(event)
            # The rest only, so that the time left is that of the rest, at most.
            self._left = event.trials
            self._done_s = 0.0
            self._bar.update(self._task, total=expected_seconds(event.trials), completed=0)
        elif isinstance(event, TrialStarted):
            place = f"{block_name(event.trial.block)}  {_label(event.trial)}"
            self._bar.update(self._task, description=_plain(place))
        elif isinstance(event, TrialMadeAgain):
            self._bar.console.print(_plain(self._lines.again(event)))
        elif isinstance(event, TrialFinished):
            self._finish(event)
        elif isinstance(event, BlockEnded):
            self._end_block(event)
        elif isinstance(event, StopRequested):
            self._bar.update(self._task, last=_STOPPING)

    def _end_block(self, event: BlockEnded) -> None:
        gone = {cell.key for cell in event.gone}
        later = (trial for trial in self._left if trial.block > event.block)
        self._left = [trial for trial in later if trial.cell.key not in gone]
        self._bar.update(self._task, total=self._done_s + expected_seconds(self._left))
        said = self._lines.decided(event)
        if said:
            self._bar.console.print(_plain(said))

    def _finish(self, event: TrialFinished) -> None:
        self._done_s += expected_seconds([event.trial])
        last = figures(event.record)
        self._bar.update(
            self._task,
            advance=expected_seconds([event.trial]),
            last=_plain(f"{_label(event.trial)}: {last}" if last else ""),
        )
        if event.record.reason is not None:
            self._bar.console.print(_plain(self._lines.line(event.trial, event.record)))


def decided_line(decisions: "Decisions", event: BlockEnded) -> str:
    """`after block 6: 5 of 8 claims decided; no longer measured: c-mt n=34; 4 cells to go on`.

    Empty before the first look.
    """
    if not event.gone and not any(standing.verdict for standing in decisions.standings):
        return ""
    claims = counted(len(decisions.standings), "claim")
    said = [f"after block {event.block + 1}: {decisions.decided} of {claims} decided"]
    if decisions.over:
        return f"{said[0]}; nothing is left to measure"
    gone = [shown(cell.label) for cell in event.gone if not cell.key.endswith(TWIN)]
    if gone:
        said.append(f"no longer measured: {', '.join(gone)}")
    staying = sum(not key.endswith(TWIN) for key in decisions.staying)
    return "; ".join([*said, f"{counted(staying, 'cell')} to go on"])


def _label(trial: Trial) -> str:
    return f"{trial.cell.label} (system calls)" if trial.role == "syscalls" else trial.cell.label


def _searching(event: SearchStarted) -> str:
    again = "going on to search" if event.resumed else "searching"
    return f"{again} rates, in at most {counted(event.most, 'trial')}"


def _found(one: "FoundRates") -> str:
    rates = ", ".join(exact(rate) for rate in one.rates)
    return f"rates of {shown(one.label)}: {rates}/s"


def _resuming(event: RunStarted) -> str:
    return f"resuming {event.done}/{event.total} of {event.folder.parent.name}/{event.folder.name}"


def _plain(text: str) -> str:
    """Text that rich shows as it is: labels come from the experiment's file."""
    from rich.markup import escape

    return escape(text)


@contextmanager
def showing_progress(decisions: DecisionsOf = lambda: None) -> Iterator[Listener]:
    """A listener that fits the standard output, for the time of a run.

    `decisions` gives those of the last block; none where the number of blocks is fixed.
    """
    if not sys.stdout.isatty():
        yield _Lines(decisions)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}"),
        TextColumn("[dim]{task.fields[last]}"),
    )
    # Drawing uses the cores that are being measured: seldom is enough.
    with Progress(*columns, transient=True, refresh_per_second=1) as bar:
        yield _Bar(bar, decisions)
