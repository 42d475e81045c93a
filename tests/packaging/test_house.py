# SPDX-License-Identifier: BSD-3-Clause
"""What keeps the house in order, beside what `invoke lint` sees: sizes, names that are there once,
the layers of C, and how much of the runner has no type.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.here import CHECKOUT

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_MODULES = 12
LONGER = {
    "src_c/load/ask/settings.c": "the table of fibload's options",
    "src_c/serve/options.c": "the table of the servers' options",
    "src_c/supervise/supervise.c": "one process from its start to its end",
}
"""Files with a longer function, and why."""
BELOW = {
    "core": (),
    "serve": ("core",),
    "ring": ("core", "serve"),
    "servers": ("core", "serve", "ring"),
    "load/count": ("core",),
    "load/ask": ("core", "load/count"),
    "load/drive": ("core", "load/count", "load/ask"),
    "load/tell": ("core", "load/count", "load/ask", "load/drive"),
    "load": ("core", "load/count", "load/ask", "load/drive", "load/tell"),
    "supervise": ("core",),
    "bench": ("core", "serve"),
}
"""What each folder of src_c may include, beside itself."""
RUNNER = CHECKOUT / "src_py" / "fibench"
THE_SAME_ON_PURPOSE = {
    "export": "each format has it: the face calls the one that is asked for",
    "comma_separated": "a comparison and a list of runs are written in the same formats",
    "markdown": "likewise",
    "document": "what a module of export writes as JSON",
    "read": "of a file of TOML, and of a journal, always called with the module's name",
    "prose": "a kind of value of a file, and how such a value is shown",
    "lacking": "of a backend, and of a cell: what it cannot be without",
    "locate": "an interpreter, and a place in a file",
}
"""Names of functions that are defined more than once, and why."""
NAMED_AS_COMMANDS = ("__main__.py", "tasks.py", "commands")
"""Where functions are called as what a person types, which others do."""
MOST_ANY = 40
TYPED = ("record", "json_values", "build", "export", "machine", "report", "run", "server", "store",
         "verdict")  # fmt: skip
"""The wings in which whatever is read or handed on has a type."""
TO_COME = {"src_py/fibench/store/planned.py", "src_py/fibench/verdict/twin.py"}
"""Modules there whose parameters have none yet."""
PYTHON = sorted((CHECKOUT / "src_py").rglob("*.py"))
C = sorted((CHECKOUT / "src_c").rglob("*.[ch]"))


def name(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def functions_of_c(text: str) -> Iterator[int]:
    """The lines that each function takes, from the brace that opens it."""
    begin = 0
    for number, line in enumerate(text.splitlines()):
        if line == "{":
            begin = number
        elif line == "}":
            yield number - begin + 1


def test_no_source_is_longer_than_one_reads_at_a_time() -> None:
    long = {name(path): len(path.read_bytes().splitlines()) for path in (*PYTHON, *C)}
    assert {path: lines for path, lines in long.items() if lines > MOST_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    found = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert found == []
    long = {
        name(path)
        for path in C
        if any(lines > MOST_LINES_OF_A_FUNCTION for lines in functions_of_c(path.read_text()))
    }
    assert long == LONGER.keys()


def test_no_wing_has_more_modules_than_one_can_look_over() -> None:
    folders = {
        path.parent for path in PYTHON if "fibench" in path.parts and "bench" not in path.parts
    }
    full = {
        name(folder): len(modules)
        for folder in folders
        if folder.name != "fibench"
        and len(modules := [one for one in folder.glob("*.py") if one.name != "__init__.py"])
        > MOST_MODULES
    }
    assert full == {}


def test_each_folder_of_c_includes_only_those_below_it_by_their_names() -> None:
    found = [
        f"{name(path)}: {include}"
        for path in C
        if (folder := path.parent.relative_to(CHECKOUT / "src_c").as_posix())
        for include in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE)
        if include.rpartition("/")[0] not in (folder, *BELOW[folder])
    ]
    assert found == []


def test_a_name_means_one_thing() -> None:
    """Of classes everywhere, of functions wherever they are not called as commands."""
    classes, functions = defaultdict(set), defaultdict(set)
    for path in RUNNER.rglob("*.py"):
        place = path.relative_to(RUNNER)
        if place.parts[0] == "develop":
            continue
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].add(place.as_posix())
            elif (
                isinstance(node, ast.FunctionDef)
                and not node.name.startswith("_")
                and place.parts[0] not in NAMED_AS_COMMANDS
            ):
                functions[node.name].add(place.as_posix())
    assert {one: places for one, places in classes.items() if len(places) > 1} == {}
    assert {one for one, places in functions.items() if len(places) > 1} == set(THE_SAME_ON_PURPOSE)


def untyped(path: Path) -> Iterator[tuple[int, bool]]:
    """The lines of a module that say Any, its import apart, and whether a comment gives a reason,
    on the line or above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        code = line.partition("#")[0]
        if re.search(r"\bAny\b", code) and not re.match(r"from typing import ", code):
            said = "#" in line or (number > 0 and lines[number - 1].lstrip().startswith("#"))
            yield number + 1, said


def test_what_is_typed_stays_so() -> None:
    found = [
        (f"{name(path)}:{number}", said)
        for path in RUNNER.rglob("*.py")
        if path.relative_to(RUNNER).parts[0].removesuffix(".py") in TYPED
        and name(path) not in TO_COME
        for number, said in untyped(path)
    ]
    assert [place for place, said in found if not said] == []
    assert len(found) <= MOST_ANY
