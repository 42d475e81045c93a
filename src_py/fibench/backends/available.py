# SPDX-License-Identifier: BSD-3-Clause
"""Whether backends and interpreters can run here: found out by starting each of them once.

Only those are started of which it is in doubt: backends that say that they need something, and what
runs on an interpreter that the experiment names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fibench.backends.catalogue import Backend, argv, left_out, unavailable_reason
from fibench.backends.interpreters import Interpreter, NotHere, find_interpreter
from fibench.backends.own_needs import why_not_here
from fibench.backends.own_python import python_of
from fibench.experiment import Absent, AbsentCell, OwnBackend

if TYPE_CHECKING:
    from fibench.experiment import Cell, Experiment

_START_LIMIT_S = 20.0
_SUPERVISE = "supervise"
_LOADER = re.compile(
    r"error while loading shared libraries: |Error loading shared library |symbol lookup error: "
    r"|Error relocating .+: symbol not found|: version `[^']+' not found \(required by "
    r"|: CPU ISA level is lower than required"
)
"""How the loaders of glibc and of musl say what a program lacks."""


@dataclass(frozen=True)
class Here:
    """An experiment as it can be run on this machine."""

    experiment: Experiment
    """Without the cells that cannot be run, which are in its `absent`."""
    interpreters: Mapping[str, Interpreter] = field(default_factory=dict)
    """By the text that asks for each: what its cells and its claims name, and is installed; and
    those of the user's own servers, by the names of `own_python`."""


def find_here(
    experiment: Experiment, folder: Path, backends: Mapping[str, Backend], programs: Path
) -> Here:
    """See what of an experiment can run here. `folder` is that of its file.

    Where nothing was built yet, of servers nothing is known, and nothing is left out for them.
    """
    seen = _Seen(folder, backends, programs, experiment.backends)
    for claim in experiment.claims:
        for name in claim.needs_interpreter:
            seen.interpreter(name)
    cells = [(cell, seen.why_not(cell)) for cell in experiment.cells]
    needed = {name for claim in experiment.claims for name in claim.needs_backend}
    reasons = {name: seen.server(name, None) for name in sorted(needed & backends.keys())}
    absent = Absent(
        cells=tuple(AbsentCell(cell, why) for cell, why in cells if why is not None),
        backends={name: why for name, why in reasons.items() if why is not None},
        interpreters=seen.missing,
    )
    kept = tuple(cell for cell, why in cells if why is None)
    used = dict.fromkeys(cell.backend for cell in kept)
    for name in used.keys() & experiment.backends.keys():
        seen.found |= python_of(name, experiment.backends[name])
    return Here(replace(experiment, cells=kept, absent=absent), seen.found)


class _Seen:
    """What was found out so far: each pair of backend and interpreter is started once."""

    def __init__(
        self,
        folder: Path,
        backends: Mapping[str, Backend],
        programs: Path,
        own: Mapping[str, OwnBackend],
    ) -> None:
        self._folder, self._backends, self._programs = folder, backends, programs
        self._given, self._own = own, dict[str, str | None]()
        self._servers: dict[tuple[str, str | None], str | None] = {}
        self.found: dict[str, Interpreter] = {}
        self.missing: dict[str, str] = {}

    def why_not(self, cell: Cell) -> str | None:
        """Why a cell cannot be run here, naming what is lacking; None if it can."""
        asked = cell.parameters.interpreter
        if cell.backend not in self._backends:  # the user's own: its command says it all
            return self.own(cell.backend)
        if asked is None:
            why = self.server(cell.backend, None)
            return why and f"{cell.backend}: {why}"
        if not self.interpreter(asked):
            return f"interpreter {asked}: {self.missing[asked]}"
        why = self.server(cell.backend, asked)
        return why and f"{cell.backend} on {asked}: {why}"

    def own(self, name: str) -> str | None:
        """Why a server of the user's own cannot run here, if what it needs is not installed."""
        if name not in self._own and name in self._given:
            self._own[name] = why_not_here(self._given[name], self._programs / _SUPERVISE)
        why = self._own.get(name)
        return why and f"{name}: {why}"

    def interpreter(self, asked: str) -> bool:
        """Whether there is such an interpreter."""
        if asked not in self.found and asked not in self.missing:
            try:
                self.found[asked] = find_interpreter(asked, self._folder, os.environ)
            except NotHere as reason:
                self.missing[asked] = str(reason)
        return asked in self.found

    def server(self, name: str, asked: str | None) -> str | None:
        """Why a backend cannot run, on an interpreter that is here; None if it can."""
        if (name, asked) not in self._servers:
            path = None if asked is None else self.found[asked].path
            self._servers[name, asked] = lacking(self._backends[name], self._programs, path)
        return self._servers[name, asked]


def lacking(backend: Backend, programs: Path, interpreter: str | None = None) -> str | None:
    """What a backend lacks here, in its own words; None if nothing, or if it is not in doubt.

    Of a compiled program it is in doubt whether it can be loaded: a wheel may come to a machine
    without its libraries. One that fails in another way has a fault, which its trials are to show.
    """
    path = programs / backend.program
    if not (programs / _SUPERVISE).is_file():
        return None
    if not path.is_file():
        return f"it was {left_out(backend, programs)}" if backend.needs else None
    if backend.needs or interpreter:
        said = _start_once([*argv(backend, programs, interpreter), "0"], programs)
        return None if said is None else said.removeprefix(f"{backend.program}: ")
    return None if backend.language == "python" else _load_once(path)


def _start_once(command: list[str], programs: Path) -> str | None:
    """The line in which a server says what it lacks; None if it starts, or fails otherwise."""
    from tempfile import TemporaryDirectory

    from fibench.server import ServerCommand, StartError
    from fibench.server.starting import start

    with TemporaryDirectory(prefix="fibench-") as folder:
        try:
            running = start(
                ServerCommand(command, port=0),
                supervise=programs / _SUPERVISE,
                stderr_path=Path(folder) / "server.err",
                timeout_s=_START_LIMIT_S,
            )
        except StartError as error:
            if error.kind != "lacking":
                return unloadable(error.stderr_tail, command[0])
            return error.stderr_tail.rpartition("\n")[2] or "it does not say what it lacks"
        running.kill()
    return None


def _load_once(program: Path) -> str | None:
    """Why a compiled program cannot be loaded: asked for its help, it does nothing else."""
    import subprocess

    from fibench.server import clean_environment
    from fibench.server.start_error import printable

    try:
        done = subprocess.run(
            [program, "--help"],
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_START_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = "\n".join(printable(line) for line in done.stderr.splitlines())
    return unloadable(said, str(program)) if done.returncode != 0 else None


def unloadable(said: str, program: str) -> str | None:
    """The line in which a loader (glibc's, musl's) says why it cannot load a program, if one is."""
    line = next((line for line in said.splitlines() if _LOADER.search(line)), None)
    return line and line.removeprefix(f"{program}: ")


def why_unavailable(backend: Backend, programs: Path) -> str | None:
    """Why a backend cannot run here, for a listing; None if it can."""
    return unavailable_reason(backend, programs) or lacking(backend, programs)
