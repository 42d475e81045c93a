# SPDX-License-Identifier: BSD-3-Clause
"""Mutations of TOML texts and JSON documents, each from a seed, so that a failure can be repeated.

They know how the documents are made, and so go deeper than random bytes do: most mutated texts
are still TOML, and most mutated documents still look like what fibench writes.
"""

import copy
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

VALUES = (
    "0", "-1", "1", "2", "45", "46", "1e308", "-0.0", "0.5", "inf", "-inf", "nan", "true",
    "false", '""', '" "', '"0s"', '"1h"', '"1ns"', '"-1s"', '"500/s"', '"0/s"', '"30MiB"', '"any"',
    '"all"', '"0"', '"0-1"', '"py-mt"', '"c-sync"', '"c-mt"', '"nobody"', '"line"', '"message"',
    '"process"', '"fibload"', '"n"', '"clients"', '"throughput"', '"p99"', '"memory"', '"wall"',
    '"\\u0000"', '"\\u001b[2J"', '"\u202e"', '"{port}"', "[]", "{}", "[[]]", "[{}]", "[1, 2]",
    "[1, 1]", '["c-sync"]', '["c-sync", "c-mt"]', '["./x", "{port}"]', '{ backend = "c-sync" }',
    '[{ backend = "c-sync" }, { backend = "c-mt" }]', "{ n = 1 }", "2024-01-01", "07:00:00",
    "9" * 40, "9" * 5000, "0x" + "f" * 5000, "1_0", "[" * 60 + "]" * 60, '"' + "x" * 3000 + '"',
)  # fmt: skip
"""What a TOML value is replaced by."""

HEADERS = (
    "[server]", "[load]", "[plan]", "[[matrix]]", "[[claim]]", "[[exclude]]", "[[load.group]]",
    "[backends.mine]", "[exclude]", "[claim]", "[matrix]", "[load.group]", "[a.b.c]",
)  # fmt: skip

PAIRS = (
    "backend", "n", "clients", "rate", "arrivals", "kind", "framing", "requests", "duration",
    "warmup", "workers", "io_wait", "work", "work_units", "max_n", "port", "cpus", "interpreter",
    "pipeline", "threads", "spin", "blocks", "seed", "says", "id", "ratio", "value",
    "crossover", "sustains", "limit", "metric", "above", "below", "within", "where", "group",
    "needs_cpus", "needs_backend", "command", "serves", "ready_fd", "name", "idle",
    "title", "a.b",
    '"\u202e"', "x" * 300,
)  # fmt: skip

_VALUE = re.compile(r"=\s*([^\n]+)")
_ATOM = re.compile(r'"[^"\n]*"|\b\d[\w.]*\b|\btrue\b|\bfalse\b')


def toml_text(text: str, chance: random.Random) -> str:
    """The text after one to four mutations, in most cases one or two."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        text = chance.choice(_TEXT_MUTATIONS)(text, chance)
    return text


def _line(change: Callable[[list[str], int, random.Random], None]) -> Any:
    def mutate(text: str, chance: random.Random) -> str:
        lines = text.split("\n")
        change(lines, chance.randrange(len(lines)), chance)
        return "\n".join(lines)

    return mutate


def _drop(lines: list[str], at: int, chance: random.Random) -> None:
    del lines[at]


def _twice(lines: list[str], at: int, chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines) + 1), lines[at])


def _swap(lines: list[str], at: int, chance: random.Random) -> None:
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _new_header(lines: list[str], at: int, chance: random.Random) -> None:
    lines.insert(at, chance.choice(HEADERS))


def _new_pair(lines: list[str], at: int, chance: random.Random) -> None:
    lines.insert(at, f"{chance.choice(PAIRS)} = {chance.choice(VALUES)}")


def _new_table(lines: list[str], at: int, chance: random.Random) -> None:
    pairs = [
        f"{chance.choice(PAIRS)} = {chance.choice(VALUES)}" for _ in range(chance.randrange(4))
    ]
    lines[at:at] = [chance.choice(HEADERS), *pairs]


def _exclude_everything(text: str, chance: random.Random) -> str:
    """An [[exclude]] that takes a value from the file: it may match every cell."""
    pairs = re.findall(r"^(\w+) = ([^\[\n#]+)", text, re.MULTILINE)
    name, value = chance.choice(pairs) if pairs else ("n", "1")
    return f"{text}\n[[exclude]]\n{name} = {value}\n"


def _value(text: str, chance: random.Random) -> str:
    return _replaced(text, list(_VALUE.finditer(text)), chance)


def _atom(text: str, chance: random.Random) -> str:
    return _replaced(text, list(_ATOM.finditer(text)), chance)


def _another(text: str, chance: random.Random) -> str:
    """A value of the file in the place of another one."""
    found = list(_ATOM.finditer(text))
    if not found:
        return text
    start, end = chance.choice(found).span()
    return text[:start] + chance.choice(found)[0] + text[end:]


def _replaced(text: str, found: Sequence[re.Match[str]], chance: random.Random) -> str:
    if not found:
        return text
    match = chance.choice(found)
    group = 1 if match.re is _VALUE else 0
    start, end = match.span(group)
    return text[:start] + chance.choice(VALUES) + text[end:]


def _characters(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    junk = "".join(
        chance.choice("[]{}\"'=.,#\n\\\0\x1b\u202eé0n") for _ in range(chance.randint(0, 3))
    )
    return text[:at] + junk + text[at + chance.randint(0, 2) :]


_TEXT_MUTATIONS: Sequence[Callable[[str, random.Random], str]] = (
    *map(_line, (_drop, _twice, _swap, _new_header, _new_pair, _new_pair, _new_table)),
    _value, _atom, _another, _another, _another, _exclude_everything, _characters,
)  # fmt: skip


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 0.5, -0.5, 1e308, -1e308, 5e-324, 10**18, 10**300, -(10**300),
    float("inf"), float("-inf"), float("nan"), "", "x", "12", "../../x", "\0", "\x1b[2J\u202e",
    "\ud800", "9" * 5000, "x" * 100_000, [], [1], [1, 2, 3], ["x", None], {}, {"x": 1}, {"": {}},
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-24T22:00:00",
)  # fmt: skip
"""What a JSON value is replaced by. Some have no JSON of their own, but Python writes them."""


def deep(depth: int) -> Any:
    """Lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, the document itself apart."""
    items: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(document, dict):
        items = iter(document.items())
    elif isinstance(document, list):
        items = iter(enumerate(document[:3]))
    for step, value in items:
        yield (*path, step)
        yield from places(value, (*path, step))


def json_document(document: Any, chance: random.Random) -> tuple[Any, str]:
    """A copy after one to three mutations, and what they were."""
    changed, said = copy.deepcopy(document), []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        every = list(places(changed))
        if not every:
            break
        path = chance.choice(every)
        said.append(_change(changed, path, chance))
    return changed, "; ".join(said)


def _change(document: Any, path: tuple[Any, ...], chance: random.Random) -> str:
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    last, where = path[-1], ".".join(map(str, path))
    match chance.randrange(8):
        case 0:
            del holder[last]
            return f"without {where}"
        case 1 if isinstance(holder, dict):
            name = chance.choice(("", "x/y", "\x1b[2J\u202e", "x" * 5000, "~"))
            holder[name] = holder.pop(last)
            return f"{where} renamed {name[:8]!a}"
        case 2 if isinstance(holder[last], list):
            holder[last] = holder[last] * chance.choice((0, 2, 50))
            return f"{where} of another length"
        case 3:
            holder[last] = deep(chance.choice((3, 40)))
            return f"{where} nested"
        case 4 if isinstance(holder[last], (int, float)) and not isinstance(holder[last], bool):
            holder[last] = str(holder[last])
            return f"{where} as text"
        case 5 if type(holder[last]) in (int, float):
            try:
                holder[last] = holder[last] * chance.choice((-1, 1e30, 1e-30, 10**20, 0.999))
            except OverflowError:
                holder[last] = 0
            return f"{where} scaled"
    holder[last] = value = copy.deepcopy(chance.choice(ODD))
    return f"{where} = {value!r:.40}"


def journal_line(record: dict[str, Any]) -> bytes:
    """A journal's line with a right digest, also of what `journal.encode` refuses to write."""
    body = json.dumps(record, separators=(",", ":")) if record else '{"x":1}'
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{body[:-1]},"sha256":"{digest}"}}\n'.encode()
