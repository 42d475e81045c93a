# SPDX-License-Identifier: BSD-3-Clause
"""Options of the command line replace what an experiment file says, or are explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.experiments import GIL, SMALL, faults, parse

from fibench.experiment.experiment import Experiment
from fibench.parameters import Blocks, option_flag, options


def labels(experiment: Experiment) -> list[str]:
    return [cell.label for cell in experiment.cells]


def test_options_replace_keys_wherever_they_stand() -> None:
    changed = parse(
        GIL,
        {"clients": "4", "n": "20", "port": "4000", "blocks": "3", "duration": "2s", "seed": "9"},
    )

    assert (changed.plan.blocks, changed.plan.seed) == (Blocks(3, 3), 9)
    for cell in changed.cells:
        asked = cell.parameters
        assert (asked.clients, asked.n, asked.port, asked.duration) == (4, 20, 4000, 2.0)
    assert len(changed.cells) == 7, "the tables of the matrix may overlap now"


def test_several_values_of_an_option_become_an_axis() -> None:
    assert labels(parse(SMALL + "clients = 8", {"clients": "1, 2"})) == [
        "py-sync clients=1",
        "py-sync clients=2",
        "py-mt clients=1",
        "py-mt clients=2",
    ]


def test_a_backend_option_selects_or_adds() -> None:
    assert labels(parse(GIL, {"backend": "c-mt"})) == ["c-mt"]
    assert labels(parse(GIL, {"backend": "c-sync"})) == ["c-sync n=27", "c-sync n=34"]
    assert labels(parse(GIL, {"backend": "c-mt-pool"})) == ["c-mt-pool n=27", "c-mt-pool n=34"]


def test_requests_as_an_option_replace_the_duration() -> None:
    cell = parse(GIL, {"requests": "100"}).cells[0]

    assert (cell.parameters.requests, cell.parameters.duration) == (100, None)


def test_claims_whose_cells_an_option_removes_are_left_out_and_listed() -> None:
    changed = parse(GIL, {"backend": "py-mt"})

    assert [claim.says for claim in changed.claims] == ["The GIL is why: threads use one core"]
    assert [(claim.says, claim.reason) for claim in changed.dropped_claims] == [
        (
            "Multiprocess beats threads when the work is CPU-bound Python",
            'no cell has { backend = "py-mp", n = 27 }',
        )
    ]


OPTION_FAULTS = [
    ({"clients": "0"}, "--clients 0: clients 0 is outside 1 to 20000"),
    ({"clients": "12x"}, '--clients 12x: "12x" is not a whole number'),
    ({"clients": "1,,2"}, "--clients 1,,2: a value is empty\nseparate values by single commas"),
    ({"port": "70000"}, "--port 70000: port 70000 is outside 1 to 65535"),
    ({"port": "1,2"}, "--port 1,2: takes one value"),
    ({"blocks": "0"}, "--blocks 0: blocks 0 is outside 1 to 10000"),
    ({"backend": "c-mtt"}, '--backend c-mtt: unknown backend "c-mtt"\ndid you mean "c-mt"?'),
    (
        {"duration": "2"},
        '--duration 2: duration "2" is no duration\nwrite a number and a unit: "0.7s", "200ms"',
    ),
    (
        {"n": "40"},
        ('-n 40: n 40 is above max_n 34: the reply would be "out of range"\n'
        "write max_n = 40 in [server]"),
    ),
    (
        {"requests-per-connection": "5"},
        ('--requests-per-connection 5: requests_per_connection 5 needs framing = "line"\n'
        'with "message" each connection carries one request'),
    ),
    ({"n": "1,1"}, "-n 1,1: n 1 is given twice\nremove one of them"),
    ({"zipf": "1"}, ("--zipf 1: there is no such option\nvalid: backend, interpreter, port, host, "
     "framing, workers, io_wait, work, work_units, backlog, idle_timeout, "
     "max_connections, … (34 in all)")),
    ({"max_n": "20"}, ('--max-n 20: n 34 is above max_n 20: the reply would be "out of range"\n'
     "write max_n = 34 in [server]")),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "expected"), OPTION_FAULTS)
def test_a_fault_of_an_option_names_the_option(overrides: dict[str, str], expected: str) -> None:
    assert expected in faults(GIL, overrides)


@pytest.mark.parametrize("key", options())
@pytest.mark.parametrize("text", ["", " "])
def test_an_option_without_text_is_a_fault_of_that_option(key: str, text: str) -> None:
    assert faults(GIL, {key: text}) == [
        f"{option_flag(key)}: is empty\ngive a value, or leave the option out"
    ]


@given(st.dictionaries(st.sampled_from(["clients", "backend", "n", "duration", "x"]), st.text()))
def test_any_option_is_taken_or_explained(overrides: dict[str, str]) -> None:
    assert all(fault.startswith("-") for fault in faults(GIL, overrides))


def test_a_fault_of_the_file_is_reported_before_options_are_applied() -> None:
    assert faults(SMALL + "client = 8", {"clients": "1"}) == [
        'e.toml:6:1: unknown key "client" in [load]\ndid you mean "clients"?'
    ]
