# SPDX-License-Identifier: BSD-3-Clause
"""What a person has to choose from at the command line: listed where nothing was chosen, and
completed by their shell."""

import re
import shutil
import subprocess
import sys

import pytest
from tests.runner.desk import CHECKOUT, ENTRY, Desk

import fibench
from fibench import tasks
from fibench.develop.tasks_of_sources import OF_THE_SOURCES


def run(desk: Desk, *words: str) -> tuple[int, str, str]:
    """The program's exit status, and what it says on both streams."""
    done = desk.invoke(*words)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["run", "plan"])
def test_without_an_experiment_all_there_are_are_listed_with_how_long_they_take(
    desk: Desk, command: str
) -> None:
    status, out, err = run(desk, command)
    names = {path.stem for path in (CHECKOUT / "experiments").glob("*.toml")}
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}
    assert names <= rows.keys()
    for name in names:
        assert re.search(r"  [0-9]+ to [0-9]+ (s|min)  \w", rows[name]), rows[name]
    assert (status, err.splitlines()) == (
        1,
        [f"{command} needs EXPERIMENT, which is not given",
         f"name one of these, or a file: `invoke {command} gil`"],
    )  # fmt: skip


def test_help_tells_of_no_option_that_changes_nothing(desk: Desk) -> None:
    _, out, _ = run(desk, "--help")
    head = out.partition("Subcommands")[0]
    found = set(re.findall(r"--([a-z-]+)", head))
    assert found == {"help", "list", "version", "print-completion-script"}


def completed(desk: Desk, *words: str) -> list[str]:
    status, out, err = run(desk, "--complete", "--", *words)
    assert (status, err) == (0, "")
    return out.splitlines()


def test_words_are_completed_by_what_may_stand_there(desk: Desk) -> None:
    assert completed(desk, "ru") == ["run", "runs"]
    assert completed(desk, "") == sorted(task.name for task in tasks.OF_A_RUN + OF_THE_SOURCES)
    assert completed(desk, "--ve") == ["--version"]
    assert completed(desk, "--help", "do") == ["doctor"]
    assert completed(desk, "run", "g") == ["gil"]
    assert "io-bound" in completed(desk, "plan", "--clients", "8", "")
    assert completed(desk, "plan", "gil", "") == []
    assert completed(desk, "run", "gil", "--blo") == ["--blocks"]
    assert completed(desk, "run", "gil", "--framing", "") == ["message", "line"]
    assert completed(desk, "serve", "py-mt-") == ["py-mt-pool"]
    assert completed(desk, "try", "py-mp", "c-mt-") == ["c-mt-pool"]
    assert completed(desk, "report", "gil", "--format", "h") == ["html", "hlog"]
    assert completed(desk, "report", "--output", "") == [], "a file: the shell knows them"
    (desk.results / "gil").mkdir(parents=True)
    assert completed(desk, "report", "") == ["gil"]
    assert completed(desk, "compare", "gil", "g") == ["gil"]
    assert completed(desk, "grade", "io-b") == ["io-bound"]
    assert completed(desk, "grade", "gil", "g") == ["gil"]
    assert completed(desk, "grade", "gil", "gil", "--run", "gil", "g") == ["gil"]
    assert completed(desk, "grade", "gil", "--format", "g") == ["gradescope"]
    assert completed(desk, "runs", "--format", "h") == ["html"]
    assert completed(desk, "report", "gil", "--format", "s") == ["svg"]


def test_nothing_that_is_completed_is_refused_for_its_name(desk: Desk) -> None:
    for name in completed(desk, "try", ""):
        assert name in (CHECKOUT / "catalogue.toml").read_text()


COMPLETE_IN_BASH = """
set -u
source <("$@" --print-completion-script bash)
complete -p dev invoke fibench
ask() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _fibench "$1" "${@: -1}" "${@: -2:1}"
    echo "${COMPREPLY[@]}"
}
ask "$OURS" inv
ask "$OURS" invoke pla
ask "$OURS" invoke run g
ask "$OURS" invoke compare gil g
ask "$OURS" python x
"""


@pytest.mark.needs("bash")
def test_bash_completes_dev_and_what_comes_behind_it(desk: Desk) -> None:
    (desk.results / "gil").mkdir(parents=True)
    (desk.folder / "dev").write_text(
        f'#!/bin/sh\nshift\nexec {sys.executable} -I {CHECKOUT}/tasks.py "$@"\n'
    )
    (desk.folder / "dev").chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", COMPLETE_IN_BASH, "bash", *ENTRY],
        cwd=CHECKOUT, env={**desk.environment(), "OURS": str(desk.folder / "dev")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[3:] == ["invoke", "plan", "gil", "gil", ""]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_one_that_it_can_read(desk: Desk, shell: str) -> None:
    status, out, _ = run(desk, "--print-completion-script", shell)
    assert status == 0
    assert "--complete --" in out
    assert "{" + "program}" not in out
    if shutil.which(shell):
        read = subprocess.run([shell, "-n"], input=out, text=True, capture_output=True, check=False)
        assert (read.returncode, read.stderr) == (0, "")


def test_the_version_is_that_of_fibench(desk: Desk) -> None:
    assert run(desk, "--version") == (0, f"fibench {fibench.__version__}\n", "")
