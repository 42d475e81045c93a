# SPDX-License-Identifier: BSD-3-Clause
"""A command that is forked is what a Python of its own would be: it says the same, and ends so."""

import os
from pathlib import Path

import pytest
from tests.runner.desk import QUICK, Desk
from tests.runner.forked import TIMEOUT_S, Commands, forked_commands
from tests.runner.quick_desk import QuickDesk

from fibench.machine import free_port


@pytest.mark.parametrize("words", [["--version"], ["plan", "no-such"], ["runs", "--formt", "md"]])
def test_it_says_the_same_and_ends_the_same(
    tmp_path: Path, commands: Commands, words: list[str]
) -> None:
    anew, forked = (one.invoke(*words) for one in (Desk(tmp_path), QuickDesk(tmp_path, commands)))
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        anew.returncode, anew.stdout, anew.stderr,
    )  # fmt: skip
    assert forked.stdout + forked.stderr


def test_nothing_of_one_command_is_there_in_the_next(tmp_path: Path, commands: Commands) -> None:
    """Neither its variables, nor its folder, nor what it had read."""
    quick = QuickDesk(tmp_path, commands)
    path = quick.write(QUICK.format(blocks=1, above=1))
    assert "One small block" in quick.invoke("plan", path).stdout
    path.write_text(path.read_text().replace("One small", "Another"))
    assert "Another block" in quick.invoke("plan", path).stdout
    narrow, wide = (quick.invoke("plan", path, COLUMNS=str(width)).stdout for width in (60, 100))
    assert narrow != wide == quick.invoke("plan", path).stdout
    assert os.environ.get("FIBENCH_RESULTS") != str(quick.results)


def test_after_one_that_took_too_long_others_run(tmp_path: Path) -> None:
    with forked_commands() as commands:
        quick = QuickDesk(tmp_path, commands)
        commands.timeout_s = 1.0
        with pytest.raises(TimeoutError):
            quick.invoke(
                "serve", "c-sync", "--port", str(free_port("127.0.0.1"))
            )  # until it is ended
        commands.timeout_s = TIMEOUT_S
        assert quick.invoke("--version").returncode == 0
