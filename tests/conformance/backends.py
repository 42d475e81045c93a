# SPDX-License-Identifier: BSD-3-Clause
"""Which servers are held to the protocol: the catalogue's, and one that the environment names.

A server of your own joins by `FIBENCH_COMMAND='["./my_server", "{port}"]'`. What it is asked then:

- `{port}` is replaced by a free port, and readiness is learnt by connecting.
- `{options}`, an argument by itself, says that it knows the command line of the protocol: the tests
  put their options there. Without it, what needs an option is skipped.
- `FIBENCH_FRAMING` is the framing it speaks (`message`, unless said); with `{options}`, both.
- `FIBENCH_SERVES` is how many connections it serves at once (`any`, unless said).
- `FIBENCH_ONLY_OWN` leaves out all other servers, and what is tested without a server.

`invoke check` sets these, from a command in one text.

`FIBENCH_INTERPRETER=3.14t` has the servers in Python tested on another Python than this one, named
as in an experiment file.
"""

import dataclasses
import functools
import json
import os
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from tests import here

from . import sanitized
from .oracle import Framing

CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue.toml"
FRAMINGS: tuple[Framing, ...] = ("message", "line")
PLACES = 24
"""What a pool is started with, so that it serves as many at once as any test needs."""
LOOPS = 2
ONLY_OWN = bool(os.environ.get("FIBENCH_ONLY_OWN"))


@dataclass(frozen=True)
class Backend:
    """One server as the suite starts it."""

    name: str
    command: tuple[str, ...]
    """Its argument list: `{port}`, `{options}` where options go, `{programs}` for their folder."""
    language: str = "own"
    design: str = "own"
    cores: int | str = "any"
    serves: int | str = "any"
    framings: tuple[Framing, ...] = FRAMINGS
    takes_options: bool = True
    workers: int | None = None
    """What it is started with, unless a test says it: None for nothing."""
    cap: int | None = None
    """How many connections it has room for by its nature."""
    busy: bool = False
    """Whether it burns a core while idle."""
    needs: str = ""
    """What it needs of the machine."""
    absent: str | None = None
    """Why it cannot even be started here."""
    again: bool = False
    """Whether it is another one's program, under another interpreter: most is a long form."""

    @property
    def lacking(self) -> str | None:
        """Why it cannot run here, if it cannot."""
        return self.absent or (here.why_not_backend(self.name) if self.needs else None)

    @property
    def parses(self) -> bool:
        """Whether it reads what it is asked: all but the ceiling of the meter do."""
        return self.name != "c-null"

    @property
    def concurrent(self) -> bool:
        """Whether more than one connection is served at once."""
        return self.serves != 1

    @property
    def loops(self) -> bool:
        """Whether it is made of event loops: a connection costs neither a process nor a thread."""
        return self.serves == "any" and self.cores != "any"

    @property
    def bears(self) -> int:
        """So many clients at once are no more than what it must bear."""
        if not self.loops:
            return 250  # processes or threads, or a queue for some of them
        most = 1500 if self.language == "c" else 500
        return min(most, self.cap) if self.cap is not None else most

    def argv(self, programs: Path, arguments: Sequence[str]) -> list[str]:
        """The command line of a server that takes options: these arguments in place of its own."""
        words = [word.replace("{programs}", str(programs)) for word in self.command]
        start = words.index("{options}") if self.takes_options else words.index("{port}")
        return [*words[:start], *arguments]

    def argv_to_serve(self, programs: Path, options: Sequence[str], port: int) -> list[str]:
        """The command line that serves on a port."""
        words: list[str] = []
        says_workers = any(option.partition("=")[0] == "--workers" for option in options)
        for word in self.command:
            if word == "{options}":
                words.extend(options)
                if self.workers is not None and not says_workers:
                    words += ["--workers", str(self.workers)]
            else:
                word = word.replace("{programs}", str(programs))
                words.append(word.replace("{port}", str(port)))
        return words


def read_catalogue() -> list[dict[str, Any]]:
    """The entries of catalogue.toml, as written."""
    with CATALOGUE.open("rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file)["backend"]
    return entries


@functools.cache
def python36() -> Path | None:
    """A Python 3.6 that runs: from a pyenv root, or from PATH, where it may be a shim: slow."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = [str(path) for path in sorted(root.glob("versions/3.6.*/bin/python3.6"))]
    for candidate in [*installed, "python3.6"]:
        # Run in the default folder of nobody's project, since pyenv's shim obeys .python-version.
        question = [candidate, "-c", "import sys; print(sys.version_info[:2], sys.executable)"]
        try:
            answer = subprocess.run(
                question, check=False, capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answer.returncode == 0 and answer.stdout.startswith("(3, 6) "):
            return Path(answer.stdout.split(maxsplit=2)[2].strip())
    return None


def _from_catalogue(entry: dict[str, Any]) -> Backend:
    program = "{programs}/" + entry["program"]
    interpreter = [here.servers_python().path] if entry["language"] == "python" else []
    arguments = entry.get("arguments", [])
    workers = PLACES if entry["serves"] == "workers" else None
    if arguments == ["--workers", "{workers}"]:
        arguments, workers = [], LOOPS
    return Backend(
        name=entry["name"],
        command=(*interpreter, program, *arguments, "{options}", "{port}"),
        language=entry["language"],
        design=entry["design"],
        cores=entry["cores"],
        serves=entry["serves"],
        workers=workers,
        cap=entry.get("cap"),
        busy=entry.get("busy", False),
        needs=entry.get("needs", ""),
    )


def _under_python36(backend: Backend) -> Backend:
    interpreter = python36()
    return dataclasses.replace(
        backend,
        name=f"{backend.name}@python3.6",
        command=(str(interpreter), *backend.command[1:]),
        absent="no Python 3.6 is installed here" if interpreter is None else None,
        again=True,
    )


def _users_own() -> list[Backend]:
    text = os.environ.get("FIBENCH_COMMAND")
    if not text:
        return []
    command = tuple(json.loads(text))
    framing = cast(Framing, os.environ.get("FIBENCH_FRAMING", "message"))
    serves = os.environ.get("FIBENCH_SERVES", "any")
    takes_options = "{options}" in command
    return [
        Backend(
            name="own",
            command=command,
            serves=int(serves) if serves.isdigit() else serves,
            framings=FRAMINGS if takes_options else (framing,),
            takes_options=takes_options,
            workers=PLACES if takes_options and serves == "workers" else None,
        )
    ]


@functools.cache
def all_backends() -> tuple[Backend, ...]:
    """Every backend; what one cannot do here is skipped by name when it is started."""
    catalogue = [_from_catalogue(entry) for entry in read_catalogue()]
    old = [_under_python36(backend) for backend in catalogue if backend.name == "py-async-3.6"]
    backends = (*catalogue, *old, *_users_own())
    if ONLY_OWN:
        return tuple(_users_own())
    return tuple(filter(_is_looked_at, backends)) if sanitized.KINDS else backends


def _is_looked_at(backend: Backend) -> bool:
    """Whether a sanitizer has something to see in it.

    That of threads where they compute. Those of POSIX AIO are glibc's own, and break it.
    """
    return backend.language != "python" and (backend.cores != 1 or "thread" not in sanitized.KINDS)


def each(*backends: Backend) -> list[Any]:
    """Backends as pytest parameters with readable ids; a program once more is a long form."""
    return [
        pytest.param(backend, id=backend.name, marks=[pytest.mark.long] if backend.again else [])
        for backend in backends
    ]


def under_every_interpreter(*backends: Backend) -> list[Any]:
    """The same with none left to the long form: for what an interpreter may do differently."""
    return [pytest.param(backend, id=backend.name) for backend in backends]


_PARSING = [b for b in all_backends() if b.parses]
EVERY_PARSING = each(*_PARSING)
EVERY_PARSING_AND_INTERPRETER = under_every_interpreter(*_PARSING)
EVERY_CONCURRENT = each(*(b for b in all_backends() if b.concurrent))
_WITH_OPTIONS = [b for b in all_backends() if b.takes_options]
EVERY_WITH_OPTIONS = each(*_WITH_OPTIONS)
EVERY_WITH_OPTIONS_AND_INTERPRETER = under_every_interpreter(*_WITH_OPTIONS)
EVERY_BOUNDED = each(*(b for b in all_backends() if b.serves != "any" and b.takes_options))
EVERY_CONCURRENT_WITH_OPTIONS = each(
    *(b for b in all_backends() if b.concurrent and b.takes_options)
)
_OURS = [b for b in all_backends() if b.language != "own" and b.parses]
EVERY_OF_OURS = each(*_OURS)
EVERY_LOOP = each(*(b for b in all_backends() if b.loops and b.takes_options))
# What is asked by one client is computed while others are served, whoever they are.
EVERY_WITH_CORES = each(*(b for b in _OURS if b.cores != 1 and not b.design.endswith("reuseport")))
EVERY_WITH_LASTING_CHILDREN = each(
    *(b for b in _OURS if b.design in ("mp-pool", "async-mp")),
    # Threads in C, and in Python where no GIL would make these take turns.
    *(b for b in _OURS if b.name == "py-async-reuseport" and here.servers_python().gil),
)
