# SPDX-License-Identifier: BSD-3-Clause
"""The Pythons that servers in Python run on: which program a name means here, and what it is.

A name is one on the PATH, a version of pyenv, or a path. Which Python a shim of pyenv and its like
starts depends on the folder it is started in: it is asked once, where the person stands, and what
it names is taken in its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from fibench.backends.shims import behind, is_shim
from fibench.folders import origin
from fibench.machine import cores as machine

WITH_A_GIL = ("CPython", "PyPy")
"""Those of which nothing but what releases it runs beside the thread that has it: of others a
compiler or a collector may."""
OLDEST = (3, 6)
"""What the servers are written for."""
_ANSWER_LIMIT_S = 20.0
_VERSION = re.compile(r"([0-9]+(?:\.[0-9]+)*)(t?)", re.ASCII)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_UNRELEASED = re.compile(r"dev|[0-9](?:a|b|rc)[0-9]", re.ASCII)

# Runs on every Python, 2 included, so that one too old is told from a program that is none.
_QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps({
    "number": list(sys.version_info[:2]),
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "build": " ".join(platform.python_build()),
    "gil": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "executable": sys.executable,
}))
"""


class NotHere(Exception):
    """There is no such interpreter; the text is the reason, one line without its subject."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that is installed here."""

    path: str
    """What is started; a virtual environment's own is not followed to the one behind it."""
    version: str
    implementation: str
    build: str
    gil: bool
    """Whether its GIL is on."""
    free_threaded: bool
    """Whether it was built so that it can do without."""
    sha256: str
    """Of the program's file."""

    @property
    def has_gil_always(self) -> bool:
        """Whether it cannot do without, wherever it is started."""
        return _cannot_do_without(self.implementation, free_threaded=self.free_threaded)


def own() -> Interpreter:
    """The one that runs fibench, and where nothing is said the servers as well."""
    return Interpreter(sys.executable, **machine.own_interpreter(), sha256=_digest(sys.executable))


def own_has_gil() -> bool:
    """Whether the one that runs fibench cannot do without a GIL."""
    known = machine.own_interpreter()
    return _cannot_do_without(known["implementation"], free_threaded=known["free_threaded"])


def _cannot_do_without(implementation: str, *, free_threaded: bool) -> bool:
    return implementation in WITH_A_GIL and not free_threaded


def find_interpreter(asked: str, folder: Path, environ: Mapping[str, str]) -> Interpreter:
    """The interpreter that a name, a version or a path means. Raises NotHere.

    A path with a slash is relative to `folder`; a version ("3.13") is the latest such version of
    pyenv, else python3.13 on the PATH; a name ("pypy3") one on the PATH, else a version of pyenv.
    """
    return ask(locate(asked, folder, environ))


def locate(asked: str, folder: Path, environ: Mapping[str, str]) -> str:
    """The program that is meant. Raises NotHere."""
    if os.sep in asked:
        return _by_path(asked, folder, environ)
    if asked[0].isdecimal():
        found = _in_pyenv(asked, environ) or _on_path(f"python{asked}", environ)
        sought = f"pyenv has no such version, and there is no python{asked} on the PATH"
    else:
        found = _on_path(asked, environ) or _in_pyenv(asked.removeprefix("python"), environ)
        sought = "it is not on the PATH, and pyenv has no such version"
    if found is None:
        raise NotHere(sought)
    return found


def _by_path(asked: str, folder: Path, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    written = os.path.join(home, asked[2:]) if home and asked.startswith("~/") else asked
    path = os.path.normpath(folder.absolute() / written)
    if is_shim(path):
        raise NotHere("it is a shim, which starts another Python in another folder: name a version")
    if not os.path.isfile(path):
        raise NotHere("there is no such file")
    if not os.access(path, os.X_OK):
        raise NotHere("it may not be executed")
    return path


def _on_path(name: str, environ: Mapping[str, str]) -> str | None:
    for entry in environ.get("PATH", os.defpath).split(os.pathsep):
        # A relative entry would mean another folder for the server.
        path = os.path.join(entry, name)
        if not os.path.isabs(entry) or not _is_program(path):
            continue
        found = behind(path, origin(), environ) if is_shim(path) else path
        if found is not None and _is_program(found):
            return found
    return None


def _in_pyenv(version: str, environ: Mapping[str, str]) -> str | None:
    """The program of pyenv's latest version that a version, cut short or not, means."""
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME", ""), ".pyenv")
    versions = Path(root) / "versions"
    try:
        names = [entry.name for entry in versions.iterdir()]
    except OSError:
        return None
    exact = [name for name in names if name == version]
    meant = (name for name in names if _means(version, name))
    for name in exact or sorted(meant, key=_age, reverse=True):
        for program in ("python3", "python", "pypy3"):
            path = str(versions / name / "bin" / program)
            if _is_program(path):
                return path
    return None


def _means(version: str, name: str) -> bool:
    """Whether a version of pyenv is one of those that a shorter name means.

    "3.13" means 3.13.1 and 3.13-dev, "3.13t" the free-threaded 3.13.1t and 3.13t-dev, "pypy3.10"
    pypy3.10-7.3.15.
    """
    match = _VERSION.fullmatch(version)
    stem, free_threaded = (match[1], bool(match[2])) if match else (version, False)
    rest = name.removeprefix(stem)
    if not stem or rest == name or not rest.startswith((".", "-", "t-")):
        return False
    return match is None or (rest.endswith("t") or rest.startswith("t-")) == free_threaded


def _age(name: str) -> tuple[bool, list[int]]:
    """By which versions are compared: what is released comes after what is not, then by numbers."""
    return _UNRELEASED.search(name) is None, [int(number) for number in _NUMBER.findall(name)]


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def ask(
    path: str,
    folder: str | Path = "/",
    *,
    least: tuple[int, ...] = OLDEST,
    is_resolved: bool = True,
) -> Interpreter:
    """Start it once, in a folder, and let it say what it is. Raises NotHere, also for one that is
    older than `least`.

    What is not `is_resolved` is called what it calls itself, which of a shim is another program.
    """
    from fibench.server import clean_environment
    from fibench.server.start_error import printable

    try:
        done = subprocess.run(
            [path, "-c", _QUESTION],
            cwd=folder,
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotHere(f"{path} does not answer within {_ANSWER_LIMIT_S:g} s") from error
    except OSError as error:
        raise NotHere(f"{path} cannot be started: {error.strerror}") from error
    try:
        said = json.loads(done.stdout.splitlines()[-1])
        number, executable = tuple(said.pop("number")), said.pop("executable")
        path = path if is_resolved or not executable else executable
        found = Interpreter(path=path, sha256=_digest(path), **said)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        words = printable(
            done.stderr.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]
        )
        raise NotHere(f"{path} is no Python" + (f": {words}" if words else "")) from error
    if number < least:
        oldest = ".".join(map(str, least))
        raise NotHere(f"{path} is Python {found.version}, and the servers need {oldest}")
    return found


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "absent"


def interpreter_records(found: Mapping[str, Interpreter]) -> dict[str, dict[str, object]]:
    """Interpreters as a run keeps them, by the text that asked for each."""
    return {asked: asdict(one) for asked, one in found.items()}
