# SPDX-License-Identifier: BSD-3-Clause
"""Every Python that is here: what to write for each, what it is, and why one is left out."""

import os
import platform
import sys
from pathlib import Path

import pytest
from tests.runner.pythons import answering, pyenv, script

from fibench.backends import interpreters
from fibench.backends.found_interpreters import (
    FoundInterpreter,
    interpreters_here,
    names_of_interpreters,
)
from fibench.backends.interpreters import NotHere, locate

TWO = answering(number=[2, 7], version="2.7.18")
FREE = answering(free_threaded=True, gil=False, version="3.14.1", subinterpreters=True)


def listed(environ: dict[str, str]) -> list[FoundInterpreter]:
    """All but the one that runs this, which is the first."""
    default, *others = interpreters_here(environ)
    assert default.is_default
    assert not any(one.is_default for one in others)
    return others


def only(environ: dict[str, str]) -> FoundInterpreter:
    (one,) = listed(environ)
    return one


def test_what_runs_fibench_is_there_without_a_word(tmp_path: Path) -> None:
    (one,) = interpreters_here(pyenv(tmp_path))
    assert one.is_default
    assert one.interpreter is not None
    assert one.interpreter.version == platform.python_version()
    assert one.path is not None
    assert one.written == (one.path,)
    assert os.path.samefile(one.path, sys.executable)


def test_a_version_of_pyenv_can_be_written_short_where_that_means_it(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "3.13.0", "3.13.1", "3.13.1t", "3.15t-dev", "pypy3.10-7.3.15", "mine")
    written = {one.written for one in listed(environ)}
    assert written == {
        ("3.13.0",),
        ("3.13", "3.13.1"),
        ("3.13t", "3.13.1t"),
        ("3.15t", "3.15t-dev"),
        ("pypy3.10", "pypy3.10-7.3.15"),
        ("mine",),
    }


def test_what_is_listed_is_what_a_file_finds_by_it(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "3.12.1", "3.13.1")
    script(tmp_path / "bin" / "python3.14")
    (tmp_path / "bin" / "python3").symlink_to("python3.14")
    environ["PATH"] = str(tmp_path / "bin")
    found = listed(environ)
    assert len(found) == 3
    for one in found:
        assert one.path is not None
        for text in one.written:
            assert os.path.samefile(locate(text, tmp_path, environ), one.path)


def test_it_is_told_what_each_is(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "3.13.1")
    script(tmp_path / "versions" / "3.14.1t" / "bin" / "python", FREE)
    plain, free = sorted(listed(environ), key=lambda one: one.written)
    assert (plain.reason, free.reason) == (None, None)
    assert plain.interpreter is not None
    assert free.interpreter is not None
    assert free.written == ("3.14t", "3.14.1t")
    assert (free.interpreter.version, free.interpreter.gil) == ("3.14.1", False)
    assert free.interpreter.free_threaded
    assert free.has_subinterpreters
    assert plain.has_subinterpreters == (sys.version_info >= (3, 14))


def test_the_names_of_one_program_in_a_folder_are_one_row(tmp_path: Path) -> None:
    folder = script(tmp_path / "bin" / "python3.13").parent
    (folder / "python3").symlink_to("python3.13")
    (folder / "python").symlink_to(folder / "python3")
    (tmp_path / "sbin").symlink_to(folder)
    environ = pyenv(tmp_path) | {"PATH": f"{folder}:{tmp_path / 'sbin'}"}
    one = only(environ)
    assert one.written == ("3.13", "python3.13", "python", "python3")
    assert one.path == str(folder / "python3.13")


def test_the_python_of_a_virtual_environment_is_one_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "venv" / "bin" / "python3"
    other = script(tmp_path / "bin" / "python3")
    own.parent.mkdir(parents=True)
    own.symlink_to(other)
    environ = pyenv(tmp_path) | {"PATH": f"{own.parent}:{other.parent}"}
    assert {one.written for one in listed(environ)} == {("python3",), (str(other),)}


def test_a_program_that_another_of_its_name_stands_before_has_to_be_written_as_a_path(
    tmp_path: Path,
) -> None:
    first, second = (script(tmp_path / name / "python3.12") for name in ("one", "two"))
    environ = pyenv(tmp_path) | {"PATH": f"relative:{first.parent}:{second.parent}:/nowhere"}
    found = {one.path: one.written for one in listed(environ)}
    assert found == {str(first): ("3.12", "python3.12"), str(second): (str(second),)}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (TWO, "is Python 2.7.18, and the servers need 3.6"),
        ("echo hello", "is no Python"),
        ("head -c 300 /dev/zero; echo; echo '{}'", "is no Python"),
        ("echo 'lib\033[31mssl.so: cannot open' >&2; exit 127",
         r"is no Python: lib\x1b[31mssl.so: cannot open"),
        ("kill -9 $$", "is no Python"),
        ("exec yes", "says more than 64 KiB"),
        ("exec yes >&2", "says more than 64 KiB"),
    ],
)  # fmt: skip
def test_what_is_broken_or_says_rubbish_is_left_out_with_the_reason(
    tmp_path: Path, command: str, reason: str
) -> None:
    environ = pyenv(tmp_path)
    script(tmp_path / "versions" / "3.13.1" / "bin" / "python", command)
    one = only(environ)
    assert (one.written, one.interpreter, one.reason) == (("3.13", "3.13.1"), None, reason)


def test_one_that_does_not_answer_is_left_out_and_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "ANSWER_LIMIT_S", 0.3)
    environ = pyenv(tmp_path)
    for version in ("3.9.1", "3.10.1", "3.11.1"):
        script(tmp_path / "versions" / version / "bin" / "python", "exec sleep 60")
    reasons = [one.reason for one in listed(environ)]
    assert reasons == ["does not answer within 0.3 s"] * 3


def test_a_name_that_leads_to_no_program_is_left_out_with_the_reason(tmp_path: Path) -> None:
    environ = pyenv(tmp_path)
    (tmp_path / "versions" / "3.12.9" / "bin").mkdir(parents=True)
    script(tmp_path / "shims" / "python3.9", "exit 1")
    environ["PATH"] = str(tmp_path / "shims")
    reasons = {one.written: (one.path, one.reason) for one in listed(environ)}
    assert reasons == {
        ("3.12.9",): (
            None,
            "pyenv has a folder for it, and in that no program that may be started",
        ),
        ("python3.9",): (None, "it is a shim, and no version is chosen that has it"),
    }


def test_names_that_a_file_may_not_hold_are_not_proposed(tmp_path: Path) -> None:
    environ = pyenv(tmp_path, "-x", " 3.13.1", "3.13\n1", "ok")
    assert names_of_interpreters(environ) == ["ok"]


def test_programs_that_are_called_otherwise_are_not_started(tmp_path: Path) -> None:
    for name in ("python3-config", "python-argcomplete", "pythonw", "pypy3-c", "python3.13.sh"):
        script(tmp_path / "bin" / name, f"touch {tmp_path / 'started'}")
    (tmp_path / "bin" / "python3.9").mkdir()
    assert listed(pyenv(tmp_path) | {"PATH": str(tmp_path / "bin")}) == []
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    "told",
    [
        {"number": ["3", 13]},
        {"number": "3.13"},
        {"number": []},
        {"version": None},
        {"gil": "no"},
        {"free_threaded": 1},
        {"executable": ["python3"]},
        {"build": {}},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_pythons(tmp_path: Path, told: dict[str, object]) -> None:
    script(tmp_path / "python", answering(**told))
    with pytest.raises(NotHere):
        interpreters.ask(str(tmp_path / "python"))


def test_an_answer_that_is_nested_without_end_is_no_pythons(tmp_path: Path) -> None:
    script(tmp_path / "python", "head -c 60000 /dev/zero | tr '\\0' '['")
    with pytest.raises(NotHere, match="is no Python"):
        interpreters.ask(str(tmp_path / "python"))
