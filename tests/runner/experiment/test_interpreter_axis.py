# SPDX-License-Identifier: BSD-3-Clause
"""`interpreter` in an experiment file: as an axis, in claims, as an option, and its faults."""

import pytest
from tests.runner.experiments import GIL, SMALL, faults, labels, parse

from fibench.experiment.cells import cell_key
from fibench.plan._ceilings import ceilings

AXIS = """\
title = "t"
[[matrix]]
backend = ["py-mt", "c-mt"]
interpreter = ["3.13", "pypy3"]
"""


def test_each_interpreter_is_a_cell_of_a_server_in_python_and_none_of_another() -> None:
    cells = parse(AXIS).cells

    assert [cell.label for cell in cells] == [
        "py-mt interpreter=3.13", "py-mt interpreter=pypy3", "c-mt",
    ]  # fmt: skip
    assert [cell.parameters.interpreter for cell in cells] == ["3.13", "pypy3", None]
    assert len({cell.key for cell in cells}) == 3


def test_servers_of_ones_own_make_no_further_cells() -> None:
    own = '[backends.mine]\ncommand = ["./mine", "{port}"]\n'

    assert labels(AXIS.replace("c-mt", "mine") + own)[2:] == ["mine"]


def test_one_interpreter_for_all_cells_is_no_axis() -> None:
    text = SMALL.replace("[server]", '[server]\ninterpreter = "python3.13"')

    assert labels(text) == ["py-sync", "py-mt"]
    assert {cell.parameters.interpreter for cell in parse(text).cells} == {"python3.13"}


def test_without_one_the_names_of_cells_are_those_that_they_had_before() -> None:
    cell = parse(SMALL).cells[0]
    before = {
        name: value for name, value in cell.parameters.as_json().items() if name != "interpreter"
    }

    assert cell.parameters.interpreter is None
    assert cell.key == cell_key(before)


def test_the_interpreter_stands_right_behind_the_backend() -> None:
    assert labels(AXIS + "n = [1, 2]\n")[0] == "py-mt interpreter=3.13 n=1"


def test_the_load_shape_is_the_same_for_all_interpreters() -> None:
    (ceiling,) = ceilings(parse(AXIS))
    assert ceiling.parameters.interpreter is None


# Claims

CLAIM = """
[[claim]]
says = "PyPy computes faster"
ratio = [
  { backend = "py-mt", interpreter = "pypy3" }, { backend = "py-mt", interpreter = "3.13" }
]
metric = "throughput"
above = 2
needs_backend = ["c-mp", "py-mp"]
needs_interpreter = "python3.14t"
"""


def test_a_claim_selects_cells_by_interpreter_and_says_what_else_it_needs() -> None:
    (claim,) = parse(AXIS + CLAIM).claims

    assert claim.right is not None
    assert [claim.left.label, claim.right.label] == [
        "py-mt interpreter=pypy3", "py-mt interpreter=3.13",
    ]  # fmt: skip
    assert claim.needs_backend == ("c-mp", "py-mp")
    assert claim.needs_interpreter == ("python3.14t",)


def test_a_claim_needs_nothing_by_default() -> None:
    (claim, _) = parse(GIL).claims
    assert (claim.needs_backend, claim.needs_interpreter) == ((), ())


def test_a_side_that_leaves_the_interpreter_free_is_a_fault_that_names_them() -> None:
    text = AXIS + CLAIM.replace(', interpreter = "3.13"', "")

    assert faults(text) == [
        (
            'e.toml:9:49: { backend = "py-mt" } selects 2 cells; left free: '
            "interpreter (3.13, pypy3)\n"
            "add interpreter to this side, or to where"
        )
    ]


# Options


def test_an_option_replaces_it() -> None:
    assert labels(AXIS, {"interpreter": "3.12"}) == ["py-mt interpreter=3.12", "c-mt"]
    assert labels(SMALL, {"interpreter": "3.12,pypy3"}) == [
        "py-sync interpreter=3.12", "py-sync interpreter=pypy3",
        "py-mt interpreter=3.12", "py-mt interpreter=pypy3",
    ]  # fmt: skip


def test_an_option_may_mean_nothing_to_the_cells_of_one_table() -> None:
    """gil.toml has a table of servers in C alone."""
    found = labels(GIL, {"interpreter": "3.12,pypy3"})

    assert found.count("c-mt n=34") == 1
    assert "py-mt interpreter=pypy3 n=27" in found


def test_an_option_that_means_nothing_to_any_cell_is_a_fault() -> None:
    assert faults(GIL, {"backend": "c-mt", "interpreter": "3.12,pypy3"}) == [
        (
            "--interpreter 3.12,pypy3: interpreter applies to none of these cells\n"
            "it is for servers in Python"
        )
    ]


# Faults

TEXT_ONLY = 'write interpreter = "{}": as a number, 3.10 would be 3.1'
NAMED = 'write "python3.13", "3.13", or a path'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "3.11",
            f"interpreter must be text, not a number with a fraction\n{TEXT_ONLY.format('3.11')}",
        ),
        ("3", f"interpreter must be text, not a whole number\n{TEXT_ONLY.format(3)}"),
        ("true", f"interpreter must be text, not true or false\n{TEXT_ONLY.format('3.13')}"),
        ('""', "interpreter is empty"),
        ('"-c"', f'interpreter "-c" is no name of a program\n{NAMED}'),
        ('" pypy3"', f'interpreter " pypy3" is no name of a program\n{NAMED}'),
        ('"a\\u0000b"', f'interpreter "a\\x00b" is no name of a program\n{NAMED}'),
        (f'"{"x" * 1001}"', "interpreter is longer than 1000 characters"),
    ],
)
def test_what_is_no_name_of_an_interpreter_is_a_fault(value: str, said: str) -> None:
    in_server = SMALL.replace("[server]", f"[server]\ninterpreter = {value}")
    in_matrix = AXIS.replace('"pypy3"', value)
    in_needs = AXIS + CLAIM.replace('"python3.14t"', value)

    assert faults(in_server) == [f"e.toml:5:15: {said}"]
    assert f"e.toml:4:24: {said}" in faults(in_matrix)
    of_needs = said.replace("interpreter ", "needs_interpreter ")
    assert faults(in_needs) == [f"e.toml:14:21: {of_needs}"]


def test_an_interpreter_without_effect_is_a_fault() -> None:
    assert faults(AXIS.replace('"py-mt", ', "")) == [
        "e.toml:4:1: interpreter applies to none of these cells\nit is for servers in Python"
    ]


def test_an_interpreter_given_twice_is_a_fault() -> None:
    assert faults(AXIS.replace("pypy3", "3.13")) == [
        'e.toml:4:24: interpreter "3.13" is given twice\nremove one of them'
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('needs_backend = "c-mpp"', 'e.toml:13:17: unknown backend "c-mpp"\ndid you mean "c-mp"?'),
        (
            'needs_backend = ["c-mp", "py-mmt"]',
            'e.toml:13:26: unknown backend "py-mmt"\ndid you mean "py-mt"?',
        ),
        (
            "needs_backend = []",
            (
                "e.toml:13:17: needs_backend is an empty list\n"
                "give at least one value, or remove the key"
            ),
        ),
        (
            "needs_backend = 3",
            (
                "e.toml:13:17: needs_backend must be text, not a whole number\n"
                "allowed: 1 to 64 of a-z, 0-9, '.', '_', '-'"
            ),
        ),
        (
            'needs_backends = "c-mp"',
            'e.toml:13:1: unknown key "needs_backends" in [[claim]]\ndid you mean "needs_backend"?',
        ),
        (
            'needs_interpreters = "3.13"',
            (
                'e.toml:13:1: unknown key "needs_interpreters" in [[claim]]\n'
                'did you mean "needs_interpreter"?'
            ),
        ),
    ],
)
def test_a_need_that_names_nothing_is_a_fault(line: str, said: str) -> None:
    claim = CLAIM.replace('needs_backend = ["c-mp", "py-mp"]', line)
    claim = claim.replace('needs_interpreter = "python3.14t"\n', "")

    assert faults(AXIS + claim) == [said]
