# SPDX-License-Identifier: BSD-3-Clause
"""One of the user's own servers in the foreground, started as a trial starts it."""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING

from fibench.backends import Backend, own_backend
from fibench.commands.build import built_or_refused
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.commands.run import load
from fibench.commands.serve import check_port
from fibench.folders import find_places
from fibench.interruption import Interrupted, exit_status, heeded, signal_of
from fibench.run.preparing import build_servers
from fibench.store import RunError
from fibench.wording import as_toml, escaped, signal_name, suggestion

if TYPE_CHECKING:
    from fibench.experiment import OwnBackend
    from fibench.parameters import Parameters
    from fibench.server import RunningServer


def serve_own(
    name: str,
    file: str,
    port: str,
    options: Mapping[str, str],
    interpreter: str = "",
    *,
    verbose: bool = False,
) -> int:
    """Start a server of a file as in the first cell that has it, with options in the place of keys,
    and wait until it ends, or is told to; returns the exit status."""
    given = {"--interpreter": bool(interpreter), "--verbose": verbose}
    for option in (option for option, is_given in given.items() if is_given):
        what = f"{option} is for the servers of fibench"
        raise Refused(what, f"what {escaped(name[:100])} is told stands in its file", WRONG_INPUT)
    if port:
        check_port(port)
    places = find_places()
    asked = load(file, options, places)
    own = asked.experiment.backends.get(name)
    if own is None:
        what = f"there is no [backends.{escaped(name[:100])}] in {escaped(str(asked.source))}"
        raise Refused(what, suggestion(name, asked.experiment.backends), WRONG_INPUT)
    cell = next((one for one in asked.experiment.cells if one.backend == name), None)
    if cell is None:
        what = f"no cell of {escaped(str(asked.source))} has backend = {as_toml(name)}"
        raise Refused(what, "name it in [[matrix]]: its keys and axes are those of a cell")
    number = _port(name, own, port)
    with built_or_refused(places, f"serve {name}"):
        pass
    _refuse_not_here(name, own, places.programs / "supervise")
    try:
        build_servers({name: own}, places.programs / "supervise", _say)
    except RunError as error:
        raise Refused(str(error), error.hint) from error
    _say(f"{name} as in the cell {escaped(cell.label)}")
    return _serve(own_backend(name, own), cell.parameters, number, places.programs)


def _port(name: str, own: OwnBackend, asked: str) -> int:
    """The port that it gets. Raises Refused."""
    if own.port is None:
        return int(asked or "2999")
    if asked and int(asked) != own.port:
        what = f"--port {asked}: {name} listens on {own.port}, and cannot be told another"
        raise Refused(what, "leave the option out", WRONG_INPUT)
    return own.port


def _refuse_not_here(name: str, own: OwnBackend, supervise: Path) -> None:
    from fibench.backends.own_needs import why_not_here

    why = why_not_here(own, supervise)
    if why is not None:
        what, _, hint = why.rpartition(": ")
        raise Refused(f"{name} cannot run here: {what}", hint)


def _serve(backend: Backend, parameters: Parameters, port: int, programs: Path) -> int:
    from fibench.backends.own_start import FOLDER, own_command
    from fibench.parameters import Fault
    from fibench.server import PortNames, StartError
    from fibench.server.start_error import WROTE_NOTHING
    from fibench.server.starting import start

    names = PortNames("server.host", "--port", may_be_left_out=False)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="fibench-")))
        folder.chmod(0o711)
        try:
            command = own_command(backend, parameters, port, folder / FOLDER, names)
            running = opened.enter_context(
                start(
                    command,
                    supervise=programs / "supervise",
                    stderr_path=folder / "server.err",
                    timeout_s=backend.start_timeout_s,
                    streams=(sys.stdout.buffer, sys.stderr.buffer),
                )
            )
        except StartError as error:
            hint = "what it wrote is above" if error.hint == WROTE_NOTHING else error.hint
            raise Refused(str(error), hint) from error
        except (Fault, ValueError) as error:
            raise Refused(f"{backend.name} cannot be told what it needs: {error}") from error
        return _until_it_ends(running, f"{backend.name} is ready on {parameters.host}")


def _until_it_ends(running: RunningServer, ready: str) -> int:
    """Wait; returns what the command ends with: the server's status, or 0 after a Ctrl-C.

    The signal does not go to the server, which is asked to end in its own way.
    """
    try:
        for heeded_one in heeded():
            signal.signal(heeded_one, _raise)
        _say(f"{ready}, port {running.port}; Ctrl-C ends it")
        while running.alive():
            select.select([running.news_fd], [], [])
        ending = running.stop()
    except KeyboardInterrupt as interrupt:
        number = signal_of(interrupt)
        if running.stop().forced:
            command = running.command
            asked = f"{signal_name(command.stop_signal)} for {command.grace_s:g} s"
            _say(f"it did not end at {asked}, and was killed")
        return 0 if number == signal.SIGINT else exit_status(number)
    if ending.status is not None:
        _say(f"the server ended with status {ending.status}")
        return ending.status
    killed_by = ending.signal or signal.SIGKILL
    _say(f"the server was killed by {signal_name(killed_by)}")
    return exit_status(killed_by)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
