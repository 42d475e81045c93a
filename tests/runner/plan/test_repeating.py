# SPDX-License-Identifier: BSD-3-Clause
"""Ceilings of cells that ask for requests of the file: whose reply the null server repeats."""

from tests.runner.experiments import parse

from fibench.plan.trials import Trial, ceiling_of, plan

FILE = """\
title = "t"
[backends.one]
command = ["./one", "{port}", "{procs}"]
cores = 1
[backends.other]
command = ["./other", "{port}", "{procs}"]
[requests.page]
get = "/page"
[requests.sized]
get = "/{size}"
[[matrix]]
backend = ["one", "other"]
request = "page"
procs = [1, 2]
MORE
"""


def ceilings_of(text: str) -> list[Trial]:
    return [trial for trial in plan(parse(text)) if trial.role == "ceiling"]


def test_each_server_has_a_ceiling_of_its_own() -> None:
    found = ceilings_of(FILE.replace("MORE", ""))
    assert [one.cell.label for one in found] == [
        "c-null workers=1 repeats=one",
        "c-null repeats=other",
    ]
    assert [one.repeats.backend for one in found if one.repeats is not None] == ["one", "other"]
    for one in found:
        assert one.cell.backend == "c-null"
        assert [ask.name for ask in one.cell.asks] == ["page"]
        assert one.cell.parameters.n is None
        assert one.cell.parameters.request == "page"
        assert one.key == f"ceiling-{one.cell.key}"


def test_an_axis_of_ones_own_makes_a_load_shape_where_it_changes_what_is_asked() -> None:
    sized = FILE.replace('request = "page"', 'request = "sized"').replace("MORE", "size = [1, 2]")
    assert len(ceilings_of(sized)) == 4
    assert len(ceilings_of(FILE.replace("MORE", "clients = [1, 2]"))) == 4


def test_what_a_server_is_prepared_with_may_change_what_it_answers() -> None:
    prepared = FILE.replace("MORE", '[[prepare]]\nsend = "{procs}\\n"\nexpect = "*"')
    assert len(ceilings_of(prepared)) == 4


def test_groups_have_the_ceiling_of_what_the_first_asks_for() -> None:
    groups = """\
[[load.group]]
name = "a"
clients = 2
idle = true
[[load.group]]
name = "b"
clients = 3
request = "page"
[[load.group]]
name = "c"
clients = 4
request = "sized"
"""
    text = FILE.replace('request = "page"\nprocs', "procs").replace("MORE", f"size = 1\n{groups}")
    found = ceilings_of(text)
    assert [one.cell.parameters.request for one in found] == ["page", "page"]
    assert {one.cell.parameters.clients for one in found} == {7}
    assert {one.cell.parameters.groups for one in found} == {()}


def test_each_cell_knows_its_ceiling() -> None:
    experiment = parse(FILE.replace("MORE", ""))
    keys = {one.cell.key: one for one in ceilings_of(FILE.replace("MORE", ""))}
    for cell in experiment.cells:
        key = ceiling_of(cell, experiment)
        assert key is not None
        repeats = keys[key].repeats
        assert repeats is not None
        assert repeats.backend == cell.backend


def test_beside_cells_with_numbers_the_null_server_answers_as_ever() -> None:
    both = FILE.replace("MORE", '[[matrix]]\nbackend = "c-mt"\nn = 1')
    found = ceilings_of(both)
    assert [one.repeats is None for one in found] == [False, False, True]
    assert found[2].cell.asks == ()
    assert found[2].cell.parameters.n == 1
