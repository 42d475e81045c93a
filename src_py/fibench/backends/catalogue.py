# SPDX-License-Identifier: BSD-3-Clause
"""Which backends exist, how each is started, and whether it can run here.

The list itself is catalogue.toml, written by hand; its header says what each key means.
"""

import os
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fibench import called
from fibench.build import RECORD, read_build, why_without
from fibench.document import START_TIMEOUT_S
from fibench.document.own_servers import STOP_GRACE_S
from fibench.experiment import KnownBackend, OwnBackend
from fibench.folders import find_places, origin
from fibench.machine import cores as machine
from fibench.parameters import FRAMINGS, KEYS, Parameters, server_option
from fibench.requests.template import Payload
from fibench.server import PortNames

Serves = int | Literal["workers", "any"]

MOST_CONNECTIONS = 65536
"""That a server of the user's own is taken to serve, which is not told a number."""
WORKERS = "{workers}"
"""In a variant's arguments: the number of workers."""


@dataclass(frozen=True)
class Backend:
    """One server: a concurrency design in a language."""

    name: str
    program: str
    language: str
    design: str
    mechanism: str = ""
    """How it serves more than one client, in a few words."""
    arguments: tuple[str, ...] = ()
    serves: Serves = "any"
    """How many connections it serves at once: a number, its `workers`, or any."""
    cores: Serves = "any"
    """How many cores it can use."""
    course: bool = False
    ranked: bool = True
    teaches: str = ""
    limits: str = ""
    needs: str = ""
    """What it needs of the machine, in a word or two: only then is it in doubt that it can run."""
    cap: int | None = None
    """Connections that its design has room for; None: any number."""
    busy: bool = False
    """Whether it burns a core while it has nothing to do."""
    gil: bool = False
    """Whether all that it computes is computed under one GIL, where the interpreter has one."""
    framings: tuple[str, ...] = FRAMINGS
    command: tuple[str, ...] = field(default=())
    """A user's own server only: its argument list, with names in braces."""
    folder: Path | None = None
    """A user's own server only: what a relative program is relative to."""
    ready_fd: bool = True
    """Whether it takes --ready-fd; otherwise readiness is learnt by connecting."""
    start_timeout_s: float = START_TIMEOUT_S
    """How long it may take until it is ready."""
    env: tuple[tuple[str, str], ...] = ()
    """This and what follows: a user's own server only, as of OwnBackend."""
    files: tuple[tuple[str, Payload], ...] = ()
    port: int | None = None
    ready_get: str | None = None
    stop_signal: str = "SIGTERM"
    grace_s: float = STOP_GRACE_S
    build: tuple[str, ...] = ()

    def port_names(self, names: PortNames) -> PortNames:
        """What gives its port: what gives that of all servers, if it has no port of its own."""
        if self.port is None:
            return names
        own = f"port in [backends.{self.name}]"
        return replace(names, port=own, may_be_left_out=False, may_be_another=False)


class CatalogueError(Exception):
    """catalogue.toml cannot be read, or an entry of it is malformed."""


def read_catalogue(path: Path) -> dict[str, Backend]:
    """Read the list of backends, in the file's order. Raises CatalogueError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            entry["name"]: Backend(
                name=entry["name"],
                program=entry["program"],
                language=entry["language"],
                design=entry["design"],
                mechanism=entry.get("mechanism", ""),
                arguments=tuple(entry.get("arguments", ())),
                serves=entry["serves"],
                cores=entry["cores"],
                course=entry.get("course", False),
                ranked=entry.get("ranked", True),
                teaches=entry.get("teaches", ""),
                limits=entry.get("limits", ""),
                needs=entry.get("needs", ""),
                cap=entry.get("cap"),
                busy=entry.get("busy", False),
                gil=entry.get("gil", False),
            )
            for entry in document["backend"]
        }
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"cannot read the list of backends: {error}") from error
    except KeyError as error:
        raise CatalogueError(f"{path.name}: an entry lacks the key {error}") from error


def known_backends(backends: Mapping[str, Backend]) -> dict[str, KnownBackend]:
    """What the experiment file's validation needs to know of each backend."""
    return {
        name: KnownBackend(
            framings=backend.framings,
            serves=backend.serves,
            language=backend.language,
            cores=backend.cores,
            program="" if backend.arguments else backend.program,
            busy=backend.busy,
        )
        for name, backend in backends.items()
    }


def own_backend(name: str, own: OwnBackend) -> Backend:
    """A user's server as a backend beside those of the catalogue."""
    return Backend(
        name=name,
        program=own.command[0],
        language="own",
        design="own",
        serves=own.serves,
        cores=own.used_cores,
        framings=(own.framing,),
        command=tuple(own.command),
        folder=own.folder,
        ready_fd=own.ready_fd,
        start_timeout_s=own.start_timeout_s,
        env=own.env,
        files=own.files,
        port=own.port,
        ready_get=own.ready_get,
        stop_signal=own.stop_signal,
        grace_s=own.grace_s,
        build=own.build,
    )


def argv(
    backend: Backend,
    programs: Path,
    interpreter: str | None = None,
    workers: int | str | None = None,
) -> list[str]:
    """The argument list up to the options and the port: a program, or an interpreter and it.

    Without an `interpreter`, a program in Python runs on the one that runs this. `workers` is what
    a variant that must be told their number is told; by default as many as there are cores.
    """
    program = str(programs / backend.program)
    arguments = list(backend.arguments)
    if WORKERS in arguments:
        arguments[arguments.index(WORKERS)] = str(workers or machine.usable_cores())
    if backend.language == "python":
        return [interpreter or sys.executable, program, *arguments]
    return [program, *arguments]


def server_options(parameters: Parameters) -> list[str]:
    """The options which hand a cell's parameters to a server; what is None is left out."""
    options: list[str] = []
    for name, key in KEYS.items():
        value = parameters.value_of(name)
        if key.argument is None or value is None:
            continue
        if key.argument.in_ms and isinstance(value, float):
            value = round(value * 1000, 3)
        text = f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        options += [server_option(name), text]
    return options


def server_argv(
    backend: Backend,
    programs: Path,
    parameters: Parameters,
    port: int,
    interpreter: str | None = None,
    cores: int | None = None,
) -> list[str]:
    """The whole command that serves a cell on a port. `cores` is how many the server may use.

    Of a server of the user's own, that and the rest is in own_start.py.
    """
    program = argv(backend, programs, interpreter, parameters.workers or cores)
    # A variant has been told already, and an option may be given once. A design without workers
    # must not be turned into its neighbour that has them.
    if WORKERS in backend.arguments or "workers" not in (backend.serves, backend.cores):
        parameters = replace(parameters, workers=None)
    return [*program, *server_options(parameters), str(port)]


def connection_cap(backend: Backend, parameters: Parameters) -> int:
    """Above how many connections the server declares that it refuses new ones."""
    asked = parameters.max_connections or MOST_CONNECTIONS
    return asked if backend.cap is None else min(asked, backend.cap)


def left_out(backend: Backend, programs: Path) -> str:
    """What the build did with a backend whose library it did not find, or was to leave out."""
    if why_without(read_build(programs / RECORD), backend.needs) == "disabled":
        return f"left out of the build, as -D{backend.needs}=disabled asks"
    return f"not built, for want of {backend.needs}"


def _left_out_advice(backend: Backend, programs: Path) -> str:
    """What to do about a backend that the build left out."""
    library, record = backend.needs, read_build(programs / RECORD)
    if record.get("wheel") is True:
        return f"install a wheel that was built with {library}"
    build = called.command("build")
    if why_without(record, library) == "disabled":
        places = find_places()
        if places.checkout is None:
            return f"build fibench with {library}"
        folder = shlex.quote(os.path.relpath(places.build, origin()))
        meson = called.through_dev(f"meson configure {folder} -D{library}=auto")
        return f"`{meson}`, then `{build}`"
    install = f"install it ({library}-dev, {library}-devel), then `{build}`"
    if library == "liburing":
        return f"it was not there, and could not be downloaded: {install}, or do so with a network"
    return install


def unavailable_reason(backend: Backend, programs: Path) -> str | None:
    """Why a backend cannot run here, or None when it can."""
    path = programs / backend.program
    if not path.is_file():
        if backend.needs and (programs / "supervise").is_file():  # all else was built
            return f"{left_out(backend, programs)}; {_left_out_advice(backend, programs)}"
        return f"not built yet: {called.rebuilding()}"
    if backend.language != "python" and not os.access(path, os.X_OK):
        return f"{backend.program} is not executable: {called.rebuilding()}"
    return None


def listing(
    backends: Iterable[Backend], programs: Path, why: Callable[[Backend, Path], str | None]
) -> list[dict[str, object]]:
    """What `backends --json` prints: one object for each backend, in catalogue order.

    `why` says of a backend why it cannot run here.
    """
    rows: list[dict[str, object]] = []
    for backend in backends:
        reason = why(backend, programs)
        rows.append(
            {
                "name": backend.name,
                "language": backend.language,
                "design": backend.design,
                "mechanism": backend.mechanism,
                "program": backend.program,
                "argv": argv(backend, programs),
                "framings": list(backend.framings),
                "serves": backend.serves,
                "cores": backend.cores,
                "available": reason is None,
                "reason": reason,
                "course": backend.course,
                "ranked": backend.ranked,
                "teaches": backend.teaches,
                "limits": backend.limits,
                "needs": backend.needs,
                "busy": backend.busy,
                "gil": backend.gil,
            }
        )
    return rows


def find_backend(backends: Mapping[str, Backend], name: str) -> Backend | None:
    """A backend by its name, or by its program's name (`mt_server.py`)."""
    if name in backends:
        return backends[name]
    return next((b for b in backends.values() if b.program == name and not b.arguments), None)
