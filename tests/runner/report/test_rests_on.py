# SPDX-License-Identifier: BSD-3-Clause
"""By how many of a run's blocks a claim is decided is said where it is not by all."""

from dataclasses import replace

import pytest
from tests.runner.verdict.claims import A, make_claim, ratios
from tests.runner.verdict.decided_runs import AUTO, ask

from fibench.record import Disturbed
from fibench.report.words import verdict_lines
from fibench.verdict.deciding.decide import decide
from fibench.verdict.looks import Looks

SLOW = Disturbed("probe", "a CPU computed slower than in other blocks")


@pytest.mark.parametrize(
    ("looks", "says"), [(AUTO, "decided after 7 blocks, by 6"), (Looks(8, 8), "by 7 of 8 blocks")]
)
def test_by_how_many_blocks_a_claim_is_decided_is_said_where_it_is_not_all(
    looks: Looks, says: str
) -> None:
    found = [
        replace(one, disturbed=SLOW) if (one.cell_key, one.block) == (A.key, 2) else one
        for one in ratios([1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5])
    ]
    questions = ask([make_claim(low=1.2)], looks=looks)
    (verdict,) = decide(questions, found, ended=True).verdicts
    assert verdict.outcome == "CONFIRMED"
    assert verdict_lines(verdict)[0].replace("\xa0", " ").endswith(f"; {says}")
    (whole,) = decide(
        questions, [replace(one, disturbed=None) for one in found], ended=True
    ).verdicts
    assert ", by" not in verdict_lines(whole)[0]
    assert " of 8 blocks" not in verdict_lines(whole)[0].replace("\xa0", " ")
