# SPDX-License-Identifier: BSD-3-Clause
"""The table of metrics holds together, whatever rows it has."""

import pytest

from fibench.metrics import CLAIMED, LATENCIES, METRICS, PROCESSES_HAVE, in_group, metric_of

EVERY = pytest.mark.parametrize("name", METRICS)


def test_names_in_json_tell_metrics_apart() -> None:
    assert len({metric.name_with_unit for metric in METRICS.values()}) == len(METRICS)


@EVERY
def test_a_metric_is_known_by_its_name_and_by_that_of_a_group(name: str) -> None:
    assert METRICS[name].name == name
    assert metric_of(in_group(None, name)) is METRICS[name]
    assert metric_of(in_group("small/fast", name)) is METRICS[name]


@EVERY
def test_a_bound_may_have_a_unit_where_the_figure_has_one(name: str) -> None:
    metric = METRICS[name]
    assert bool(metric.bound_units) == (metric.unit in ("1/s", "s", "bytes"))
    assert not metric.bound_units or 1.0 in metric.bound_units.values()


@EVERY
def test_a_count_needs_no_replies_and_is_no_percentile(name: str) -> None:
    metric = METRICS[name]
    if metric.is_count:
        assert metric.least_requests == 0
        assert not metric.is_percentile
    assert metric.counted_as == "" or metric.is_count


def test_a_tail_needs_ten_replies_beyond_it() -> None:
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    assert {*ranks, "max"} == set(LATENCIES)
    for name in ranks.keys() - {"p50"}:
        assert METRICS[name].least_requests * (1 - ranks[name]) == pytest.approx(10)


def test_every_metric_can_be_claimed_and_wall_comes_where_it_belongs() -> None:
    assert sorted(CLAIMED) == sorted(METRICS)
    assert CLAIMED[-1] == PROCESSES_HAVE[0] == "wall"
