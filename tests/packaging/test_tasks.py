# SPDX-License-Identifier: BSD-3-Clause
"""A bare `invoke` without the requirements goes through ./dev, once."""

import os
import shutil
import signal
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
    (tmp_path / "src_py").symlink_to(CHECKOUT / "src_py")
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
    assert "lacks invoke, jinja2, numpy, psutil, pydantic, rich, scipy" in done.stderr
    assert done.stderr.count("\n") == 2


def test_tests_need_the_test_tools_too(checkout: Path) -> None:
    done = bare_invoke(checkout, "test", FIBENCH_THROUGH_DEV="1")
    assert "hypothesis, pytest" in done.stderr


def test_without_dev_it_says_so(checkout: Path) -> None:
    (checkout / "dev").unlink()
    done = bare_invoke(checkout, "run")
    assert done.returncode == 1
    what, _ = done.stderr.splitlines()
    assert what == f"fibench: cannot run {checkout / 'dev'}: No such file or directory"


def invoke(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """An `invoke` of one's own that has all the requirements."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "invoke", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


PYTHONS = {
    "PYTHONPATH": "{strange}", "PYTHONSAFEPATH": "1", "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error", "PYTHONINSPECT": "1", "PYTHONUSERBASE": "{strange}",
}  # fmt: skip
ALL_OR_ONE = [
    pytest.param([*PYTHONS], id="all"),
    *(pytest.param([name], id=name, marks=pytest.mark.long) for name in PYTHONS),
]
"""Each would do harm beside the others as well; alone, it is seen which."""


@pytest.mark.parametrize("names", ALL_OR_ONE)
def test_what_pythons_variables_hold_reaches_no_command(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('a strange numpy')\n")
    (tmp_path / "fibench.py").write_text("raise SystemExit('a strange fibench')\n")
    held = {name: PYTHONS[name].format(strange=tmp_path) for name in names}
    done = invoke("plan", "gil", cwd=CHECKOUT, **held)
    assert (done.returncode, done.stderr) == (0, "")
    assert "py-mt" in done.stdout


def test_variables_that_say_how_python_writes_stay_unless_python_cannot_start_with_them() -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment = {
        **inherited, "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "7", "PYTHONIOENCODING": "latin-1",
        "PYTHONUTF8": "what?", "PYTHONHOME": "/nowhere",
    }  # fmt: skip
    code = (
        "import os, runpy, sys; sys.argv = ['x', '--version']; sys.flags.isolated or sys.exit(3)\n"
        "try:\n    runpy.run_path('tasks.py')\n"
        "finally:\n    print(*sorted(n for n in os.environ if n.startswith('PYTHON')))"
    )
    command = [sys.executable, "-I", "-c", code]
    kept = "PYTHONHASHSEED PYTHONIOENCODING PYTHONUNBUFFERED"
    for seed, names in (("7", kept), ("what?", kept.removeprefix("PYTHONHASHSEED "))):
        done = subprocess.run(
            command, cwd=CHECKOUT, env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == names


def test_inside_the_package_the_checkouts_commands_are_found() -> None:
    done = invoke("--list", cwd=CHECKOUT / "src_py" / "fibench")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  doctor " in done.stdout


@pytest.mark.parametrize("held", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_from_before_python_started_ends_it_at_the_first_instant(held: int) -> None:
    def begin_with_it_pending() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, [held])
        os.kill(os.getpid(), held)

    done = subprocess.run(
        [sys.executable, "-I", CHECKOUT / "tasks.py", "plan", "gil"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        preexec_fn=begin_with_it_pending,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (128 + held, "", "interrupted\n")


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    def begin_with_all_ignored_and_pending() -> None:
        ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        signal.pthread_sigmask(signal.SIG_BLOCK, ending)
        for number in ending:
            signal.signal(number, signal.SIG_IGN)
            os.kill(os.getpid(), number)

    done = subprocess.run(
        [sys.executable, "-I", CHECKOUT / "tasks.py", "plan", "gil"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        preexec_fn=begin_with_all_ignored_and_pending,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
