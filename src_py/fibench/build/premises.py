# SPDX-License-Identifier: BSD-3-Clause
"""What a configured build rests on: variables, the compiler, libraries that are there or not.

Meson looks once, and keeps what it found. Here it is told from some dozen stat calls whether it
would find the same again.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fibench.json_values import Json, Object

VARIABLES = (
    "CC", "CC_LD", "AR", "CPPFLAGS", "CFLAGS", "LDFLAGS",
    "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR",
    "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "LD_RUN_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX",
    "NIX_CFLAGS_COMPILE", "NIX_LDFLAGS",
)  # fmt: skip
"""What Meson, the compiler and the linker obey. Empty is as good as unset."""
_SPLIT = ("CC", "CC_LD", "AR", "CPPFLAGS", "CFLAGS", "LDFLAGS", "PKG_CONFIG")
"""Of these, those that are split into words as a shell does."""

_FILES = ("liburing.h", "libaio.h", "liburing.so", "liburing.a", "libaio.so", "libaio.a")
_COMPILERS = ("cc", "gcc", "clang")
"""In Meson's order."""

Sight = list[int] | None
"""Size and modification time (ns) of a file; None where there is none."""


@dataclass(frozen=True)
class Premises:
    """What a build was configured with."""

    variables: Mapping[str, str]
    compiler: Mapping[str, Sight]
    """By path: what CC names, resolved; "ccache gcc" are two."""
    watched: Mapping[str, Sight]
    """By path: where the libraries are, or would be found once they are installed."""

    def as_document(self) -> dict[str, Json]:
        """For a file of JSON."""
        return {"variables": self.variables, "compiler": self.compiler, "watched": self.watched}


def from_document(document: Object) -> Premises:
    """The opposite of as_document. Raises KeyError for what it does not write."""
    variables = _members(document, "variables")
    kept = {name: text for name, text in variables.items() if isinstance(text, str)}
    compiler, watched = (
        {path: _sight(sight) for path, sight in _members(document, name).items()}
        for name in ("compiler", "watched")
    )
    return Premises(kept, compiler, watched)


def _members(document: Object, name: str) -> Object:
    found = document[name]
    if not isinstance(found, dict):
        raise KeyError(name)
    return found


def _sight(value: object) -> Sight:
    return value if isinstance(value, list) else None


def see(environment: Mapping[str, str], more: Iterable[Path]) -> Premises:
    """What a build that is configured now rests on; `more` is watched too.

    Asks the compiler where it looks for files: two processes, some tens of milliseconds.
    """
    folders = _search_folders(environment)
    paths = [os.path.join(folder, name) for folder in folders for name in _FILES]
    watched = sights([*paths, *map(str, more)])
    return Premises(variables(environment), compilers(environment), watched)


def refused(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that Meson could not obey, each with why, in a clause."""
    found = {}
    for name in _SPLIT:
        try:
            shlex.split(environment.get(name, ""))
        except ValueError as error:
            found[name] = f"is {environment[name]}, which has {str(error).lower()}"
    named = words(environment, "CC")
    if named and not shutil.which(named[0], path=environment.get("PATH")):
        found["CC"] = f"names the C compiler {named[0]}, which is not there"
    return found


def words(environment: Mapping[str, str], name: str) -> list[str]:
    """The words of a variable, whose quotes are those of a shell; none of one that has no end."""
    try:
        return shlex.split(environment.get(name, ""))
    except ValueError:
        return []


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Those of VARIABLES that are set, with single spaces."""
    texts = {name: " ".join(environment.get(name, "").split()) for name in VARIABLES}
    return {name: text for name, text in texts.items() if text}


def compilers(environment: Mapping[str, str]) -> dict[str, Sight]:
    """The programs that compile: a new version of one is another compiler."""
    found = [shutil.which(word, path=environment.get("PATH")) for word in _command(environment)]
    return sights(os.path.realpath(path) for path in found if path is not None)


def sights(paths: Iterable[str]) -> dict[str, Sight]:
    """What is seen of each path."""
    found: dict[str, Sight] = {}
    for path in paths:
        try:
            about = os.stat(path)
            found[path] = [about.st_size, about.st_mtime_ns]
        except OSError:
            found[path] = None
    return found


def altered(before: Premises, environment: Mapping[str, str]) -> list[str]:
    """What makes everything that was built another thing, each in a clause; empty: nothing."""
    now = variables(environment)
    lines = [
        f"{name} was {before.variables.get(name, 'unset')}, and is {now.get(name, 'unset')}"
        for name in VARIABLES
        if before.variables.get(name) != now.get(name)
    ]
    if not lines and before.compiler != compilers(environment):
        return ["the compiler has changed"]
    return lines


def moved(before: Premises) -> bool:
    """Whether a library, or what stands in for it, has come or gone, or is another version."""
    return sights(before.watched) != before.watched


def _command(environment: Mapping[str, str]) -> list[str]:
    if named := words(environment, "CC"):
        return named
    path = environment.get("PATH")
    return [next((name for name in _COMPILERS if shutil.which(name, path=path)), _COMPILERS[0])]


def _search_folders(environment: Mapping[str, str]) -> list[str]:
    """Where the compiler looks for headers and libraries, those included that are not there yet."""
    kept = variables(environment)
    flags = [word for name in ("CPPFLAGS", "CFLAGS", "LDFLAGS") for word in words(kept, name)]
    command = _command(environment)
    headers = _ask([*command, *flags, "-E", "-v", "-x", "c", os.devnull], environment)
    libraries = _ask([*command, *flags, "-print-search-dirs"], environment)
    listed = re.search(
        r"search starts here:\n(.*)^End of search", headers, re.DOTALL | re.MULTILINE
    )
    lines = listed[1].splitlines() if listed else []
    folders = [line.strip() for line in lines if line.startswith(" ")]
    folders += re.findall(r'ignoring nonexistent directory "([^"]*)"', headers)
    for line in re.findall(r"^libraries: =?(.*)$", libraries, re.MULTILINE):
        folders += line.split(":")
    folders += [word[2:] for word in flags if word.startswith("-L")]
    folders += kept.get("LIBRARY_PATH", "").split(":")
    return list(dict.fromkeys(os.path.normpath(folder) for folder in folders if folder))


def _ask(argv: list[str], environment: Mapping[str, str]) -> str:
    """What the compiler says, in English; nothing where it cannot be asked."""
    try:
        done = subprocess.run(
            argv,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout
