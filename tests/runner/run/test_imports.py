# SPDX-License-Identifier: BSD-3-Clause
"""What decides how a trial is made is in the digest that a run is gone on with: all of it."""

import ast
import shutil
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from tests.runner.trials import run_well, trial

from fibench.folders import PACKAGE
from fibench.run._imports import _imports, imported, measuring_digest, measuring_modules


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The root of a copy of the package."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_touching_any_of_its_modules_changes_the_digest(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which they are is found once: a line more at the end of one imports nothing."""
    found = measuring_modules(copy)
    monkeypatch.setattr("fibench.run._imports.measuring_modules", lambda root: found)
    assert len(found) > 30
    seen = {measuring_digest(copy)}
    for path in found:
        path.write_bytes(path.read_bytes() + b"\n")
        measuring_digest.cache_clear()
        seen.add(measuring_digest(copy))
    assert len(seen) == 1 + len(found)


def test_what_only_shows_figures_is_not_in_it() -> None:
    modules = measuring_modules()
    wings = {path.parent.name for path in modules if path != PACKAGE / "store" / "attempts.py"}
    assert PACKAGE / "store" / "attempts.py" in modules, "which trials are made again"
    assert wings.isdisjoint({"verdict", "report", "export", "commands", "develop", "store"})
    assert {"trial", "server", "plan", "machine"} <= wings


@pytest.mark.parametrize(
    "statement",
    [
        "from fibench.machine import added",
        "import fibench.machine.added",
        "from fibench.machine.added import some",
        "from . import added",
        "from .added import some",
        "from ..machine import added",
        "from ..machine.added import some",
    ],
)
def test_a_module_that_is_imported_from_now_on_is_in_it(copy: Path, statement: str) -> None:
    added = copy / "fibench" / "machine" / "added.py"
    added.write_text("")
    user = copy / "fibench" / "machine" / "cores.py"
    before = user.read_text()
    assert added not in measuring_modules(copy)
    user.write_text(f"{before}\n\ndef later():\n    {statement}\n")
    assert added in measuring_modules(copy)


@pytest.mark.parametrize(
    ("statement", "module"),
    [
        ("import fibench.machine.lock", "fibench.machine.lock"),
        ("from fibench.machine import lock as other", "fibench.machine.lock"),
        ("from fibench.machine import measuring", "fibench.machine.lock"),
        ("from fibench import __version__", "fibench"),
        ("if True:\n    from fibench.plan.trials import plan", "fibench.plan.trials"),
    ],
)
def test_where_a_name_is_from_is_found(copy: Path, statement: str, module: str) -> None:
    path = copy / "fibench" / "trial" / "some.py"
    path.write_text(f"import os\n{statement}\n")
    assert list(imported(path, copy)) == [module]


def test_what_is_found_is_what_the_sources_import_as_python_parses_them() -> None:
    """Imports are found by a pattern: parsing every source is what a run would wait for most."""
    modules = measuring_modules()
    faces = {path.parent / "__init__.py" for path in modules}
    found = {path: set(imported(path)) for path in {*modules, *faces}}
    assert sum(map(len, found.values())) > 300
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fibench.run._imports._statements", ast.parse)
        _imports.cache_clear()
        assert {path: set(imported(path)) for path in found} == found
        assert measuring_modules() == modules
    _imports.cache_clear()


@pytest.mark.parametrize(
    "statement",
    [
        "from fibench.machine import (  # all of it (at once)\n    lock,\n)",
        "from fibench.machine import \\\n    lock",
        "def later():\n    import os, fibench.machine.lock",
        'WORDS = """\nimport fibench as you like\n"""\nfrom fibench.machine import lock',
    ],
)
def test_an_import_that_is_written_in_an_odd_way_is_found(copy: Path, statement: str) -> None:
    path = copy / "fibench" / "trial" / "some.py"
    path.write_text(f"{statement}\n")
    assert list(imported(path, copy)) == ["fibench.machine.lock"]


FACES = sorted(path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)


def decides(statement: ast.stmt) -> bool:
    """Whether a statement is more than a docstring, an import, or the list of names."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return False
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return False
    return True


def test_a_face_decides_nothing() -> None:
    """What stands in one would be in no digest: names are followed to where they are made."""
    assert len(FACES) > 12
    found = {
        f"{path.relative_to(PACKAGE)}:{statement.lineno}"
        for path in FACES
        for statement in ast.parse(path.read_bytes()).body
        if decides(statement)
    }
    assert found == set()


def test_what_decides_is_in_it_and_the_loop_is_not(copy: Path) -> None:
    """What all trials are made with and which are made again; not how a run is told of."""
    found = {path.relative_to(copy / "fibench").as_posix() for path in measuring_modules(copy)}
    assert {
        "run/request.py",
        "run/blocks.py",
        "run/_resume.py",
        "plan/pinning.py",
        "plan/trials.py",
    } <= found
    assert {"run/_attempts.py", "trial/evidence/disturbed.py", "store/attempts.py"} <= found
    assert {"store/searching/follow.py", "plan/searching/steps.py"} <= found
    assert found.isdisjoint({"run/loop.py", "run/events.py", "run/begin.py"})


@pytest.mark.parametrize("backend", ["c-sync", "py-mt"])
def test_no_code_runs_in_a_trial_that_is_not_in_it(
    programs: Path, tmp_path: Path, backend: str
) -> None:
    """Seen, not read from the sources: every function that is called while a trial is made."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        ran.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        run_well(trial(backend), programs, tmp_path)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    files = {Path(code.co_filename).resolve() for code in ran}
    ours = {path for path in files if path.is_relative_to(PACKAGE)}
    assert PACKAGE / "trial" / "trial.py" in ours
    assert ours - set(measuring_modules()) == set()
