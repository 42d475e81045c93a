# SPDX-License-Identifier: BSD-3-Clause
"""A run as plain lines, one for each trial: for logs, and terminals that can do no more."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.metrics import exact
from fibench.plan import TWIN, Trial
from fibench.record import Record
from fibench.report import (
    again,
    failure,
    figures,
    kind_of_hint,
    labelled_by_role,
    place_of,
    still_disturbed,
    trial_line,
)
from fibench.run import (
    BlockEnded,
    Event,
    Notice,
    RatesFound,
    RunStarted,
    SearchStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
)
from fibench.store.journal import folder_name
from fibench.wording import counted, shown

if TYPE_CHECKING:
    from fibench.experiment.searching.rates import FoundRates
    from fibench.verdict import Decisions

DecisionsOf = Callable[[], "Decisions | None"]
"""Gives what is decided so far; None where the number of blocks is fixed."""
STOPPING = "finishing this trial; Ctrl-C again ends at once"


class Lines:
    """A listener that prints a line for each finished trial."""

    def __init__(self, decisions: DecisionsOf) -> None:
        self._decisions = decisions
        self._total = 0
        self._width = 0
        self._folder = Path()
        self._hints: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Print what there is to say of an event."""
        said = self.said(event)
        if isinstance(event, TrialFinished):
            said = self.line(event.trial, event.record)
        elif isinstance(event, BlockEnded):
            found = self._decisions()
            said = "" if found is None else decided_line(found, event)
        elif isinstance(event, StopRequested):
            print(STOPPING, file=sys.stderr, flush=True)
        elif isinstance(event, Notice):
            print(event.text, file=sys.stderr, flush=True)
        if said:
            self._print(said)

    def said(self, event: Event) -> str:
        """What stands for good of an event on standard output, whatever else shows it."""
        if isinstance(event, SearchStarted):
            self._total, self._folder = event.most, event.folder
            return _searching(event)
        if isinstance(event, RatesFound):
            return "\n".join(map(_found, event.experiment.found_rates))
        if isinstance(event, RunStarted):
            self._total = event.total
            self._width = max((len(trial_label(trial)) for trial in event.trials), default=0)
            self._folder = event.folder
            return _resuming(event) if event.resumed else ""
        return self._again(event) if isinstance(event, TrialMadeAgain) else ""

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
        return trial_line(place, trial_label(trial), said, hint if is_new else "", self._width)

    def _again(self, event: TrialMadeAgain) -> str:
        """The line of an attempt that is followed by another at once; its figures are not told."""
        place = place_of(event.trial.index, self._total, event.trial.block)
        return trial_line(place, trial_label(event.trial), again(event.record), "", self._width)


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


def trial_label(trial: Trial) -> str:
    """What a trial measures."""
    return labelled_by_role(trial.cell.label, trial.role)


def _searching(event: SearchStarted) -> str:
    again = "going on to search" if event.resumed else "searching"
    return f"{again} rates, in at most {counted(event.most, 'trial')}"


def _found(one: "FoundRates") -> str:
    rates = ", ".join(exact(rate) for rate in one.rates)
    return f"rates of {shown(one.label)}: {rates}/s"


def _resuming(event: RunStarted) -> str:
    return f"resuming {event.done}/{event.total} of {event.folder.parent.name}/{event.folder.name}"
