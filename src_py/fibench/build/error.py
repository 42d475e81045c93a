# SPDX-License-Identifier: BSD-3-Clause
"""Why the programs could not be built, in one line of what and one of what to do."""

import errno
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fibench import called
from fibench.build import wraps
from fibench.wording import escaped
from fibench.writing import reason

_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded")
_TOO_LARGE = re.compile(r"File too large|File size limit exceeded")
"""What the C library, compilers and Meson say of a full disk, and of `ulimit -f`."""
_HARDLY_ANY_BYTES = 1 << 20
"""Less is no room to configure and to compile in. What was half written is gone when this is asked,
so that it may be more than was lacking."""
_LARGEST_BYTES = 4 << 20
"""No file of a build is larger, and no log that says why it failed."""
_STEPS = {"setup": "configuring", "install": "installing"}
"""What Meson does, by its command; ninja compiles."""
_COMPILING = "compiling"
_LOG = "meson-log.txt"
"""Meson names it where it wrote why it failed."""


class BuildError(Exception):
    """The programs could not be built; `output` is what the failing step printed."""

    def __init__(self, what: str, hint: str, output: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.output = output


def step_error(argv: list[str], output: str, folder: Path, checkout: Path) -> BuildError:
    """Why a step of a build in a folder failed, a command of Meson's or ninja, with its output."""
    told = output + (_log(folder) if _LOG in output else "")
    if words := _NO_ROOM.search(told):
        return _no_room(words[0], folder)
    if _is_full(folder) or _is_full(_scratch()):
        # Meson says then that the compiler does not work, or has a traceback.
        return _no_room(os.strerror(errno.ENOSPC), folder, "" if argv[1] in _STEPS else output)
    if _TOO_LARGE.search(told):
        return _too_large()
    if 0 <= resource.getrlimit(resource.RLIMIT_FSIZE)[0] < _LARGEST_BYTES:
        return _too_large(output)
    hint = f"mend what the output above names; `{called.command('clean')}` starts from nothing"
    source = _brought_source(checkout)
    if source and re.search(rf"{re.escape(source)}.*\b(error|missing)\b", output):
        again = called.command("build")
        hint = f"remove {escaped(source)}, which may be damaged; `{again}` brings it again"
    return BuildError(f"the build failed while {_STEPS.get(argv[1], _COMPILING)}", hint, output)


def _brought_source(checkout: Path) -> str:
    """The sources that were brought, by their path in a checkout; empty if none can be."""
    try:
        return str(wraps.read_wrap(checkout / wraps.WRAP).source.relative_to(checkout))
    except wraps.WrapError:
        return ""


@contextmanager
def told_as_build_error(folder: Path) -> Iterator[None]:
    """Tell what the system refuses to a build in a folder. Raises BuildError for every OSError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(os.strerror(error.errno), folder) from error
        if error.errno == errno.EFBIG:
            raise _too_large() from error
        hint = (
            f"make {escaped(str(folder))} writable, or build elsewhere: FIBENCH_BUILD=/some/where"
        )
        raise BuildError(f"the build failed: {escaped(reason(error))}", hint) from error


def _no_room(words: str, folder: Path, output: str = "") -> BuildError:
    return BuildError(
        f"there is no room for the build: {words}",
        f"free some space where {escaped(str(folder))} and {escaped(str(_scratch()))} are, or name"
        " other places: FIBENCH_BUILD, TMPDIR",
        output,
    )


def _too_large(output: str = "") -> BuildError:
    return BuildError(
        "the build made a larger file than it may: File too large",
        "allow it: `ulimit -f unlimited`",
        output,
    )


def _log(folder: Path) -> str:
    """What Meson tells of a compiler that can compile nothing; empty where it has told nothing."""
    try:
        with open(folder / "meson-logs" / _LOG, "rb") as log:
            return log.read(_LARGEST_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _scratch() -> Path:
    """Where compilers keep what they make on the way."""
    return Path(os.environ.get("TMPDIR") or "/tmp")


def _is_full(folder: Path) -> bool:
    """Whether hardly anything can be written where a folder is: tools speak many languages."""
    try:
        about = os.statvfs(folder)
    except OSError:
        return False
    free = about.f_bfree if os.geteuid() == 0 else about.f_bavail
    return about.f_blocks > 0 and free * about.f_frsize < _HARDLY_ANY_BYTES
