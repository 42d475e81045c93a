# SPDX-License-Identifier: BSD-3-Clause
"""Single trials, of a backend of the catalogue or of a small server, outside any run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.here import CHECKOUT
from tests.runner.small_servers import doubled, python

from fibench.backends.catalogue import known_backends, read_catalogue
from fibench.experiment import OwnBackend, parse_experiment
from fibench.parameters.groups import parse
from fibench.plan.pinning import Pinning
from fibench.plan.trials import Role, Trial, plan
from fibench.trial.trial import TrialContext, run_trial

CATALOGUE = read_catalogue(CHECKOUT / "catalogue.toml")
NOT_PINNED = Pinning(None, None, "one core")


CELL = """\
title = "t"
[[matrix]]
backend = ["{backend}"]
[server]
framing = "line"
[load]
clients = 4
duration = "0.2s"
warmup = "0s"
timeout = "5s"
[plan]
blocks = 1
"""

PROTOCOL = """
import threading
replies, lock = 0, threading.Lock()
def number():
    global replies
    with lock:
        replies += 1
        return replies
def fibonacci(n):
    before, value = 0, 1
    for _ in range(n):
        before, value = value, before + value
    return value
def converse(connection):
    for line in connection.makefile("rb"):
        if int(line) == 1:
            answer(connection, number())
        else:  # the check before a trial asks for other numbers as well
            connection.sendall(b"%d\\n" % fibonacci(int(line)))
def serve_threads():
    listen(); tell()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=converse, args=(connection,), daemon=True).start()
"""
"""Line framing; `answer(connection, k)` is handed the k-th request for 1, whose reply is 1."""


def trial(backend: str, role: Role = "measure", groups: str = "", **cell: Any) -> Trial:
    """The only trial of a cell, with some of its parameters replaced."""
    known = known_backends(CATALOGUE)
    text = CELL.format(backend=backend if backend in known else "c-sync")
    every = plan(parse_experiment(text, "t.toml", known))
    only = next(planned for planned in every if planned.role == "measure")
    parameters = replace(only.cell.parameters, backend=backend, groups=parse(groups), **cell)
    return replace(only, role=role, cell=replace(only.cell, parameters=parameters))


def run(
    what: Trial,
    programs: Path,
    folder: Path,
    own: str | None = None,
    pinning: Pinning = NOT_PINNED,
    **told: Any,
) -> dict[str, Any]:
    """Run a trial; `own` is the text of the small server that "own" stands for, `told` what else
    its file says of it."""
    backends = {}
    if own is not None:
        argv = (*(doubled(word) for word in python(PROTOCOL + own)), "{port}")
        words = {"command": argv, "ready_fd": True, **told}
        backends["own"] = OwnBackend(framing="line", serves="any", folder=folder, **words)
    context = TrialContext(programs, CATALOGUE, backends, 7, pinning)
    return dict(run_trial(what, context, folder).as_document())


def run_well(
    what: Trial,
    programs: Path,
    folder: Path,
    own: str | None = None,
    pinning: Pinning = NOT_PINNED,
    **told: Any,
) -> dict[str, Any]:
    """Run a trial that must be valid."""
    record = run(what, programs, folder, own, pinning, **told)
    assert record["valid"], record["reason"]
    return record
