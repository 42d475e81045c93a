# SPDX-License-Identifier: BSD-3-Clause
"""The check of a file against its models, with every fault explained.

A fault in one place must not hide those in another. What is faulty is therefore put aside, and the
rest of the file is handed on, with the names of the keys whose values are not to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fibench.document.axes import Models, axes_of_document, models_of, named_in_braces
from fibench.document.diagnostics import MOST, Source
from fibench.document.model import OWN_AXIS, TABLES, ExperimentFile
from fibench.document.own_servers import BackendTable
from fibench.document.requests import RequestTable
from fibench.parameters import KEYS, Key, Scalar
from fibench.parameters.kinds import SEARCH, kind_of
from fibench.wording import as_toml, did_you_mean, meant, one_of

_ROOT = tuple(ExperimentFile.model_fields)
IN_BRACES = "{}"
"""Among what is doubtful: something that may name axes in braces was put aside."""


@dataclass
class Sound:
    """The part of a file that can be judged further."""

    file: ExperimentFile
    claims: Sequence[int]
    """Where each of the file's claims stood before the faulty ones were put aside."""
    doubtful: frozenset[str] = field(default=frozenset())
    """Keys of [server], [load] and [[matrix]] whose values were put aside."""


def check_document(document: Mapping[str, object], source: Source) -> Sound | None:
    """Report every fault that the models find; return what is sound, None if nothing follows."""
    models = models_of(axes_of_document(document))
    try:
        file = models.file.model_validate(document)
    except ValidationError as error:
        every = error.errors(include_url=False)
        source.leave_out(max(0, len(every) - MOST))
        faults = every[:MOST]
    else:
        return Sound(file, range(len(file.claim)))
    unknown = [fault["loc"] for fault in faults if fault["type"] == "extra_forbidden"]
    tables = _Tables(models, frozenset(named_in_braces(document)))
    intended = {(*path[:-1], tables.nearest(path)) for path in unknown}
    for fault in faults:
        if fault["type"] != "missing" or fault["loc"] not in intended:
            _report(fault, source, tables)
    return _put_aside(document, [fault["loc"] for fault in faults], tables)


def _report(fault: ErrorDetails, source: Source, tables: _Tables) -> None:
    path = fault["loc"]
    name = _name(path)
    match fault["type"]:
        case "extra_forbidden":
            what = f"unknown key {as_toml(path[-1])}{_inside(path)}"
            source.report(path, what, _hint_unknown(path, tables), key=True)
        case "missing":
            source.report(path[:-1], f"{name} is missing{_inside(path)}", _hint_missing(path))
        case "fibench":
            context = fault["ctx"]
            source.report(path, f"{name} {context['what']}", context["hint"])
        case _:
            what = f"{name} must be a table, not {kind_of(fault['input'])}"
            source.report(path, what, f"write [{name}]" if len(path) == 1 else "")


def _name(path: Sequence[str | int]) -> str:
    """The last key of a path: an element is called by the name of its list."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "the file")
    return name if name.isascii() and name.isidentifier() and len(name) < 40 else as_toml(name)


@dataclass(frozen=True)
class _Tables:
    """The tables of one file, which may have axes of its own."""

    models: Models
    named: frozenset[str]
    """What it names in braces."""

    def fields(self, path: Sequence[str | int]) -> tuple[str, ...]:
        """The valid keys of the table that an item at `path` is in."""
        match list(path[:-1]):
            case []:
                return _ROOT
            case ["backends", _]:
                return tuple(BackendTable.model_fields)
            case ["requests", _]:
                return tuple(RequestTable.model_fields)
            case ["load", "group", _]:
                return tuple(TABLES["load.group"].model_fields)
            case ["claim", _, "crossover"]:
                return tuple(self.models.crossover.model_fields)
            case ["claim", _, "sustains"]:
                return tuple(self.models.sustains.model_fields)
            case ["claim", _, _, *_] | ["exclude", *_]:
                return tuple(self.models.side.model_fields)
            case ["matrix", *_]:
                return tuple(self.models.matrix.model_fields)
            case [str(table), *_] if table in TABLES:
                return tuple(TABLES[table].model_fields)
            case _:
                return ()

    def could_be(self, path: Sequence[str | int]) -> tuple[str, ...]:
        """What an unknown key may have meant: a valid one, or an axis that something names."""
        fields = self.fields(path)
        if path[0] != "matrix":
            return fields
        axes = [name for name in sorted(self.named) if OWN_AXIS.fullmatch(name)]
        return (*fields, *(name for name in axes if name not in fields))

    def nearest(self, path: Sequence[str | int]) -> str | None:
        """What an unknown key resembles most."""
        return did_you_mean(str(path[-1]), self.could_be(path))


def _inside(path: Sequence[str | int]) -> str:
    """Which table an item is in, to follow its name."""
    match list(path[:-1]):
        case ["claim", _, str(side), *_]:
            return f" in {side}"
        case ["load", "group", *_]:
            return " in [[load.group]]"
        case ["claim" | "matrix" | "prepare" as table, *_]:
            return f" in [[{table}]]"
        case ["requests", name]:
            return f" in [requests.{_name([name])}]"
        case ["backends", name]:
            return f" in [backends.{_name([name])}]"
        case ["exclude", *_]:
            return " in exclude"
        case [str(table), *_]:
            return f" in [{table}]"
        case _:
            return ""


def _tables_with(name: str) -> Iterator[str]:
    """The tables, written as in the file, that have a key."""
    for table, model in TABLES.items():
        if name in model.model_fields:
            several = table in ("claim", "matrix", "load.group", "prepare")
            yield f"[[{table}]]" if several else f"[{table}]"


def _keys_written(name: str) -> Iterator[Key[Scalar]]:
    """The keys that the file calls `name`."""
    for parameter, key in KEYS.items():
        if name == (key.written or parameter):
            yield key


def _hint_unknown(path: Sequence[str | int], tables: _Tables) -> str:
    """Where an unknown key belongs, else the valid name it resembles, else what is valid."""
    name, fields = str(path[-1]), tables.fields(path)
    if path[0] == "matrix" and name in tables.named:
        return "an axis of your own is called by a-z, 0-9 and _, and by no key's name"
    homes = list(_tables_with(name))
    if path[0] == "claim" and path[-2:-1] == ("sustains",) and name in ("rate", "rates", SEARCH):
        return f'the rates are those of the cells: write rate = "{SEARCH}" in [[matrix]]'
    varying = "backend" in fields  # [[matrix]], and what selects its cells
    keys = list(_keys_written(name))
    if varying and keys and not any(key.varies for key in keys):
        return f"`{name}` does not vary: it belongs in {' or '.join(homes)}"
    if homes:
        return f"`{name}` belongs in {homes[0]}"
    if len(path) > 1 and name in _ROOT:
        return f"`{name}` belongs at the top of the file, before the first table"
    hint = meant(name, tables.could_be(path))
    if hint:
        return hint
    for table, model in TABLES.items():
        close = did_you_mean(name, model.model_fields, likeness=0.8)
        if close is not None and table not in path:
            return f'did you mean "{close}"? It belongs in {next(_tables_with(close))}'
    return f"valid: {one_of(sorted(fields), most=30)}"


def _hint_missing(path: Sequence[str | int]) -> str:
    if path[0] == "claim" and path[-2:-1] == ("sustains",):
        return {"over": 'add over = "rate"'}.get(str(path[-1]), 'add of = { backend = "py-mt" }')
    return {
        "title": 'begin the file with title = "what the experiment shows"',
        "matrix": 'write [[matrix]], and below it backend = ["py-sync", "py-mt"]',
        "backend": 'add backend = ["py-sync", "py-mt"]',
        "says": 'add says = "the claim, in words"',
        "metric": 'add metric = "throughput"',
        "name": 'add name = "small"',
        "over": 'add over = "n"',
        "of": 'add of = [{ backend = "py-mp" }, { backend = "py-sync" }]',
        "command": 'add command = ["./my_server", "{port}"]',
    }.get(str(path[-1]), "")


def _put_aside(
    document: Mapping[str, object], faults: Sequence[tuple[str | int, ...]], tables: _Tables
) -> Sound | None:
    """The document without its faulty parts; None if cells cannot be made without them."""
    sound = dict(document)
    matrix = [_table(table) for table in _list(document.get("matrix"))]
    shared = {name: _table(sound.get(name)) for name in ("server", "load", "backends", "requests")}
    claims = _list(document.get("claim"))
    kept = set(range(len(claims)))
    doubtful: set[str] = set()
    for path in faults:
        match list(path):
            case ["claim", int(index), *_]:
                kept.discard(index)
            case ["matrix", int(index), str(key), *_] if key != "backend":
                matrix[index].pop(key, None)
                doubtful |= {key, tables.nearest(path[:3]) or key}
            case ["server" | "load" as table, str(key), *_]:
                shared[table].pop(key, None)
                doubtful |= {key, tables.nearest(path[:2]) or key}
            case ["backends", str(name), *_]:
                shared["backends"].pop(name, None)
                doubtful.add(IN_BRACES)
            case ["requests", str(name), *_]:
                shared["requests"].pop(name, None)
                doubtful |= {"request", IN_BRACES}
            case ["title" | "description" | "plan" | "prepare" as name, *_]:
                sound.pop(name, None)
            case _:
                return None
    sound.setdefault("title", "unknown")
    sound |= {name: table for name, table in shared.items() if name in sound}
    sound |= {"matrix": matrix, "claim": [claims[index] for index in sorted(kept)]}
    try:
        file = tables.models.file.model_validate(sound)
        return Sound(file, sorted(kept), frozenset(doubtful))
    except ValidationError:
        return None


def _list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def _table(value: object) -> dict[str, object]:
    """A table's own copy; empty for what is none, whose fault lets nothing follow."""
    return dict(value) if isinstance(value, dict) else {}
