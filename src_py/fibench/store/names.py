# SPDX-License-Identifier: BSD-3-Clause
"""From an experiment's file to the name of its runs' folder, and from a run to its file."""

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from fibench.reading import without_waiting

PLAN = "plan.json"
LONGEST = 64
_DIGEST_DIGITS = 8
_CHANGED = re.compile(rf".*--[0-9a-f]{{{_DIGEST_DIGITS}}}")
_HEAD_BYTES = 8192
_TAIL_BYTES = 16
_HEAD = re.compile(
    r'\{\s*"schema":\s*[0-9]+,\s*"number":\s*([0-9]{1,9}),\s*"source_path":\s*("(?:[^"\\]|\\.)*")'
)


def run_name(path: Path) -> str:
    """The name under which an experiment's runs are kept: no two files *.toml have the same.

    A name that is harmless as it is, is kept; of any other what is harmless, and a digest of it.
    """
    name = path.stem if path.suffix == ".toml" else path.name
    harmless = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip(".-")
    if harmless == name and len(name) <= LONGEST and not _CHANGED.fullmatch(name):
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:_DIGEST_DIGITS]
    kept = harmless[: LONGEST - _DIGEST_DIGITS - len("--")].strip(".-")
    return f"{kept or 'experiment'}--{digest}"


def known_as(folder: str, source: str | None) -> str:
    """What a person calls the experiment of a folder of runs: its file without `.toml`, if what is
    known of the file fits the folder; or else as the folder."""
    path = Path(source or "")
    fits = source is not None and run_name(path) == folder
    return (path.stem if path.suffix == ".toml" else path.name) if fits else folder


def source_path(source: Path, results: Path) -> str:
    """Where an experiment's file is, from the folder that the results are in: the same when both
    are moved together."""
    folder = os.path.relpath(os.path.realpath(source.parent), os.path.realpath(results.parent))
    return os.path.normpath(os.path.join(folder, source.name))


class PlanHead(NamedTuple):
    """What a run's plan begins with."""

    number: int | None = None
    """Its place in the order in which the experiment's runs were made, whatever the clock said; 0
    of all that earlier versions made. None: the plan is damaged."""
    source_path: str | None = None


def head_of(run: Path) -> PlanHead:
    """What the plan of a run begins with; nothing where it cannot be read."""
    try:
        with open(without_waiting(str(run / PLAN), os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode):
                return PlanHead()
            text = stream.read(_HEAD_BYTES).decode("utf-8", "replace")
            stream.seek(max(0, about.st_size - _TAIL_BYTES))
            is_whole = text.startswith("{") and stream.read().rstrip().endswith(b"}")
        found = _HEAD.match(text)
        if found is not None:
            return PlanHead(int(found[1]), str(json.loads(found[2])))
    except (OSError, ValueError):
        return PlanHead()
    return PlanHead(0) if is_whole else PlanHead()
