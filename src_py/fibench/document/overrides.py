# SPDX-License-Identifier: BSD-3-Clause
"""Options of the command line that replace keys of the file: `--clients 1,2,4 --backend c-mt`."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fibench.document.diagnostics import MOST, Diagnostic
from fibench.document.kinds import NAMES
from fibench.document.locate import Path
from fibench.document.model import ExperimentFile
from fibench.document.tables import MatrixTable, Table, listed
from fibench.parameters import (
    KEYS,
    PLAN_KEYS,
    REPLACED,
    Fault,
    Kind,
    in_file,
    option_flag,
    parameter,
)
from fibench.wording import escaped, suggestion

T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Overridden:
    """A file with the options' values in it."""

    file: ExperimentFile
    options: Mapping[Path, str]
    """Which option put the value at a path. The empty path: all of them."""


@dataclass(frozen=True)
class Given:
    """Options as they were read, before any file."""

    values: Mapping[str, list[Hashable]]
    """Of those that are right, by their keys."""
    written: Mapping[str, str]
    """Every option as it was typed, by its key."""
    faults: Sequence[Diagnostic]

    @property
    def doubtful(self) -> frozenset[str]:
        """The keys whose options are wrong: what they are to be is not known."""
        return frozenset(self.written.keys() - self.values.keys())

    def replaces(self, path: Path | None) -> bool:
        """Whether an option takes the place of what the file has at a path."""
        match path:
            case ("server" | "load" | "plan" as table, str(name)):
                key = parameter(table, name)
            case ("matrix", int(), str(key), *_) if key != "backend":
                pass
            case _:
                return False
        return key in self.written or REPLACED.get(key) in self.written


def read_overrides(overrides: Mapping[str, str]) -> Given:
    """What options say, and every fault of theirs, which no file is needed to see."""
    values: dict[str, list[Hashable]] = {}
    written: dict[str, str] = {}
    faults: list[Diagnostic] = []
    for name, text in overrides.items():
        key = name.removeprefix("--").replace("-", "_")
        written[key] = escaped(f"{option_flag(key)} {text}"[:100].rstrip())
        before = len(faults)
        try:
            words = _words(key, text)
        except Fault as fault:
            faults.append(Diagnostic(written[key], None, None, 0, fault.what, fault.hint))
            continue
        checked = list(_checked(key, words, written[key], faults))
        if len(faults) == before:
            values[key] = checked
    for key in written:
        if key in KEYS and KEYS[key].instead_of in written:
            what = f"cannot be given beside {written[KEYS[key].instead_of]}"
            hint = "a window ends after a time or after replies: keep one"
            faults.append(Diagnostic(written[key], None, None, 0, what, hint))
            values.pop(key, None)
    return Given(values, written, _listed(faults))


def apply_overrides(file: ExperimentFile, given: Given) -> Overridden:
    """Replace keys wherever they stand: in [server], [load], [plan], or [[matrix]].

    Several values of a key that does not vary yet make it vary, in every [[matrix]] table.
    `backend` selects: a table keeps those of its backends that are named; a backend that no table
    has is added to every table.
    """
    options: dict[Path, str] = {(): " ".join(given.written.values())}
    for key, values in given.values.items():
        put = _select_backends if key == "backend" else _put
        file, paths = put(file, key, values)
        options |= dict.fromkeys(paths, given.written[key])
    return Overridden(file, options)


def _listed(faults: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Each fault once, and no more than anyone reads."""
    every = list(dict.fromkeys(faults))
    if len(every) > MOST:
        what = f"{len(every) - MOST} more faults; only the first {MOST} found are listed"
        every[MOST:] = [Diagnostic(every[-1].file, None, None, 0, what)]
    return every


def _kind(key: str) -> Kind[Hashable]:
    if key == "backend":
        return NAMES
    return KEYS[key].kind if key in KEYS else PLAN_KEYS[key].kind


def _varies(key: str) -> bool:
    return key == "backend" or (key in KEYS and KEYS[key].varies)


def _words(key: str, text: str) -> list[object]:
    """An option's values as the file would hold them. Raises Fault."""
    names = ("backend", *KEYS, *PLAN_KEYS)
    if key not in names:
        raise Fault("there is no such option", suggestion(key, names))
    if not text.strip():
        raise Fault("is empty", "give a value, or leave the option out")
    if _kind(key).commas:
        return [text]
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise Fault("a value is empty", "separate values by single commas")
    if len(words) > 1 and not _varies(key):
        raise Fault("takes one value")
    return [_kind(key).word(word) for word in words]


def _checked(
    key: str, words: list[object], written: str, faults: list[Diagnostic]
) -> Iterator[Hashable]:
    """The values that words of an option mean; what is wrong with them is added to `faults`."""
    name = in_file(key) if key in KEYS else key

    def report(fault: Fault) -> None:
        faults.append(Diagnostic(written, None, None, 0, f"{name} {fault.what}", fault.hint))

    try:
        listed(words)
    except Fault as fault:
        report(fault)
        return
    for word in words:
        try:
            yield _kind(key).check(word)
        except Fault as fault:
            report(fault)


def _with(table: T, put: Mapping[str, object], without: Collection[str | None] = ()) -> T:
    """A table with other values of some keys; all of them have been checked."""
    kept = {name: getattr(table, name) for name in type(table).model_fields if table.has(name)}
    for name in without:
        kept.pop(str(name), None)
    values = {**kept, **put}
    ordered = {name: values[name] for name in type(table).model_fields if name in values}
    return type(table).model_construct(set(ordered), **ordered)


def _put(
    file: ExperimentFile, key: str, given: list[Hashable]
) -> tuple[ExperimentFile, Sequence[Path]]:
    """Put a key's values where the key stands, or belongs; say where they are now."""
    if key in PLAN_KEYS:
        return _with(file, {"plan": _with(file.plan, {key: given[0]})}), [("plan", key)]
    home, written, other = KEYS[key].table, in_file(key), REPLACED.get(key)
    server, load = _with(file.server, {}, [other]), _with(file.load, {}, [other])
    matrix = [_with(table, {}, [other]) for table in file.matrix]
    is_axis = len(given) > 1 or any(table.has(key) for table in matrix)
    put, gone = ({}, [key]) if is_axis else ({written: given[0]}, [])
    if home == "server":
        server = _with(server, put, gone)
    else:
        load = _with(load, put, gone)
    if is_axis:
        matrix = [_with(table, {key: given}) for table in matrix]
    changed = _with(file, {"server": server, "load": load, "matrix": matrix})
    places: list[Path] = [("matrix", index, key) for index in range(len(matrix))]
    return changed, places if is_axis else [(home, written)]


def _select_backends(
    file: ExperimentFile, key: str, given: list[Hashable]
) -> tuple[ExperimentFile, Sequence[Path]]:
    """Keep only the named backends; say where the tables name backends now.

    A table that is left without any makes no cell, and keeps the places of the others right.
    """
    every = [table.given()[key] for table in file.matrix]
    new = [name for name in given if not any(name in names for names in every)]
    matrix: list[MatrixTable] = [
        _with(table, {key: [name for name in names if name in given] + new})
        for table, names in zip(file.matrix, every, strict=True)
    ]
    places: list[Path] = [("matrix", index, key) for index in range(len(matrix))]
    return _with(file, {"matrix": matrix}), places
