# SPDX-License-Identifier: BSD-3-Clause
"""What `plan` and `run` say of files with servers of any kind."""

import json

import pytest
from tests.runner.any_servers import ECHO, FILES
from tests.runner.desk import Desk, said_by


@pytest.mark.parametrize("name", ["redis-io-threads", "head-of-line"])
def test_a_file_is_planned_as_it_is(desk: Desk, name: str) -> None:
    done = desk.invoke("plan", FILES[name], "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    cells = [*document["cells"], *(one for one in document["left_out"])]
    for cell in cells:
        assert len(cell["parameters"]["asked"]) == 16
        assert "n" in cell["parameters"]
    shown = desk.invoke("plan", FILES[name])
    assert shown.returncode == 0
    assert " ".join(cells[0]["label"].split()) in " ".join(shown.stdout.split())


def test_plan_says_in_which_line_a_program_is_named_that_is_not_there(desk: Desk) -> None:
    path = desk.write(ECHO)
    done = desk.invoke("plan", path, "--json")
    assert done.returncode == 0, done.stderr
    (warning,) = json.loads(done.stdout)["warnings"]
    assert warning.endswith(f':3: mine: there is no program "./mine" in {desk.folder}')


def test_plan_leaves_out_what_is_not_installed(desk: Desk) -> None:
    path = desk.write(ECHO.replace('"./mine"', '"no-such-program-here"'))
    document = json.loads(desk.invoke("plan", path, "--json").stdout)
    assert document["cells"] == []
    assert {one["reason"] for one in document["left_out"]} == {
        'mine: there is no program "no-such-program-here" on the PATH: install it'
    }


def test_run_says_in_one_line_what_it_cannot_measure_yet(desk: Desk) -> None:
    done = desk.invoke("run", desk.write(ECHO))
    assert done.returncode == 1
    assert said_by(done) == [
        "this version cannot measure [requests] and [[prepare]] yet",
        "`plan` shows what would be measured",
    ]
    assert not desk.results.exists()
