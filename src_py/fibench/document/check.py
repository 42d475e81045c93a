# SPDX-License-Identifier: BSD-3-Clause
"""The check of a file against its models, with every fault explained.

A fault in one place must not hide those in another. What is faulty is therefore put aside, and the
rest of the file is handed on, with the names of the keys whose values are not to be trusted.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fibench.document.axes import Models, axes_of_document, models_of, named_in_braces
from fibench.document.diagnostics import MOST, Source
from fibench.document.model import CAUSE_EXAMPLE, OWN_AXIS, TABLES, ExperimentFile
from fibench.document.own_servers import BackendTable
from fibench.document.requests import RequestTable
from fibench.parameters import KEYS, Key, Scalar
from fibench.parameters.kinds import SEARCH, kind_of
from fibench.wording import as_toml, did_you_mean, meant, one_of

_Path = tuple[str | int, ...]
_ROOT = tuple(ExperimentFile.model_fields)
_ALL_BUT = 0.8
"""How like a name must be for what stands under it to be judged as if it were that."""
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
    untrusted: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By the place of a claim its keys whose values were put aside, or stand for faulty ones."""


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
            _report(fault, source, tables, document)
    meant, moved = _as_meant(document, unknown, tables)
    for path, name in moved.items():
        source.called(path, name)
    if moved:
        before = {fault["loc"] for fault in faults}
        faults = _faults(models, meant)
        for fault in faults:
            if fault["loc"] not in before:
                _report(fault, source, tables, meant)
    return _put_aside(meant, [fault["loc"] for fault in faults], tables)


def _faults(models: Models, document: Mapping[str, object]) -> list[ErrorDetails]:
    try:
        models.file.model_validate(document)
    except ValidationError as error:
        return error.errors(include_url=False)[:MOST]
    return []


def _as_meant(
    document: Mapping[str, object], unknown: Sequence[_Path], tables: _Tables
) -> tuple[Mapping[str, object], Mapping[_Path, str]]:
    """The document with unknown keys under the names that they all but have, where the file gives
    these no value; and by their paths these names. So what stands there is judged as well."""
    meant, moved = copy.deepcopy(dict(document)), dict[_Path, str]()
    for path in unknown:
        name = did_you_mean(str(path[-1]), tables.fields(path), _ALL_BUT)
        table = _at(meant, path[:-1])
        if name is None or not isinstance(table, dict) or name in table:
            continue
        belongs_elsewhere = any(_tables_with(str(path[-1])))
        brings_axes = len(path) > 1 and path[0] not in TABLES
        if belongs_elsewhere or brings_axes or (len(path) > 1 and _is_a_table(table[path[-1]])):
            continue
        table[name] = table.pop(str(path[-1]))
        moved[path] = name
    return meant, moved


def _at(document: object, path: Sequence[str | int]) -> object:
    """What stands at a path; None: nothing. A list may be written as its only element."""
    for step in path:
        if isinstance(step, int):
            listed = _list(document)
            document = listed[step] if step < len(listed) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def _report(
    fault: ErrorDetails, source: Source, tables: _Tables, document: Mapping[str, object]
) -> None:
    path = fault["loc"]
    name, of_cause = _name(path), _hint_of_cause(fault, tables)
    match fault["type"]:
        case "extra_forbidden":
            what = f"unknown key {as_toml(path[-1])}{_inside(path)}"
            hint = of_cause or _hint_unknown(path, tables, fault["input"])
            source.report(path, what, hint, key=True)
        case "missing":
            what = f"{name} is missing{_inside(path)}"
            source.report(path[:-1], what, of_cause or _hint_missing(path))
        case "fibench":
            context = fault["ctx"]
            hint = context["hint"] or _LISTS.get(str(path[-1]), "")
            source.report(path, f"{name} {context['what']}", hint)
        case _:
            if _is_like_the_one_before(document, path):
                return  # of a list that is wrong as a whole its first is told
            what = f"{name} must be a table, not {kind_of(fault['input'])}"
            source.report(path, what, of_cause or _hint_table(path, document))


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
            case ["claim", _, "crossover" | "sustains" | "cause" as table, *at] if "of" not in at:
                return tuple(self.models.of_claim[table].model_fields)
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


def _is_like_the_one_before(document: Mapping[str, object], path: _Path) -> bool:
    """Whether an element of a list that is no table follows another that is none either."""
    last = path[-1]
    if not isinstance(last, int) or last == 0:
        return False
    return not isinstance(_at(document, (*path[:-1], last - 1)), dict)


def _hint_table(path: _Path, document: Mapping[str, object]) -> str:
    """What to write where a table is wanted, and something else is given."""
    sides = '[{ backend = "py-mp" }, { backend = "py-mt" }]'
    match list(path):
        case ["claim", _, "ratio", int()]:
            given = _list(_at(document, path[:-1]))
            if len(given) == 2 and all(isinstance(one, str) for one in given):
                sides = f"[{', '.join(f'{{ backend = {as_toml(one)} }}' for one in given)}]"
            return f"write ratio = {sides}"
        case ["claim", _, "value"]:
            given_one = _at(document, path)
            named = as_toml(given_one) if isinstance(given_one, str) else '"py-mt"'
            return f"write value = {{ backend = {named} }}"
        case ["claim", _, "where"]:
            return "write where = { clients = 8 }"
        case ["claim", _, "crossover"]:
            return f'write crossover = {{ over = "n", of = {sides} }}'
        case ["claim", _, "sustains"]:
            return 'write sustains = { over = "rate", of = { backend = "py-mt" } }'
        case ["claim", _, str(), "of", *_]:
            return f"write of = {sides}"
        case ["exclude", *_]:
            return 'write exclude = [{ backend = "py-mt", n = 27 }]'
        case [str(name)]:
            return f"write [{_name([name])}]"
    return ""


def _hint_of_cause(fault: ErrorDetails, tables: _Tables) -> str:
    """What to write in a cause; empty for what is in none."""
    match [fault["type"], *fault["loc"]]:
        case ["extra_forbidden", "claim", _, "cause", _, str(name)]:
            near = meant(name, tables.models.of_claim["cause"].model_fields)
            return near or "a cause has of, a metric, and a bound: above or below"
        case ["missing", "claim", _, "cause", _, "metric"]:
            return 'add metric = "waiting_for_gil"'
        case [kind, "claim", _, "cause", _, "of"]:
            return f'{"add" if kind == "missing" else "write"} of = {{ backend = "py-mt" }}'
        case [_, "claim", _, "cause", int()]:
            return f"write cause = [{CAUSE_EXAMPLE}]"
        case _:
            return ""


def _hint_unknown(path: Sequence[str | int], tables: _Tables, value: object) -> str:
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
    near = did_you_mean(name, fields, _ALL_BUT)
    if near is not None and name in _ROOT and not _is_a_table(value):
        example = f" Write {near} = {_EXAMPLES[near]}" if near in _EXAMPLES else ""
        return f'did you mean "{near}"?{example}'
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


_EXAMPLES = {"backend": '["py-sync", "py-mt"]', "request": '"list"'}
"""Of keys that are all but called like a table of the file, what may stand there."""


def _is_a_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict) for one in value)
    )


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


_LISTS = {
    "ratio": 'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]',
    "within": "write within = [0.95, 1.05]",
}
"""What to write where a list of two is wanted."""
_STANDING_FOR = {"says": "a claim", "metric": "throughput"}
"""Of what each claim must have: what stands there so that the rest of it can be judged."""


def _put_aside(
    document: Mapping[str, object], faults: Sequence[tuple[str | int, ...]], tables: _Tables
) -> Sound | None:
    """The document without its faulty parts; None if cells cannot be made without them."""
    sound = dict(document)
    matrix = [_table(table) for table in _list(document.get("matrix"))]
    shared = {name: _table(sound.get(name)) for name in ("server", "load", "backends", "requests")}
    claims = [_table(claim) for claim in _list(document.get("claim"))]
    kept = set(range(len(claims)))
    doubtful: set[str] = set()
    untrusted: dict[int, set[str]] = {}
    for path in faults:
        match list(path):
            case ["claim", int(index), str(key), *_]:
                claims[index].pop(key, None)
                claims[index] |= {name: text for name, text in _STANDING_FOR.items() if name == key}
                of_claim = untrusted.setdefault(index, set())
                of_claim |= {key, tables.nearest(path[:3]) or key}
            case ["claim", int(index)]:
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
        keys = {index: frozenset(keys) for index, keys in untrusted.items()}
        return Sound(file, sorted(kept), frozenset(doubtful), keys)
    except ValidationError:
        return None


def _list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def _table(value: object) -> dict[str, object]:
    """A table's own copy; empty for what is none, whose fault lets nothing follow."""
    return dict(value) if isinstance(value, dict) else {}
