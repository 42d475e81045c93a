# SPDX-License-Identifier: BSD-3-Clause
"""Every Python that `interpreter = ...` would find here, and what would have to be written for it.

Those are the versions of pyenv, and what is called as a Python is on the PATH; of two programs by
one name a shell, and so a file, finds the first: the other one has to be written as a path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fibench.backends.interpreters import (
    Interpreter,
    NotHere,
    examine,
    locate,
    pyenv_versions,
)
from fibench.backends.shims import is_shim

_NAME = re.compile(r"(?:python|pypy|graalpy)[0-9.]*t?(?:-nogil|-dbg)?", re.ASCII)
"""How Pythons are called, by those who install them: Debian has the two endings."""
_OF_ONE_VERSION = re.compile(r"python([0-9]+\.[0-9]+t?)", re.ASCII)
_SHORT = re.compile(r"([a-z]*)([0-9]+\.[0-9]+)(?:[^t]*)(t?)(?:-dev)?", re.ASCII)
"""Of a version of pyenv, what may be left out of it: of 3.13.1t "3.13" and "t" stay."""
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_AT_ONCE = 8
"""So many are started at once: each is waited for, and one that hangs keeps none of the others."""
_MOST_LINKS = 40
"""path_resolution(7) follows no more."""


@dataclass(frozen=True)
class FoundInterpreter:
    """A Python that is here, or what looks like one and is none."""

    written: tuple[str, ...]
    """What may be written for it in a file, the best first. The default needs no word."""
    path: str | None
    """What would be started; None: nothing could be."""
    is_default: bool
    """Whether it runs fibench, and the servers where nothing is written."""
    interpreter: Interpreter | None
    """What it says of itself."""
    has_subinterpreters: bool
    """Whether it can make interpreters within it that compute beside each other (PEP 734)."""
    reason: str | None
    """Why it cannot run servers, one line; None if it can."""


def interpreters_here(environ: Mapping[str, str]) -> list[FoundInterpreter]:
    """All of them, by implementation and version, the default first and what cannot be used last.

    Each is started once, and waited for as a run would wait for it.
    """
    programs = list(_on_path(environ))
    texts = names_of_interpreters(environ)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        places = dict(zip(texts, pool.map(lambda text: _place(text, environ), texts), strict=True))
        written: dict[str, list[str]] = {_itself(sys.executable): []}
        for text, place in places.items():
            if place is not None:
                written.setdefault(_itself(place), []).append(text)
        for program in programs:  # those that another one of the same name stands before
            if not is_shim(program):
                written.setdefault(_itself(program), [])
        found = list(pool.map(_examined, written, written.values()))
    every = {*pyenv_versions(environ), *map(os.path.basename, programs)}
    nowhere = [
        FoundInterpreter((text,), None, False, None, False, _why_nowhere(text, environ))
        for text, place in places.items()
        if place is None and text in every
    ]
    return sorted([*found, *nowhere], key=_order)


def names_of_interpreters(environ: Mapping[str, str]) -> list[str]:
    """What may be written and is no path; nothing is started, so that some may lead nowhere."""
    return list(dict.fromkeys([*_versions(environ), *_names(_on_path(environ))]))


def _on_path(environ: Mapping[str, str]) -> Iterator[str]:
    """Every program on the PATH that is called as a Python is, in the order of the PATH."""
    for folder in dict.fromkeys(environ.get("PATH", os.defpath).split(os.pathsep)):
        if not os.path.isabs(folder):  # as `locate` has it
            continue
        try:
            names = sorted(name for name in os.listdir(folder) if _NAME.fullmatch(name))
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def _names(programs: Iterable[str]) -> Iterator[str]:
    """What may be written for programs on the PATH: their names, and the versions in these."""
    for program in programs:
        name = os.path.basename(program)
        version = _OF_ONE_VERSION.fullmatch(name)
        if version:
            yield version[1]
        yield name


def _versions(environ: Mapping[str, str]) -> Iterator[str]:
    """What may be written for the versions of pyenv: each, and as short as it can be told."""
    for name in pyenv_versions(environ):
        if name != name.strip() or name.startswith("-") or not name.isprintable():
            continue  # a file may not hold it
        short = _SHORT.fullmatch(name)
        if short:
            yield "".join(short.groups())
        yield name


def _place(text: str, environ: Mapping[str, str]) -> str | None:
    """The program that a text means; None: it means none."""
    try:
        return locate(text, Path("/"), environ)
    except NotHere:
        return None


def _why_nowhere(text: str, environ: Mapping[str, str]) -> str:
    """Why a name that is there leads to no program."""
    if text in pyenv_versions(environ):
        return "pyenv has a folder for it, and in that no program that may be started"
    return "it is a shim, and no version is chosen that has it"


def _itself(path: str) -> str:
    """The same of all names that a program has in one folder: python3 is python3.13 there.

    A link into another folder is kept: the python of a virtual environment is one.
    """
    folder, name = os.path.split(path)
    folder = os.path.realpath(folder)
    for _ in range(_MOST_LINKS):
        try:
            goes_to = os.path.join(folder, os.readlink(os.path.join(folder, name)))
        except OSError:  # it is no link
            break
        if os.path.realpath(os.path.dirname(goes_to)) != folder:
            break
        name = os.path.basename(goes_to)
    return os.path.join(folder, name)


def _examined(path: str, texts: Sequence[str]) -> FoundInterpreter:
    written = tuple(sorted(texts, key=_best_first)) or (path,)
    is_default = path == _itself(sys.executable)
    try:
        found, has_subinterpreters = examine(path)
    except NotHere as reason:
        said = str(reason).removeprefix(f"{path} ")
        return FoundInterpreter(written, path, is_default, None, False, said)
    return FoundInterpreter(written, path, is_default, found, has_subinterpreters, None)


def _best_first(text: str) -> tuple[bool, bool, int, str]:
    """A version before a name, a name that says the version before one that does not."""
    return not text[0].isdecimal(), "." not in text, len(text), text


def _order(one: FoundInterpreter) -> tuple[bool, bool, bool, str, list[int], bool, str]:
    known = one.interpreter
    return (
        not one.is_default,
        known is None,
        known is not None and known.implementation != "CPython",
        known.implementation if known else "",
        [int(number) for number in _NUMBER.findall(known.version)] if known else [],
        known is not None and known.free_threaded,
        one.written[0],
    )
