# SPDX-License-Identifier: BSD-3-Clause
"""What a null server is to repeat: the reply of the server whose ceiling is looked for."""

from __future__ import annotations

import shutil
from pathlib import Path

from fibench.experiment import Cell
from fibench.requests import WireRequest
from fibench.server import RunningServer
from fibench.trial.asking.checking import ASKS, REPLIES, Check, RightReplies
from fibench.trial.serving import (
    TrialContext,
    TrialFailed,
    put_away,
    start_server,
    unexpected_end,
)
from fibench.tried import FROM_OUTSIDE

REPEATED_FOLDER = "repeated"
"""In a trial's folder: what the server that is repeated wrote."""


def learn(
    context: TrialContext, cell: Cell, request: WireRequest, port: int, folder: Path
) -> RightReplies:
    """Start a cell's server, ask it for a request, and end it. Raises TrialFailed: at once, if it
    did not start before.

    It has the port that the null server will have, since a request of HTTP names it.
    """
    before = context.unstarted.get(cell.backend)
    if before is not None:
        raise TrialFailed(f"not started again: {before}", before.kind, before.hint)
    backend, own_folder = context.backend(cell.backend), folder / REPEATED_FOLDER
    own_folder.mkdir()
    try:
        found = _asked(context, cell, request, port, own_folder)
    except TrialFailed:
        put_away(backend, own_folder, failed=True)
        raise
    put_away(backend, own_folder, failed=False)
    return found


def _asked(
    context: TrialContext, cell: Cell, request: WireRequest, port: int, folder: Path
) -> RightReplies:
    check = Check(context, cell.parameters, port, folder)
    with _started(context, cell, port, folder) as running:
        check.prepare(cell.prepares)
        found = check.check([request], at_once=1, keeps_replies=True)
        died = not running.alive()
        ending = running.stop()
    if died:
        raise unexpected_end(ending)
    return found


def _started(context: TrialContext, cell: Cell, port: int, folder: Path) -> RunningServer:
    try:
        return start_server(context, cell.parameters, port, folder)
    except TrialFailed as failure:
        if failure.kind not in FROM_OUTSIDE:
            context.unstarted[cell.backend] = failure
        raise


def forget(folder: Path) -> None:
    """Remove what a valid trial asked for, which is in the run's file; of one that failed it stays,
    to be tried by hand. Raises OSError."""
    for name in (ASKS, REPLIES):
        (folder / name).unlink(missing_ok=True)
    if (folder / REPEATED_FOLDER).exists():
        shutil.rmtree(folder / REPEATED_FOLDER)
