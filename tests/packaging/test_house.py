# SPDX-License-Identifier: BSD-3-Clause
"""What keeps the house in order, beside what `invoke lint` sees: sizes, names that are there once,
the layers of C, how much of the runner has no type, and the wings, which the tests lie in as well.
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
FIBENCH = CHECKOUT / "src_py" / "fibench"
WINGS = {path.parent.name for path in FIBENCH.glob("*/__init__.py")}
RUNNER = CHECKOUT / "tests" / "runner"
DESK = RUNNER / "desk.py"
"""What a test types commands with: it may do so for any wing."""
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
CONSTANTS_OF_ONE_NAME = {
    "SCHEMA": "each document has its own",
    "T": "any type",
    "NAME": "what claims and groups are called, and what a cgroup is",
    "Sight": "what tells one state of a file from another, of premises and of programs",
    "LIMIT_S": "how long another program may take",
}
"""Names of constants and types of which there may be several, and why."""
NAMED_AS_COMMANDS = ("__main__.py", "tasks.py", "commands")
"""Where functions are called as what a person types, which others do."""
MOST_ANY = 5
PYTHON = sorted((CHECKOUT / "src_py").rglob("*.py"))
TESTS = sorted((CHECKOUT / "tests").rglob("*.py"))
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


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, by their whole names."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def with_what_it_shares(path: Path) -> set[Path]:
    """A file of tests and the modules of tests that it imports, through each other as well."""
    found: set[Path] = set()
    ahead = {path}
    while ahead:
        one = ahead.pop()
        found.add(one)
        near = {
            CHECKOUT.joinpath(*module.split(".")).with_suffix(".py") for module in imported(one)
        }
        ahead |= near.intersection(TESTS) - found
    return found


def wings_tested_by(path: Path) -> set[str]:
    shared = with_what_it_shares(path)
    if DESK in shared:
        return WINGS
    modules = (module.split(".") for one in shared for module in imported(one))
    used = {module[1] for module in modules if module[0] == "fibench" and len(module) > 1}
    return used | {"commands"} if "tasks" in used else used


def test_no_source_is_longer_than_one_reads_at_a_time() -> None:
    long = {name(path): len(path.read_bytes().splitlines()) for path in (*PYTHON, *TESTS, *C)}
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
        path.parent
        for path in PYTHON
        if path.is_relative_to(FIBENCH) and not path.is_relative_to(FIBENCH / "develop" / "bench")
    }
    full = {
        name(folder): len(modules)
        for folder in folders
        if folder != FIBENCH
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


def test_the_tests_of_the_runner_lie_in_its_wings_as_the_sources_do() -> None:
    files = [
        path for path in TESTS if path.is_relative_to(RUNNER) and path.stem.startswith("test_")
    ]
    assert {path.parent.relative_to(RUNNER).as_posix() for path in files} == WINGS
    astray = {
        name(path): sorted(wings)
        for path in files
        if path.parent.name not in (wings := wings_tested_by(path))
    }
    assert astray == {}, "each with the wings that it imports, none of which it lies in"


def needs(sources: list[Path]) -> dict[str, set[str]]:
    """What each module of C includes, a .c and its .h being one: names without their suffix."""
    found: dict[str, set[str]] = {}
    for path in sources:
        module = path.relative_to(CHECKOUT / "src_c").with_suffix("").as_posix()
        includes = re.findall(r'^#include "([^"]+)\.h"', path.read_text(), re.MULTILINE)
        found.setdefault(module, set()).update(each for each in includes if each != module)
    return found


def reached(direct: dict[str, set[str]], module: str) -> set[str]:
    """All that a module needs, through whatever lies between."""
    found: set[str] = set()
    ahead = set(direct[module])
    while ahead:
        found |= ahead
        ahead = {far for near in ahead for far in direct.get(near, ())} - found
    return found


def test_no_modules_of_c_need_each_other() -> None:
    direct = needs(C)
    in_circles = {module for module in direct if module in reached(direct, module)}
    assert in_circles == set()


def test_a_circle_of_modules_would_be_found() -> None:
    direct = {"serve/a": {"serve/b"}, "serve/b": {"core/c"}, "core/c": {"serve/a"}, "d": {"core/c"}}
    in_circles = [module for module in direct if module in reached(direct, module)]
    assert in_circles == ["serve/a", "serve/b", "core/c"]


def test_a_name_means_one_thing() -> None:
    """Of classes everywhere, of functions wherever they are not called as commands."""
    classes, functions = defaultdict(set), defaultdict(set)
    for path in FIBENCH.rglob("*.py"):
        place = path.relative_to(FIBENCH)
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


def test_a_constant_means_one_thing() -> None:
    """And a type that is put together; those of the commands for developers apart."""
    found = defaultdict(set)
    for path in FIBENCH.rglob("*.py"):
        place = path.relative_to(FIBENCH)
        for node in ast.parse(path.read_bytes()).body if place.parts[0] != "develop" else ():
            targets = node.targets if isinstance(node, ast.Assign) else ()
            for target in [node.target] if isinstance(node, ast.AnnAssign) else targets:
                names = {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
                for one in names:
                    found[one].add(place.as_posix())
    twice = {one: where for one, where in found.items() if len(where) > 1 and one[0] != "_"}
    assert twice.keys() - CONSTANTS_OF_ONE_NAME.keys() == set(), twice


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
        for path in FIBENCH.rglob("*.py")
        if not path.is_relative_to(FIBENCH / "develop")
        for number, said in untyped(path)
    ]
    assert [place for place, said in found if not said] == []
    assert len(found) <= MOST_ANY
