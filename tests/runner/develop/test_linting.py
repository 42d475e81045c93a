# SPDX-License-Identifier: BSD-3-Clause
"""`invoke lint` over C: sources are checked as they are compiled; what is not built is named. Over
experiments: by the schema that they name."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.here import CHECKOUT

from fibench.build.meson import tool_environment
from fibench.commands.refused import Refused
from fibench.develop import linting

CHECKS = """\
Checks: '-*,bugprone-assignment-in-if-condition'
WarningsAsErrors: '*'
HeaderFilterRegex: '.*'
"""
TIDY = "int tidy(int n);\nint tidy(int n) { return n + STEP; }\n"
UNTIDY = "int untidy(int n);\nint untidy(int n) { if ((n = STEP)) return 1; return n; }\n"
ALIEN = "#include <no_such_library.h>\n"


def checkout(folder: Path, built: dict[str, str], others: dict[str, str]) -> list[Path]:
    """A project whose `built` are compiled, with -DSTEP=1. Returns the sources of both."""
    names = ", ".join(f"'src_c/{name}'" for name in built)
    (folder / "src_c").mkdir()
    (folder / "tests").mkdir()
    (folder / ".clang-tidy").write_text(CHECKS)
    (folder / "meson.build").write_text(
        f"project('small', 'c')\nadd_project_arguments('-DSTEP=1', language : 'c')\n"
        f"static_library('one', {names})\nstatic_library('two', {names})\n"
    )
    texts = {f"src_c/{name}": text for name, text in built.items()} | others
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def test_sources_are_checked_as_they_are_compiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = checkout(tmp_path, {"tidy.c": TIDY}, {})
    assert linting.is_tidy(tmp_path, sources)
    assert capsys.readouterr().out == ""


def test_a_complaint_names_the_line_and_what_is_not_built_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = {"tidy.c": TIDY, "untidy.c": UNTIDY}
    sources = checkout(tmp_path, built, {"src_c/alien.c": ALIEN})
    assert not linting.is_tidy(tmp_path, sources)
    said = capsys.readouterr().out
    assert said.count("src_c/untidy.c:2:28: error:") == 1  # though two programs have it
    assert str(tmp_path) not in said
    assert "not checked, since it is not built here: src_c/alien.c" in said
    assert "src_c/tidy.c" not in said


def test_what_tests_compile_themselves_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = checkout(
        tmp_path, {"tidy.c": TIDY}, {"tests/own.c": UNTIDY.replace("STEP", "O_PATH")}
    )
    sources[-1].write_text("#include <fcntl.h>\n" + sources[-1].read_text())  # GNU's own
    assert not linting.is_tidy(tmp_path, sources)
    assert "tests/own.c:3:28: error:" in capsys.readouterr().out


def test_sources_that_cannot_be_set_up_are_not_taken_for_tidy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = checkout(tmp_path, {"tidy.c": TIDY}, {})
    (tmp_path / "meson.build").write_text("error('there is no compiler')\n")
    assert not linting.is_tidy(tmp_path, sources)
    assert "clang-tidy has checked nothing" in capsys.readouterr().out


def test_where_there_is_no_clang_tidy_it_is_named_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linting, "tool_environment", lambda: {"PATH": str(tmp_path)})
    with pytest.raises(Refused) as refused:
        linting.is_tidy(tmp_path, [])
    assert "clang-tidy is not installed" in str(refused.value)
    assert "invoke lint" in str(refused.value)


def test_the_setup_has_each_source_once(tmp_path: Path) -> None:
    folder = tmp_path / "setup"
    folder.mkdir()
    source = tmp_path / "src_c" / "one.c"
    entry = {"directory": str(folder), "file": "../src_c/one.c", "command": "cc -c"}
    database = folder / "compile_commands.json"
    database.write_text(json.dumps([entry, entry]))
    compiled = linting.prepare(folder, tmp_path, [source])
    assert json.loads(database.read_text()) == [entry]
    assert compiled.checked == (source,)
    assert compiled.left_out == ()


def test_mending_formats_what_is_not_and_leaves_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(CHECKOUT / ".clang-format", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['I']\n")
    source = tmp_path / "a.c"
    source.write_text("int   a( void ){return 1;}\n")
    (tmp_path / "a.py").write_text("import sys\nimport os\n\nprint( os,sys )\n")
    linting.mend(tmp_path, [source])
    assert source.read_text() == "int a(void) { return 1; }\n"
    assert (tmp_path / "a.py").read_text() == "import os\nimport sys\n\nprint(os, sys)\n"
    before = (tmp_path / "a.py").stat().st_mtime_ns
    linting.mend(tmp_path, [source])
    assert (tmp_path / "a.py").stat().st_mtime_ns == before
    assert capsys.readouterr().out.splitlines()[0] == "== ruff --fix"


def test_every_experiment_names_the_schema_that_editors_check_it_by() -> None:
    for path in (CHECKOUT / "experiments").glob("*.toml"):
        first = path.read_text().partition("\n")[0]
        kind, _, name = first.partition(" ")
        assert kind == "#:schema", path.name
        assert (path.parent / name).resolve() == (
            CHECKOUT / "src_py" / "fibench" / "experiment.schema.json"
        )


@pytest.mark.needs("tombi")
@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("clients = 8", "clients = 8", ""),
        ("clients = 8", "client = 8", "client"),
        ("needs_cpus = 2", "points = 0", ""),
        ('metric = "cores"', 'metric = "core"', ""),
    ],
)
def test_an_experiment_is_checked_as_an_editor_does_it(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    schema = tmp_path / "src_py" / "fibench" / "experiment.schema.json"
    schema.parent.mkdir(parents=True)
    schema.write_bytes((CHECKOUT / "src_py" / "fibench" / schema.name).read_bytes())
    path = tmp_path / "experiments" / "gil.toml"
    path.parent.mkdir()
    path.write_text((CHECKOUT / "experiments" / "gil.toml").read_text().replace(right, wrong, 1))
    done = subprocess.run(
        linting.as_editors_see([path]),
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (right == wrong), done.stderr
    assert said in done.stderr
