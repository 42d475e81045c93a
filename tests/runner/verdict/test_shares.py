# SPDX-License-Identifier: BSD-3-Clause
"""Shares of the time of a server's threads: from none to all, or said why they are not known."""

import math
from collections.abc import Sequence

import pytest
from tests.runner.records import recorded
from tests.runner.verdict.chosen_runs import record
from tests.runner.verdict.claims import A, B, make_claim, verdict_on

from fibench.metrics import LEAST_SHARE, METRICS, OF_THREADS
from fibench.report.words import verdict_lines
from fibench.verdict.comparing.ratios import RatioRow
from fibench.verdict.comparing.welch import Ratio
from fibench.verdict.comparing.worse import worse_by
from fibench.verdict.estimate import value
from fibench.verdict.sample import Sample
from fibench.verdict.sampling.sampled import samples

WHY = "8 of the 9 threads at its begin ended before its end"


def of(
    figures: Sequence[float | None],
    metric: str = "running",
    key: str = A.key,
    foreign: float = 0.0,
    why: str | None = None,
) -> list[Sample]:
    return [
        Sample(
            *(key, block, True, None, {metric: figure, "cores": 1.0}, {"window_ok": 10**6}),
            foreign_cores=foreign,
            threads_unknown=why if figure is None else None,
        )
        for block, figure in enumerate(figures)
    ]


def test_a_share_is_said_as_per_cent_beside_its_bound() -> None:
    claim = make_claim("running", low=0.6, right=None)
    verdict = verdict_on(claim, of([0.81, 0.812, 0.808, 0.81, 0.811, 0.809]))
    assert verdict.outcome == "CONFIRMED"
    said = verdict_lines(verdict)[0].replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith("running a: 81.0 % [")
    assert "needed > 60 %" in said


@pytest.mark.parametrize("figures", [[0.0] * 6, [0.0, 1e-7, 0.0, 2e-6, 0.0, 0.0]])
def test_none_at_all_is_a_figure_too(figures: Sequence[float]) -> None:
    """A logarithm it has not: it counts as the least share that is told from nothing."""
    claim = make_claim("ready", high=0.05, right=None)
    verdict = verdict_on(claim, of(figures, "ready"))
    assert (verdict.outcome, verdict.blocks) == ("CONFIRMED", 6)
    assert verdict.estimate is not None
    assert verdict.estimate.mean == pytest.approx(LEAST_SHARE)
    ratio = verdict_on(
        make_claim("ready", high=0.5), of(figures, "ready") + of([0.2] * 6, "ready", B.key)
    )
    assert ratio.outcome == "CONFIRMED"


def test_no_interval_of_a_share_reaches_beyond_all() -> None:
    """What others took may have been of what it did not run, and more than all does nobody run."""
    found = value(of([0.97, 0.99, 0.9, 0.999, 0.95, 0.98], foreign=0.5), A.key, "running", 0.05)
    assert found.low is not None
    assert found.high == 1.0
    assert found.widened is not None, "for half a core, by which it would be more"


def test_what_others_took_may_have_been_run_time() -> None:
    """As of cores: with half a core of others beside one of the server's it may be 1.5 times."""
    found = value(of([0.2] * 6, foreign=0.5), A.key, "running", 0.05)
    assert found.low == pytest.approx(0.2)
    assert found.high == pytest.approx(0.3)


@pytest.mark.parametrize("metric", OF_THREADS)
@pytest.mark.parametrize("right", [None, B])
def test_why_nothing_is_known_of_threads_is_the_reason_of_the_verdict(
    metric: str, right: object
) -> None:
    bound = 0.9
    claim = make_claim(metric, high=bound, right=B if right else None)
    verdict = verdict_on(claim, of([None] * 6, metric, why=WHY) + of([0.1] * 6, metric, B.key))
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason is not None
    assert verdict.reason.endswith(f": {WHY}")


def test_the_reason_comes_from_the_record_of_the_server() -> None:
    one = record(0, 1, "a", trial="b000-a")
    one["server"] = {"thread_time_unknown": WHY, "thread_time_s": None}
    other = record(1, 1, "a", trial="b001-a")
    other["server"] = {"thread_time_unknown": None, "thread_time_s": 8.0}
    unknown, known = samples(recorded(one, other))
    assert (unknown.threads_unknown, known.threads_unknown) == (WHY, None)


@pytest.mark.parametrize("metric", ["running", "run_delay_per_request", "p50"])
def test_nothing_is_worse_for_what_only_explains(metric: str) -> None:
    row = RatioRow("a", metric, 0.1, 0.2, (6, 6), Ratio(2.0, 1.9, 2.1, 10.0))
    found = worse_by([row], 0.05)
    explains = METRICS[metric].explains
    assert (found.known, found.surely) == ((0, ()) if explains else (1, (row,)))


@pytest.mark.parametrize(
    ("metric", "log"), [("run_delay_per_request", math.log(1e-9)), ("throughput", None)]
)
def test_nothing_is_a_figure_of_what_may_be_nothing(metric: str, log: float | None) -> None:
    (one,) = of([0.0], metric)
    assert one.log(metric) == log
    assert one.log("memory") is None, "what is not known is none"
