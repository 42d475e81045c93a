# SPDX-License-Identifier: BSD-3-Clause
"""The exit status of a run, by its verdicts."""

import pytest
from tests.runner.verdict.claims import make_claim

from fibench.commands.refused import exit_code
from fibench.verdict.judging import Outcome, Verdict

# The exit status


def verdicts(*outcomes: Outcome) -> list[Verdict]:
    return [Verdict(make_claim(low=1.0), outcome, 0.05) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "failed", "interrupted", "status"),
    [
        ([], 0, False, 0),
        (["CONFIRMED", "NOT HERE"], 0, False, 0),
        (["CONFIRMED", "INCONCLUSIVE"], 0, False, 4),
        (["CONFIRMED", "INVALID"], 0, False, 4),
        (["INCONCLUSIVE", "REFUTED"], 0, False, 3),
        (["CONFIRMED"], 1, False, 5),
        (["REFUTED"], 2, False, 5),
        (["REFUTED"], 2, True, 130),
        ([], 0, True, 130),
    ],
)
def test_the_exit_status_is_the_first_that_applies(
    outcomes: list[Outcome], failed: int, interrupted: bool, status: int
) -> None:
    assert exit_code(verdicts(*outcomes), failed, interrupted) == status
