# SPDX-License-Identifier: BSD-3-Clause
"""The files of a run's folder as one archive, and a folder made of one that may come from anywhere.

It has the journal, and all that stands beside it; of what servers wrote that of failed trials. The
histograms of loads are not in it, since they are many times as large as all the rest: what is drawn
or exported of these needs the run's own folder.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from fibench.store.files import StoredError, inside, read_inside
from fibench.store.stored_run import StoredRun

FILES = (
    "experiment.toml",
    "plan.json",
    "environment.json",
    "trials.jsonl",
    "begun.jsonl",
    "stops.json",
    "stopped.json",
    "claims.json",
)
_WORDS = re.compile(r"trials/[0-9]{3,9}(?:-[0-9]{1,7})?/server\.err")
_LARGEST_BYTES = 64 << 20
"""Of one file."""
MOST_BYTES = 256 << 20
"""Of all of them together: an archive that unpacks to more is none of fibench's."""
_MOST_WORDS_BYTES = 256 << 10
_MOST_FILES = 10_000


class NoArchive(Exception):
    """What should be a run's archive is none; the text says why, in a clause."""


def packed(run: StoredRun) -> bytes:
    """The archive (tar, gzip) of a run, the same whenever and wherever it is made.

    Raises StoredError for a file that cannot be read.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in _members(run):
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(data), 0o644
            archive.addfile(about, io.BytesIO(data))
    return gzip.compress(stream.getvalue(), 9, mtime=0)


def _members(run: StoredRun) -> Iterator[tuple[str, bytes]]:
    for name in FILES:
        data = read_inside(run.folder, name, _LARGEST_BYTES, optional=True)
        if data is not None:
            yield name, data
    left = _MOST_WORDS_BYTES
    for folder in sorted(run.server_words):
        name = f"{folder}/server.err"
        data = None
        with contextlib.suppress(StoredError):
            if inside(run.folder, name, optional=True) is not None:
                data = read_inside(run.folder, name, left, optional=True)
        if data:
            left -= len(data)
            yield name, data


def unpack_run(data: bytes, folder: Path) -> None:
    """Write the files of an archive into an empty folder. Nothing is taken from it but files of a
    run, by their names and their bytes. Raises NoArchive, and OSError for the folder."""
    for name, content in _read(data):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _read(data: bytes) -> Iterable[tuple[str, bytes]]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            whole = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise NoArchive("it is damaged, or cut short") from error
    if len(whole) > MOST_BYTES:
        raise NoArchive(f"it has more than {MOST_BYTES >> 20} MiB")
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as archive:
            for place, about in enumerate(archive):
                is_known = about.name in FILES or _WORDS.fullmatch(about.name)
                if place >= _MOST_FILES or not about.isreg() or not is_known:
                    raise NoArchive("it has what is no file of a run")
                content = archive.extractfile(about)
                found[about.name] = b"" if content is None else content.read()
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise NoArchive("it is no archive of a run") from error
    if not found:
        raise NoArchive("it has no files")
    return found.items()
