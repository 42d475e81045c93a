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
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from fibench.backends.questions import ANSWER_LIMIT_S, NoAnswer, answer
from fibench.backends.shims import behind, is_shim
from fibench.folders import origin
from fibench.json_values import Object, list_or_empty, object_or_empty
from fibench.machine import cores as machine

WITH_A_GIL = ("CPython", "PyPy")
"""Those of which nothing but what releases it runs beside the thread that has it: of others a
compiler or a collector may."""
OLDEST = (3, 6)
"""What the servers are written for."""
_VERSION = re.compile(r"([0-9]+(?:\.[0-9]+)*)(t?)", re.ASCII)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_UNRELEASED = re.compile(r"dev|[0-9](?:a|b|rc)[0-9]", re.ASCII)

# Runs on every Python, 2 included, so that one too old is told from a program that is none.
_QUESTION = """
import json, platform, sys, sysconfig
try:
    import _interpreters
except ImportError:
    _interpreters = None
print(json.dumps({
    "number": list(sys.version_info[:2]),
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "build": " ".join(platform.python_build()),
    "gil": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "subinterpreters": _interpreters is not None and sys.version_info >= (3, 14),
    "executable": sys.executable or "",
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


def pyenv_versions(environ: Mapping[str, str]) -> list[str]:
    """The names of what pyenv has, in no order; none where there is no pyenv."""
    try:
        return [entry.name for entry in _pyenv_folder(environ).iterdir()]
    except OSError:
        return []


def _pyenv_folder(environ: Mapping[str, str]) -> Path:
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME", ""), ".pyenv")
    return Path(root) / "versions"


def _in_pyenv(version: str, environ: Mapping[str, str]) -> str | None:
    """The program of pyenv's latest version that a version, cut short or not, means."""
    names = pyenv_versions(environ)
    exact = [name for name in names if name == version]
    meant = (name for name in names if _means(version, name))
    for name in exact or sorted(meant, key=_age, reverse=True):
        for program in ("python3", "python", "pypy3"):
            path = str(_pyenv_folder(environ) / name / "bin" / program)
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
    said = _asked(path, folder, least)
    return said.interpreter(path if is_resolved or not said.executable else said.executable)


def examine(path: str) -> tuple[Interpreter, bool]:
    """An interpreter, and whether it can make others within it that compute beside each other: what
    concurrent.futures.InterpreterPoolExecutor needs (PEP 734). Raises NotHere."""
    said = _asked(path, "/", OLDEST)
    return said.interpreter(path), said.subinterpreters


@dataclass(frozen=True)
class _Said:
    """What an interpreter answers to _QUESTION."""

    number: tuple[int, ...]
    version: str
    implementation: str
    build: str
    gil: bool
    free_threaded: bool
    subinterpreters: bool
    executable: str

    def interpreter(self, path: str) -> Interpreter:
        return Interpreter(
            path=path,
            version=self.version,
            implementation=self.implementation,
            build=self.build,
            gil=self.gil,
            free_threaded=self.free_threaded,
            sha256=_digest(path),
        )


def _asked(path: str, folder: str | Path, least: tuple[int, ...]) -> _Said:
    """Start it, and take what it says. Raises NotHere."""
    from fibench.server import clean_environment
    from fibench.server.start_error import printable

    environ = clean_environment(os.environ)
    try:
        done = answer(path, _QUESTION, folder, environ, ANSWER_LIMIT_S)
    except NoAnswer as reason:
        raise NotHere(f"{path} {reason}") from reason
    said = _read_said(done.out)
    if said is None:
        last = done.err.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]
        raise NotHere(f"{path} is no Python" + (f": {printable(last)}" if last else ""))
    if said.number < least:
        oldest = ".".join(map(str, least))
        raise NotHere(f"{path} is Python {printable(said.version)}, and the servers need {oldest}")
    return said


def _read_said(out: bytes) -> _Said | None:
    """The last line of what a program says, if that is what a Python would say; None: it is not."""
    try:
        document = object_or_empty(json.loads(out.splitlines()[-1]))
        return _Said(
            number=_numbers(document, "number"),
            version=_text(document, "version"),
            implementation=_text(document, "implementation"),
            build=_text(document, "build"),
            gil=_flag(document, "gil"),
            free_threaded=_flag(document, "free_threaded"),
            subinterpreters=_flag(document, "subinterpreters"),
            executable=_text(document, "executable"),
        )
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return None


def _numbers(document: Object, name: str) -> tuple[int, ...]:
    values = list_or_empty(document[name])
    numbers = tuple(one for one in values if isinstance(one, int))
    if not numbers or len(numbers) < len(values):
        raise TypeError(name)
    return numbers


def _text(document: Object, name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _flag(document: Object, name: str) -> bool:
    value = document[name]
    if not isinstance(value, bool):
        raise TypeError(name)
    return value


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "absent"


def interpreter_records(found: Mapping[str, Interpreter]) -> dict[str, dict[str, object]]:
    """Interpreters as a run keeps them, by the text that asked for each."""
    return {asked: asdict(one) for asked, one in found.items()}
