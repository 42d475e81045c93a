# SPDX-License-Identifier: BSD-3-Clause
"""Points of a claim: on what another machine can be held to, and on nothing else."""

import pytest
from tests.runner.experiments import CLAIM, RATIO, SMALL, faults, parse

from fibench.experiment.claims import claims_digest
from fibench.metrics import CLAIMED, METRICS

POINTS = "points = 2\n"
CROSSOVER = """
[[claim]]
says = "x"
crossover = { over = "n", of = [{ backend = "py-mt" }, { backend = "py-sync" }] }
metric = "throughput"
within = [18, 25]
"""
SUSTAINS = """
[[claim]]
says = "s"
sustains = { over = "rate", of = OF }
metric = "p99"
limit = "50ms"
above = BOUND
"""


def with_axis(name: str, values: str, claim: str) -> str:
    return SMALL.replace("[server]\n[load]\n", f"{name} = {values}\n") + claim


def test_a_claim_has_the_points_that_its_file_gives() -> None:
    first, second = parse(SMALL + RATIO + POINTS + CLAIM).claims
    assert (first.worth, second.worth) == (2, None)


def test_points_change_nothing_of_what_a_run_is_about() -> None:
    plain, worth = (parse(SMALL + RATIO + more).claims for more in ("", POINTS))
    assert claims_digest(plain) == claims_digest(worth)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "points 0 is outside 1 to 1000"),
        ("1001", "points 1001 is outside 1 to 1000"),
        ("0.5", "points must be a whole number, not a number with a fraction"),
        ('"2"', "points must be a whole number, not text\nwrite 2, without quotes"),
        ("true", "points must be a whole number, not true or false"),
    ],
)
def test_points_are_whole_numbers_within_limits(written: str, said: str) -> None:
    (fault,) = faults(SMALL + RATIO + f"points = {written}\n")
    assert fault.split(": ", 1)[1] == said


@pytest.mark.parametrize("metric", CLAIMED)
def test_a_value_has_points_if_it_has_neither_a_time_nor_a_size_in_it(metric: str) -> None:
    unit = METRICS[metric].unit
    bound = {"s": '"5s"', "bytes": '"5MiB"', "1/s": '"5/s"'}.get(unit, "5")
    claim = CLAIM.replace('"cores"', f'"{metric}"').replace("1.1", bound) + POINTS
    found = [one for one in faults(SMALL + claim) if "machine to machine" in one]
    assert bool(found) == (unit in ("s", "bytes", "1/s"))
    if found:
        what, what_to_do = found[0].splitlines()
        assert what == (
            f"e.toml:12:1: the {metric} of one cell differs from machine to machine: no points "
            "can hang on it"
        )
        assert "ratio = [A, B]" in what_to_do


def test_every_ratio_may_have_points() -> None:
    assert faults(SMALL + RATIO.replace('"throughput"', '"memory"') + POINTS) == []


def test_a_crossover_has_none_and_two_ratios_stand_for_it() -> None:
    (fault,) = faults(with_axis("n", "[10, 20, 30]", CROSSOVER + POINTS))
    what, what_to_do = fault.splitlines()
    assert "where a crossover lies differs from machine to machine" in what
    assert "two ratios, at values of n well below and well above it" in what_to_do


def test_a_rate_that_one_server_sustains_has_none_and_the_ratio_of_two_has() -> None:
    one = SUSTAINS.replace("OF", '{ backend = "py-mt" }').replace("BOUND", '"70/s"')
    (fault,) = faults(with_axis("rate", '["50/s", "100/s"]', one + POINTS))
    assert "the rate that a server sustains differs from machine to machine" in fault
    two = SUSTAINS.replace("OF", '[{ backend = "py-mt" }, { backend = "py-sync" }]')
    two = two.replace("BOUND", "1.5")
    assert faults(with_axis("rate", '["50/s", "100/s"]', two + POINTS)) == []


def test_a_claim_that_options_drop_keeps_its_points() -> None:
    found = parse(SMALL + RATIO + POINTS, {"backend": "py-mt"})
    assert [one.worth for one in found.dropped_claims] == [2]
