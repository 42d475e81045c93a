# SPDX-License-Identifier: BSD-3-Clause
"""What `watch` does: one server under one load, looked at for less than half a second, and drawn.

It is the untimed trial of a cell that every run makes once, made by itself and kept nowhere: of a
backend with a load that is written here, or of a file's first cell that has it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fibench.backends import Backend, known_backends
from fibench.commands.build import built_or_refused
from fibench.commands.refused import TRIAL_FAILED, WRONG_INPUT, Refused
from fibench.commands.run import load
from fibench.commands.serve import read_backends
from fibench.commands.trying import named_backend
from fibench.folders import Places, find_places, origin
from fibench.json_values import Json
from fibench.wording import as_toml, escaped, suggestion

if TYPE_CHECKING:
    from fibench.experiment import Cell, Experiment
    from fibench.record import Record
    from fibench.run import Request

NAME = "watch"
_TEXT = """\
title = "one server, watched"
[matrix]
backend = {name}
[server]
framing = "line"
[load]
clients = 8
n = {n}
[plan]
blocks = 1
"""
_N: Mapping[str, int] = {"c": 34, "python": 27}
"""By the language, what takes 10 to 20 ms to compute: as in the ready experiments."""


@dataclass(frozen=True)
class _Watched:
    """What is to be looked at, and what it was read from."""

    cell: Cell
    experiment: Experiment
    source: Path
    catalogue: Mapping[str, Backend]
    overrides: Mapping[str, str]


def watch(name: str, file: str, overrides: Mapping[str, str], as_json: bool) -> int:
    """Start a server, load it, and show what its threads did; returns the exit status."""
    from fibench.machine import LockError, measuring
    from fibench.report.lines import load_words
    from fibench.report.waits.drawn import render_timeline
    from fibench.store import RunError

    places = find_places()
    asked = _of_file(name, file, overrides, places) if file else _alone(name, overrides, places)
    label = f"{NAME} {asked.cell.backend}"
    try:
        with measuring(label), built_or_refused(places, label):
            request = _request(asked, places)
            _say(f"watching {escaped(asked.cell.backend)}")
            record = _look(request)
    except (RunError, LockError) as error:
        raise Refused(str(error), error.hint) from error
    found = record.timeline
    if found is None or found.absent is not None:
        why = record.reason if found is None else found.absent
        what, _, hint = escaped(why or "nothing was seen").partition(": ")
        backend = escaped(asked.cell.backend)
        raise Refused(f"{backend} could not be watched: {what}", hint, TRIAL_FAILED)
    if as_json:
        document: dict[str, Json] = {"cell": asked.cell.label, **found.as_document()}
        print(json.dumps(document, indent=2))
        return 0
    heading = f"{escaped(asked.cell.label)}: {load_words(request.experiment.cells)}"
    render_timeline(None, heading, found)
    return 0


def _alone(name: str, overrides: Mapping[str, str], places: Places) -> _Watched:
    """A backend of the catalogue, with a load of ours, and the person's options in the place of
    keys. Raises Refused."""
    from fibench.document import ExperimentError
    from fibench.experiment.experiment import parse_experiment

    catalogue = read_backends(places)
    backend = named_backend(name, catalogue, own=f"{NAME} NAME FILE.toml")
    text = _TEXT.format(name=as_toml(backend.name), n=_N.get(backend.language, 27))
    try:
        experiment = parse_experiment(
            text, f"{NAME}.toml", known_backends(catalogue), overrides, folder=origin()
        )
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error
    if len(experiment.cells) != 1:
        what = f"{NAME} looks at one server under one load, and not at {len(experiment.cells)}"
        raise Refused(what, "give each option one value", WRONG_INPUT)
    source = origin() / f"{NAME}.toml"
    return _Watched(experiment.cells[0], experiment, source, catalogue, overrides)


def _of_file(name: str, file: str, overrides: Mapping[str, str], places: Places) -> _Watched:
    """The first cell of a file that has a backend, its own or the catalogue's. Raises Refused."""
    asked = load(file, overrides, places)
    experiment = asked.experiment
    with suppress(Refused):
        name = named_backend(name, asked.backends).name
    cell = next((one for one in experiment.cells if one.backend == name), None)
    if cell is None:
        what = f"no cell of {escaped(str(asked.source))} has backend = {as_toml(name)}"
        there = dict.fromkeys(one.backend for one in experiment.cells)
        raise Refused(what, suggestion(name, there), WRONG_INPUT)
    return _Watched(cell, experiment, asked.source, asked.backends, asked.overrides)


def _request(asked: _Watched, places: Places) -> Request:
    """The one cell as it can be run here. Raises Refused, RunError."""
    from fibench.backends.available import find_here
    from fibench.run import Request
    from fibench.run.preparing import make_ready

    alone = replace(asked.experiment, cells=(asked.cell,), claims=())
    folder = asked.source.resolve().parent
    here = find_here(alone, folder, asked.catalogue, places.programs)
    for absent in here.experiment.absent.cells:
        raise Refused(f"{escaped(absent.cell.backend)} cannot run here", absent.reason)
    make_ready(here.experiment, places.programs / "supervise", _say)
    return Request(
        here.experiment,
        asked.source,
        asked.catalogue,
        places,
        asked.overrides,
        interpreters=here.interpreters,
    )


def _look(request: Request) -> Record:
    """The trial, whose files go with it."""
    from fibench.plan import Trial, trial_key
    from fibench.run.request import context_of
    from fibench.trial import run_trial

    (cell,) = request.experiment.cells
    trial = Trial(0, 0, cell, trial_key(0, cell.key, "timeline"), "timeline")
    with TemporaryDirectory(prefix="fibench-") as folder:
        # A server of the user's own may run as somebody else, and has a folder in it.
        Path(folder).chmod(0o711)
        return run_trial(trial, context_of(request), Path(folder))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
