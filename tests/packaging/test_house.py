# SPDX-License-Identifier: BSD-3-Clause
"""What keeps the house in order, beside what `invoke lint` sees: sizes, names that are there once,
the layers of C, how much of the runner has no type, and the wings, which the tests lie in as well.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from .copies import CHECKOUT, files_of_the_checkout, parsed

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_MODULES = 12
LONGER = {
    ("src_c/load/ask/command_line.c", "parse"): "the table of fibload's options",
    ("src_c/serve/options.c", "options_table"): "the table of the servers' options",
}
"""Functions that are longer, and why."""
FULLER = {
    "src_py/fibench": "ten of the ground, and those who stand between the wings or above them",
    "src_py/fibench/develop/bench": "a module for each benchmark that `invoke bench` has",
    "src_py/servers": "a file for each design, and for each thing that they share",
}
"""Folders with more modules, and why."""
BELOW = {
    "core": (),
    "serve": ("core",),
    "ring": ("core", "serve"),
    "servers": ("core", "serve", "ring"),
    "load/count": ("core",),
    "load/ask": ("core", "load/count"),
    "load/drive": ("core", "load/count", "load/ask"),
    "load/tell": ("core", "load/count", "load/ask", "load/drive"),
    "load/check": ("core", "load/count", "load/ask", "load/tell"),
    "load": ("core", "load/count", "load/ask", "load/drive", "load/tell", "load/check"),
    "sample": ("core",),
    "supervise": ("core", "sample"),
    "probe": ("core",),
    "bench": ("core", "serve"),
}
"""What each folder of src_c may include, beside itself."""
FIBENCH = CHECKOUT / "src_py" / "fibench"
WINGS = {path.parent.name for path in FIBENCH.glob("*/__init__.py")}
RUNNER = CHECKOUT / "tests" / "runner"
STAND_FOR = {
    RUNNER / "asked_servers.py": {"trial"},
    RUNNER / "desk.py": {"commands", "run"},
    RUNNER / "experiments.py": {"experiment"},
    RUNNER / "own_programs.py": {"backends"},
    RUNNER / "trials.py": {"trial"},
}
"""What tests share and call a wing through: such a test need not import the wing itself."""
GROUND = {path.stem for path in FIBENCH.glob("[!_]*.py")} - {"tasks", "record", "tried"}
"""Modules that no wing has and that tests lie in one folder for."""
SLEEPS = {
    ("tests/load/test_honest.py", "test_a_delay_of_the_server_is_in_every_latency"): "served",
    ("tests/load/test_honest.py", "every_twentieth"): "served",
    ("tests/load/test_honest.py", "test_pipelined_requests_wait_for_those_before_them"): "served",
    ("tests/load/test_leave.py", "_converse"): "paced",
    ("tests/load/test_stalls.py", "stand_still"): "stopped",
    ("tests/load/test_stalls.py", "when_it_goes_on"): "served",
}
"""Functions that sleep: so long does a stand-in for a server take, or is a process kept stopped,
which is what is measured. Nobody waits for anything by it."""
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


def scripts() -> list[Path]:
    """The programs of a shell and what Meson and Nix read, wherever they are."""
    paths = [CHECKOUT / file for file in files_of_the_checkout()]
    return [
        path
        for path in paths
        if path.name in ("meson.build", "meson.options")
        or path.suffix in (".sh", ".nix")
        or (path.suffix == "" and path.read_bytes().startswith(b"#!"))
    ]


def functions_of_c(text: str) -> Iterator[tuple[str, int]]:
    """Each function, and the lines that it takes from the brace that opens it."""
    begin, called, head = 0, "", ""
    for number, line in enumerate(text.splitlines()):
        if line == "{":
            begin, called = number, head
        elif line == "}":
            yield called, number - begin + 1
        elif named := re.match(r"(?:\w.*?)?\b(\w+)\(", line):
            head = named[1]


def functions_of_python(path: Path) -> Iterator[tuple[str, int]]:
    """Each function, and the lines that it takes."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def fuller(modules: Iterable[Path]) -> dict[str, int]:
    """The folders with more modules of Python than one can look over, and how many."""
    counted = Counter(name(path.parent) for path in modules if path.name != "__init__.py")
    return {folder: count for folder, count in counted.items() if count > MOST_MODULES}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, by their whole names."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def near(path: Path) -> set[Path]:
    """The modules of tests that a file imports."""
    package = ".".join(path.relative_to(CHECKOUT).parent.parts)
    found: set[Path] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            base = f"{package}.{node.module or ''}".rstrip(".") if node.level else node.module or ""
            modules = {base, *(f"{base}.{each.name}" for each in node.names)}
            found |= {CHECKOUT.joinpath(*one.split(".")).with_suffix(".py") for one in modules}
    return found.intersection(TESTS)


def wings_imported(path: Path) -> set[str]:
    """The wings of the runner that a file imports itself; "ground" for a module of none."""
    parts = [module.split(".") for module in imported(path)]
    used = {part[1] for part in parts if part[0] == "fibench" and len(part) > 1}
    return used & WINGS | ({"ground"} if used & GROUND else set())


def wings_tested_by(path: Path) -> set[str]:
    """Those that a file of tests imports, itself or through what lies beside it, or that it calls
    through what stands for them."""
    shared = near(path)
    beside = {one for one in shared if one.parent == path.parent}
    stood_for = (STAND_FOR.get(one, set()) for one in shared)
    return wings_imported(path).union(*map(wings_imported, beside), *stood_for)


def test_no_source_is_longer_than_one_reads_at_a_time() -> None:
    long = {
        name(path): len(path.read_bytes().splitlines())
        for path in (*PYTHON, *TESTS, *C, *scripts())
    }
    assert {"dev", ".ci/run", "flake.nix", "src_c/meson.build"} <= long.keys()
    assert {path: lines for path, lines in long.items() if lines > MOST_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    functions = [
        *((name(path), *each) for path in (*PYTHON, *TESTS) for each in functions_of_python(path)),
        *((name(path), *each) for path in C for each in functions_of_c(path.read_text())),
    ]
    assert len(functions) > 1000
    long = {(path, one) for path, one, lines in functions if lines > MOST_LINES_OF_A_FUNCTION}
    assert long == LONGER.keys()


def test_functions_of_c_are_known_by_their_names() -> None:
    text = """struct a {
    int b;
};
static const struct a *one(int x,
                           void (*call)(int))
{
    return f(x);
}

// Says why (as it is).
int two(void)
{
    if (x) {
    }
    return g(
        1);
}
"""
    assert list(functions_of_c(text)) == [("one", 3), ("two", 6)]


def test_no_folder_has_more_modules_than_one_can_look_over() -> None:
    assert fuller(PYTHON).keys() == FULLER.keys()


def test_each_folder_of_c_includes_only_those_below_it_by_their_names() -> None:
    found = [
        f"{name(path)}: {include}"
        for path in C
        if (folder := path.parent.relative_to(CHECKOUT / "src_c").as_posix())
        for include in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE)
        if include.rpartition("/")[0] not in (folder, *BELOW[folder])
    ]
    assert found == []


def test_what_programs_of_c_share_is_one_library_of_their_folder() -> None:
    """Those of `servers` and of `load` itself are a file each."""
    libraries = {
        path.parent.relative_to(CHECKOUT / "src_c").as_posix(): path.read_text().count(
            "static_library("
        )
        for path in (CHECKOUT / "src_c").rglob("meson.build")
        if list(path.parent.glob("*.c"))
    }
    assert libraries == {folder: int(folder not in ("servers", "load")) for folder in BELOW}


def test_the_ceiling_is_the_epoll_server_but_for_what_it_answers() -> None:
    """Else it would not spend what that spends."""
    servers = CHECKOUT / "src_c" / "servers"
    epoll, null = ((servers / f"{one}_server.c").read_text() for one in ("epoll", "null"))
    beside = re.compile(r'^(//.*|#include "serve/repeating.h")\n', re.MULTILINE)
    code = [beside.sub("", text).partition("int main(")[0] for text in (epoll, null)]
    design = "EPOLL = {.watch = watch, .closing_forgets = true}"
    ceiling = "NULL_SERVER = {\n    .watch = watch, .closing_forgets = true, .fixed_reply = true}"
    assert code[0].replace(design, ceiling) == code[1] != code[0]


def test_the_tests_of_the_runner_lie_in_its_wings_as_the_sources_do() -> None:
    files = [one for one in TESTS if one.is_relative_to(RUNNER) and one.stem.startswith("test_")]
    assert {path.parent.relative_to(RUNNER).as_posix() for path in files} == WINGS | {"ground"}
    astray = {
        name(path): sorted(wings)
        for path in files
        if path.parent.name not in (wings := wings_tested_by(path))
    }
    assert astray == {}, "each with the wings that it imports, none of which it lies in"


def test_a_test_of_commands_that_lay_elsewhere_would_be_astray() -> None:
    typed = RUNNER / "commands" / "test_commands.py"
    assert wings_tested_by(typed) == {"commands", "run"}


def test_every_module_of_the_ground_has_tests_there() -> None:
    tests = (RUNNER / "ground").glob("test_*.py")
    used = {module.split(".")[1] for path in tests for module in imported(path) if "." in module}
    assert GROUND - used == set()


def test_no_test_imports_from_a_file_of_tests() -> None:
    """What two share lies in a module beside them."""
    found = {
        name(path): sorted(name(one) for one in shared)
        for path in TESTS
        if (shared := {one for one in near(path) if one.stem.startswith("test_")})
    }
    assert found == {}


def test_no_test_has_a_function_that_another_has_as_well() -> None:
    """Of the same name, parameters and body."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in TESTS:
        for node in parsed(path).body:
            if isinstance(node, ast.FunctionDef):
                body = "\n".join(map(ast.unparse, node.body[bool(ast.get_docstring(node)) :]))
                places[node.name, f"{ast.unparse(node.args)}: {body}"].append(name(path))
    assert {one[0]: files for one, files in places.items() if len(files) > 1} == {}


def sleeping(path: Path) -> Iterator[str]:
    """The functions of a file that sleep, each by its name; the innermost, but no lambda."""
    tree = parsed(path)
    inside = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).endswith("sleep")):
            continue
        outer: ast.AST = node
        while not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            outer = inside[outer]
        yield "" if isinstance(outer, ast.Module) else outer.name


def test_no_test_sleeps() -> None:
    found = {(name(path), function) for path in TESTS for function in sleeping(path)}
    assert found == SLEEPS.keys()


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
    assert {module for module in direct if module in reached(direct, module)} == set()


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
        for node in parsed(path).body:
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
        for node in parsed(path).body if place.parts[0] != "develop" else ():
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
