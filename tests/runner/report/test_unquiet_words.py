# SPDX-License-Identifier: BSD-3-Clause
"""How others on the machine are told beside a verdict."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.runner.verdict.claims import make_claim, ratios, verdict_on

from fibench.report.words import verdict_lines
from fibench.verdict.estimate import Sample


def _beside(foreign: float, figures: Sequence[float]) -> list[Sample]:
    return [
        replace(
            one,
            metrics={**one.metrics, "cores": 1.0},
            foreign_cores=foreign,
            foreign_names=("process_api",),
        )
        for one in ratios(figures)
    ]


NARROW = [1.09, 1.085, 1.095, 1.088, 1.092, 1.09]
"""Between 1.086 and 1.094."""
WIDE = [1.09, 1.03, 1.15, 1.09, 1.03, 1.15]


@pytest.mark.parametrize(
    ("foreign", "says"),
    [
        (
            0.017,
            (
                "CONFIRMED but for what is not known of others: 0.017 cores (process_api among "
                "them), hardly to be told from none, can have moved it by 1.7 %; the bound is "
                "0.59 % beyond. Longer windows or more blocks make that smaller"
            ),
        ),
        (0.06, "the machine was not quiet: 0.060 cores of process_api"),
    ],
)
def test_others_are_the_reason_where_without_them_it_would_be_decided(
    foreign: float, says: str
) -> None:
    claim = make_claim(high=1.1)
    assert verdict_on(claim, _beside(0.0, NARROW)).outcome == "CONFIRMED"
    verdict = verdict_on(claim, _beside(foreign, NARROW))
    assert (verdict.outcome, verdict.reason) == ("INCONCLUSIVE", says)


@pytest.mark.parametrize("foreign", [0.017, 0.5])
def test_others_are_no_reason_where_noise_alone_decides_nothing(foreign: float) -> None:
    """How far they may have moved it is said where that is more than the bound is away."""
    claim = make_claim(high=1.1)
    alone = verdict_on(claim, _beside(0.0, WIDE))
    assert (alone.outcome, alone.reason) == ("INCONCLUSIVE", None)
    verdict = verdict_on(claim, _beside(foreign, WIDE))
    assert (verdict.outcome, verdict.reason) == ("INCONCLUSIVE", None)
    (told,) = (line for line in verdict_lines(verdict) if "such runs show" in line)
    away = " ".join(told.split()).partition("; ")[2]
    taken = "1.7 %" if foreign < 0.05 else "50 %"
    assert away == f"the bound is 1 % away, and {taken} is what others may have taken"
    far = verdict_on(make_claim(high=1.5), _beside(0.017, [1.4, 1.2, 1.6, 1.4, 1.2, 1.6]))
    assert far.outcome == "INCONCLUSIVE"
    assert "others may have taken" not in " ".join(verdict_lines(far))
