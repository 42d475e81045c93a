# SPDX-License-Identifier: BSD-3-Clause
"""The journal of a run: one checksummed, fsynced line for each finished trial.

A line is a JSON object whose last member, "sha256", is the digest of the object without it, so
that the file reads as plain JSON lines (trials.jsonl) and yet tells a whole record from a torn one.
The order of writing is what makes a record durable: the trial's folder is fsynced and renamed into
place, its parent is fsynced, and only then is the line appended and fsynced (rename(2), fsync(2)).
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MARK = ',"sha256":"'


class JournalError(Exception):
    """A record could not be made durable: the disk is full, or the folder is gone."""


def encode(record: Mapping[str, Any]) -> str:
    """One journal line. The record must be a non-empty JSON object without a `sha256` member."""
    body = json.dumps(record, allow_nan=False, separators=(",", ":"))
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{body[:-1]}{_MARK}{digest}"}}\n'


def decode(line: str) -> dict[str, Any] | None:
    """The record of a line, or None when the line is torn or was altered."""
    body, mark, tail = line.rstrip("\n").rpartition(_MARK)
    if not mark or not line.endswith("\n"):
        return None
    body += "}"
    if tail != hashlib.sha256(body.encode()).hexdigest() + '"}':
        return None
    record = json.loads(body)
    return record if isinstance(record, dict) else None


@dataclass
class Reading:
    """What a journal holds."""

    records: list[dict[str, Any]] = field(default_factory=list)
    """Every whole record, in the order of writing."""
    damaged: list[int] = field(default_factory=list)
    """Line numbers, from 1, of what is not a whole record: torn by a crash, or altered."""


def read(path: Path) -> Reading:
    """Read a journal as far as it is whole; a missing file is an empty journal."""
    reading = Reading()
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return reading
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        record = decode(line)
        if record is None:
            reading.damaged.append(number)
        else:
            reading.records.append(record)
    return reading


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: fsync(2) of a file does not do that. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle_folder(scratch: Path, final: Path) -> None:
    """Make a trial's folder durable, and move it to its final name. Raises JournalError."""
    try:
        for entry in scratch.iterdir():
            descriptor = os.open(entry, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(scratch)
        scratch.rename(final)
        sync_folder(final.parent)
    except OSError as error:
        raise JournalError(f"cannot keep {final.name}: {error.strerror}") from error


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Append one record and wait until it is on the disk. Raises JournalError.

    A half-written line (a full disk) is cut off again, so that the next record starts cleanly.
    """
    data = encode(record).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            before = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, data)
                os.fsync(descriptor)
                if before == 0:
                    sync_folder(path.parent)
            except OSError:
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise JournalError(f"cannot write {path.name}: {error.strerror}") from error


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
