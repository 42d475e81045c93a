# SPDX-License-Identifier: BSD-3-Clause
"""The run that a page carries: found in it, unpacked beside nothing of a person's, and held to its
digest. Anybody can write a page: what is in it is read as what a folder of runs holds."""

from __future__ import annotations

import atexit
import base64
import binascii
import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fibench.reading import without_waiting
from fibench.store.carrying.packing import NoArchive, packed, unpack_run
from fibench.store.files import StoredError, shown_path
from fibench.store.stored_run import StoredRun

PAGE_ENDING = ".html"
ALTERED = "the run in the page is not the one that the page was made with: its digest is another"
_LARGEST_BYTES = 256 << 20
_BLOCK = re.compile(
    rb'<script type="application/gzip" id="run" data-name="(?P<name>[^"<>]{0,400})"\s+'
    rb'data-sha256="(?P<digest>[0-9a-f]{64})">(?P<text>[A-Za-z0-9+/=\s]*)</script>'
)
_MARK = b'<script type="application/gzip" id="run" data-name="'
_NAME = re.compile(r"(?P<experiment>[^/\0]{1,120})--(?P<run>[A-Za-z0-9_.-]{1,80})\.tar\.gz")
_LINE = 4096


@dataclass(frozen=True)
class Carried:
    """A run as it stands in a page."""

    text: str
    """The archive in base64, in lines."""
    sha256: str
    """The digest of the archive."""
    name: str
    """Of the archive as a file: `gil--2026-11-23T0715-7f3a.tar.gz`."""


def carried_run(run: StoredRun) -> Carried:
    """What a page of a run carries. Raises StoredError for a file that cannot be read."""
    data = packed(run)
    text = base64.b64encode(data).decode()
    lines = (text[at : at + _LINE] for at in range(0, len(text), _LINE))
    experiment, _, name = run.name.rpartition("/")
    harmless = re.sub(r"[^A-Za-z0-9._-]+", "-", experiment).strip("-.") or "run"
    return Carried(
        "\n".join(lines), hashlib.sha256(data).hexdigest(), f"{harmless[:100]}--{name}.tar.gz"
    )


def is_page(path: Path) -> bool:
    """Whether a file may be a page with a run in it, as its name says."""
    try:
        return path.name.lower().endswith(PAGE_ENDING) and path.is_file()
    except (OSError, ValueError):
        return False


def carries_run(path: Path) -> bool:
    """Whether a file is a page that carries a run, be it damaged."""
    if not is_page(path):
        return False
    try:
        return _MARK in _bytes(path)
    except StoredError:
        return False


@dataclass(frozen=True)
class Unpacked:
    """A run's folder made of a page; it is there until this process ends."""

    folder: Path
    remarks: tuple[str, ...]
    """What speaks against it."""


def unpacked(page: Path) -> Unpacked:
    """The run of a page. Raises StoredError."""
    where = shown_path(page)
    found = _BLOCK.search(_bytes(page))
    if found is None:
        hint = "give a page that fibench made, or the folder of a run"
        raise StoredError(f"{where} carries no run", hint)
    try:
        data = base64.b64decode(b"".join(found["text"].split()), validate=True)
        folder = _folder(found["name"].decode("utf-8", "replace"))
        unpack_run(data, folder)
    except (binascii.Error, NoArchive) as error:
        why = str(error) if isinstance(error, NoArchive) else "it is damaged"
        raise StoredError(f"the run in {where} cannot be read: {why}", "copy the page again") from (
            error
        )
    except OSError as error:
        what = f"the run in {where} cannot be unpacked: {error.strerror}"
        raise StoredError(what, "free some space for temporary files") from error
    same = hashlib.sha256(data).hexdigest().encode() == found["digest"]
    return Unpacked(folder, () if same else (ALTERED,))


def _bytes(page: Path) -> bytes:
    where = shown_path(page)
    try:
        with open(page, "rb", opener=without_waiting) as stream:
            data = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise StoredError(f"{where} cannot be read: {error.strerror}", "copy it again") from error
    if len(data) > _LARGEST_BYTES:
        raise StoredError(f"{where} is larger than {_LARGEST_BYTES >> 20} MiB", "copy it again")
    return data


def _folder(name: str) -> Path:
    """An empty folder of that name, in one that nobody else has."""
    found = _NAME.fullmatch(name)
    experiment, run = (found["experiment"], found["run"]) if found else ("page", "run")
    if {experiment, run} & {".", ".."}:
        experiment, run = "page", "run"
    folder = Path(tempfile.mkdtemp(dir=_scratch())) / experiment / run
    folder.mkdir(parents=True)
    return folder


@cache
def _scratch() -> Path:
    """Where runs of pages are unpacked: removed when this process ends."""
    folder = tempfile.mkdtemp(prefix="fibench-pages-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
