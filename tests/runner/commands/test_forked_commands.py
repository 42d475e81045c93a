# SPDX-License-Identifier: BSD-3-Clause
"""Most tests fork the commands that they type (tests/runner/warm.py): it changes nothing."""

import pytest
from tests.runner.desk import QUICK, Desk


@pytest.mark.parametrize(
    "script",
    ['"$@" backends', '"$@" plan gli', '"$@" doctor --jso', '"$@" plan gil --json | head -c 99',
     'cd /; "$@" run nowhere.toml', '"$@" runs', "echo h | \"$@\" --complete -- ru"],
)  # fmt: skip
def test_a_command_that_is_forked_is_the_one_that_is_started(desk: Desk, script: str) -> None:
    forked, begun = (desk.shell(script, started=started) for started in (False, True))
    assert forked.returncode == begun.returncode
    assert (forked.stdout, forked.stderr) == (begun.stdout, begun.stderr)
    assert forked.stdout + forked.stderr != b""


def test_nothing_of_one_command_is_there_in_the_next(desk: Desk) -> None:
    """Neither its variables, nor what it had read."""
    path = desk.write(QUICK.format(blocks=1, above=1))
    assert "One small block" in desk.invoke("plan", path).stdout
    path.write_text(path.read_text().replace("One small", "Another"))
    assert "Another block" in desk.invoke("plan", path).stdout
    narrow, wide = (desk.invoke("plan", path, COLUMNS=str(width)).stdout for width in (60, 100))
    assert narrow != wide == desk.invoke("plan", path).stdout
