# SPDX-License-Identifier: BSD-3-Clause
"""Which Python a server of the user's own runs on, as its command and the person's PATH say it."""

import os
import sys
from pathlib import Path

import pytest
from tests.runner.own_programs import Machine
from tests.runner.pythons import answering, script

from fibench.backends.interpreters import Interpreter
from fibench.backends.own_python import python_of
from fibench.experiment import OwnBackend
from fibench.server.exec_error import find_program

SCRIPT = "server.py"


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's virtual environment, active: its folder of programs."""
    home = tmp_path / "venv"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3").symlink_to(sys.executable)
    (home / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}")
    monkeypatch.setenv("PATH", f"{home / 'bin'}:{os.environ['PATH']}")
    return home / "bin"


def seen(folder: Path, *command: str) -> dict[str, Interpreter]:
    return python_of("mine", OwnBackend((*command, "{port}"), "line", "any", False, folder))


def test_a_bare_name_is_that_of_the_shell(tmp_path: Path, venv: Path) -> None:
    found = seen(tmp_path, "python3", SCRIPT)["python3 of mine"]
    assert found.path == str(venv / "python3")
    assert found.version == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("#!/usr/bin/env python3", "python3"),
        ("#!{venv}/python3 -S", "{venv}/python3"),
        ("#!{venv}/python3", "{venv}/python3"),
    ],
)
def test_a_script_says_it_in_its_first_line(
    tmp_path: Path, venv: Path, line: str, word: str
) -> None:
    program = tmp_path / SCRIPT
    program.write_text(line.format(venv=venv) + "\n")
    program.chmod(0o755)
    found = seen(tmp_path, f"./{SCRIPT}")
    assert list(found) == [f"{word.format(venv=venv)} of mine"]
    assert [one.path for one in found.values()] == [str(venv / "python3")]


def test_a_shim_is_called_what_it_starts_in_the_folder_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path / "shims" / "python3")
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}:{os.environ['PATH']}")
    assert seen(tmp_path, "python3", SCRIPT)["python3 of mine"].path == sys.executable


@pytest.mark.parametrize(
    "command",
    [("sh", "-c", "true"), ("./nothing",), ("python3.99", SCRIPT), ("python3-config",), ("env",)],
)
def test_of_another_program_nothing_is_said(tmp_path: Path, command: tuple[str, ...]) -> None:
    script(tmp_path / "nothing", "exit 0")
    assert seen(tmp_path, *command) == {}


def test_an_old_python_is_one_too(tmp_path: Path) -> None:
    """Ours need 3.6; a server of one's own may need none."""
    script(tmp_path / "python2", answering(number=[2, 7], version="2.7.18"))
    assert seen(tmp_path, "./python2")["./python2 of mine"].version == "2.7.18"


def test_an_experiment_that_uses_it_has_it_among_its_interpreters(
    machine: Machine, venv: Path
) -> None:
    text = """title = "t"
[backends.mine]
command = ["python3", "server.py", "{port}"]
[backends.unused]
command = ["python3", "server.py", "{port}"]
[matrix]
backend = ["mine"]
"""
    assert find_program("python3", machine.folder) == venv / "python3"
    found = machine.find_here(text).interpreters
    assert {name: one.path for name, one in found.items()} == {
        "python3 of mine": str(venv / "python3")
    }
