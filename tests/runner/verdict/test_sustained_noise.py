# SPDX-License-Identifier: BSD-3-Clause
"""What happens beside trials, and what cannot be measured here, as claims about rates bear it."""

from dataclasses import replace

import pytest
from tests.runner.experiments import parse
from tests.runner.verdict.rates import noisy, sustains, trials, verdict_on

from fibench.experiment import Absent, cells_of
from fibench.experiment.absent import AbsentCell
from fibench.record import Disturbed
from fibench.run._attempts import tails
from fibench.verdict import judge


def test_others_disturb_it_as_they_do_a_tail_whichever_percentile_it_is() -> None:
    busy = Disturbed("foreign", "others used 0.2 of 2 cores")
    samples = [
        replace(one, disturbed=busy if one.block < 2 else None)
        for one in trials(noisy(0.01, 0.025, 0.1), metric="p50")
    ]
    verdict = verdict_on(sustains(250.0, metric="p50"), samples)
    assert verdict.outcome == "INCONCLUSIVE"
    assert str(verdict.reason).startswith("the machine was not quiet: others used 0.2 of 2 cores")


def test_its_cells_are_held_to_what_tails_are_held_to() -> None:
    text = (
        'title = "t"\n[[matrix]]\nbackend = ["py-mt", "c-mt"]\nrate = ["50/s", "100/s"]\n[load]\n'
        'clients = 8\n[[claim]]\nsays = "s"\nmetric = "p50"\nlimit = "50ms"\nabove = "60/s"\n'
        'sustains = { over = "rate", of = { backend = "py-mt" } }\n'
    )
    experiment = parse(text)
    (claim,) = experiment.claims
    assert tails(experiment) == sorted(cell.key for cell in cells_of(claim))
    assert len(tails(experiment)) == 2


def test_a_rate_that_cannot_be_measured_here_leaves_the_claim_untested() -> None:
    claim, curves = sustains(250.0), noisy(0.01, 0.025, 0.1)
    gone = claim.rows[0][2].cell
    absent = Absent((AbsentCell(gone, "py-mt: there is no such file"),))
    samples = [one for one in trials(curves) if one.cell_key != gone.key]
    (verdict,) = judge([claim], samples, 2, absent=absent)
    assert (verdict.outcome, verdict.reason) == ("NOT HERE", "py-mt: there is no such file")
    assert verdict.sustained == ()


def test_what_others_took_leaves_a_block_out_where_nothing_bounds_it() -> None:
    samples = [
        replace(one, crowded="others used 0.4 of 2 cores" if one.block == 7 else None)
        for one in trials(noisy(0.01, 0.025, 0.1, blocks=8))
    ]
    verdict = verdict_on(sustains(250.0), samples)
    assert verdict.estimate is not None
    assert (verdict.outcome, verdict.estimate.blocks) == ("CONFIRMED", 7)


def test_a_generator_that_was_not_full_in_too_many_blocks_makes_it_invalid() -> None:
    samples = [
        replace(one, not_full="it kept 3 of 8 in flight" if one.block < 2 else None)
        for one in trials(noisy(0.01, 0.025, 0.1))
    ]
    verdict = verdict_on(sustains(250.0), samples)
    assert verdict.outcome == "INVALID"
    assert str(verdict.reason).startswith("the load generator was the limit in 2 of 5 blocks")


@pytest.mark.parametrize(
    ("at", "lag_s", "outcome", "least", "most"),
    [
        (200.0, 0.009, "CONFIRMED", 200.0, 400.0),  # 25 ms with a lag in it are below 50 ms
        (400.0, 0.009, "CONFIRMED", 200.0, 400.0),  # saturated: beyond every limit
        (400.0, 0.080, "CONFIRMED", 200.0, None),  # of 100 ms the server took 20 at least
    ],
)
def test_a_lag_of_the_generator_is_in_a_latency_and_decides_nothing_beside_it(
    at: float, lag_s: float, outcome: str, least: float, most: float | None
) -> None:
    last = None if most else 0.1
    samples = [
        replace(one, lag_p99_s=lag_s) if f"rate={at:g}" in one.cell_key else one
        for one in trials(noisy(0.01, 0.025, last))
    ]
    verdict = verdict_on(sustains(150.0), samples)
    assert verdict.outcome == outcome
    assert verdict.estimate is not None
    assert (verdict.estimate.at_least, verdict.estimate.at_most) == (least, most)


def test_what_a_lag_hides_confirms_nothing() -> None:
    samples = [
        replace(one, lag_p99_s=0.080) if "rate=400" in one.cell_key else one
        for one in trials(noisy(0.01, 0.025, 0.1))
    ]
    assert verdict_on(sustains(350.0), samples).outcome == "INCONCLUSIVE"
