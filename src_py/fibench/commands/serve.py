# SPDX-License-Identifier: BSD-3-Clause
"""The catalogue's servers, for a person: which there are, one of them in the foreground, and a load
for whatever server runs.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Hashable, Mapping

from fibench import called
from fibench.backends import Backend, CatalogueError, find_backend, read_catalogue
from fibench.backends.catalogue import WORKERS, listing, unavailable_reason
from fibench.backends.catalogue import argv as backend_argv
from fibench.commands.build import built_or_refused
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.folders import Places, find_places, origin
from fibench.parameters import option_flag, server_option
from fibench.wording import escaped, suggestion


def read_backends(places: Places) -> dict[str, Backend]:
    """The catalogue, or Refused."""
    try:
        return read_catalogue(places.catalogue)
    except CatalogueError as error:
        raise Refused(str(error), called.restoring("catalogue.toml")) from error


def backends(as_json: bool) -> int:
    """List the catalogue."""
    places = find_places()
    from fibench.backends import why_unavailable

    rows = listing(read_backends(places).values(), places.programs, why_unavailable)
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    from fibench.report import render_backends

    render_backends(rows)
    return 0


def check_port(port: str, called_by: str = "--port") -> None:
    """Raise Refused for what is no port, by what the person gave it."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise Refused(
            f"{called_by} {escaped(port[:40])}: not a port",
            "a port is from 1 to 65535",
            WRONG_INPUT,
        )


def serve(name: str, port: str, options: list[str], interpreter: str = "") -> int:
    """Become the server: Ctrl-C then goes straight to it, and its exit status is the command's."""
    places = find_places()
    catalogue = read_backends(places)
    backend = find_backend(catalogue, name)
    if backend is None:
        hint = suggestion(name, catalogue)
        if hint.startswith("valid: "):
            hint += "; one of your own: `serve NAME FILE.toml`"
        raise Refused(f'there is no backend "{name}"', hint, WRONG_INPUT)
    check_port(port)
    with built_or_refused(places, f"serve {backend.name}"):
        pass
    reason = unavailable_reason(backend, places.programs)
    if reason is not None:
        raise Refused(f"{backend.name} cannot run here", reason)
    python = _interpreter(interpreter, backend) if interpreter else None
    _refuse_taken_port(int(port), options)
    workers = None
    if WORKERS in backend.arguments and "--workers" in options:  # an option may be given once
        at = options.index("--workers")
        workers, options = options[at + 1], options[:at] + options[at + 2 :]
    command = [*backend_argv(backend, places.programs, python, workers), *options, port]
    print(f"starting {backend.name} on port {port}; Ctrl-C ends it", file=sys.stderr, flush=True)
    os.execv(command[0], command)


def _refuse_taken_port(port: int, options: list[str]) -> None:
    """Say who holds a port that a server is to listen on. Raises Refused."""
    from fibench.server import PortNames, StartError, check_port_free

    host = options[options.index("--host") + 1] if "--host" in options else "127.0.0.1"
    try:
        check_port_free(host, port, PortNames("--host", "--port", may_be_left_out=False))
    except StartError as error:
        raise Refused(str(error), error.hint) from error


def _interpreter(asked: str, backend: Backend) -> str:
    """The program of an interpreter for a backend. Raises Refused."""
    from fibench.backends import NotHere, find_interpreter

    option = f"--interpreter {escaped(asked[:100])}"
    if backend.language != "python":
        hint = "leave the option out"
        raise Refused(f"{option}: {backend.name} is not in Python", hint, WRONG_INPUT)
    try:
        return find_interpreter(asked, origin(), os.environ).path
    except NotHere as reason:
        hint = 'name a program ("python3.13"), a version of pyenv ("3.13"), or a path'
        raise Refused(f"{option}: {reason}", hint, WRONG_INPUT) from reason


_CONNECT_LIMIT_S = 5.0


def load(port: str, given: Mapping[str, str], as_json: bool) -> int:
    """Become fibload, which loads a server that runs already, and tells what it saw: its exit
    status is the command's."""
    from fibench.document import read_overrides
    from fibench.document.diagnostics import ExperimentError
    from fibench.trial.load import LoadError, numeric_address

    check_port(port, "PORT")
    read = read_overrides(given)
    if read.faults:
        raise Refused(str(ExperimentError(read.faults)), status=WRONG_INPUT)
    values = {name: _only(name, every) for name, every in read.values.items()}
    places = find_places()
    with built_or_refused(places, "load"):
        pass
    try:
        host = numeric_address(str(values.pop("host", "127.0.0.1")))
    except LoadError as error:
        raise Refused(str(error), "name an address: --host 127.0.0.1", WRONG_INPUT) from error
    _refuse_nobody(host, int(port))
    values.setdefault("warmup", "auto")
    if "requests" in values:
        values.pop("duration", None)
    words = [word for name, value in values.items() for word in (server_option(name), value)]
    command = [str(places.programs / "fibload"), "--format", "json" if as_json else "text"]
    command += ["--host", host, *words, port]
    os.execv(command[0], command)


def _only(name: str, values: list[Hashable]) -> str:
    """The one value of an option, as fibload takes it. Raises Refused."""
    if len(values) > 1:
        what = f"{option_flag(name)}: a load has one value of it"
        raise Refused(what, "`try` and experiments vary it", WRONG_INPUT)
    value = values[0]
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _refuse_nobody(host: str, port: int) -> None:
    """Say that nothing listens where a load is to go. Raises Refused."""
    try:
        socket.create_connection((host, port), timeout=_CONNECT_LIMIT_S).close()
    except OSError as error:
        what = f"nothing answers at {host}:{port}: {error.strerror or error}"
        hint = called.command(f"serve py-mt --port {port}")
        raise Refused(what, f"start a server first, in another terminal: `{hint}`") from error
