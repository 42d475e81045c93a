# SPDX-License-Identifier: BSD-3-Clause
"""Keys by their names: which have what in common, and how each is called and written."""

from __future__ import annotations

from collections.abc import Mapping

from fibench.parameters.keys import BACKEND_OPTION, PLAN_KEYS
from fibench.parameters.of_server import FRAMINGS
from fibench.parameters.parameters import KEYS, Value
from fibench.wording import any_of

GROUP_KEYS = tuple(name for name, key in KEYS.items() if key.of_group)
"""Those that a client group may have of its own."""
AXES = tuple(name for name, key in KEYS.items() if key.varies and key.kind.unit is not None)
"""Those that have numbers for values, on which a crossover can be looked for."""
REPLACED: Mapping[str, str] = {
    one: other
    for name, key in KEYS.items()
    if key.instead_of
    for one, other in ((name, key.instead_of), (key.instead_of, name))
}
"""Of two keys of which a cell has one, the other."""


def options() -> dict[str, str]:
    """What `--help` says of each option of `run` and `plan` that replaces a key of the file."""
    every = {name: key.option for name, key in (*KEYS.items(), *PLAN_KEYS.items())}
    found = [(name, option) for name, option in every.items() if option is not None]
    found.append(("backend", BACKEND_OPTION))
    return {name: option.help for name, option in sorted(found, key=lambda one: one[1].place)}


def option_flag(name: str) -> str:
    """How the command line calls an option: one dash before one letter, as Invoke has it, and no
    underscore behind what is a word of Python's."""
    return f"-{name}" if len(name) == 1 else f"--{name.rstrip('_').replace('_', '-')}"


def arguments() -> dict[str, str]:
    """What `--help` says of each option that `serve` hands on to a server, by the key's name."""
    return {name: key.argument.help for name, key in KEYS.items() if key.argument is not None}


_OF_LOAD = ("clients", "n", "rate", "framing", "duration", "warmup", "requests", "host")


def of_load() -> dict[str, str]:
    """What `--help` says of each option of `load`, which takes one value of a key."""
    return {name: KEYS[name].meaning.partition(". ")[0].rstrip(".") for name in _OF_LOAD}


_OF_WINDOWS = ("duration", "warmup", "requests")


def of_cell() -> dict[str, str]:
    """The same of those of `watch`, which takes one value of whatever `run` or `serve` has an
    option for, but for those that say how long is measured."""
    names = [name for name in (*options(), *arguments()) if name in KEYS]
    kept = dict.fromkeys(name for name in names if name not in _OF_WINDOWS)
    return {name: KEYS[name].meaning.partition(". ")[0].rstrip(".") for name in kept}


def of_check() -> dict[str, str]:
    """The same of those of `check`."""
    return {"framing": f"{any_of(FRAMINGS)} (default: message; with {{options}} both)"}


def server_option(name: str) -> str:
    """What our servers call a key: "--max-n"."""
    return f"--{name.replace('_', '-')}"


def in_file(name: str) -> str:
    """How the file calls a key."""
    return KEYS[name].written or name


def parameter(table: str, written: str) -> str:
    """The name as a parameter of what [server] or [load] calls `written`."""
    for name, key in KEYS.items():
        if key.table == table and key.written == written:
            return name
    return written


def default_text(name: str) -> Value:
    """A key's default as the file would write it."""
    default = KEYS[name].default
    return None if default is None else KEYS[name].kind.filed(default)


def shown_value(name: str, value: Value) -> str:
    """The value of the backend, or of a key, as it is written in tables and labels."""
    if value is None:
        return "default"
    return KEYS[name].kind.shown(value) if name in KEYS else str(value)
