# SPDX-License-Identifier: BSD-3-Clause
"""How the report says that rates were found, and where none could be."""

from dataclasses import replace

import pytest
from tests.runner.experiments import parse

from fibench.experiment.searching.rates import FoundRates, Sought
from fibench.experiment.searching.search import SearchTarget
from fibench.verdict._notes.searching import searched_lines

TARGET = SearchTarget("p90", None, 0.05)
IN_GROUP = SearchTarget("p90", "small", 0.05)
FILE = """\
title = "t"
[[matrix]]
backend = "py-mt"
rate = "200/s"
"""


def said_of(*sought: Sought) -> str:
    found = FoundRates("k", "py-mt", "py-mt", (150.0, 165.5, 180.0), sought)
    (line,) = searched_lines(replace(parse(FILE), found_rates=(found,)))
    return line


def test_trials_and_rates_are_told() -> None:
    found = "py-mt: rates found by 6 search trials: 150, 165.5, 180/s"
    assert said_of(Sought(TARGET, 6, 150.0, 165.5)) == found


@pytest.mark.parametrize(
    ("sought", "said"),
    [
        (Sought(TARGET, 3, None, 1.0), "p90 below 50.0 ms was not held at 1/s, the lowest rate"),
        (Sought(IN_GROUP, 3, None, 1.0), "p90 of small below 50.0 ms was not held"),
        (
            Sought(TARGET, 8, 82_000.0, None, 91_000.0),
            "held up to what the load generator can offer, less than 91,000/s",
        ),
        (Sought(TARGET, 8, 1e6, None), "was held at 1,000,000/s, the highest rate that was tried"),
        (Sought(TARGET, 2, None, None, None, True), "the search ended early"),
        (Sought(TARGET, 1, None, None), "the rates are a guess"),
    ],
)
def test_where_a_limit_lies_outside_of_what_was_seen_that_is_told(
    sought: Sought, said: str
) -> None:
    assert said in said_of(sought)
