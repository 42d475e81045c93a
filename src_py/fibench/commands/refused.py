# SPDX-License-Identifier: BSD-3-Clause
"""What a command says when it cannot do what it was asked, and every exit status.

But for that of who is interrupted, which interruption.py makes of the signal's number: it ends a
process before any command is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from fibench.interruption import exit_status

if TYPE_CHECKING:
    from fibench.verdict import Verdict

NOT_STARTED = 1
WRONG_INPUT = 2
REFUTED = 3
UNDECIDED = 4
TRIAL_FAILED = 5


class Refused(Exception):
    """A command cannot do what it was asked; the text is one line of what, one of what to do."""

    def __init__(self, what: str, hint: str = "", status: int = NOT_STARTED) -> None:
        super().__init__(f"{what}\n{hint}" if hint else what)
        self.status = status


def exit_code(
    verdicts: Iterable[Verdict],
    failed_trials: int,
    interrupted_by: int | None = None,
    *,
    not_quiet: bool = False,
    allowed: Collection[str] = (),
) -> int:
    """The exit status of a run: the first that applies of a signal's, 5, 3 and 4, else 0.

    One that was ended since the machine was not quiet is undecided, whatever else it was. Outcomes
    that are `allowed` do not make a run undecided.
    """
    outcomes = {verdict.outcome for verdict in verdicts}
    if interrupted_by is not None:
        return exit_status(interrupted_by)
    if not_quiet:
        return UNDECIDED
    if failed_trials > 0:
        return TRIAL_FAILED
    if "REFUTED" in outcomes:
        return REFUTED
    if outcomes & {"INCONCLUSIVE", "INVALID"} - set(allowed):
        return UNDECIDED
    return 0
