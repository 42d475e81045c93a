# SPDX-License-Identifier: BSD-3-Clause
"""No interval is widened for cores that a server's design could not have used."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.runner.trials import CATALOGUE
from tests.runner.verdict.claims import A, B, make_claim, verdict_on
from tests.runner.verdict.neighbours import noisy, trial
from tests.runner.verdict.throughputs import ends

from fibench.server.resources import CpuUse
from fibench.trial.evidence.design import most_cores_with_a_gil
from fibench.verdict.estimate import value

GIL: Sequence[tuple[str, str, float | None, float | None]] = (
    ("py-mp", "py-mt", 1.3, None),
    ("py-mt", "py-sync", None, 1.1),
    ("py-mp", "py-sync", 1.3, None),
    ("py-async", "py-sync", None, 1.1),
    ("c-mt", "c-sync", 1.5, None),
    ("c-mp", "c-sync", 1.5, None),
    ("c-sync-27", "py-sync", 10.0, None),
)
"""The ratios of gil.toml."""
RATES = {"py-mp": 93.0, "py-mt": 47.0, "py-sync": 49.0, "py-async": 48.0, "c-mt": 152.0,
         "c-mp": 150.0, "c-sync": 77.0, "c-sync-27": 1900.0}  # fmt: skip


@pytest.mark.parametrize(
    ("foreign", "cores", "design", "times"),
    [
        (0.5, 1.0, 1.0, 1.02),  # it had all that it can use, as far as clocks tell
        (0.01, 1.0, 1.0, 1.01),
        (0.5, 0.8, 1.0, 1.02 / 0.8),
        (0.1, 0.8, 1.0, 1.0 / 0.9),  # others ran for a tenth of the window
        (0.5, 1.8, 2.0, 2.04 / 1.8),
        (0.5, 1.0, 1.05, 1.02 * 1.05),  # the end was read late, and it may have worked on
        (0.5, 1.01, 1.0, 1.02 / 1.01),
        (0.5, 1.5, 1.0, 1.0 + 0.5 / 1.5),  # it is not the design that it is said to be
        (0.5, None, 1.0, 2.0),
        (0.5, 0.0, 1.0, 2.0),
        (0.5, 1.0, -1.0, 1.5),
        (0.5, 1.0, 0.0, 1.5),
        (-0.1, 1.0, 2.0, 1.0),
        (None, 0.5, 1.0, 1.0),
    ],
)
def test_nobody_can_have_kept_a_design_from_more_cores_than_it_can_use(
    foreign: float | None, cores: float | None, design: float, times: float
) -> None:
    found = [
        replace(trial("a", block, 100.0, foreign, cores), design_cores=design) for block in range(8)
    ]
    low, _, high = ends(value(found, "a", "throughput", 0.05))
    assert (low, high) == pytest.approx((100.0, 100.0 * times))


def test_what_was_measured_too_much_by_chance_counts_in_full() -> None:
    """Were each block widened by the smaller of its bounds, it would be by 4 % instead of 10 %."""
    found = [
        replace(trial("a", block, 100.0, foreign, 0.9), design_cores=1.0)
        for block, foreign in enumerate([0.25, -0.05] * 4)
    ]
    _, _, high = ends(value(found, "a", "throughput", 0.05))
    by_use = math.exp((math.log1p(0.25 / 0.9) + math.log1p(-0.05 / 1.05)) / 2.0)
    assert high == pytest.approx(100.0 * min(by_use, 1.02 / 0.9))


def test_one_trial_of_which_the_design_is_not_known_counts_by_what_others_used() -> None:
    found = [replace(trial("a", block, 100.0, 0.5, 1.0), design_cores=1.0) for block in range(8)]
    found[3] = replace(found[3], design_cores=None)
    _, _, high = ends(value(found, "a", "throughput", 0.05))
    assert high == pytest.approx(100.0 * math.exp((7.0 * math.log(1.02) + math.log(1.5)) / 8.0))


@pytest.mark.parametrize("left", [0.97, 0.8, 0.5, 0.25])
@pytest.mark.parametrize("system", [0.0, 0.02, 0.2])
def test_the_bound_by_a_gil_holds_what_was_kept_from_its_threads(
    left: float, system: float
) -> None:
    """Of its CPU time a share is the kernel's, of which the half has the GIL; beside it runs a
    quarter as much user time, so that it would use more than one core. Others leave it less."""
    with_gil = 1.0 - system / 2.0 - system / 4.0
    truth, cores = 100.0, 1.0 / with_gil
    part = left / cores
    had = CpuUse(
        10**9, round(1e9 * left * (1.0 - system)), round(1e9 * left * system), round(1e9 * left)
    )
    most = most_cores_with_a_gil(
        CATALOGUE["py-mt"], 1, had, {"usable_cores": 2.0, "usable_cpus": 2.0}
    )
    assert most is not None
    found = [
        replace(trial("a", block, truth * part, 2.0 - left, left), design_cores=most)
        for block in range(8)
    ]
    low, _, high = ends(value(found, "a", "throughput", 0.05))
    assert low < truth < high
    assert high <= truth * 1.02 / (1.0 - 2.0 * system) * 1.001


@pytest.mark.parametrize(("gil", "least"), [(True, 7), (False, 6)])
def test_a_fifth_of_a_core_leaves_the_claims_of_gil_decided(gil: bool, least: int) -> None:
    """It is taken from who would use both, and what it was taken from answers less. Where it is not
    known that the threads of py-mt have a GIL, two are left: below 1.1 for a truth of 0.96, cores
    0.9 to 1.1; where it is, the first of these, for eight blocks that vary by 3 %."""
    two = {"py-mp", "c-mt", "c-mp"}
    most = {"py-mt": 1.03 if gil else None, **dict.fromkeys(two)}
    of_threads = make_claim("cores", low=0.9, high=1.1, right=None)
    alone = [
        replace(
            trial("a", block, 47.0, 0.2, 0.97 + 0.005 * (block % 3)), design_cores=most["py-mt"]
        )
        for block in range(8)
    ]
    cores_used = verdict_on(of_threads, alone, total_claims=8)
    assert cores_used.outcome != "REFUTED"
    decided = int(cores_used.outcome == "CONFIRMED")
    for left, right, low, high in GIL:
        samples = [
            replace(one, cell_key=key, design_cores=most.get(name, 1.0))
            for name, key in ((left, A.key), (right, B.key))
            for one in noisy(
                name,
                RATES[name] * (1.8 / 1.97 if name in two else 1.0),
                0.2,
                1.8 if name in two else 0.99,
            )
        ]
        verdict = verdict_on(make_claim(low=low, high=high), samples, total_claims=8)
        assert verdict.outcome != "REFUTED", (left, right)
        decided += verdict.outcome == "CONFIRMED"
    assert decided >= least
