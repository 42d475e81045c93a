# SPDX-License-Identifier: BSD-3-Clause
"""Where a command writes what it has made: standard output, or a file, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.folders import from_here
from fibench.report.output import carried
from fibench.wording import escaped, suggestion


def check_choice(option: str, text: str, choices: Sequence[str]) -> None:
    """Raises Refused with the nearest of the choices."""
    if text not in choices:
        what = f"--{option} {escaped(text[:40])}: no such {option}"
        raise Refused(what, suggestion(text, choices), WRONG_INPUT)


def target_of(output: str, *, replace: bool) -> Path | None:
    """Where the text goes; None: standard output. A file that is there is kept, unless `replace`.

    Raises Refused.
    """
    if not output:
        return None
    path = from_here(output)
    if path.is_dir():
        raise Refused(f"--output {escaped(output)}: is a folder", "name a file", WRONG_INPUT)
    if path.is_file() and not replace:
        hint = "give another name, or --replace"
        raise Refused(f"--output {escaped(output)}: the file exists", hint, WRONG_INPUT)
    return path


def emit(made: str | bytes, target: Path | None) -> None:
    """Write a whole text or picture, or say in one line why not. Raises Refused."""
    if target is not None:
        whole = made if isinstance(made, bytes) else made.encode("utf-8", "backslashreplace")
        _write_file(target, whole)
        return
    sys.stdout.flush()
    if isinstance(made, bytes):
        data = made
    else:
        encoding = sys.stdout.encoding or "utf-8"
        data = carried(made, encoding).encode(encoding)
    try:
        # Past Python's buffer, which would complain a second time when the program ends.
        view = memoryview(data)
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]
    except BrokenPipeError as error:
        raise Refused("the output's reader has gone before the end") from error
    except OSError as error:
        raise Refused(f"cannot write the output: {error.strerror}", "free some space") from error


def _write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; a device or a pipe is written as it is. Raises Refused."""
    name = escaped(str(path))
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with open(path, "wb", buffering=0) as stream:
                stream.write(data)
            return
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
            os.chmod(scratch, 0o666 & ~_umask())
            os.replace(scratch, path.resolve())
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refused(f"cannot write {name}: {reason}", "give another --output") from error


def _umask() -> int:
    """The process's umask, which can only be read by setting it (umask(2))."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
