# SPDX-License-Identifier: BSD-3-Clause
"""The experiments there are: what `run` and `plan` show who names none."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.folders import find_places
from fibench.wording import prose

if TYPE_CHECKING:
    from fibench.experiment import KnownBackend

_LEAST_WIDTH = 20


def experiments_listed() -> str:
    """A line for each experiment: its name, how long it takes, and what it shows."""
    from fibench.backends import known_backends
    from fibench.commands.serve import read_backends

    places = find_places()
    known = known_backends(read_backends(places))
    files: dict[str, Path] = {}
    for folder in places.experiments:
        for path in sorted(folder.glob("*.toml")):
            files.setdefault(path.stem, path)
    rows = [(name, *_told(path, known)) for name, path in sorted(files.items())]
    return "\n".join(_lines(rows))


def _told(path: Path, known: Mapping[str, KnownBackend]) -> tuple[str, str]:
    """How long an experiment takes, and its title; of a faulty file that it is one."""
    from fibench.document import ExperimentError
    from fibench.experiment import load_experiment
    from fibench.machine import cores as machine
    from fibench.plan.trials import extent, plan
    from fibench.report.numbers import time_span

    try:
        experiment = load_experiment(path, known)
    except ExperimentError as error:
        return "", f"cannot be run: {str(error).splitlines()[0]}"
    found = extent(experiment, plan(experiment), machine.usable_cores())
    return time_span(found.shortest_s, found.longest_s), prose(experiment.title)


def _lines(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    names, times = (max((len(row[at]) for row in rows), default=0) for at in (0, 1))
    left = names + times + 6
    width = max(_LEAST_WIDTH, shutil.get_terminal_size().columns - left)
    for name, time, title in rows:
        first, *rest = textwrap.wrap(title, width) or [""]
        yield f"  {name:<{names}}  {time:>{times}}  {first}".rstrip()
        yield from (" " * left + line for line in rest)
