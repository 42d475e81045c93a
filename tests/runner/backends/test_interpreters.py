# SPDX-License-Identifier: BSD-3-Clause
"""What the name of an interpreter means, and what the program behind it says of itself."""

import hashlib
import os
import platform
import sys
from pathlib import Path

import pytest
from tests.runner.pythons import pyenv, script

from fibench.backends import interpreters
from fibench.backends.interpreters import (
    Interpreter,
    NotHere,
    find_interpreter,
    locate,
    own,
    own_has_gil,
)

VERSIONS = (
    *("3.6.15", "3.9.2", "3.9.18", "3.13.0", "3.13.1", "3.13.1t", "3.13-dev", "3.14.0rc2"),
    *("3.15t-dev", "pypy3.10-7.3.9", "pypy3.10-7.3.15", "2.7.18", "my-env"),
)


def found(asked: str, environ: dict[str, str], folder: Path = Path("/")) -> str:
    """Which program it is: the version of pyenv, or the path."""
    path = locate(asked, folder, environ)
    root = f"{environ['PYENV_ROOT']}/versions/"
    return path.removeprefix(root).partition("/")[0] if path.startswith(root) else path


def refused(asked: str, environ: dict[str, str], folder: Path = Path("/")) -> str:
    with pytest.raises(NotHere) as caught:
        find_interpreter(asked, folder, environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("3.6", "3.6.15"),
        ("3.6.15", "3.6.15"),
        ("3.9", "3.9.18"),
        ("3.13", "3.13.1"),
        ("3.13.0", "3.13.0"),
        ("3.13t", "3.13.1t"),
        ("3.13-dev", "3.13-dev"),
        ("3.14", "3.14.0rc2"),
        ("3.15t", "3.15t-dev"),
        ("3", "3.13.1"),
        ("python3.9", "3.9.18"),
        ("python3.13t", "3.13.1t"),
        ("pypy3.10", "pypy3.10-7.3.15"),
        ("pypy3", "pypy3.10-7.3.15"),
        ("my-env", "my-env"),
    ],
)
def test_a_version_is_the_latest_of_pyenv_that_it_can_mean(
    tmp_path: Path, asked: str, version: str
) -> None:
    assert found(asked, pyenv(tmp_path, *VERSIONS)) == version


@pytest.mark.parametrize(
    "asked", ["3.1", "3.99", "python", "python3.8", "pypy", "m", "3.6t", "3.15"]
)
def test_what_is_not_installed_is_not_here(tmp_path: Path, asked: str) -> None:
    assert "pyenv has no such version" in refused(asked, pyenv(tmp_path, *VERSIONS))


def test_without_pyenv_nothing_is_looked_for_in_it(tmp_path: Path) -> None:
    environ = {"PATH": "", "HOME": str(tmp_path)}
    assert "there is no python3.13 on the PATH" in refused("3.13", environ)


def test_pyenv_is_found_in_the_home_folder(tmp_path: Path) -> None:
    environ = pyenv(tmp_path / ".pyenv", "3.13.1") | {"HOME": str(tmp_path)}
    del environ["PYENV_ROOT"]
    path = locate("3.13", Path("/"), environ)
    assert path == str(tmp_path / ".pyenv/versions/3.13.1/bin/python")


def test_a_name_is_one_on_the_path_before_one_of_pyenv(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "3.13.1")
    program = script(tmp_path / "bin" / "python3.13")
    environ["PATH"] = f":relative:{tmp_path / 'nothing'}:{tmp_path / 'bin'}"
    assert found("python3.13", environ) == str(program)
    assert found("3.13", environ) == "3.13.1", "a version is pyenv's first"
    program.with_name("python3.12").symlink_to(program)
    assert found("3.12", environ) == str(tmp_path / "bin" / "python3.12")


@pytest.mark.plain_user
def test_a_file_that_may_not_be_executed_is_passed_over(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "3.13.1")
    script(tmp_path / "bin" / "python3.13").chmod(0o644)
    (tmp_path / "other" / "python3.13").mkdir(parents=True)
    environ["PATH"] = f"{tmp_path / 'bin'}:{tmp_path / 'other'}"
    assert found("python3.13", environ) == "3.13.1"


def test_a_shim_that_starts_no_python_is_passed_over(tmp_path: Path) -> None:
    """That of a version which is installed and not chosen ends with a message."""
    environ = pyenv(tmp_path, "3.13.1")
    shim = script(tmp_path / "shims" / "python3.13", "exit 1")
    script(tmp_path / "shims" / "python3.12", "exit 1")
    environ["PATH"] = f"{tmp_path / 'shims'}/"
    assert found("python3.13", environ) == "3.13.1"
    assert "it is not on the PATH" in refused("python3.12", environ)
    assert "shim" in refused(str(shim), environ)


def test_a_shim_stands_for_what_it_starts_where_the_person_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python3` of the person's shell, with pyenv: not the next one on the PATH."""
    meant = script(tmp_path / "meant" / "python3")
    where = tmp_path / "where"
    where.mkdir()
    # As pyenv does: the folder decides.
    script(tmp_path / "shims" / "python3", f'[ "$PWD" = {where} ] && echo {meant}')
    other = script(tmp_path / "bin" / "python3")
    environ = pyenv(tmp_path, "3.13.1") | {"PATH": f"{tmp_path / 'shims'}:{tmp_path / 'bin'}"}
    monkeypatch.setenv("FIBENCH_FROM", str(where))
    assert found("python3", environ) == str(meant)
    monkeypatch.setenv("FIBENCH_FROM", str(tmp_path))
    assert found("python3", environ) == str(other)


def test_a_path_is_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    environ = pyenv(tmp_path)
    program = script(tmp_path / "venv" / "bin" / "python")
    (tmp_path / "experiments").mkdir()
    assert found("./venv/bin/python", environ, tmp_path) == str(program)
    assert found("../venv/bin/python", environ, tmp_path / "experiments") == str(program)
    assert found("~/venv/bin/python", environ) == str(program)
    assert found(str(program), environ) == str(program)


def test_a_link_is_not_followed_since_a_virtual_environment_is_one(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert find_interpreter(str(link), tmp_path, pyenv(tmp_path)).path == str(link)


def test_a_path_that_leads_to_no_program_says_so(tmp_path: Path) -> None:
    environ = pyenv(tmp_path)
    plain = script(tmp_path / "plain")
    plain.chmod(0o644)
    assert refused("./gone", environ, tmp_path) == "there is no such file"
    assert refused("./plain", environ, tmp_path) == "it may not be executed"


def test_an_interpreter_says_what_it_is(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "3.13.1")
    one = find_interpreter("3.13", tmp_path, environ)
    program = tmp_path / "versions/3.13.1/bin/python"
    assert one.path == str(program)
    assert one.sha256 == hashlib.sha256(program.read_bytes()).hexdigest()
    assert one.version == platform.python_version()
    itself = own()
    assert (one.implementation, one.build, one.gil, one.free_threaded) == (
        itself.implementation,
        itself.build,
        itself.gil,
        itself.free_threaded,
    )


def test_variables_that_servers_do_not_inherit_do_not_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    assert find_interpreter("3.13", tmp_path, pyenv(tmp_path, "3.13.1")).version


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo hello", "is no Python"),
        ("echo 'no such option: -c' >&2; exit 2", "is no Python: no such option: -c"),
        ("printf 'a\\033[31m' >&2; exit 2", r"is no Python: a\x1b[31m"),
        ("echo '[1]'", "is no Python"),
        ("echo '{\"number\": [3, 13]}'", "is no Python"),
        ("kill -9 $$", "is no Python"),
        (
            f'"{sys.executable}" "$@" | sed \'s/"number": [^]]*/"number": [3, 5/\'',
            f"is Python {platform.python_version()}, and the servers need 3.6",
        ),
    ],
)
def test_a_program_that_is_no_python_or_too_old_is_not_here(
    tmp_path: Path, command: str, said: str
) -> None:
    script(tmp_path / "python", command)
    assert said in refused("./python", {}, tmp_path)


def test_a_program_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "ANSWER_LIMIT_S", 0.2)
    script(tmp_path / "python", "exec sleep 60")
    assert refused("./python", {}, tmp_path).endswith("does not answer within 0.2 s")


def test_a_file_of_no_kind_that_the_kernel_knows_is_not_here(tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(b"\x7fELF")
    os.chmod(tmp_path / "python", 0o755)
    assert "cannot be started" in refused("./python", {}, tmp_path)


@pytest.mark.parametrize(
    ("implementation", "gil", "free_threaded", "has"),
    [
        ("CPython", True, False, True),
        ("PyPy", True, False, True),
        ("CPython", False, True, False),
        ("CPython", True, True, False),  # switched on where it was asked, and perhaps not elsewhere
        ("GraalVM", True, False, False),  # a compiler works beside the thread that has it
    ],
)
def test_a_gil_is_relied_on_where_an_interpreter_cannot_do_without(
    implementation: str, gil: bool, free_threaded: bool, has: bool
) -> None:
    one = Interpreter("/p", "3.13.0", implementation, "", gil, free_threaded, "absent")
    assert one.has_gil_always is has


def test_that_fibench_runs_on_is_known_likewise() -> None:
    assert own_has_gil() == own().has_gil_always
