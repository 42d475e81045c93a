# SPDX-License-Identifier: BSD-3-Clause
"""What servers of the user's own need before the first of them is started: those are built that
say how, and the ports that some must have are free."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from fibench.backends import own_backend
from fibench.experiment import Experiment, OwnBackend
from fibench.server import PortNames, StartError, check_port_free, end_leftovers
from fibench.server.once import run_once
from fibench.store import RunError
from fibench.wording import escaped

Say = Callable[[str], None]
"""Tells a person what is being done, or what was written, in lines."""


def make_ready(experiment: Experiment, supervise: Path, say: Say) -> None:
    """See that the ports are free which servers must have, and build servers. Raises RunError."""
    if any(taken_ports(experiment)):
        ended = end_leftovers()  # of a run that was killed
        if ended is not None:
            say(ended)
        for what, hint in taken_ports(experiment):
            raise RunError(what, hint)
    build_servers(_used(experiment), supervise, say)


def taken_ports(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """The ports that somebody has, of servers that can be told no other: what, and what to do."""
    for name, own in _used(experiment).items():
        hosts = {cell.parameters.host for cell in experiment.cells if cell.backend == name}
        for host in sorted(hosts) if own.port is not None else ():
            names = own_backend(name, own).port_names(PortNames())
            try:
                check_port_free(host, own.port or 0, names)
            except StartError as error:
                yield f"{name}: {error}", error.hint


def _used(experiment: Experiment) -> dict[str, OwnBackend]:
    """The file's own servers that cells are measured of here."""
    used = {cell.backend for cell in experiment.cells}
    return {name: own for name, own in experiment.backends.items() if name in used}


def build_servers(servers: Mapping[str, OwnBackend], supervise: Path, say: Say) -> None:
    """Run what makes servers in the folder of their file, the same once. Raises RunError."""
    done: set[tuple[Path, tuple[str, ...]]] = set()
    for name, own in servers.items():
        if own.build and (own.folder, own.build) not in done:
            done.add((own.folder, own.build))
            _build_one(name, own, supervise, say)


def _build_one(name: str, own: OwnBackend, supervise: Path, say: Say) -> None:
    line = escaped(shlex.join(own.build))
    say(f"building {name}: {line}")
    argv = [_from_folder(own.build[0], own.folder), *own.build[1:]]
    with TemporaryDirectory(prefix="fibench-") as folder:
        output = Path(folder, "build.out")
        try:
            done = run_once(argv, supervise=supervise, cwd=own.folder, output=output)
        except StartError as error:
            raise RunError(f"the build of {name} failed: {error}", error.hint) from error
    if done.how is not None:
        if done.said:
            say(done.said)
        what = f"the build of {name} {done.how}: {line}"
        raise RunError(what, f"nothing was measured; mend it, or the build of [backends.{name}]")


def _from_folder(program: str, folder: Path) -> str:
    return str(folder.absolute() / program) if "/" in program else program
