# SPDX-License-Identifier: BSD-3-Clause
"""What a null server is to repeat: the reply of the server whose ceiling is looked for."""

from __future__ import annotations

from pathlib import Path

from fibench.experiment import Cell
from fibench.requests import WireRequest
from fibench.trial.asking.checking import Check, Checked
from fibench.trial.serving import STOP_GRACE_S, TrialContext, start_server, unexpected_end

FOLDER = "repeated"
"""In a trial's folder: what the server that is repeated wrote."""


def learn(
    context: TrialContext, cell: Cell, request: WireRequest, port: int, folder: Path
) -> Checked:
    """Start a cell's server, ask it for a request, and end it. Raises TrialFailed.

    It has the port that the null server will have, since a request of HTTP names it.
    """
    own_folder = folder / FOLDER
    own_folder.mkdir()
    check = Check(context, cell.parameters, port, own_folder)
    with start_server(context, cell.parameters, port, own_folder) as running:
        check.prepare(cell.prepares)
        found = check.check([request], at_once=1)
        died = not running.alive()
        ending = running.stop(STOP_GRACE_S)
    if died:
        raise unexpected_end(ending)
    return found
