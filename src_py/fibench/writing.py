# SPDX-License-Identifier: BSD-3-Clause
"""Writing into a folder of results, where anything may lie: nothing there leads a write elsewhere.

Files are made under names that nobody else has, and never through a link that is there already.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_SCRATCH = re.compile(r"\..+\.[0-9a-f]{8}\.new")
_IN_THE_WAY = (errno.EEXIST, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.ENXIO)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def open_emptied(path: Path) -> IO[bytes]:
    """A file to write from its begin, new or emptied. Raises OSError, for a link or a FIFO too.

    Who is handed its descriptor may read it as well: `supervise` does.
    """
    return os.fdopen(open_file(path, os.O_TRUNC), "wb")


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a file to read and write, made if need be. Raises OSError, as above."""
    descriptor = os.open(path, _FLAGS | flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, "something that is not a file is there", str(path))
    return descriptor


def write_new(path: Path, data: bytes) -> None:
    """Make a file that is not there yet, durably. Raises OSError."""
    descriptor = os.open(path, _FLAGS | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace(path: Path, data: bytes, sync_folder: Callable[[Path], None]) -> None:
    """Write a file whole or not at all, durably, in place of what has its name. Raises OSError.

    A link of that name is replaced, and what it leads to left alone.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        write_new(scratch, data)
        scratch.rename(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_scratch(folder: Path) -> None:
    """Remove the files that `replace` was writing when a crash came. Raises OSError."""
    for entry in os.scandir(folder):
        if _SCRATCH.fullmatch(entry.name) and not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)


def reason(error: OSError) -> str:
    """What went wrong, in words; with the path where the error knows it."""
    what = error.strerror or str(error) or type(error).__name__
    return f"{what} ({os.fspath(error.filename)})" if isinstance(error.filename, str) else what


def hint(error: OSError) -> str:
    """What a person can do about a write that failed, in a line."""
    if error.errno in _IN_THE_WAY:
        where = error.filename2 or error.filename
        return f"move {where or 'what is there'} out of the way, or begin anew with --fresh"
    if error.errno in _NO_ROOM:
        return "free some space; finished trials are kept"
    if error.errno in _FORBIDDEN:
        return "make the results folder writable; finished trials are kept"
    return "mend the disk or the folder; finished trials are kept"
