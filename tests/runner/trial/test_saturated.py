# SPDX-License-Identifier: BSD-3-Clause
"""A pool of two that waits 20 ms for each request can serve 100/s: it is asked for twice that."""

from pathlib import Path

import pytest
from tests.runner.trials import run_well, trial

CAPACITY_PER_S = 100


@pytest.mark.parametrize("clients", [100, 1000])
def test_twice_what_it_can_serve_makes_it_saturated_and_never_invalid(
    programs: Path, tmp_path: Path, clients: int
) -> None:
    asked = trial(
        "c-mp-pool", clients=clients, rate=2.0 * CAPACITY_PER_S, framing="message",
        io_wait=0.02, workers=2, duration=2.0, warmup=0.2,
    )  # fmt: skip
    record = run_well(asked, programs, tmp_path)
    loaded_s = record["metrics"]["wall_s"] + record["checks"]["warmup_s"]
    assert record["counts"]["ok"] <= CAPACITY_PER_S * loaded_s + 2 + CAPACITY_PER_S * 0.1
    assert record["metrics"]["p50_s"] is None
    # A machine that is busy makes them wait longer.
    assert record["bounds"]["p50_s"]["at_least"] > 0.2
    assert record["bounds"]["p50_s"]["at_most"] is None
    checks = record["checks"]
    assert (checks["saturated"] is None) != (checks["generator_bound"] is None)
    if checks["saturated"] is not None:
        told = checks["saturated"]
        assert told["answered_per_s"] < 0.9 * told["due_per_s"]
