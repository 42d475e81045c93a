# SPDX-License-Identifier: BSD-3-Clause
"""The server of a trial: which one, on which port and CPUs, whether it answers rightly, its end."""

import errno
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from fibench.backends import Backend, Interpreter, own_backend, own_start, server_argv
from fibench.backends.catalogue import connection_cap
from fibench.backends.interpreters import own_has_gil
from fibench.backends.own_start import own_command
from fibench.experiment import OwnBackend
from fibench.parameters import Fault, Parameters
from fibench.parameters.groups import Group
from fibench.plan import Pinning
from fibench.server import cgroup
from fibench.server import starting as server
from fibench.server.start_error import went_into_background
from fibench.trial import load
from fibench.trial._placement import core_count, load_cpus, server_cpus
from fibench.trial._replies import (
    WrongReply,
    check_replies_at_once,
    fibonacci,
    numbers_at_once,
)
from fibench.trial.answer import read_answer
from fibench.wording import signal_name

CHECK_TIMEOUT_S = 10.0
PADDING = "FIBENCH_PADDING"
"""The variable that moves the stack of a trial's server."""
_SCARCE = (errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE)
"""What the kernel answers that has no more memory, processes or descriptors to give."""
NULL_REPLY = "1"
"""What null_server answers to everything."""
AT_ONCE = 4
"""So many clients ask at the same time in the check of replies."""
CROWD_S = 0.1
"""So long a server of the user's own is asked so: nobody has tested it, and whether two clients
meet in it is chance."""
SMALL_N = 8
"""Up to which numbers are asked for beside those of the load: they compute next to nothing."""
_PROTOCOL = "a server must answer as docs/protocol.md says before it is measured"
_SHARED = (
    "alone, each is answered rightly: is a buffer or a variable shared by clients that are served "
    "at the same time?"
)


class TrialFailed(Exception):
    """The trial cannot be measured; the text is the reason, one line."""

    def __init__(self, reason: str, kind: str, hint: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.hint = hint


def _untold(under_way: bool) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class TrialContext:
    """What every trial of a run shares."""

    programs: Path
    catalogue: Mapping[str, Backend]
    own: Mapping[str, OwnBackend]
    seed: int
    """The run's; within a trial that of its block, which decides when requests are due."""
    pinning: Pinning
    interpreters: Mapping[str, Interpreter] = field(default_factory=dict)
    """By the text that asks for each: those that are here."""
    names: server.PortNames = server.NAMED_IN_FILE
    """What the person has given the servers' address by: the file, or options."""

    padding: int = 0
    """By how many bytes the environment of a trial's server is made longer."""
    repeats: Path | None = None
    """The file with the replies that a trial's null server gives instead of its own."""
    unstarted: dict[str, TrialFailed] = field(default_factory=dict, compare=False)
    """By the names of servers that did not start so that a null server could repeat them, why: each
    of their ceilings might wait for a minute to see it."""
    not_started: dict[str, str] = field(default_factory=dict, compare=False)
    """By the keys of cells whose server did not start when it was last to be measured, why: the
    trial that only watches it would wait as long to see it."""
    loading: Callable[[bool], None] = field(default=_untold, compare=False)
    """Told True before the load is started that a trial measures, and False when it has ended."""

    @contextmanager
    def under_load(self) -> Iterator[None]:
        """Tell so for the time of a load, however it ends."""
        self.loading(True)
        try:
            yield
        finally:
            self.loading(False)

    def interpreter(self, parameters: Parameters) -> str | None:
        """The program that runs a cell's server in Python, if the cell names one."""
        asked = parameters.interpreter
        return None if asked is None else self.interpreters[asked].path

    def has_gil(self, parameters: Parameters) -> bool:
        """Whether a cell's server in Python surely has a GIL, whatever its environment says."""
        asked = parameters.interpreter
        return own_has_gil() if asked is None else self.interpreters[asked].has_gil_always

    def backend(self, name: str) -> Backend:
        """A backend of the catalogue, or one that the experiment's file brings."""
        if name in self.own:
            return own_backend(name, self.own[name])
        return self.catalogue[name]

    @property
    def supervise(self) -> Path:
        """The program that all servers and loads run under."""
        return self.programs / "supervise"


def pick_port(
    parameters: Parameters,
    names: server.PortNames = server.NAMED_IN_FILE,
    only: int | None = None,
) -> int:
    """The `only` port that a server can have, that which a cell names, or a fresh free one. Raises
    TrialFailed."""
    host = parameters.host
    try:
        return only or parameters.port or server.free_port(host)
    except OSError as error:
        hint = f"{names.host} must be an address of this machine, such as 127.0.0.1"
        what = f"cannot listen on {host}: {error.strerror}"
        raise TrialFailed(what, "bad-address", hint) from error


def start_server(  # noqa: PLR0913 - what a trial asks of its server
    context: TrialContext,
    parameters: Parameters,
    port: int,
    folder: Path,
    *,
    wrapper: tuple[str, ...] = (),
    slower_times: float = 1.0,
    samples: IO[bytes] | None = None,
) -> server.RunningServer:
    """Start a cell's server; what it writes goes to server.err. Raises TrialFailed.

    It may take `slower_times` as long as its backend may take at most.

    What its threads do can be sampled into the file `samples`.
    A `wrapper` is not of the server: CPU times would be its own as well, so none are accounted for.
    """
    backend = context.backend(parameters.backend)
    told = _command(backend, context, parameters, port, folder)
    env = {**(told.env or {}), PADDING: "x" * context.padding}
    command = replace(told, env=env, wrapper=wrapper)
    try:
        return server.start(
            command,
            supervise=context.supervise,
            stderr_path=folder / "server.err",
            timeout_s=slower_times * backend.start_timeout_s,
            cgroup=None if wrapper else cgroup.create(context.supervise),
            samples=samples,
        )
    except server.StartError as error:
        raise TrialFailed(str(error), error.kind, error.hint) from error
    except OSError as error:
        if error.errno == errno.E2BIG:
            what = "its command and its variables are longer than the kernel takes"
            raise TrialFailed(what, "not-told", "hand it a file in {dir} instead") from error
        if error.errno not in _SCARCE:
            raise
        what = f"the server cannot be started: {error.strerror}"
        raise TrialFailed(
            what, "no-resources", "end what takes the memory, or raise the limits"
        ) from error


def _command(
    backend: Backend, context: TrialContext, parameters: Parameters, port: int, folder: Path
) -> server.ServerCommand:
    """How a cell's server is started; the files of one of the user's own are written. Raises
    TrialFailed."""
    cpus = server_cpus(parameters, context.pinning)
    cores = core_count(cpus)
    if backend.command:
        place = folder / own_start.FOLDER
        try:
            command = own_command(backend, parameters, port, place, context.names, cores)
        except (Fault, ValueError) as error:
            what = f"{backend.name} cannot be told what it needs: {error}"
            raise TrialFailed(what, "not-told", f"see [backends.{backend.name}]") from error
        return replace(command, cpus=cpus)
    python = context.interpreter(parameters)
    told = parameters if context.repeats is None else replace(parameters, framing="line")
    argv = server_argv(backend, context.programs, told, port, python, cores)
    if context.repeats is not None:
        argv[-1:-1] = ["--replies", str(context.repeats.absolute())]
    return server.ServerCommand(
        argv=argv,
        port=port,
        host=parameters.host,
        cpus=cpus,
        names=context.names,
    )


def put_away(backend: Backend, folder: Path, *, failed: bool) -> None:
    """Leave in a trial's folder what is worth reading of the folder of its server, which has ended:
    nothing, if the trial has not failed. Raises OSError."""
    place = folder / own_start.FOLDER
    if not backend.command or not place.exists():
        return
    if failed:
        own_start.keep_little(place)
    else:
        own_start.remove_folder(place)


def asked_numbers(parameters: Parameters) -> list[int]:
    """Every number that the load asks for, once."""
    asking = [group.n for group in parameters.groups if not group.idle]
    return list(dict.fromkeys(n for n in asking or [parameters.n] if n is not None))


def check_replies(backend: Backend, parameters: Parameters, port: int, at_once: int = 1) -> int:
    """Compare replies to all requests that the load will send; returns how many there were.

    As many clients as `at_once` ask for different numbers at the same time. Raises TrialFailed at
    the first reply that is wrong.
    """
    every = asked_numbers(parameters)
    if backend.ranked and at_once > 1:
        every = numbers_at_once(every, at_once, _largest_small(parameters))
    for begin in range(0, len(every), at_once):
        batch = every[begin : begin + at_once]
        asked = [(str(n).encode(), str(_reply(backend, n)).encode()) for n in batch]
        try:
            check_replies_at_once(
                parameters.host,
                port,
                asked,
                parameters.framing,
                CHECK_TIMEOUT_S + (parameters.io_wait or 0.0),
            )
        except WrongReply as error:
            hint = _SHARED if error.only_at_once else _PROTOCOL
            raise TrialFailed(str(error), "wrong-reply", hint) from error
    return len(every)


def _largest_small(parameters: Parameters) -> int:
    return SMALL_N if parameters.max_n is None else min(SMALL_N, parameters.max_n)


def check_crowd(
    context: TrialContext,
    parameters: Parameters,
    port: int,
    folder: Path,
    at_once: int,
    tell: Callable[[load.Edge], None],
) -> int:
    """Let fibload ask for small numbers from as many clients at full speed, each for another, for
    CROWD_S; returns how many replies were right. Raises TrialFailed for one that is wrong.

    `tell` is told when it begins to ask, and ends. What else goes wrong the load itself will meet.
    """
    numbers = numbers_at_once((), at_once, _largest_small(parameters))
    crowd = replace(
        replace(parameters, requests=None, rate=None, arrivals=None, spin=None),
        kind="fibload",
        groups=tuple(Group(f"n{n}", clients=1, n=n) for n in numbers),
        clients=len(numbers),
        threads=1,
        pipeline=1,
        duration=CROWD_S,
        warmup=0.0,
    )
    if len(numbers) < 2:
        return 0
    own_folder = folder / "check"
    own_folder.mkdir()
    try:
        cpus = load_cpus(parameters, context.pinning)
        command = load.fibload_command(context.programs, crowd, port, cpus=cpus)
        load.drive(command, context.supervise, own_folder, lambda edge, at_ns: tell(edge))
        answer = read_answer(load.read_fibload(own_folder))
    except load.LoadError as error:
        raise TrialFailed(str(error), "load") from error
    if answer.total.counts["wrong"] or answer.surplus_bytes:
        asked = f"{len(numbers)} clients that ask at once, each something else"
        raise TrialFailed(
            f"the server answers wrongly to {asked}: {answer.invalid}", "wrong-reply", _SHARED
        )
    shutil.rmtree(own_folder)
    return answer.total.counts["ok"]


def _reply(backend: Backend, n: int) -> int | str:
    return fibonacci(n) if backend.ranked else NULL_REPLY


def clients_at_once(
    backend: Backend, parameters: Parameters, server_cores: int, backlog: int | None
) -> int:
    """How many clients the check may ask from at the same time: at most as many as the load has and
    the server serves, and no more than fit its listen queue."""
    most = [AT_ONCE, parameters.clients, connection_cap(backend, parameters)]
    if backend.serves == "workers":
        most.append(parameters.workers or server_cores)
    elif backend.serves != "any":
        most.append(backend.serves)
    if backlog is not None:  # the kernel lets one more wait
        most.append(backlog + 1)
    return max(1, min(most))


def timed_check(backend: Backend, parameters: Parameters, port: int) -> float:
    """The same by one client alone; how long one reply took, in seconds."""
    began_s = time.monotonic()
    replies = check_replies(backend, parameters, port)
    return (time.monotonic() - began_s) / replies


def unexpected_end(ending: server.Ending) -> TrialFailed:
    """The server ended while it was needed."""
    background = went_into_background(ending.status, ending.swept)
    if background is not None:
        return TrialFailed(background[0], "server-ended", background[1])
    if ending.signal is not None:
        how = f"the server ended during the trial, by {signal_name(ending.signal)}"
    elif ending.status is not None:
        how = f"the server ended during the trial, with status {ending.status}"
    else:
        how = "the server was lost during the trial, since its supervisor was killed"
    return TrialFailed(how, "server-ended", "what it wrote, if anything, is in server.err")
