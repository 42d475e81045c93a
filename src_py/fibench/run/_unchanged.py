# SPDX-License-Identifier: BSD-3-Clause
"""Whether what a run measures is still what it began with: asked at every trial, from some stat
calls.

A build locks its folder, but nothing keeps a person's editor, `meson install` or `rm` from a
program that is being measured.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fibench.plan import Trial
from fibench.run._identity import ABSENT, backends_used, digest, interpreters, program_files
from fibench.trial.trial import TrialContext
from fibench.wording import escaped

_Glance = tuple[int, int, int, int, int, bool]
"""Device, inode, size, times of modification and of the inode's change (ns), and whether anybody
may execute it."""


_CODE = {
    *(".bash", ".beam", ".cjs", ".class", ".clj", ".dll", ".erl", ".ex", ".exs", ".go", ".hs"),
    *(".jar", ".java", ".jl", ".js", ".lisp", ".lua", ".mjs", ".ml", ".php", ".pl", ".pm", ".py"),
    *(".pyc", ".pyz", ".r", ".rb", ".rkt", ".scm", ".sh", ".so", ".tcl", ".ts", ".wasm", ".zsh"),
}
"""The endings of what interpreters run, which need not be executable."""


class ChangedError(Exception):
    """A program is not what it was; the text is the clause that says so."""

    def __init__(self, what: str, *, is_gone: bool, is_own: bool) -> None:
        super().__init__(what)
        self.is_gone = is_gone
        """It is missing, or may not be executed any more; otherwise it is another one."""
        self.is_own = is_own
        """It came with fibench, or was built by it."""


@dataclass(frozen=True)
class _Program:
    """A file that a run starts, or that what it starts reads."""

    name: str
    path: Path
    is_own: bool


class Unchanged:
    """Holds the programs of a run against what they were when this was made."""

    def __init__(self, trials: Iterable[Trial], context: TrialContext) -> None:
        trials = list(trials)
        used = backends_used(trials, context)
        self._programs = [
            _Program(name, path, _is_of(path, context.programs))
            for name, path in program_files(trials, used, context.programs).items()
            if _is_code(path)
        ]
        self._programs += [
            _Program(f"the Python {path}", Path(path), False)
            for path in sorted({str(one["path"]) for one in interpreters(trials, context).values()})
        ]
        # Seen first, read afterwards: what is changed in between is seen to be another.
        self._sights = {one.path: _sight(one.path) for one in self._programs}
        self._digests = {one.path: digest(one.path) for one in self._programs}

    def check(self) -> None:
        """Raise ChangedError for the first program that is missing or another one.

        What was only touched, or installed again as it was, is the same.
        """
        for program in self._programs:
            now = _sight(program.path)
            if now != self._sights[program.path] or now is None:
                self._look_closer(program, now)

    def _look_closer(self, program: _Program, now: _Glance | None) -> None:
        before, name = self._sights[program.path], escaped(program.name)

        def changed(what: str, *, is_gone: bool) -> ChangedError:
            return ChangedError(f"{name} {what}", is_gone=is_gone, is_own=program.is_own)

        if now is None:
            raise changed("is missing" if before is None else "has gone", is_gone=True)
        found = digest(program.path)
        if found != self._digests[program.path] or found == ABSENT:  # what cannot be read
            raise changed("has changed", is_gone=False)
        if before is not None and before[-1] and not now[-1]:
            raise changed("may not be executed any more", is_gone=True)
        self._sights[program.path] = now


def _is_code(path: Path) -> bool:
    """Whether a file, or what ought to be there, is a program.

    The command of a server of one's own may name a log or a database too, which it writes.
    """
    sight = _sight(path)
    return sight is None or sight[-1] or path.suffix in _CODE


def _is_of(path: Path, folder: Path) -> bool:
    return path.parent == folder


def _sight(path: Path) -> _Glance | None:
    """What a glance tells of a file; None where there is none."""
    try:
        at = os.stat(path)
    except (OSError, ValueError):
        return None
    executable = bool(at.st_mode & 0o111)
    return at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns, executable
