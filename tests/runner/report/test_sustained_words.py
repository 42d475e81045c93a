# SPDX-License-Identifier: BSD-3-Clause
"""How far a limit is held, as people and programs read it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.runner.verdict.rates import Figure, row, sustains, trials, verdict_on

from fibench.record import Disturbed
from fibench.report.words import verdict_lines
from fibench.verdict import Verdict
from fibench.verdict.verdict import claim_json

SPREAD = (1.0, 1.02, 0.98, 1.01, 0.99)


def noisy(*curve: Figure) -> list[list[Figure]]:
    return [
        [figure * by if isinstance(figure, float) else figure for figure in curve] for by in SPREAD
    ]


def judged(curve: Sequence[Figure], low: float) -> Verdict:
    return verdict_on(sustains(low), trials(noisy(*curve)))


def told(verdict: Verdict) -> list[str]:
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in verdict_lines(verdict)]


@pytest.mark.parametrize(
    ("curve", "low", "line"),
    [
        (
            (0.01, 0.025, 0.1),
            150.0,
            "a holds p99 < 50 ms at n=3 up to 283/s [280, 286], needed ≥ 150/s",
        ),
        (
            (0.01, 0.025, None),
            150.0,
            (
                "a holds p99 < 50 ms at n=3 up to 200/s [200, 400], is saturated at 400/s; "
                "needed ≥ 150/s"
            ),
        ),
        (
            (0.01, 0.02, 0.03),
            150.0,
            "a holds p99 < 50 ms at n=3 up to at least 400/s, the highest measured; needed ≥ 150/s",
        ),
        (
            (0.06, 0.1, None),
            150.0,
            "a holds p99 < 50 ms at n=3 not even at 100/s, needed ≥ 150/s",
        ),
    ],
)
def test_it_reads_as_engineers_say_it(curve: Sequence[Figure], low: float, line: str) -> None:
    assert told(judged(curve, low=low))[0] == line


def test_what_is_not_clear_has_its_interval() -> None:
    wide = [[0.02 * by, 0.045 * by, 0.046 * by] for by in (1.0, 1.2, 0.8, 1.1, 0.9)]
    line = told(verdict_on(sustains(150.0), trials(wide)))[0]
    assert line.startswith("a holds p99 < 50 ms at n=3 up to at least 400/s [1")
    assert line.endswith(", ∞], the highest measured; needed ≥ 150/s")


def test_two_are_told_beside_each_other_with_their_ratio() -> None:
    rows = (row(), row("b"))
    samples = [*trials(noisy(0.01, 0.025, 0.1)), *trials(noisy(0.025, 0.1, None), rows[1])]
    assert told(verdict_on(sustains(1.5, rows=rows), samples))[0].startswith(
        "a holds p99 < 50 ms at n=3 up to 283/s [279, 286], b up to 141/s [140, 143]: ×2.00 [1.9"
    )
    samples = [*trials(noisy(0.01, 0.025, None)), *trials(noisy(None, None, None), rows[1])]
    assert told(verdict_on(sustains(1.5, rows=rows), samples))[0] == (
        "a holds p99 < 50 ms at n=3 up to 200/s [200, 400], is saturated at 400/s, "
        "b not even at 100/s: > ×2.00 [2.00, ∞], needed > 1.5"
    )


def test_a_client_group_is_named() -> None:
    claim = replace(sustains(150.0), group="small")
    samples = [
        replace(
            one,
            metrics={"small/p99": one.metrics["p99"]},
            counts={"small/window_ok": 10**4},
        )
        for one in trials(noisy(0.01, 0.025, 0.1))
    ]
    line = told(verdict_on(claim, samples))[0]
    assert line.startswith("a holds p99 of small < 50 ms at n=3 up to 283/s")


def test_what_would_settle_it_is_said() -> None:
    assert told(judged((0.01, 0.025, 0.1), low=282.0))[1].startswith(
        "four of five such runs show a difference of "
    )
    assert told(judged((0.01, 0.025, None), low=300.0))[1:] == [
        "rates between 200/s and 400/s would show where"
    ]
    wide = [[0.02 * by, 0.045 * by, 0.046 * by] for by in (1.0, 1.2, 0.8, 1.1, 0.9)]
    assert told(verdict_on(sustains(400.0), trials(wide)))[1:] == [
        "rates above 400/s would show where"
    ]
    low = [[0.06 * by, 0.1, 0.2] for by in (1.0, 1.4, 0.7, 1.2, 0.8)]
    assert told(verdict_on(sustains(100.0), trials(low)))[1:] == [
        "rates below 100/s would show where"
    ]


def test_what_would_settle_a_ratio_names_the_side_whose_rates_are_missing() -> None:
    rows = (row(), row("b"))
    samples = [*trials(noisy(0.01, 0.025, None)), *trials(noisy(None, None, None), rows[1])]
    assert told(verdict_on(sustains(4.5, rows=rows), samples))[1:] == [
        "rates of a between 200/s and 400/s and rates of b below 100/s would show where"
    ]


def test_of_two_that_are_interpolated_it_says_how_many_blocks_would_tell() -> None:
    rows = (row(), row("b"))
    wide = [[0.01 * by, 0.025 * by, 0.1 * by] for by in (1.0, 1.2, 0.8, 1.1, 0.9)]
    samples = [*trials(wide), *trials(noisy(0.025, 0.1, 0.4), rows[1])]
    verdict = verdict_on(sustains(1.9, rows=rows), samples)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.estimate is not None
    assert verdict.detectable is not None
    assert verdict.blocks_needed is not None
    assert verdict.blocks_needed > 5
    low, mean = verdict.estimate.low, verdict.estimate.mean
    assert low is not None
    assert mean is not None
    assert 1.0 + verdict.detectable > mean / low  # of what is just clear, half of runs see nothing
    (hint,) = told(verdict)[1:]
    assert hint.startswith("four of five such runs show a difference of ")
    assert f"; with --blocks {verdict.blocks_needed} they would show " in hint


def test_a_claim_without_figures_is_told_without_hints() -> None:
    busy = Disturbed("foreign", "others used 0.2 of 2 cores")
    samples = [replace(one, disturbed=busy) for one in trials(noisy(0.01, 0.025, 0.1))]
    assert told(verdict_on(sustains(150.0), samples)) == [
        (
            "the machine was not quiet: others used 0.2 of 2 cores; 5 of 5 blocks are left out for "
            "what disturbed them"
        )
    ]


def test_its_json_has_rates_brackets_and_every_block() -> None:
    claim: Any = claim_json(judged((0.01, 0.025, None), low=150.0))
    assert (claim["kind"], claim["metric"], claim["limit"]) == ("sustains", "p99", 0.05)
    assert (claim["above"], claim["right"], claim["crossover"]) == (150.0, None, None)
    assert {name: claim["estimate"][name] for name in ("quantity", "mean", "low", "high")} == {
        "quantity": "rate_per_s",
        "mean": None,
        "low": 200.0,
        "high": 400.0,
    }
    assert (claim["estimate"]["at_least"], claim["estimate"]["at_most"]) == (200.0, 400.0)
    (side,) = claim["sustained"]
    assert [(one["at"], one["saturated"]) for one in side["rates"]] == [
        (100.0, False),
        (200.0, False),
        (400.0, True),
    ]
    assert (side["at"], side["at_least"], side["at_most"]) == (None, 200.0, 400.0)
    assert (side["incomplete_blocks"], side["falls"]) == (0, False)
    assert side["blocks"] == [
        {"block": block, "at": None, "at_least": 200.0, "at_most": 400.0} for block in range(5)
    ]


def test_the_json_of_two_has_both_and_the_ratio() -> None:
    rows = (row(), row("b"))
    samples = [*trials(noisy(0.01, 0.025, 0.1)), *trials(noisy(0.025, 0.1, None), rows[1])]
    claim: Any = claim_json(verdict_on(sustains(1.5, rows=rows), samples))
    assert claim["estimate"]["quantity"] == "ratio"
    assert claim["estimate"]["mean"] == pytest.approx(2.0, rel=0.01)
    assert [side["at"] for side in claim["sustained"]] == pytest.approx([282.8, 141.4], rel=0.01)
