# SPDX-License-Identifier: BSD-3-Clause
"""What commands of a file's own servers name and is not there: told before anything is measured."""

from __future__ import annotations

from pathlib import Path

from fibench.backends.own_servers import lines_of_missing
from fibench.document import Source, brief_name
from fibench.document.text import decode, read
from fibench.experiment import Experiment


def missing_lines(path: Path, experiment: Experiment) -> list[str]:
    """What is missing, each with its line in the experiment's file, which lies at `path`."""
    every = list(lines_of_missing(experiment))
    if not every:
        return []
    name = brief_name(path)
    source = Source(name, decode(read(path, name), name))
    for place, what in every:
        source.report(place, what)
    return [f"{one.file}:{one.line}: {one.what}" for one in source.sorted()]
