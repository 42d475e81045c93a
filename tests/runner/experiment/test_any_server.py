# SPDX-License-Identifier: BSD-3-Clause
"""Experiments with servers of any kind become cells that carry what they ask for."""

import json
from pathlib import Path

import pytest
from tests.runner.any_servers import ECHO, TEXTS
from tests.runner.experiments import GIL, KNOWN, faults, labels, parse

from fibench.experiment import ASKED, parse_experiment
from fibench.parameters import Group, Parameters
from fibench.plan import ceiling_of, choose, plan, plan_json, warnings
from fibench.requests import Expectation, filler
from fibench.store.planned import _planned_cells

CELLS = {
    "echo": 18,
    "go-gomaxprocs": 6,
    "gunicorn-uvicorn": 24,
    "head-of-line": 2,
    "nginx-workers": 9,
    "node-cluster": 4,
    "redis-io-threads": 24,
    "unp30": 5,
}
"""How many cells each of the files has."""


def test_each_file_is_planned_as_it_is() -> None:
    assert TEXTS.keys() == CELLS.keys()
    for name, text in TEXTS.items():
        experiment = parse_experiment(text, f"{name}.toml", KNOWN)
        assert len(experiment.cells) == CELLS[name], name
        assert not experiment.dropped_claims
        document = plan_json(experiment, warnings(experiment, KNOWN, 8))
        roles = {trial["role"] for trial in document["trials"]}  # type: ignore[attr-defined]
        assert roles == {"measure", "twin", "ceiling", "timeline"}, name
        one_core = all(own.cores == 1 for own in experiment.backends.values())
        assert (choose(experiment, [[0], [1]]).load is not None) == one_core, name
        for cell in experiment.cells:
            assert cell.asks
            assert cell.parameters.framing in ("bytes", "http")
            assert cell.parameters.n is None
            assert ceiling_of(cell, experiment) is not None
            assert Parameters.read(cell.parameters.as_json()) == cell.parameters


def test_a_request_is_an_axis_and_stands_in_labels() -> None:
    assert labels(TEXTS["nginx-workers"])[:3] == [
        "nginx workers=1 request=hello",
        "nginx workers=1 request=hello-close",
        "nginx workers=1 request=file",
    ]
    assert labels(TEXTS["redis-io-threads"])[:2] == [
        "redis clients=1 request=ping pipeline=1 io_threads=1",
        "redis clients=1 request=ping pipeline=1 io_threads=2",
    ]


def test_a_value_that_means_nothing_to_a_server_makes_no_further_cell() -> None:
    assert labels(TEXTS["unp30"]) == [
        "fork",
        "prefork workers=15",
        "prefork-mutex workers=15",
        "threads",
        "prethreaded workers=15",
    ]
    text = ECHO.partition("[[claim]]")[0] + '[backends.other]\ncommand = ["./o", "{port}"]\n'
    text = text.replace('backend = "mine"', 'backend = ["mine", "other"]')
    assert labels(text.replace("io_threads = 2", "io_threads = [2, 3]"))[-4:] == [
        "other request=echo size=1",
        "other request=echo size=64",
        "other request=page size=1",
        "other request=page size=64",
    ]


def test_a_cell_has_its_request_with_its_own_values() -> None:
    echo, page = (parse(ECHO).cells[place] for place in (1, 3))
    assert [one.send for one in echo.asks] == [filler(64)]
    assert echo.asks[0].expect == Expectation("text", filler(64))
    assert [one.send for one in echo.prepares] == [b"HELLO 64\r\n"]
    assert echo.prepares[0].expect == Expectation("line")
    (asked,) = page.asks
    assert asked.send.startswith(b"POST /page?size=64 HTTP/1.1\r\nAccept: text/html\r\n")
    assert asked.send.endswith(b'\r\n\r\n{"size": 64, "other": {"a": 1}}')
    assert asked.expect == Expectation("length", length=9, status="200")
    assert dict(page.parameters.others)["io_threads"] == 2


def test_groups_have_requests_of_their_own() -> None:
    node = parse(TEXTS["head-of-line"]).cells[0]
    assert [one.name for one in node.asks] == ["hello", "report"]
    assert node.parameters.groups == (
        Group("users", 16, rate=200.0, arrivals="poisson", request="hello"),
        Group("reports", 1, request="report"),
    )


def test_other_words_of_a_request_make_another_cell_of_it() -> None:
    before = parse(ECHO).cells
    after = parse(ECHO.replace("bytes = 9", "bytes = 8")).cells
    same = [one.key == other.key for one, other in zip(before, after, strict=True)]
    assert same == [True, True, False, False]
    assert before[0].parameters.value_of(ASKED) == after[0].parameters.value_of(ASKED)


def test_an_experiment_on_numbers_says_nothing_of_requests() -> None:
    for cell in parse(GIL).cells:
        assert not cell.asks
        assert not {"request", ASKED} & cell.parameters.as_json().keys()


def test_the_port_of_a_server_that_cannot_be_told_one_is_the_cells() -> None:
    text = ECHO.replace("[backends.mine]\n", "[backends.mine]\nport = 7000\n")
    text = text.replace("--port={port}", "--quiet").replace("{ port {port}; }", "{}")
    assert {cell.parameters.port for cell in parse(text).cells} == {7000}


def test_options_choose_among_requests_and_may_not_name_others() -> None:
    assert labels(ECHO, {"request": "page"}) == ["mine size=1", "mine size=64"]
    assert faults(ECHO, {"request": "pag"}) == [
        '--request pag: unknown request "pag"\ndid you mean "page"?'
    ]


def test_a_crossover_goes_over_an_axis_of_ones_own() -> None:
    text = TEXTS["echo"].partition("[[claim]]")[0] + (
        '[[claim]]\nsays = "c"\nmetric = "throughput"\nbelow = 1000\n'
        'crossover = { over = "size", of = [{ backend = "uring" }, { backend = "epoll" }] }\n'
        "where = { clients = 64 }\n"
    )
    (claim,) = parse(text).claims
    assert [point.at for point in claim.points] == [64, 1024, 16384]


def test_trials_have_keys_that_name_what_is_asked_for() -> None:
    trials = plan(parse(ECHO))
    first = {role: trial.cell.key for trial in reversed(trials) for role in [trial.role]}
    assert first["measure"].startswith("mine-echo-c1-")
    assert first["ceiling"].startswith("c-null-echo-c1-")
    many = parse(TEXTS["head-of-line"]).cells[0].key
    assert many.startswith("node-groups-c17-")


@pytest.mark.parametrize("name", list(TEXTS))
def test_no_file_needs_its_comments_or_its_order(name: str) -> None:
    text = TEXTS[name]
    stripped = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    assert parse(stripped).cells == parse(text).cells


@pytest.mark.parametrize("name", list(TEXTS))
def test_a_run_that_is_read_back_has_the_same_cells_and_axes(name: str, tmp_path: Path) -> None:
    experiment = parse(TEXTS[name])
    document = json.loads(json.dumps(plan_json(experiment)))
    cells, _ = _planned_cells(document, tmp_path)
    assert [(one.key, one.label, one.parameters) for one in cells] == [
        (one.key, one.label, one.parameters) for one in experiment.cells
    ]
    for one, before in zip(cells, experiment.cells, strict=True):
        assert dict(one.axes).items() >= dict(before.axes).items()
        assert ASKED not in dict(one.axes)
