# SPDX-License-Identifier: BSD-3-Clause
"""How often a server is called saturated, by simulation: the rule that judges trials, on queues."""

import numpy as np
import pytest

from fibench.develop.bench.overload import Services, share_seen

BOTH = pytest.mark.parametrize("services", ["equal", "exponential"])


@BOTH
@pytest.mark.parametrize("warmup", [0.1, 1.0])
@pytest.mark.parametrize("due", [30, 100, 300, 1000])
def test_nine_tenths_of_the_capacity_are_not_called_saturated(
    services: Services, warmup: float, due: int
) -> None:
    rng = np.random.default_rng(due)
    # Services that vary make a line vary by more than arrivals do: in short windows it is said of
    # one in a hundred.
    most = 0.0 if services == "equal" else 0.02
    assert share_seen(rng, 0.9, due, services, warmup, trials=1000) <= most


@pytest.mark.parametrize(
    ("load", "due", "least"), [(2.0, 100, 0.97), (1.2, 1000, 0.97), (1.05, 16_000, 0.97)]
)
def test_what_is_over_the_capacity_is_seen_where_enough_was_due(
    load: float, due: int, least: float
) -> None:
    rng = np.random.default_rng(due)
    assert share_seen(rng, load, due, "equal", 0.1, trials=100) >= least


def test_a_twentieth_too_much_is_seen_from_some_4000_requests_on() -> None:
    rng = np.random.default_rng(1)
    assert 0.4 < share_seen(rng, 1.05, 4000, "equal", 0.1, trials=200) < 0.65
    assert share_seen(rng, 1.05, 1000, "equal", 0.1, trials=200) < 0.2
