# SPDX-License-Identifier: BSD-3-Clause
"""A machine that is as disturbed as a test asks for, in place of measuring."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.runner.beginner import Beginner

from fibench.plan.trials import Trial
from fibench.record import Checks, Disturbed, Record, Times
from fibench.run import _attempts as attempts
from fibench.run import loop
from fibench.run._unchanged import ChangedError
from fibench.run.events import Event
from fibench.run.loop import RunOutcome, run_experiment
from fibench.store import journal
from fibench.trial.evidence.disturbed import disturbed

NOT_FULL = "the load generator kept 80 % of the requests in flight that it was to: 6.40 of 8"
LATE_S = 0.3
BUSY = Disturbed("foreign", "1.8 cores were used by others: python3, cc1")


class Killed(BaseException):
    """Ends a run in a trial without a word, as SIGKILL does."""


class Machine:
    """Measures trials without any server: each attempt ends as a script says."""

    def __init__(self, beginner: Beginner, monkeypatch: pytest.MonkeyPatch) -> None:
        self.beginner = beginner
        self.script: dict[tuple[int, int], str] = {}
        """By index and attempt: "busy", "not full", "late", "failed", "port", "ctrl-c", "killed",
        "gone"; else it is fine."""
        self.always = ""
        self.made: list[tuple[int, int]] = []
        self.seen: list[Sequence[Record]] = []
        monkeypatch.delenv("FIBENCH_NOISE", raising=False)
        monkeypatch.setattr(loop, "run_trial", self.run_trial)
        monkeypatch.setattr(attempts, "disturbed", self.disturbed)

    def ending(self, index: int, attempt: int) -> str:
        return self.script.get((index, attempt), self.always)

    def run_trial(self, trial: Trial, context: object, folder: Path, attempt: int) -> Record:
        self.made.append((trial.index, attempt))
        ending = self.ending(trial.index, attempt)
        if ending == "ctrl-c":
            raise KeyboardInterrupt
        if ending == "killed":
            raise Killed
        if ending == "gone":
            raise ChangedError("mt_server is gone", is_gone=True, is_own=True)
        failed = ending in ("failed", "port")
        return Record(
            trial=trial.key, role=trial.role, index=trial.index, block=trial.block,
            cell=trial.cell.key, label=trial.cell.label, attempt=attempt,
            started_at="2026-11-24T22:00:00.000+00:00", valid=not failed,
            reason=ending if failed else None, hint=None,
            failure={"failed": "invalid", "port": "address-in-use"}.get(ending),
            window_opened=ending != "port", parameters=trial.cell.parameters,
            metrics={"throughput_per_s": 100.0}, counts={"window_ok": 100, "errors": int(failed)},
            times=Times(1.0, 0.5),
            checks=Checks(flight_gate=NOT_FULL if ending == "not full" else None),
            machine={"late_s": LATE_S} if ending == "late" else {},
        )  # fmt: skip

    def disturbed(
        self, record: Record, history: Sequence[Record], tail: bool, *, limited: bool
    ) -> Disturbed | None:
        self.seen.append(history)
        if self.ending(record.index, record.attempt) == "busy":
            return BUSY
        return disturbed(record, history, tail, limited=limited)

    def run(self) -> tuple[RunOutcome, list[Event]]:
        events: list[Event] = []
        return run_experiment(self.beginner.request, [events.append]), events

    def records(self, folder: Path) -> list[dict[str, Any]]:
        return journal.read(folder / "trials.jsonl").records
