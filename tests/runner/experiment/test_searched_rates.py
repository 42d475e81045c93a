# SPDX-License-Identifier: BSD-3-Clause
"""rate = "search" in [[matrix]]: what it means before the rates are known, and its faults."""

import pytest
from tests.runner.experiments import faults, parse

from fibench.experiment import claims_digest
from fibench.experiment.searching.rates import FoundRates, read_found
from fibench.experiment.searching.search import SearchTarget
from fibench.plan import plan, plan_json, warnings
from fibench.plan.searching.found import open_searches, with_rates
from fibench.plan.searching.steps import CHOSEN, MOST_SEARCH_TRIALS

FILE = """\
title = "t"
[[matrix]]
backend = ["py-mt", "py-mp"]
rate = "search"
[load]
clients = 8
duration = "2s"
[plan]
blocks = 5
[[claim]]
says = "c"
sustains = { over = "rate", of = { backend = "py-mt" } }
metric = "p90"
limit = "50ms"
above = "40/s"
[[claim]]
says = "d"
sustains = { over = "rate", of = [{ backend = "py-mt" }, { backend = "py-mp" }] }
metric = "p90"
limit = "50ms"
above = 1.1
"""


def test_until_its_rates_are_known_a_search_counts_as_many_cells_as_it_will_choose() -> None:
    experiment = parse(FILE)
    assert [search.label for search in open_searches(experiment)] == ["py-mt", "py-mp"]
    assert len(experiment.cells) == 2 * CHOSEN
    assert {cell.label for cell in experiment.cells} == {
        "py-mt rate=searched", "py-mp rate=searched",
    }  # fmt: skip
    document = plan_json(experiment)
    assert document["most_search_trials"] == 2 * MOST_SEARCH_TRIALS
    searches = document["searches"]
    assert isinstance(searches, list)
    assert [(one["label"], one["rates"]) for one in searches] == [("py-mt", None), ("py-mp", None)]
    (warning,) = warnings(experiment, experiment.known, 2)
    assert warning.endswith("so that no rate so slow is looked at: --duration 4s would do")
    longer = parse(FILE.replace('"2s"', '"4s"'))
    assert warnings(longer, longer.known, 2) == []


def test_it_is_for_what_the_claims_about_its_cells_say_and_knows_the_rates_that_they_name() -> None:
    first, second = parse(FILE).searches
    assert first.targets == second.targets == (SearchTarget("p90", None, 0.05),)
    assert (first.bounds, second.bounds) == ((40.0,), ())


def test_two_limits_are_two_targets_of_the_same_cells() -> None:
    more = FILE + FILE[FILE.index("[[claim]]") :].replace("50ms", "80ms").replace('"c"', '"e"')
    text = more.replace('says = "d"', 'says = "f"', 1)
    assert [target.limit_s for target in parse(text).searches[0].targets] == [0.05, 0.08]


def test_with_its_rates_an_experiment_is_as_if_the_file_had_them() -> None:
    rates = (30.0, 40.0, 50.0)
    searched = parse(FILE)
    found = [FoundRates(one.key, one.label, "x", rates, ()) for one in searched.searches]
    experiment = with_rates(searched, found)
    fixed = parse(FILE.replace('"search"', '["30/s", "40/s", "50/s"]'))
    assert experiment.cells == fixed.cells
    assert experiment.claims == fixed.claims
    assert plan(experiment) == plan(fixed)
    assert claims_digest(experiment.claims) == claims_digest(fixed.claims)
    assert open_searches(experiment) == []


def test_rates_that_the_file_fixes_beside_a_search_stay() -> None:
    searched = parse(FILE.replace('"search"', '["35/s", "search"]'))
    assert len(searched.cells) == 2 * (1 + CHOSEN)
    found = [FoundRates(one.key, one.label, "x", (30.0, 35.0), ()) for one in searched.searches]
    (row,) = with_rates(searched, found).claims[0].rows
    assert [step.at for step in row] == [30.0, 35.0]


def test_an_option_that_gives_rates_leaves_nothing_to_search() -> None:
    assert parse(FILE, {"rate": "30,40,50"}).searches == ()


def test_backends_that_an_option_selects_are_searched_for_the_limits_of_the_file() -> None:
    (search,) = parse(FILE, {"backend": "py-mp"}).searches
    assert search.targets == (SearchTarget("p90", None, 0.05),)


def test_another_limit_is_another_search_and_other_claims() -> None:
    one, other = parse(FILE), parse(FILE.replace("50ms", "60ms"))
    assert one.searches[0].as_json() != other.searches[0].as_json()
    assert claims_digest(one.claims) != claims_digest(other.claims)


def test_a_client_group_of_a_rate_of_its_own_keeps_it() -> None:
    groups = """
[[load.group]]
name = "steady"
clients = 4
rate = "10/s"
[[load.group]]
name = "rest"
clients = 4
"""
    text = FILE.replace("clients = 8\n", "").replace("[plan]", groups + "[plan]")
    text = text.replace('metric = "p90"', 'metric = "p90"\ngroup = "rest"')
    search = parse(text).searches[0]
    assert search.has_groups
    assert search.targets == (SearchTarget("p90", "rest", 0.05),)
    asked = search.at(70.0).parameters
    assert asked.rate == 70.0
    assert [group.rate for group in asked.groups] == [10.0, 70.0]


def test_short_windows_hold_the_replies_that_the_metric_needs() -> None:
    search = parse(FILE).searches[0]
    (target,) = search.targets
    assert search.probe(1000.0, target, short=True).parameters.duration == 0.5
    assert search.probe(100.0, target, short=True).parameters.duration == pytest.approx(1.3)
    assert search.probe(10.0, target, short=True).parameters.duration == 2.0
    assert search.probe(1000.0, target, short=False).parameters.duration == 2.0
    closed = search.closed(target)
    assert (closed.parameters.rate, closed.parameters.arrivals) == (None, None)
    assert closed.label == "py-mt closed loop"


@pytest.mark.parametrize(
    ("change", "what", "hint"),
    [
        (
            ('over = "rate", of = {', 'over = "rate", rates = "search", of = {'),
            'unknown key "rates" in sustains',
            'write rate = "search" in [[matrix]]',
        ),
        (
            ('clients = 8\n', 'clients = 8\nrate = "search"\n'),
            '"search" is no one rate',
            'write rate = "search" in [[matrix]]',
        ),
        (('rate = "search"', 'rates = "search"'), 'unknown key "rates"', 'did you mean "rate"'),
        (('rate = "search"', 'rate = { from = "1/s" }'), "must be a rate", 'write "search"'),
        (('rate = "search"', 'rate = "serach"'), '"serach" is no rate', 'or "search"'),
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_told_how(
    change: tuple[str, str], what: str, hint: str
) -> None:
    told = faults(FILE.replace(*change, 1))
    assert told
    assert any(what in fault and hint in fault for fault in told)


def test_a_search_for_nothing_is_told_to_want_a_claim() -> None:
    (fault,) = faults(FILE[: FILE.index("[[claim]]")])
    assert "nothing says what rate of py-mt to search for" in fault


def test_a_claim_of_another_kind_cannot_be_about_rates_that_are_not_known() -> None:
    ratio = """
[[claim]]
says = "e"
crossover = { over = "rate", of = [{ backend = "py-mt" }, { backend = "py-mp" }] }
metric = "p90"
above = "50/s"
"""
    (fault,) = faults(FILE + ratio)
    assert "the rate of these cells is searched" in fault
    assert "only `sustains` can be about them" in fault


@pytest.mark.parametrize(
    "wrong",
    [
        "x", {"rates": []}, {"rates": ["1"], "found_by": []}, {"rates": [-1.0], "found_by": []},
        {"rates": [1.0], "found_by": [], "cells": 3, "label": "a", "backend": "b"},
        {"rates": [1.0], "found_by": [{}], "cells": "c", "label": "a", "backend": "b"},
        {"rates": [1e400], "found_by": [], "cells": "c", "label": "a", "backend": "b"},
    ],
)  # fmt: skip
def test_what_a_plan_says_of_a_search_is_read_as_coming_from_outside(wrong: object) -> None:
    with pytest.raises(ValueError, match="it "):
        read_found(wrong)
