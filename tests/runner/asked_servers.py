# SPDX-License-Identifier: BSD-3-Clause
"""Experiments whose clients ask small servers for requests of the file, and the trials of these."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.runner.small_servers import doubled, python
from tests.runner.trials import CATALOGUE, NOT_PINNED

from fibench.backends.catalogue import known_backends
from fibench.experiment import Experiment, parse_experiment
from fibench.plan.trials import Role, Trial, plan
from fibench.trial.trial import TrialContext, run_trial

SERVES = """
import itertools, threading
numbers = itertools.count(1)
def requests(connection, end=b"\\r\\n\\r\\n"):
    data = b""
    while True:
        while end not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        asked, _, data = data.partition(end)
        yield asked
def http(connection, body, status=b"200 OK", more=b""):
    head = b"HTTP/1.1 %s\\r\\nContent-Length: %d\\r\\n%s\\r\\n" % (status, len(body), more)
    connection.sendall(head + body)
def attend(connection):
    with connection:
        try:
            converse(connection)
        except OSError:  # the client has gone
            pass
def serve_threads():
    listen()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=attend, args=(connection,), daemon=True).start()
"""
"""`converse(connection)` is what a test adds; `next(numbers)` is 1, 2, 3, …"""

FILE = """\
title = "t"
[backends.own]
command = {command}
{more}
[[matrix]]
backend = "own"
{axes}
[load]
duration = "0.2s"
warmup = "0s"
timeout = "5s"
{load}
[plan]
timelines = false
blocks = 1
"""


def file_of(converse: str, more: str, axes: str = 'request = "it"', load: str = "") -> str:
    """An experiment about one small server; `more` are its requests."""
    text = f"{SERVES}\ndef converse(connection):\n{converse}\nserve_threads()"
    command = [*map(doubled, python(text)), "{port}"]
    return FILE.format(command=json.dumps(command), more=more, axes=axes, load=load)


def experiment_of(text: str, folder: Path) -> Experiment:
    return parse_experiment(text, "t.toml", known_backends(CATALOGUE), folder=folder)


def trials_of(text: str, folder: Path, role: Role = "measure") -> list[Trial]:
    return [one for one in plan(experiment_of(text, folder)) if one.role == role]


def records_of(
    text: str, programs: Path, folder: Path, role: Role = "measure"
) -> Iterator[dict[str, Any]]:
    """The record of each trial of a role; each has its number as its folder."""
    experiment = experiment_of(text, folder)
    context = TrialContext(programs, CATALOGUE, experiment.backends, 7, NOT_PINNED)
    for number, one in enumerate(trials_of(text, folder, role)):
        own_folder = folder / str(number)
        own_folder.mkdir()
        yield dict(run_trial(one, context, own_folder).as_document())


def record_of(text: str, programs: Path, folder: Path, role: Role = "measure") -> dict[str, Any]:
    """That of the only trial."""
    (record,) = records_of(text, programs, folder, role)
    return record


def valid(text: str, programs: Path, folder: Path, role: Role = "measure") -> dict[str, Any]:
    """That of the only trial, which must be valid."""
    record = record_of(text, programs, folder, role)
    assert record["valid"], (record["reason"], record["hint"])
    assert record["counts"]["ok"] > 0
    assert record["counts"]["errors"] == 0
    return record
