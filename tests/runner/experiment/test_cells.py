# SPDX-License-Identifier: BSD-3-Clause
"""Cells: what the matrix makes, how each is resolved, named and found again."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import GIL, KNOWN, SMALL, labels, parse

from fibench.experiment.cells import cell_key
from fibench.parameters import KEYS, Value


def test_every_combination_is_a_cell_and_tables_are_joined() -> None:
    assert labels(GIL) == [
        "py-sync n=27",
        "py-mp n=27",
        "py-mt n=27",
        "py-async n=27",
        "c-sync n=27",
        "c-sync n=34",
        "c-mp n=34",
        "c-mt n=34",
    ]


def test_parameters_are_complete_and_resolved() -> None:
    cell = parse(GIL).cells[0]

    every = {name for name, key in KEYS.items() if not key.optional}
    assert set(cell.parameters.as_json()) == {"backend", *every, "groups"}
    assert cell.parameters.backend == "py-sync"
    assert cell.parameters.n == 27
    assert cell.parameters.duration == 0.7
    assert cell.parameters.timeout == 30.0
    assert cell.parameters.max_n == 34
    assert cell.parameters.workers is None


def test_axes_are_what_varies_in_the_file() -> None:
    assert parse(GIL).cells[0].axes == (("backend", "py-sync"), ("n", 27))
    assert parse(SMALL).cells[0].axes == (("backend", "py-sync"),)


@pytest.mark.parametrize("matrix", ["[matrix]", "[[matrix]]"])
def test_simple_forms_mean_the_same(matrix: str) -> None:
    text = f'title = "t"\n{matrix}\nbackend = "py-mt"\nclients = [1, 8]\n'

    assert labels(text) == ["py-mt clients=1", "py-mt clients=8"]


@given(
    st.lists(st.sampled_from(sorted(KNOWN)), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 34), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 900), min_size=1, max_size=3, unique=True),
)
def test_the_matrix_is_the_product_of_its_lists(
    backends: list[str], ns: list[int], clients: list[int], milliseconds: list[int]
) -> None:
    waits = [f'"{ms}ms"' for ms in milliseconds]
    text = (
        f'title = "t"\n[[matrix]]\nbackend = {backends}\nn = {ns}\nclients = {clients}\n'
        f"io_wait = [{', '.join(waits)}]\n"
    ).replace("'", '"')

    cells = parse(text).cells

    made = [
        (cell.backend, *(cell.parameters.value_of(name) for name in ("n", "clients")))
        for cell in cells
    ]
    assert sorted(set(made)) == sorted(product(backends, ns, clients))
    assert len(cells) == len(backends) * len(ns) * len(clients) * len(waits)
    assert len({cell.key for cell in cells}) == len(cells)
    assert len({cell.label for cell in cells}) == len(cells)


def test_excluded_combinations_make_no_cell() -> None:
    text = 'exclude = [{ backend = "py-mt", n = 2 }]\n' + SMALL.replace("[server]", "n = [1, 2]")

    assert labels(text) == ["py-sync n=1", "py-sync n=2", "py-mt n=1"]


def test_a_switch_interval_makes_no_further_cells_of_a_c_server() -> None:
    text = (
        'title = "t"\n[[matrix]]\nbackend = ["py-mt", "c-mt"]\nswitch_interval = ["5ms", "50us"]\n'
    )
    cells = parse(text).cells

    assert [cell.label for cell in cells] == [
        "py-mt switch_interval=5ms",
        "py-mt switch_interval=50us",
        "c-mt",
    ]
    assert cells[2].parameters.switch_interval is None


def test_work_besides_is_an_axis_of_which_a_plan_that_has_none_says_nothing() -> None:
    text = SMALL.replace('"py-mt"]', '"mine"]\nwork = ["fib", "hash"]') + OWN
    cells = parse(text).cells

    assert [cell.label for cell in cells] == ["py-sync work=fib", "py-sync work=hash", "mine"]
    assert [cell.parameters.units for cell in cells] == [0, 1, 0]
    assert cells[2].parameters.work is None
    assert parse(SMALL, {"work_units": "9"}).cells[0].parameters.units == 9
    assert not {"work", "work_units"} & parse(SMALL).cells[0].parameters.as_json().keys()


def test_the_same_cells_are_measured_both_ways() -> None:
    text = GIL.replace("n = 27 ", 'n = 27\nkind = ["fibload", "process"] ', 1)
    text = text[: text.index("[[claim]]")]
    cells = [cell for cell in parse(text).cells if cell.backend == "py-mt"]

    assert [cell.label for cell in cells] == ["py-mt kind=fibload n=27", "py-mt kind=process n=27"]
    assert [cell.parameters.duration for cell in cells] == [0.7, None]
    assert [cell.parameters.warmup for cell in cells] == [0.2, None]
    assert [cell.parameters.clients for cell in cells] == [8, 8]


def test_a_number_of_requests_replaces_the_duration() -> None:
    cell = parse(SMALL + "requests = 100\n").cells[0]

    assert (cell.parameters.duration, cell.parameters.requests) == (None, 100)


OWN = """
[backends.mine]
command = ["./my_server", "--threads", "4", "{port}"]
framing = "line"
"""


def test_a_server_of_the_users_own_gets_none_of_our_options_and_speaks_its_own_framing() -> None:
    text = SMALL.replace('"py-mt"]', '"mine"]\nio_wait = ["0s", "10ms"]') + OWN
    cells = [cell for cell in parse(text).cells if cell.backend == "mine"]

    assert len(cells) == 1
    assert cells[0].parameters.framing == "line"
    assert cells[0].parameters.io_wait is None
    assert cells[0].parameters.max_n is None


def test_durations_are_compared_after_parsing() -> None:
    claim = """
[[claim]]
says = "c"
value = { backend = "py-mt", io_wait = "0.01s" }
metric = "p99"
below = "20ms"
"""
    text = SMALL.replace("[server]", 'io_wait = ["5ms", "10ms"]') + claim

    assert parse(text).claims[0].left.label == "py-mt io_wait=10ms"


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.integers(0, 99), max_size=5))
def test_a_key_does_not_depend_on_parameters_that_are_absent(given: dict[str, int]) -> None:
    parameters: dict[str, Value] = {"backend": "c-mt", "n": 1, "clients": 1, **given}

    assert cell_key(parameters | {"a_later_key": None}) == cell_key(parameters)
    assert cell_key(parameters | {"a_later_key": 1}) != cell_key(parameters)


def test_a_key_does_not_depend_on_what_else_the_file_has() -> None:
    alone = parse(SMALL, {"backend": "py-mt"}).cells[0]
    among = next(cell for cell in parse(SMALL, {"n": "1,2"}).cells if cell.backend == "py-mt")

    assert alone.key == among.key
    assert alone.label != among.label
