# SPDX-License-Identifier: BSD-3-Clause
"""Servers of the user's own, as [backends.NAME] describes them, and what is wrong there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fibench.document import ExperimentFile, Source
from fibench.document.axes import GIVEN_NAMES
from fibench.document.locate import Path as Place
from fibench.document.own_servers import START_TIMEOUT_S, STOP_GRACE_S, BackendTable
from fibench.experiment.asking.rendered import Requests
from fibench.experiment.cells import KnownBackend
from fibench.parameters import KEYS, Fault, Framing
from fibench.requests import LARGEST_TEXT_BYTES, names_in, names_in_command
from fibench.requests.http import check_target
from fibench.requests.template import Payload
from fibench.wording import as_toml, did_you_mean, one_of

MOST_FILES = 100
_DEEPEST = 8
_STEP = re.compile(r"[A-Za-z0-9._+-]{1,64}", re.ASCII)
_RULE = "a path below {dir}: steps of a-z, A-Z, 0-9, '.', '_', '+', '-', with / between them"
_VARIABLE_RULE = "a letter or _, then letters, digits and _"
_TOLD = 'the server must be told its port: command = ["./my_server", "{port}"]'


@dataclass(frozen=True)
class OwnBackend:
    """A server of the user's own."""

    command: tuple[str, ...]
    """Program and arguments as the file gives them; names in braces are still to be replaced."""
    framing: Framing
    serves: int | Literal["any", "workers"]
    """How many connections it serves at once."""
    ready_fd: bool
    """Whether it takes --ready-fd FD."""
    folder: Path
    """The experiment file's folder: a relative program with a slash is found from there."""
    start_timeout_s: float = START_TIMEOUT_S
    """How long it may take until it is ready."""
    cores: int | Literal["any", "workers"] | None = None
    """How many cores it can keep busy; None: the file does not say."""
    env: tuple[tuple[str, str], ...] = ()
    """Variables of its environment; names in braces are still to be replaced."""
    files: tuple[tuple[str, Payload], ...] = ()
    """What is written into {dir} in each trial, by paths relative to it; known names in braces are
    still to be replaced."""
    port: int | None = None
    """The port of one that cannot be told another."""
    ready_get: str | None = None
    """The path that is asked for until it is answered; None: it is ready when it listens."""
    stop_signal: str = "SIGTERM"
    grace_s: float = STOP_GRACE_S
    """How long it may take to end."""
    build: tuple[str, ...] = ()
    """What makes it, once before the run, in `folder`; none where nothing does."""
    needs: tuple[str, ...] = ()
    """What ends with status 0 where it can run, in `folder`; none where that is not in doubt."""
    install: str | None = None
    """The command with which a person installs it."""
    named: frozenset[str] = field(default=frozenset(), compare=False)
    """What stands in braces in all of this."""

    @property
    def used_cores(self) -> int | Literal["any", "workers"]:
        """How many cores it can keep busy: who serves one connection at a time uses one."""
        return self.serves if self.cores is None else self.cores

    @property
    def known(self) -> KnownBackend:
        """What validation needs to know of it."""
        named = set(self.named)
        if "workers" in (self.serves, self.cores):
            named.add("workers")
        return KnownBackend(
            (self.framing,), self.serves, "own", self.used_cores, frozenset(named), self.port
        )


def own_backends(file: ExperimentFile, folder: Path, requests: Requests) -> dict[str, OwnBackend]:
    """The servers of the user's own that a file in a folder brings."""
    return {
        name: OwnBackend(
            command=tuple(table.command),
            framing=table.framing,
            serves=table.serves,
            ready_fd=table.ready_fd,
            folder=folder,
            start_timeout_s=table.start_timeout,
            cores=table.cores,
            env=tuple(table.env.items()),
            files=tuple(table.files.items()),
            port=table.port,
            ready_get=table.ready,
            stop_signal=table.stop.signal,
            grace_s=table.stop.grace,
            build=tuple(table.build),
            needs=tuple(table.needs),
            install=table.install,
            named=frozenset(_named(table)) | _prepared(name, requests),
        )
        for name, table in file.backends.items()
    }


def _prepared(name: str, requests: Requests) -> frozenset[str]:
    """The names in braces of what a server is asked once in each trial."""
    every = [one.template.names() for one in requests.prepares if name in one.backends]
    return frozenset().union(*every) & {*requests.axes, *requests.varied}


def _strict(table: BackendTable) -> Iterator[tuple[Place, str]]:
    """Every text in which a lone brace, or an unknown name, is a mistake, by its place."""
    for place, word in enumerate(table.command):
        yield ("command", place), word
    for name, value in table.env.items():
        yield ("env", name), value


def _loose(table: BackendTable) -> Iterator[str]:
    for content in table.files.values():
        text = content if isinstance(content, str) else content.count
        if isinstance(text, str):
            yield text


def _named(table: BackendTable) -> Iterator[str]:
    """Every name that stands in braces in what a server is told."""
    for _, text in _strict(table):
        try:
            yield from names_in_command(text)
        except Fault:  # which is reported
            yield from names_in(text)
    for text in _loose(table):
        yield from names_in(text)


def report_own_servers(
    file: ExperimentFile,
    axes: Collection[str],
    doubtful: Collection[str],
    source: Source,
) -> None:
    """Report what is wrong with servers of the user's own, beyond the value of one key."""
    for name, table in file.backends.items():
        path: Place = ("backends", name)
        known = {*GIVEN_NAMES, *axes, *KEYS}
        for tail, text in _strict(table):
            _report_braces(text, (*path, *tail), known, doubtful, source)
        if table.port is None and "port" not in set(_named(table)):
            source.report((*path, "command"), "command lacks {port}", _TOLD)
        _report_env(table.env, path, source)
        _report_files(table.files, (*path, "files"), source)
        if table.ready is not None:
            _report_ready(table, path, source)


def _report_braces(
    text: str, path: Place, known: Collection[str], doubtful: Collection[str], source: Source
) -> None:
    what = str(path[2]) if path[2] == "command" else str(path[-1])
    try:
        unknown = [name for name in names_in_command(text) if name not in known]
    except Fault as fault:
        source.report(path, f"{what} {fault.what}", fault.hint)
        return
    for name in unknown:
        if name in doubtful:
            continue
        close = did_you_mean(name, known)
        hint = f"did you mean {{{close}}}?" if close is not None else _known(name, known)
        source.report(path, f"{what} has {{{name}}}, which nothing gives a value", hint)


def _known(name: str, known: Collection[str]) -> str:
    """What stands in braces, after a name that does not."""
    own = sorted(set(known) - {*KEYS, *GIVEN_NAMES})
    listed = one_of(f"{{{one}}}" for one in (*GIVEN_NAMES, *own))
    doubled = f'"{{{{{name}}}}}"'
    return f"known: {listed}, and keys and axes of [[matrix]]; to have it as it is: {doubled}"


def _report_env(env: Mapping[str, str], path: Place, source: Source) -> None:
    for name in env:
        if not (name.isascii() and name.isidentifier()):
            what = f"{as_toml(name)} is no name of a variable"
            source.report((*path, "env", name), what, f"allowed: {_VARIABLE_RULE}", key=True)


def _report_ready(table: BackendTable, path: Place, source: Source) -> None:
    if table.ready_fd:
        what = "ready and ready_fd are both given"
        source.report((*path, "ready"), what, "keep one of them", key=True)
    try:
        check_target(table.ready or "")
    except Fault as fault:
        source.report((*path, "ready"), f"the get of ready {fault.what}", fault.hint)


def _report_files(files: Mapping[str, Payload], path: Place, source: Source) -> None:
    """Report files that would lie elsewhere than in {dir}, or stand in each other's way."""
    for name, content in files.items():
        at = (*path, name)
        what = _wrong_name(name)
        if what is not None:
            source.report(at, f"file {as_toml(name)} {what}", f"allowed: {_RULE}", key=True)
            continue
        above = [name[:place] for place, one in enumerate(name) if one == "/"]
        taken = next((one for one in above if one in files), None)
        if taken is not None:
            what = f"file {as_toml(name)} needs a folder where the file {as_toml(taken)} is"
            source.report(at, what, "give one of them another name", key=True)
        _report_size(content, at, source)
    if len(files) > MOST_FILES:
        source.report(path, f"there are {len(files)} files; {MOST_FILES} are allowed", key=True)


def _wrong_name(name: str) -> str | None:
    """Why a file cannot lie in {dir} by that name; None if it can."""
    if name.startswith("/"):
        return "is not below {dir}: its path is absolute"
    steps = name.split("/")
    if ".." in steps:
        return "is not below {dir}: its path leads upwards"
    if len(steps) > _DEEPEST:
        return f"is {len(steps)} folders deep; {_DEEPEST} are allowed"
    if "." in steps or not all(_STEP.fullmatch(step) for step in steps):
        return "is not allowed as a path"
    return None


def _report_size(content: Payload, path: Place, source: Source) -> None:
    size = len(content.encode()) if isinstance(content, str) else content.count
    if isinstance(size, int) and not 0 <= size <= LARGEST_TEXT_BYTES:
        what = f"file {as_toml(path[-1])} has {as_toml(size)} bytes"
        source.report(path, what, f"0 to {LARGEST_TEXT_BYTES} are allowed")
