# SPDX-License-Identifier: BSD-3-Clause
"""The server of a trial: which one, on which port and CPUs, whether it answers rightly, its end."""

import errno
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fibench.backends import Backend, Interpreter, own_backend, server_argv
from fibench.document import LONGEST_START_S
from fibench.experiment import OwnBackend
from fibench.parameters import Parameters
from fibench.plan import Pinning
from fibench.quantities import format_duration
from fibench.server import cgroup
from fibench.server import starting as server
from fibench.trial._placement import core_count, server_cpus
from fibench.trial._replies import WrongReply, check_reply, fibonacci

CHECK_TIMEOUT_S = 10.0
STOP_GRACE_S = 3.0
_SCARCE = (errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE)
"""What the kernel answers that has no more memory, processes or descriptors to give."""
NULL_REPLY = "1"
"""What null_server answers to everything."""


@dataclass(frozen=True)
class TrialContext:
    """What every trial of a run shares."""

    programs: Path
    catalogue: Mapping[str, Backend]
    own: Mapping[str, OwnBackend]
    seed: int
    """The experiment's; within a trial that of its block, which decides when requests are due."""
    pinning: Pinning
    interpreters: Mapping[str, Interpreter] = field(default_factory=dict)
    """By the text that asks for each: those that are here."""
    names: server.PortNames = server.NAMED_IN_FILE
    """What the person has given the servers' address by: the file, or options."""

    def interpreter(self, parameters: Parameters) -> str | None:
        """The program that runs a cell's server in Python, if the cell names one."""
        asked = parameters.interpreter
        return None if asked is None else self.interpreters[asked].path

    def backend(self, name: str) -> Backend:
        """A backend of the catalogue, or one that the experiment's file brings."""
        if name in self.own:
            return own_backend(name, self.own[name])
        return self.catalogue[name]

    @property
    def supervise(self) -> Path:
        """The program that all servers and loads run under."""
        return self.programs / "supervise"


class TrialFailed(Exception):
    """The trial cannot be measured; the text is the reason, one line."""

    def __init__(self, reason: str, kind: str, hint: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.hint = hint


def pick_port(parameters: Parameters, names: server.PortNames = server.NAMED_IN_FILE) -> int:
    """The port that a cell names, or a fresh free one. Raises TrialFailed."""
    host = parameters.host
    try:
        return parameters.port or server.free_port(host)
    except OSError as error:
        hint = f"{names.host} must be an address of this machine, such as 127.0.0.1"
        what = f"cannot listen on {host}: {error.strerror}"
        raise TrialFailed(what, "bad-address", hint) from error


def start_server(
    context: TrialContext,
    parameters: Parameters,
    port: int,
    folder: Path,
    *,
    wrapper: tuple[str, ...] = (),
    slower_times: float = 1.0,
) -> server.RunningServer:
    """Start a cell's server; what it writes goes to server.err. Raises TrialFailed.

    It may take `slower_times` as long as its backend may take at most.

    A `wrapper` is not of the server: CPU times would be its own as well, so none are accounted for.
    """
    backend = context.backend(parameters.backend)
    cpus = server_cpus(parameters, context.pinning)
    python = context.interpreter(parameters)
    command = server.ServerCommand(
        argv=server_argv(backend, context.programs, parameters, port, python, core_count(cpus)),
        port=port,
        host=parameters.host,
        ready_fd=backend.ready_fd,
        cwd=backend.folder,
        cpus=cpus,
        if_slow=_if_slow(backend),
        wrapper=wrapper,
        names=context.names,
    )
    try:
        return server.start(
            command,
            supervise=context.supervise,
            stderr_path=folder / "server.err",
            timeout_s=slower_times * backend.start_timeout_s,
            cgroup=None if wrapper else cgroup.create(context.supervise),
        )
    except server.StartError as error:
        raise TrialFailed(str(error), error.kind, error.hint) from error
    except OSError as error:
        if error.errno not in _SCARCE:
            raise
        what = f"the server cannot be started: {error.strerror}"
        raise TrialFailed(
            what, "no-resources", "end what takes the memory, or raise the limits"
        ) from error


def _if_slow(backend: Backend) -> str:
    """What to do about a server of the user's own that needs more time to start."""
    if not backend.command:
        return ""
    longer = format_duration(min(LONGEST_START_S, 6 * backend.start_timeout_s))
    return f'if it is only slow, write start_timeout = "{longer}" in [backends.{backend.name}]'


def check_replies(backend: Backend, parameters: Parameters, port: int) -> int:
    """Compare replies to all requests that the load will send; returns how many there were.

    Raises TrialFailed at the first that is wrong.
    """
    asking = [group.n for group in parameters.groups if not group.idle]
    numbers = dict.fromkeys(n for n in asking or [parameters.n] if n is not None)
    for n in numbers:
        reply = fibonacci(n) if backend.ranked else NULL_REPLY
        try:
            check_reply(
                parameters.host,
                port,
                str(n).encode(),
                str(reply).encode(),
                parameters.framing,
                CHECK_TIMEOUT_S + (parameters.io_wait or 0.0),
            )
        except WrongReply as error:
            hint = "a server must answer as docs/protocol.md says before it is measured"
            raise TrialFailed(str(error), "wrong-reply", hint) from error
    return len(numbers)


def timed_check(backend: Backend, parameters: Parameters, port: int) -> float:
    """The same; how long one reply took, in seconds."""
    began_s = time.monotonic()
    replies = check_replies(backend, parameters, port)
    return (time.monotonic() - began_s) / replies


def unexpected_end(ending: server.Ending) -> TrialFailed:
    """The server ended while it was needed."""
    if ending.signal is not None:
        how = f"the server ended during the trial, by signal {ending.signal}"
    elif ending.status is not None:
        how = f"the server ended during the trial, with status {ending.status}"
    else:
        how = "the server was lost during the trial, since its supervisor was killed"
    return TrialFailed(how, "server-ended", "what it wrote, if anything, is in server.err")
