# SPDX-License-Identifier: BSD-3-Clause
"""What a command says when it cannot do what it was asked, and every exit status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fibench.verdict import Verdict

NOT_STARTED = 1
WRONG_INPUT = 2
REFUTED = 3
UNDECIDED = 4
TRIAL_FAILED = 5
INTERRUPTED = 130


class Refused(Exception):
    """A command cannot do what it was asked; the text is one line of what, one of what to do."""

    def __init__(self, what: str, hint: str = "", status: int = NOT_STARTED) -> None:
        super().__init__(f"{what}\n{hint}" if hint else what)
        self.status = status


def exit_code(verdicts: Iterable[Verdict], failed_trials: int, interrupted: bool) -> int:
    """The exit status of a run: the first of 130, 5, 3 and 4 that applies, else 0."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if interrupted:
        return INTERRUPTED
    if failed_trials > 0:
        return TRIAL_FAILED
    if "REFUTED" in outcomes:
        return REFUTED
    if outcomes & {"INCONCLUSIVE", "INVALID"}:
        return UNDECIDED
    return 0
