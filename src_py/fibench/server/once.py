# SPDX-License-Identifier: BSD-3-Clause
"""A command that is run once, to its end, under `supervise` as servers are: a Ctrl-C, or our own
end, ends all that it has started."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fibench.server import exec_error, start_error
from fibench.server.start_error import StartError, printable
from fibench.server.supervision import Report, launch
from fibench.wording import signal_name
from fibench.writing import open_emptied

_ASK_AGAIN_S = 3600.0


class Done(NamedTuple):
    """How a command ended."""

    how: str | None
    """"ended with status 2", "was killed by SIGKILL", "did not end within 20 s"; None: with status
    0."""
    said: str
    """The last lines that it wrote, control characters escaped."""


def run_once(
    argv: Sequence[str],
    *,
    supervise: Path,
    cwd: Path,
    output: Path,
    environment: Mapping[str, str] = os.environ,
    limit_s: float | None = None,
) -> Done:
    """Run a command to its end, however long that takes, or for so long at most; what it writes
    goes to `output`, of which the beginning and the end are kept. What it leaves behind is ended.

    Raises StartError where it cannot be executed, OSError where `cwd` or `output` is not to be had.
    """
    is_late = False
    with (
        open_emptied(output) as stream,
        launch(argv, supervise=supervise, output=stream, environment=environment, cwd=cwd) as run,
    ):
        while not run.wait(_is_over, limit_s or _ASK_AGAIN_S):
            is_late = limit_s is not None and not run.report.closed
            if is_late or run.report.closed:
                break
        report = run.kill()
    if report.failed is not None:
        raise exec_error.not_executed(argv, report.failed, cwd)
    said = start_error.tail(output)
    if is_late:
        return Done(f"did not end within {limit_s:g} s", said)
    if report.status == 0:
        return Done(None, said)
    if report.status is not None:
        fault = exec_error.script_fault(argv, report.status, said, cwd)
        if fault is not None:
            raise StartError("exited", *fault, said)
        return Done(f"ended with status {report.status}", said)
    if report.signal is not None:
        return Done(f"was killed by {signal_name(report.signal)}", said)
    return Done(f"was lost, since the supervisor of {printable(argv[0])} was killed", said)


def _is_over(report: Report) -> bool:
    return report.failed is not None or report.ended
