# SPDX-License-Identifier: BSD-3-Clause
"""Which servers are held to the protocol: the catalogue's, and one that the environment names.

A server of your own joins by `FIBENCH_COMMAND='["./my_server", "{port}"]'`. What it is asked then:

- `{port}` is replaced by a free port, and readiness is learnt by connecting.
- `{options}`, an argument by itself, says that it knows the command line of the protocol: the tests
  put their options there. Without it, what needs an option is skipped.
- `FIBENCH_FRAMING` is the framing it speaks (`message`, unless said); with `{options}`, both.
- `FIBENCH_SERVES` is how many connections it serves at once (`any`, unless said).
"""

import functools
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from .oracle import Framing

CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue.toml"
FRAMINGS: tuple[Framing, ...] = ("message", "line")
WORKERS = "{workers}"
"""In the arguments of a variant: as many as the options say."""


@dataclass(frozen=True)
class Backend:
    """One server as the suite starts it."""

    name: str
    command: tuple[str, ...]
    """Its argument list: `{port}`, `{options}` where options go, `{programs}` for their folder."""
    language: str = "own"
    serves: int | str = "any"
    framings: tuple[Framing, ...] = FRAMINGS
    takes_options: bool = True
    lacking: str | None = None
    """Why it cannot run here."""

    @property
    def parses(self) -> bool:
        """Whether it reads what it is asked: all but the ceiling of the meter do."""
        return self.name != "c-null"

    @property
    def concurrent(self) -> bool:
        """Whether more than one connection is served at once."""
        return self.serves != 1

    def argv(self, programs: Path, arguments: Sequence[str]) -> list[str]:
        """The command line of a server that takes options: these arguments in place of its own."""
        words = [word.replace("{programs}", str(programs)) for word in self.command]
        start = words.index("{options}") if self.takes_options else words.index("{port}")
        program = words[:start]
        if WORKERS in program:  # an argument may be given once
            at = program.index(WORKERS)
            del program[at - 1 : at + 1]
        return [*program, *arguments]

    def argv_to_serve(self, programs: Path, options: Sequence[str], port: int) -> list[str]:
        """The command line that serves on a port."""
        words: list[str] = []
        workers, options = _take_workers(options) if WORKERS in self.command else ("", options)
        for word in self.command:
            if word == WORKERS:
                words.append(workers)
            elif word == "{options}":
                words.extend(options)
            else:
                word = word.replace("{programs}", str(programs))
                words.append(word.replace("{port}", str(port)))
        return words


def _take_workers(options: Sequence[str]) -> tuple[str, list[str]]:
    """How many workers the options ask for, 2 if they do not, and the others."""
    rest = list(options)
    if "--workers" not in rest:
        return "2", rest
    at = rest.index("--workers")
    workers = rest[at + 1]
    del rest[at : at + 2]
    return workers, rest


def read_catalogue() -> list[dict[str, Any]]:
    """The entries of catalogue.toml, as written."""
    with CATALOGUE.open("rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file)["backend"]
    return entries


@functools.cache
def python36() -> Path | None:
    """A Python 3.6 that runs: from PATH, or from a pyenv root."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = [str(path) for path in sorted(root.glob("versions/3.6.*/bin/python3.6"))]
    for candidate in ["python3.6", *installed]:
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
    interpreter = [sys.executable] if entry["language"] == "python" else []
    words = [*interpreter, program, *entry.get("arguments", ()), "{options}", "{port}"]
    return Backend(
        name=entry["name"],
        command=tuple(words),
        language=entry["language"],
        serves=entry["serves"],
    )


def _under_python36(backend: Backend) -> Backend:
    interpreter = python36()
    return Backend(
        name=f"{backend.name}@python3.6",
        command=(str(interpreter), *backend.command[1:]),
        language=backend.language,
        serves=backend.serves,
        lacking="no Python 3.6 is installed here" if interpreter is None else None,
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
        )
    ]


@functools.cache
def all_backends() -> tuple[Backend, ...]:
    """Every backend; what one cannot do here is skipped by name when it is started."""
    catalogue = [_from_catalogue(entry) for entry in read_catalogue()]
    old = [_under_python36(backend) for backend in catalogue if backend.name == "py-async-3.6"]
    return (*catalogue, *old, *_users_own())


def each(*backends: Backend) -> list[Any]:
    """Backends as pytest parameters with readable ids."""
    return [pytest.param(backend, id=backend.name) for backend in backends]


EVERY_PARSING = each(*(b for b in all_backends() if b.parses))
EVERY_CONCURRENT = each(*(b for b in all_backends() if b.concurrent))
EVERY_WITH_OPTIONS = each(*(b for b in all_backends() if b.takes_options))
EVERY_CONCURRENT_WITH_OPTIONS = each(
    *(b for b in all_backends() if b.concurrent and b.takes_options)
)
