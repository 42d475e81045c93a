# SPDX-License-Identifier: BSD-3-Clause
"""How the programs were built: build.json, which Meson writes and installs beside them."""

import json
from collections.abc import Mapping
from pathlib import Path

from fibench.json_values import Object, object_or_empty, object_or_none, text_or_none

RECORD = "build.json"

_OWN: Mapping[str, tuple[object, ...]] = {
    "buildtype": ("release",),
    "optimization": ("3",),
    "debug": (False,),
    "b_ndebug": (False, "false"),
    "b_lto": (False,),
    "b_pie": (True,),
    "b_sanitize": ([], ["none"], "none"),
    "c_std": ("gnu11",),
    "c_args": ([],),
    "c_link_args": ([],),
}
"""The options of meson.build, as Meson may write each."""
_IMPLIED = ("optimization", "debug")
"""What another build type brings with it."""
_VARIABLES = {"c_args": "CFLAGS", "c_link_args": "LDFLAGS"}


def read_build(path: Path) -> Object:
    """The record; empty where there is none that can be read."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return object_or_empty(record)


def why_without(record: Object, library: str) -> str | None:
    """Why a build is without a library, "disabled" or "not found"; None if it has it."""
    about = object_or_empty(object_or_empty(record.get("libraries")).get(library))
    return text_or_none(about.get("lacking"))


def library_origin(record: Object, library: str) -> str | None:
    """Where a library of a build is from, "system" or "wrap"; None if the build is without."""
    about = object_or_empty(object_or_empty(record.get("libraries")).get(library))
    return text_or_none(about.get("origin"))


def compiler(programs: Path) -> Object | None:
    """The compiler of the C programs and what decided its work, as the build's record has it."""
    return object_or_none(read_build(programs / RECORD).get("compiler"))


def libraries(programs: Path) -> Object | None:
    """The libraries that some programs are built with: where each is from, and its version."""
    return object_or_none(read_build(programs / RECORD).get("libraries"))


def not_own(compiler: object) -> str:
    """The flags of a build that are not fibench's own, in words; empty where all are.

    `compiler` is that of the record, or of some environment.json: it may be anything.
    """
    options = object_or_empty(object_or_empty(compiler).get("options"))
    found = {
        name: options[name]
        for name, own in _OWN.items()
        if name in options and options[name] not in own
    }
    if "c_link_args" in found:
        found["c_link_args"] = _of_ldflags(options)
        found = {name: value for name, value in found.items() if value != []}
    if "buildtype" in found:
        found = {name: value for name, value in found.items() if name not in _IMPLIED}
    return ", ".join(
        f"{_VARIABLES.get(name, name)} {_text(value)}" for name, value in found.items()
    )


def _of_ldflags(options: Object) -> list[str]:
    """What is for the linker alone: Meson hands it CFLAGS as well."""
    every, of_cflags = options["c_link_args"], options.get("c_args")
    of_cflags = of_cflags if isinstance(of_cflags, list) else []
    return [word for word in every if word not in of_cflags] if isinstance(every, list) else []


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
