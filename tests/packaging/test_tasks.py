# SPDX-License-Identifier: BSD-3-Clause
"""A bare `invoke` without the requirements goes through ./dev, once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .copies import CHECKOUT

# Without -S an interpreter has the requirements that these tests run with.
BARE = [sys.executable, "-I", "-S", "-c"]
INVOKE = "import runpy, sys; sys.argv[0] = 'invoke'; runpy.run_path('tasks.py')"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose dev prints what it was asked to run."""
    shutil.copy2(CHECKOUT / "tasks.py", tmp_path)
    (tmp_path / "dev").write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 3\n')
    (tmp_path / "dev").chmod(0o755)
    return tmp_path


def bare_invoke(
    checkout: Path, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*BARE, INVOKE, *arguments],
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bare_invoke_runs_the_same_command_through_dev(checkout: Path) -> None:
    done = bare_invoke(checkout, "run", "my experiment.toml", "--clients", "1,2")
    assert done.stdout == "invoke|run|my experiment.toml|--clients|1,2|"
    assert (done.returncode, done.stderr) == (3, "")


def test_it_goes_through_dev_only_once(checkout: Path) -> None:
    done = bare_invoke(checkout, "run", FIBENCH_THROUGH_DEV="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "lacks numpy, psutil, pydantic, rich, scipy" in done.stderr
    assert done.stderr.count("\n") == 1


def test_tests_need_the_test_tools_too(checkout: Path) -> None:
    done = bare_invoke(checkout, "test", FIBENCH_THROUGH_DEV="1")
    assert "hypothesis, pytest" in done.stderr


def test_without_dev_it_says_so_in_one_line(checkout: Path) -> None:
    (checkout / "dev").unlink()
    done = bare_invoke(checkout, "run")
    assert done.returncode == 1
    assert done.stderr == f"fibench: cannot run {checkout / 'dev'}: No such file or directory\n"
