# SPDX-License-Identifier: BSD-3-Clause
"""The journal of a run: one checksummed, fsynced line for each finished trial.

A line is a JSON object whose last member, "sha256", is the digest of the object without it, so
that the file reads as plain JSON lines (trials.jsonl) and yet tells a whole record from a torn one.
The order of writing is what makes a record durable: the trial's folder is fsynced and renamed into
place, its parent is fsynced, and only then is the line appended and fsynced (rename(2), fsync(2)).

A trial may be tried more than once; each try is an attempt with a line and a folder of its own, and
the last one counts.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fibench import writing
from fibench.document import parse_json
from fibench.json_values import Object

_MARK = ',"sha256":"'
_MARK_BYTES = _MARK.encode()
_DIGEST_IN_LINE = slice(-64 - len('"}\n'), -len('"}\n'))
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 20
"""Bytes: the record of a trial with 32 client groups has 40,000."""


class JournalError(Exception):
    """A record could not be made durable: the disk is full, or something is in the way.

    `hint` is one line of what to do.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def encode(record: Object) -> str:
    """One journal line. The record must be a non-empty JSON object without a `sha256` member."""
    body = json.dumps(record, allow_nan=False, separators=(",", ":"))
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{body[:-1]}{_MARK}{digest}"}}\n'


def _record(line: bytes) -> dict[str, object] | None:
    end = _proven(line)
    return _parsed(line[:end]) if end is not None else None


def _proven(line: bytes) -> int | None:
    """Where the digest of a line begins, which the text before was held to; None if it fails.

    That text lacks the brace that closes the object.
    """
    end = line.rfind(_MARK_BYTES)
    if end < 0:
        return None
    digest = hashlib.sha256(memoryview(line)[:end])
    digest.update(b"}")
    tail = digest.hexdigest().encode() + b'"}\n'
    return end if line[end + len(_MARK_BYTES) :] == tail else None


def _parsed(text: bytes) -> dict[str, object] | None:
    """An object without its closing brace; None for what is no JSON that fibench writes."""
    try:
        record = parse_json(text + b"}")
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _head(line: bytes) -> dict[str, object] | None:
    """What a record says of itself before its parameters and figures, at a tenth of the cost.

    Inside a JSON string every quote is escaped, so that the text searched for is a member's name;
    a record without such a member is parsed whole.
    """
    end = _proven(line)
    if end is None:
        return None
    head = line.find(b',"parameters":', 0, end)
    found = _parsed(line[:head]) if head > 0 else None
    return found or _parsed(line[:end])  # the member may have stood inside another one


@dataclass
class Reading:
    """What a journal holds."""

    records: list[dict[str, object]] = field(default_factory=list)
    """Every whole record as JSON, once, in the order of writing; nothing in it is proven yet."""
    lines: list[int] = field(default_factory=list)
    """The number of each record's line, from 1."""
    damaged: list[int] = field(default_factory=list)
    """Line numbers, from 1, of what is not a whole record: torn by a crash, or altered."""
    copies: list[int] = field(default_factory=list)
    """Line numbers of records that stand above already: nothing here writes a line twice."""
    digests: dict[bytes, None] = field(default_factory=dict)
    """The digest of each record, in hexadecimal."""


def read(path: Path) -> Reading:
    """Read a journal as far as it is whole; a missing file is an empty journal."""
    return _reading(path, _record)


def read_heads(path: Path) -> Reading:
    """The same, with of each record only what says which trial it is and how it went.

    That is all that resuming needs: every digest is checked, and figures are not parsed.
    """
    return _reading(path, _head)


def _reading(path: Path, parse: Callable[[bytes], dict[str, object] | None]) -> Reading:
    reading = Reading()
    for number, line in enumerate(_lines(path), start=1):
        record = parse(line)
        if record is None:
            reading.damaged.append(number)
            continue
        digest = line[_DIGEST_IN_LINE]
        if digest in reading.digests:
            reading.copies.append(number)
        else:
            reading.records.append(record)
            reading.lines.append(number)
            reading.digests[digest] = None
    return reading


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=_CHUNK) as stream:
            while line := stream.readline(_LONGEST_LINE):
                if not line.endswith(b"\n"):
                    _pass_over_rest(stream)
                yield line
    except FileNotFoundError:
        return


def _pass_over_rest(stream: IO[bytes]) -> None:
    """Go on to the next line: of one that is too long the begin alone is kept, and is no record."""
    while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def folder_name(index: int, attempt: int) -> str:
    """The name of an attempt's folder in `trials`: 082, then 082-2 for the second attempt."""
    return f"{index:03d}" if attempt == 1 else f"{index:03d}-{attempt}"


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: fsync(2) of a file does not do that. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle_folder(scratch: Path, final: Path) -> None:
    """Make a trial's folder durable, and move it to its final name. Raises JournalError.

    Most trials leave empty files as well: these have nothing to lose but their names.
    """
    try:
        for entry in os.scandir(scratch):
            if entry.is_file(follow_symlinks=False) and entry.stat().st_size > 0:
                _sync_file(entry.path)
        sync_folder(scratch)
        scratch.rename(final)
        sync_folder(final.parent)
    except OSError as error:
        what = f"cannot keep {final.name}: {writing.reason(error)}"
        raise JournalError(what, writing.hint(error)) from error


def append(path: Path, record: Object) -> None:
    """Append one record and wait until it is on the disk. Raises JournalError.

    A half-written line (a full disk) is cut off again, and so is one that a crash left at the end:
    a record never glues onto what is not a whole line.
    """
    data = encode(record).encode()
    try:
        descriptor = writing.open_file(path, os.O_APPEND)
        try:
            before = _cut_torn_tail(descriptor)
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
        what = f"cannot write {path.name}: {writing.reason(error)}"
        raise JournalError(what, writing.hint(error)) from error


def _cut_torn_tail(descriptor: int) -> int:
    """Cut off what follows the last line end; returns the size that is left, in bytes."""
    size = end = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    whole = 0
    while end > 0 and whole == 0:
        start = max(0, end - _CHUNK)
        whole = os.pread(descriptor, end - start, start).rfind(b"\n") + 1
        whole += start if whole else 0
        end = start
    os.ftruncate(descriptor, whole)
    return whole


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
