# SPDX-License-Identifier: BSD-3-Clause
"""Who waits where, really: what a server's threads did in the untimed trial of a small load, drawn
in letters."""

import platform
from pathlib import Path

from fibench.backends import Backend, Interpreter, known_backends
from fibench.experiment import parse_experiment
from fibench.machine import cores as machine
from fibench.plan import Trial, choose, trial_key
from fibench.report.waits.drawn import letter_lines
from fibench.report.waits.said import sentence_of_waits
from fibench.timeline import ThreadTime
from fibench.trial import TrialContext, run_trial
from fibench.wording import counted

COLUMNS_OF_A_PAGE = 88
CLIENTS = 8
N = {"c": 34, "python": 27}
"""By the language, what takes 10 to 20 ms to compute."""
SEEN_WORKERS = 2
"""For designs that have workers, so that the picture does not depend on how many cores it had."""
_EXPERIMENT = """\
title = "who waits where"
[matrix]
backend = "{backend}"
[server]
framing = "line"
workers = {workers}
[load]
clients = {clients}
n = {n}
[plan]
blocks = 1
"""


class NotSeen(Exception):
    """A server's threads could not be looked at; the text is one line."""


def see(backend: Backend, context: TrialContext, folder: Path) -> ThreadTime:
    """Start a server, load it, and look. Raises NotSeen."""
    text = _EXPERIMENT.format(
        backend=backend.name, workers=SEEN_WORKERS, clients=CLIENTS, n=N[backend.language]
    )
    experiment = parse_experiment(text, "who waits where", known_backends(context.catalogue))
    (cell,) = experiment.cells
    trial = Trial(0, 0, cell, trial_key(0, cell.key, "timeline"), "timeline")
    pinned = TrialContext(
        context.programs, context.catalogue, {}, context.seed,
        choose(experiment, machine.physical_cores()),
    )  # fmt: skip
    found = run_trial(trial, pinned, folder).timeline
    if found is None or found.absent is not None:
        raise NotSeen(f"{backend.name}: {found.absent if found else 'it was not looked at'}")
    return found


def drawn(backend: Backend, time: ThreadTime, interpreter: Interpreter) -> str:
    """The picture as Markdown, with what it shows and on what it was seen."""
    said = sentence_of_waits(time)
    asked = f"{CLIENTS} clients ask for fibonacci({N[backend.language]})"
    lines = letter_lines(time, COLUMNS_OF_A_PAGE)
    head = f"`{backend.name}`, {asked}. {said[:1].upper()}{said[1:]}."
    place = _seen_on(backend.language, interpreter)
    return "\n".join([head, "", "```", *lines, "```", "", place])


def _seen_on(language: str, interpreter: Interpreter) -> str:
    words = [f"Linux {'.'.join(platform.release().split('.')[:2])}", platform.machine()]
    words.append(counted(machine.usable_cores(), "core"))
    if language == "python":
        words.append(f"{interpreter.implementation} {interpreter.version}")
    return f"Seen on {', '.join(words)}."
