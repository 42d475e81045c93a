# SPDX-License-Identifier: BSD-3-Clause
"""Options of the command line that replace keys of the file: `--clients 1,2,4 --backend c-mt`."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fibench.document.diagnostics import Diagnostic, ExperimentError
from fibench.document.keys import KEYS, in_file
from fibench.document.locate import Path
from fibench.wording import escaped, suggestion

_PLAN = ("blocks", "seed")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_OTHER = {"requests": "duration", "duration": "requests"}
_TEXTS = ("host", "framing", "kind", "backend", "arrivals", "interpreter")
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Overridden:
    """A document with the options' values in it."""

    document: dict[str, Any]
    options: Mapping[Path, str]
    """Which option put the value at a path. The empty path: all of them."""


def apply_overrides(document: Mapping[str, Any], overrides: Mapping[str, str]) -> Overridden:
    """Replace keys wherever they stand: in [server], [load], [plan], or [[matrix]].

    Several values of a key that does not vary yet make it vary, in every [[matrix]] table.
    `backend` selects: a table keeps those of its backends that are named; a backend that no table
    has is added to every table. `document` is a valid one. Raises ExperimentError, naming options.
    """
    values: dict[str, list[Any]] = {}
    written: dict[str, str] = {}
    faults: list[Diagnostic] = []
    for name, text in overrides.items():
        key = name.removeprefix("--").replace("-", "_")
        option = f"--{key.replace('_', '-')}"
        written[key] = escaped(f"{option} {text}"[:100])
        try:
            values[key] = _values(key, text)
        except _OptionError as error:
            faults.append(Diagnostic(written[key], None, None, 0, error.what, error.hint))
    if "requests" in values and "duration" in values:
        what = f"cannot be given beside {written['duration']}"
        hint = "a window ends after a time or after replies: keep one"
        faults.append(Diagnostic(written["requests"], None, None, 0, what, hint))
    if faults:
        raise ExperimentError(faults)
    changed = copy.deepcopy(dict(document))
    matrix = changed["matrix"]
    changed["matrix"] = [matrix] if isinstance(matrix, dict) else matrix
    options: dict[Path, str] = {(): " ".join(written.values())}
    for key, given in values.items():
        paths = _select_backends(changed, given) if key == "backend" else _put(changed, key, given)
        options |= dict.fromkeys(paths, written[key])
    return Overridden(changed, options)


class _OptionError(Exception):
    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def _values(key: str, text: str) -> list[Any]:
    """An option's values as the file would hold them. Raises _OptionError."""
    names = ("backend", *KEYS, *_PLAN)
    if key not in names:
        raise _OptionError("there is no such option", suggestion(key, names))
    if key in KEYS and in_file(key) == "cpus":
        return [text]
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise _OptionError("a value is empty", "separate values by single commas")
    single = key in _PLAN or (key in KEYS and not KEYS[key].varies)
    if single and len(words) > 1:
        raise _OptionError("takes one value")
    if key in _TEXTS or (key in KEYS and KEYS[key].unit == "s"):
        return list(words)
    if key == "rate":
        return [float(word) if _NUMBER.fullmatch(word) else word for word in words]
    if key == "spin":
        return [_TRUTHS.get(word, word) for word in words]
    for word in words:
        if _WHOLE.fullmatch(word) is None:
            raise _OptionError(f'"{escaped(word[:40])}" is not a whole number')
    return [int(word) for word in words]


def _put(document: dict[str, Any], key: str, given: list[Any]) -> list[Path]:
    """Put a key's values where the key stands, or belongs; return where they are now."""
    if key in _PLAN:
        document.setdefault("plan", {})[key] = given[0]
        return [("plan", key)]
    home, written = KEYS[key].table, in_file(key)
    other = _OTHER.get(key)
    for table in [document.get("server", {}), document.get("load", {}), *document["matrix"]]:
        table.pop(other, None)
    axes = [index for index, table in enumerate(document["matrix"]) if key in table]
    if not axes and len(given) == 1:
        document.setdefault(home, {})[written] = given[0]
        return [(home, written)]
    document.get(home, {}).pop(key, None)
    for table in document["matrix"]:
        table[key] = given
    return [("matrix", index, key) for index in range(len(document["matrix"]))]


def _select_backends(document: dict[str, Any], given: list[str]) -> list[Path]:
    """Keep only the named backends; return where the tables name backends now."""
    matrix = document["matrix"]
    listed = [
        [table["backend"]] if isinstance(table["backend"], str) else table["backend"]
        for table in matrix
    ]
    new = [name for name in given if not any(name in names for names in listed)]
    for table, names in zip(matrix, listed, strict=True):
        table["backend"] = [name for name in names if name in given] + new
    document["matrix"] = [table for table in matrix if table["backend"]]
    return [("matrix", index, "backend") for index in range(len(document["matrix"]))]
