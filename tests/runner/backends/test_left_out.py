# SPDX-License-Identifier: BSD-3-Clause
"""What of an experiment cannot run here is left out of its plan, with the reason."""

import sys
from collections.abc import Mapping

import pytest
from tests.runner.own_programs import LACKS, SERVES, Machine, left_out, matrix
from tests.runner.pythons import script

from fibench.plan.advice import warnings
from fibench.plan.trials import plan, plan_json


def claim(needs: str) -> str:
    return (
        '[[claim]]\nsays = "It serves"\nvalue = { backend = "c-plain" }\n'
        f'metric = "throughput"\nabove = 1\n{needs}\n'
    )


# Cells


def test_cells_of_what_cannot_run_are_left_out_of_the_plan(machine: Machine) -> None:
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    machine.has("c-plain", "", language="c")
    here = machine.find_here(matrix("c-off", "c-plain") + "n = [1, 2]\n")

    assert [cell.label for cell in here.experiment.cells] == ["c-plain n=1", "c-plain n=2"]
    assert {trial.cell.backend for trial in plan(here.experiment)} == {"c-null", "c-plain"}
    assert left_out(here) == dict.fromkeys(["c-off n=1", "c-off n=2"], "c-off: no io_uring")
    assert list(here.experiment.absent.lines()) == ["2 cells left out: c-off: no io_uring"]


def test_each_pair_of_backend_and_interpreter_is_started_once(machine: Machine) -> None:
    machine.has("py-a", machine.starts("py-a") + SERVES)
    machine.has("py-b", machine.starts("py-b") + SERVES, needs="luck")
    here = machine.find_here(
        matrix("py-a", "py-b", interpreters='"3.12", "3.13"') + "n = [1, 2, 3]\n"
    )

    assert left_out(here) == {}
    assert (machine.started("py-a"), machine.started("py-b")) == (2, 2)


def test_without_a_named_interpreter_servers_in_python_are_not_started(machine: Machine) -> None:
    machine.has("py-a", machine.starts("py-a") + SERVES)
    machine.find_here(matrix("py-a"))

    assert machine.started("py-a") == 0


def test_cells_on_an_interpreter_that_is_not_there_are_left_out(machine: Machine) -> None:
    machine.has("py-a", SERVES)
    machine.has("c-plain", "", language="c")
    here = machine.find_here(matrix("py-a", "c-plain", interpreters='"3.13", "3.99"'))

    assert [cell.label for cell in here.experiment.cells] == ["py-a interpreter=3.13", "c-plain"]
    assert left_out(here) == {
        "py-a interpreter=3.99": "interpreter 3.99: pyenv has no such version, and there is no "
        "python3.99 on the PATH"
    }
    assert list(here.interpreters) == ["3.13"]


def test_cells_whose_server_lacks_something_on_one_interpreter_are_left_out(
    machine: Machine,
) -> None:
    """As asyncio.run on Python 3.6: the wrapper stands for an interpreter that is told apart."""
    old = machine.folder / "pyenv" / "versions" / "3.12.4" / "bin" / "python"
    script(old, f'TZ=old; export TZ; exec "{sys.executable}" "$@"')
    lacks = "import os, sys\nif os.environ.get('TZ') == 'old': sys.exit(77)\n"
    machine.has("py-a", lacks + SERVES)
    here = machine.find_here(matrix("py-a", interpreters='"3.13", "3.12"'))

    assert left_out(here) == {
        "py-a interpreter=3.12": "py-a on 3.12: it does not say what it lacks"
    }


def test_a_path_is_relative_to_the_folder_of_the_file(machine: Machine) -> None:
    script(machine.folder / "venv" / "python")
    machine.has("py-a", SERVES)
    here = machine.find_here(matrix("py-a", interpreters='"./venv/python"'))

    assert left_out(here) == {}
    assert here.interpreters["./venv/python"].path == str(machine.folder / "venv" / "python")


def test_servers_of_ones_own_are_taken_as_they_are(machine: Machine) -> None:
    own = '[backends.mine]\ncommand = ["./gone", "{port}"]\n'

    assert left_out(machine.find_here(matrix("mine") + own)) == {}


# Claims


@pytest.mark.parametrize(
    ("needs", "obstacle"),
    [
        ('needs_backend = "c-off"', "needs c-off: no io_uring"),
        ('needs_backend = ["c-on", "c-plain"]', None),
        (
            'needs_interpreter = ["3.13", "pypy3"]',
            "needs interpreter pypy3: it is not on the PATH, and pyenv has no such version",
        ),
        ('needs_interpreter = "3.12"', None),
    ],
)
def test_the_needs_of_a_claim_are_looked_for_though_no_cell_has_them(
    machine: Machine, needs: str, obstacle: str | None
) -> None:
    machine.has("c-plain", "", language="c")
    machine.has("c-on", SERVES, needs="io_uring", language="c")
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    experiment = machine.find_here(matrix("c-plain", claims=claim(needs))).experiment

    assert experiment.absent.obstacle(experiment.claims[0]) == obstacle
    assert len(experiment.cells) == 1
    warned = [f'"It serves" is not testable here: {obstacle}'] if obstacle else []
    assert warnings(experiment, {}, 2) == warned


def test_the_plan_as_json_has_what_is_left_out_and_why(machine: Machine) -> None:
    machine.has("c-plain", "", language="c")
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    needs = 'needs_backend = "c-off"\nneeds_interpreter = "3.99"'
    here = machine.find_here(matrix("c-plain", "c-off", claims=claim(needs)))

    document: Mapping[str, object] = plan_json(here.experiment)
    (cell,) = here.experiment.absent.cells
    assert document["left_out"] == [
        {
            "key": cell.cell.key,
            "label": "c-off",
            "parameters": cell.cell.parameters.as_json(),
            "reason": "c-off: no io_uring",
        }
    ]
    assert document["not_here"] == {
        "backends": {"c-off": "no io_uring"},
        "interpreters": {
            "3.99": "pyenv has no such version, and there is no python3.99 on the PATH"
        },
    }


def test_a_plan_of_which_nothing_can_run_has_no_trials(machine: Machine) -> None:
    machine.has("c-off", LACKS.format(said="no io_uring"), needs="io_uring", language="c")
    here = machine.find_here(matrix("c-off"))

    assert plan(here.experiment) == ()
