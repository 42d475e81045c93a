# SPDX-License-Identifier: BSD-3-Clause
"""What a server of the user's own is told: its command, environment and files, braces replaced."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fibench.backends.installing import how_to_install
from fibench.experiment import Experiment, OwnBackend, values_of
from fibench.machine import cores as machine
from fibench.parameters import Parameters
from fibench.requests import LARGEST_TEXT_BYTES, Sized, fill_command, fill_known, filler
from fibench.requests.template import Payload
from fibench.server.exec_error import find_program
from fibench.wording import as_toml, escaped

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers are, which are not on everybody's PATH."""
_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_OF_SCRIPTS = (
    *(".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php", ".lua", ".sh", ".jar"),
    *(".conf", ".toml", ".yaml", ".yml", ".json", ".ini", ".cfg"),
)
"""How the names of files end that a command hands to its program."""


def own_values(
    parameters: Parameters,
    port: int,
    folder: Path | None = None,
    cores: int | None = None,
) -> dict[str, str]:
    """What stands in the place of each name in braces.

    `folder` is {dir}; `cores` are what {workers} is where the cell gives no number, by default all
    that there are.
    """
    values = values_of(parameters)
    values.setdefault("workers", str(cores or machine.usable_cores()))
    values["port"] = str(port)
    if folder is not None:
        values["dir"] = str(folder)
    return values


def own_argv(words: Sequence[str], folder: Path | None, values: Mapping[str, str]) -> list[str]:
    """Program and arguments; a relative program with a slash is found from the file's folder.

    Raises Fault for a name without a value.
    """
    command = [fill_command(word, values) for word in words]
    if folder is not None and os.sep in command[0]:
        command[0] = str(folder / command[0])
    return command


def own_environment(env: Iterable[tuple[str, str]], values: Mapping[str, str]) -> dict[str, str]:
    """The variables that a server has beside those that every one inherits, and its PATH. Raises
    Fault."""
    given = {name: fill_command(value, values) for name, value in env}
    return {**given, "PATH": path_of(given)}


def path_of(env: Mapping[str, str]) -> str:
    """The PATH of a server with these variables: ours, if it is not among them, and where systems
    keep servers, such as nginx, which is not on the PATH of everybody who may start them."""
    if "PATH" in env:
        return env["PATH"]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([*folders, *(one for one in SYSTEM_FOLDERS if one not in folders)])


def own_files(files: Iterable[tuple[str, Payload]], values: Mapping[str, str]) -> dict[str, bytes]:
    """What is to lie in {dir} when the server starts, by paths relative to it. Raises ValueError
    for a size that is no number, or too large."""
    found = {}
    for name, content in files:
        if isinstance(content, Sized):
            text = fill_known(str(content.count), values)
            if not _WHOLE.fullmatch(text):
                raise ValueError(f"{as_toml(text)} is no number of bytes for file {as_toml(name)}")
            count = int(text)
            if not 0 <= count <= LARGEST_TEXT_BYTES:
                what = f"file {as_toml(name)} would have {as_toml(count)} bytes"
                raise ValueError(f"{what}; 0 to {LARGEST_TEXT_BYTES} are allowed")
            found[name] = filler(count)
        else:
            found[name] = fill_known(content, values).encode("utf-8")
    return found


def refuse_nul(texts: Iterable[str]) -> None:
    """Raise ValueError for what no program can be given: an axis may have any text for a value."""
    for text in texts:
        if "\0" in text:
            raise ValueError(f"{as_toml(text)} contains a NUL character")


class Missing(NamedTuple):
    """What a command names and is not there."""

    place: int
    """Which word of the command."""
    what: str
    is_program: bool
    is_bare: bool
    """It was looked for on the PATH."""


def missing(own: OwnBackend) -> Iterator[Missing]:
    """What of the command of a server is not here. What a `build` makes may come yet."""
    program, searched = own.command[0], path_of(dict(own.env))
    is_known = "{" not in program + searched
    if is_known and find_program(program, own.folder, searched) is None:
        bare = "/" not in program
        where = "on the PATH" if bare else f"in {own.folder.absolute()}"
        if bare or not own.build:
            what = f"there is no program {as_toml(program)} {where}"
            yield Missing(0, what, is_program=True, is_bare=bare)
    for place, word in enumerate(own.command[1:], start=1):
        if own.build or word.startswith("-") or "{" in word or "}" in word or "=" in word:
            continue
        if Path(word).suffix not in _OF_SCRIPTS or not word.isprintable():
            continue
        if not os.path.lexists(own.folder / word):
            what = f"there is no file {as_toml(word)} in {own.folder.absolute()}"
            yield Missing(place, what, is_program=False, is_bare=False)


def not_installed(own: OwnBackend) -> str | None:
    """Why a server cannot be run here, or be built, if that is for want of a program on the PATH,
    and what brings that."""
    for one in missing(own):
        if one.is_program and one.is_bare:
            return f"{escaped(one.what)}: {how_to_install(own.command[0], own.install)}"
    builder = own.build[0] if own.build else ""
    if builder and "/" not in builder and find_program(builder, own.folder) is None:
        what = f"there is no program {as_toml(builder)} on the PATH, which is to build it"
        return f"{escaped(what)}: {how_to_install(builder, own.install)}"
    return None


def lines_of_missing(
    experiment: Experiment,
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What commands name and is not there, by its place in the file."""
    used = {cell.backend for cell in experiment.cells}
    used |= {one.cell.backend for one in experiment.absent.cells}
    for name, own in experiment.backends.items():
        if name in used:
            for one in missing(own):
                yield ("backends", name, "command", one.place), f"{name}: {one.what}"
