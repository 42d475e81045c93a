# SPDX-License-Identifier: BSD-3-Clause
"""What is skipped on a machine that lacks something, and that what ought to be there is not."""

import ast
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tests import here

from fibench.backends.available import why_unavailable
from fibench.backends.catalogue import listing
from fibench.develop.testing import Pass, run_pytest

from .copies import CHECKOUT
from .small_builds import COMPILER

ONE_TEST = "tests/conformance/test_command_line.py::test_message_framing_is_the_default"
NEEDING = {each.program: each.needs for each in here.known_backends().values() if each.needs}

MakeTree = Callable[..., Path]


@pytest.fixture
def make_tree(programs: Path, tmp_path: Path) -> MakeTree:
    """Makes a build folder of which a program is gone; returns the folder of the others."""

    def make(gone: str, planned: Iterable[str]) -> Path:
        folder = tmp_path / "install" / "libexec" / "fibench"
        shutil.copytree(programs, folder, symlinks=True)
        (folder / gone).unlink(missing_ok=True)
        (tmp_path / "meson-info").mkdir()
        targets = [{"name": name, "type": "executable"} for name in planned]
        (tmp_path / "meson-info" / "intro-targets.json").write_text(json.dumps(targets))
        return folder

    return make


def outcome(programs: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> Pass:
    """What comes of a test of a backend of these programs."""
    monkeypatch.setenv("FIBENCH_PROGRAMS", str(programs))
    monkeypatch.delenv("FIBENCH_COMMAND", raising=False)
    return run_pytest(["-p", "no:cacheprovider", f"{ONE_TEST}[{backend}]"], CHECKOUT)


# Backends


def test_a_reason_to_skip_is_the_one_that_backends_gives(programs: Path) -> None:
    rows = listing(here.known_backends().values(), programs, why_unavailable)
    ought = {
        each.name
        for each in here.known_backends().values()
        if not (programs / each.program).is_file() and not here.is_left_out(each, programs)
    }
    given = {row["name"]: None if row["name"] in ought else row["reason"] for row in rows}
    assert {name: here.why_not_backend(name) for name in here.known_backends()} == given


def test_what_the_build_left_out_is_skipped_by_name(
    make_tree: MakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = make_tree("uring_server", planned=["server"])
    reason = why_unavailable(here.known_backends()["c-uring"], programs)
    assert reason is not None
    assert "liburing" in reason
    seen = outcome(programs, "c-uring", monkeypatch)
    assert (seen.status, seen.skipped) == (0, {f"c-uring: {reason}": 1})


@pytest.mark.parametrize(
    ("gone", "backend", "planned"),
    [
        ("server", "c-sync", []),
        ("server.py", "py-sync", []),
        pytest.param("uvloop_server.py", "py-uvloop", [], marks=pytest.mark.long),
        ("uring_server", "c-uring", ["uring_server"]),
        pytest.param("aio_server", "c-aio", ["aio_server"], marks=pytest.mark.long),
    ],
)
def test_what_ought_to_have_been_built_fails(
    make_tree: MakeTree,
    monkeypatch: pytest.MonkeyPatch,
    gone: str,
    backend: str,
    planned: list[str],
) -> None:
    seen = outcome(make_tree(gone, planned), backend, monkeypatch)
    assert seen.status == 1
    assert seen.failures == (f"{ONE_TEST}[{backend}]",)
    assert seen.skipped == {}


@pytest.mark.parametrize("library", here.LIBRARIES)
def test_the_build_leaves_out_nothing_whose_library_is_here(programs: Path, library: str) -> None:
    if here.build_options(programs).get(library) == "disabled" or not here.has_library(library):
        here.leave_out(f"nothing is built with {library} here")
    wanted = {program for program, needs in NEEDING.items() if needs == library}
    assert wanted
    missing = {program for program in wanted if not (programs / program).is_file()}
    assert not missing, f"{library} is here: was it installed after the build? `invoke clean build`"


# Everything else


def test_a_program_or_a_module_that_is_not_here_is_named() -> None:
    assert here.why_not("no-such-program") == "no-such-program is not installed"
    assert here.why_not("sh") is None
    assert here.why_not("pip") is None


def test_a_test_that_needs_what_is_not_here_is_skipped_before_its_fixtures_are_made(
    tmp_path: Path,
) -> None:
    text = """
import pytest
from tests.here import require

@pytest.fixture
def broken(): raise OSError
@pytest.mark.needs("sh", "no-such-program")
def test_marked(broken): pass
@pytest.mark.needs("sh")
def test_that_can_run(): pass
def test_requiring():
    require("sh")
    require("none-such")
"""
    (tmp_path / "test_own.py").write_text(text)
    words = ["-p", "no:cacheprovider", "-p", "tests.conftest", f"--rootdir={CHECKOUT}"]
    environment = {**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'src_py'}"}
    seen = run_pytest([*words, str(tmp_path / "test_own.py")], CHECKOUT, environment)
    reasons = ("no-such-program is not installed", "none-such is not installed")
    assert (seen.status, seen.skipped) == (0, dict.fromkeys(reasons, 1))
    assert seen.counts["passed"] == 1


def test_a_compiler_that_is_not_here_or_refuses_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "error" in str(here.compiles("int main(void) { return oops; }\n"))
    monkeypatch.setenv("CC", "/nowhere/cc -m64")
    assert here.compiles("int main(void) { return 0; }\n") == (
        "/nowhere/cc: No such file or directory"
    )


def test_programs_are_looked_for_where_they_are_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FIBENCH_PROGRAMS", raising=False)
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    monkeypatch.delenv("FIBENCH_BUILD", raising=False)
    assert here.programs_folder() == CHECKOUT / "build" / "install" / "libexec" / "fibench"
    monkeypatch.setenv("FIBENCH_BUILD", str(tmp_path))
    assert here.programs_folder() == tmp_path / "install" / "libexec" / "fibench"
    monkeypatch.setenv("FIBENCH_PROGRAMS", "/usr")
    assert here.programs_folder() == Path("/usr")


def deciding(source: str) -> list[str]:
    """What in a test's source skips tests by itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            names = [node.attr] if ast.unparse(node.value) in MODULES_THAT_SKIP else []
        elif isinstance(node, ast.ImportFrom):
            names = [each.name for each in node.names] if node.module in MODULES_THAT_SKIP else []
        else:
            continue
        found += [name for name in names if name in WAYS_TO_SKIP]
    return found


WAYS_TO_SKIP = ("skip", "skipif", "importorskip", "xfail", "SkipTest", "skipIf", "skipUnless")
MODULES_THAT_SKIP = ("pytest", "pytest.mark", "unittest", "mark")


@pytest.mark.parametrize(
    "source",
    [
        'pytest.skip("why")',
        "from pytest import skip",
        "from pytest import skip as leave_out",
        "@pytest.mark.skipif(True, reason='why')\ndef test(): pass",
        "from pytest import mark\n@mark.skip\ndef test(): pass",
        "pytest.param(1, marks=pytest.mark.skip)",
        'module = pytest.importorskip("module")',
        'pytest.xfail("why")',
        "raise unittest.SkipTest",
    ],
)
def test_whoever_decides_on_skipping_is_found(source: str) -> None:
    assert len(deciding(source)) == 1


def test_nobody_else_decides_on_skipping() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}: {name}"
        for path in sorted((CHECKOUT / "tests").rglob("*.py"))
        if path != Path(here.__file__)
        for name in deciding(path.read_text())
    ]
    assert found == []


@pytest.mark.needs("a C compiler")
def test_the_c_compiler_may_have_spaces_in_its_path_and_words_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Meson reads it, so that what tests compile is compiled by what has built the programs."""
    named = tmp_path / "the compiler"
    found = here.program(COMPILER)
    assert found is not None
    named.write_text(f'#!/bin/sh\nexec "{found}" "$@"\n')
    named.chmod(0o755)
    monkeypatch.setenv("CC", f"'{named}' -DRETURNED='\"0 \"[1]'")
    assert here.c_compiler() == [str(named), '-DRETURNED="0 "[1]']
    assert here.compiles("int main(void) { return RETURNED; }\n") is None
    assert here.why_not(here.c_compiler()[0]) is None
    monkeypatch.setenv("CC", "")
    assert here.c_compiler() == ["cc"]
