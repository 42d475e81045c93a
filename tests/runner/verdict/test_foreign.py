# SPDX-License-Identifier: BSD-3-Clause
"""A machine that is not quiet widens intervals, and never turns a verdict."""

import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from tests.runner.records import recorded
from tests.runner.verdict.claims import A, make_claim, verdict_on
from tests.runner.verdict.neighbours import noisy, trial
from tests.runner.verdict.throughputs import ends

from fibench.parameters import Parameters
from fibench.report.output import page, print_hanging
from fibench.report.words import verdict_lines
from fibench.verdict.comparing.ratios import Side, figures_of, ratio_rows
from fibench.verdict.comparing.welch import Ratio
from fibench.verdict.crossover import Sides, find_crossover
from fibench.verdict.estimate import contrast, summarise, value
from fibench.verdict.foreign.telling import surroundings, widened_for
from fibench.verdict.foreign.widening import Widened
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Index, Sample
from fibench.verdict.sampling.sampled import sample as sample_of
from fibench.verdict.verdict import claim_json


def test_the_ends_of_a_ratio_are_moved_by_what_others_may_have_taken_from_each_side() -> None:
    quiet = noisy("a", 100.0, 0.0, 1.5) + noisy("b", 80.0, 0.0, 0.9)
    loud = noisy("a", 100.0, 0.3, 1.5) + noisy("b", 80.0, 0.2, 0.9)
    low, mean, high = ends(contrast(quiet, "a", "b", "throughput", 0.05))
    found = contrast(loud, "a", "b", "throughput", 0.05)
    assert ends(found) == pytest.approx((low / (1 + 0.2 / 0.9), mean, high * (1 + 0.3 / 1.5)))
    assert found.widened is not None
    assert (found.widened.low, found.widened.high) == pytest.approx((low, high))
    assert found.widened.foreign_cores == pytest.approx(0.25)
    assert found.widened.names == ("cc1", "python3")


def test_a_value_can_have_been_higher_only_and_a_time_lower() -> None:
    quiet = value(noisy("a", 100.0, 0.0, 1.0), "a", "throughput", 0.05)
    loud = value(noisy("a", 100.0, 0.5, 1.0), "a", "throughput", 0.05)
    low, mean, high = ends(quiet)
    assert ends(loud) == pytest.approx((low, mean, high * 1.5))
    times = [
        replace(one, metrics={**one.metrics, "p50": 0.01}) for one in noisy("a", 100.0, 0.5, 1.0)
    ]
    low, mean, high = ends(value(times, "a", "p50", 0.05))
    assert (low, mean, high) == pytest.approx((0.01 / 1.5, 0.01, 0.01))


def test_a_latency_is_moved_the_other_way_round() -> None:
    def samples(foreign: float) -> list[Sample]:
        return [
            trial(cell, block, 1.0, foreign if cell == "a" else 0.0, p50=0.01 + 0.0001 * block)
            for cell in "ab"
            for block in range(8)
        ]

    low, mean, high = ends(contrast(samples(0.0), "a", "b", "p50", 0.05))
    assert ends(contrast(samples(0.25), "a", "b", "p50", 0.05)) == pytest.approx(
        (low / 1.25, mean, high)
    )


@pytest.mark.parametrize("metric", ["p90", "p99", "max", "cpu_per_request", "memory"])
def test_what_others_cannot_have_moved_so_is_not_widened(metric: str) -> None:
    found = [trial("a", block, 1.0, 0.5, **{metric: 1.0 + block}) for block in range(8)]
    assert value(found, "a", metric, 0.05).widened is None


def test_the_median_of_an_open_loop_is_not_widened() -> None:
    closed = [trial("a", block, 1.0, 0.5, p50=0.01) for block in range(8)]
    opened = [replace(one, lag_p99_s=1e-5) for one in closed]
    assert value(closed, "a", "p50", 0.05).widened is not None
    assert value(opened, "a", "p50", 0.05).widened is None


@pytest.mark.parametrize(
    ("foreign", "cores", "times"),
    [
        (0.5, 1.0, 1.5),
        (0.2, 0.1, 1 / 0.8),  # others ran for a fifth of the window: it stood still no longer
        (0.2, None, 1 / 0.8),
        (1.5, 1.0, 2.5),
        (1.5, 0.0, math.inf),
        (1.5, None, math.inf),
        (-0.1, 1.0, 1.0),
        (None, 1.0, 1.0),
    ],
)
def test_a_server_is_given_the_less_of_two_bounds(
    foreign: float | None, cores: float | None, times: float
) -> None:
    found = [trial("a", block, 100.0, foreign, cores) for block in range(8)]
    low, _, high = ends(value(found, "a", "throughput", 0.05))
    assert low == pytest.approx(100.0)
    assert high == pytest.approx(100.0 * times)


def test_noise_around_nothing_widens_by_its_mean_alone() -> None:
    found = [
        trial("a", block, 100.0, foreign)
        for block, foreign in enumerate([0.1, -0.1, 0.06, -0.06] * 2)
    ]
    _, _, high = ends(value(found, "a", "throughput", 0.05))
    assert high == pytest.approx(100.0, rel=0.01)


def two_loops() -> list[Sample]:
    """Beside two endless loops c-mt has one core instead of two, and c-sync all of its own."""
    return noisy("a", 100.0, 1.0, 0.98) + noisy("b", 100.0, 0.96, 0.97)


def test_two_loops_that_hide_a_second_core_turn_no_verdict() -> None:
    """The truth is ×1.97, and ×1.00 is measured."""
    verdict = verdict_on(make_claim(low=1.5), two_loops())
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "the machine was not quiet: 0.98 cores of cc1, python3"
    assert verdict.estimate is not None
    low, _, high = ends(verdict.estimate)
    assert low < 1.0 < 1.97 < high
    quiet = [replace(one, foreign_cores=0.0) for one in two_loops()]
    assert verdict_on(make_claim(low=1.5), quiet).outcome == "REFUTED"
    assert verdict.blocks_needed is None, "more blocks would see no more"


def test_two_loops_that_took_a_core_refute_no_claim_about_cores() -> None:
    """c-mt would have kept 1.97 cores busy, and had one."""
    found = [trial("a", block, 77.0, 1.0, 0.98 + 0.01 * (block % 3)) for block in range(8)]
    busy = make_claim("cores", low=1.5, right=None)
    verdict = verdict_on(busy, found)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == "the machine was not quiet: 1.0 cores of cc1, python3"
    assert verdict.estimate is not None
    low, _, high = ends(verdict.estimate)
    assert verdict.estimate.widened is not None
    assert low == verdict.estimate.widened.low
    assert high > 1.97
    assert verdict_on(busy, [replace(one, foreign_cores=0.0) for one in found]).outcome == "REFUTED"
    beside = found + [replace(one, cell_key="b") for one in found]
    moved = contrast(beside, "a", "b", "cores", 0.05)
    assert ends(moved)[0] < 1.0 / 1.9
    assert ends(moved)[2] > 1.9


@pytest.mark.parametrize("looks", [None, Looks(6, 8)])
def test_repeated_intervals_are_widened_alike(looks: Looks | None) -> None:
    found = contrast(two_loops(), "a", "b", "throughput", 0.05, looks)
    assert found.widened is not None
    low, _, high = ends(found)
    assert low == pytest.approx(found.widened.low / (1 + 0.96 / 0.97))
    assert high == pytest.approx(found.widened.high * (1 + 1.0 / 0.98))


def crossing_samples(foreign: float) -> list[Sample]:
    """a beats b from n = 22.5 on; others take from a at every point."""
    found = []
    for at in (15, 20, 25, 30):
        chance = random.Random(at)
        for block in range(8):
            d = 0.05 * (at - 22.5) + chance.gauss(0.0, 0.02)
            found.append(trial(f"a{at}", block, 100.0 * math.exp(d), foreign))
            found.append(trial(f"b{at}", block, 100.0))
    return found


def test_a_crossover_is_widened_at_the_end_that_others_may_have_moved() -> None:
    sides = [Sides(at, f"a{at}", f"b{at}") for at in (15, 20, 25, 30)]

    def found(foreign: float) -> tuple[float, float, float]:
        samples = Index(crossing_samples(foreign))
        return ends(find_crossover(samples, "n", sides, "throughput", 0.05).estimate)

    low, at, high = found(0.0)
    assert found(0.1) == pytest.approx((low - math.log(1.1) / 0.05, at, high), abs=0.35)
    # The advantage may have been so large that it wins everywhere.
    assert found(5.0)[0] == -math.inf
    assert found(5.0)[2] == pytest.approx(high)


def test_a_crossover_may_lie_higher_where_the_other_side_was_slowed() -> None:
    sides = [Sides(at, f"b{at}", f"a{at}") for at in (30, 25, 20, 15)]
    samples = [
        replace(one, metrics={**one.metrics, "p50": 1.0 / (one.metrics["throughput"] or 1.0)})
        for one in crossing_samples(0.1)
    ]
    # b against a, along an axis turned round: the first side wins where n is low.
    turned = [replace(side, at=45.0 - side.at) for side in sides]
    by_rate = find_crossover(Index(samples), "n", turned, "throughput", 0.05).estimate
    by_time = find_crossover(Index(samples), "n", turned, "p50", 0.05).estimate
    assert by_rate.widened is not None
    assert ends(by_rate) == pytest.approx(ends(by_time))
    low, _, high = ends(by_rate)
    assert low == pytest.approx(by_rate.widened.low)
    assert high > by_rate.widened.high + 1.0


def test_what_a_quiet_machine_needs_for_itself_is_kept_and_not_worth_a_line() -> None:
    kept = Widened(1.0, 2.0, 0.04, ("kworker",))
    assert widened_for(kept, 0.04) == ""
    assert widened_for(replace(kept, foreign_cores=0.06), 0.06).startswith("widened for 0.06")


def test_what_an_interval_was_widened_for_is_said_and_kept() -> None:
    verdict = verdict_on(make_claim(low=1.5), two_loops())
    slow = verdict_on(make_claim(low=0.4), two_loops())
    assert "widened for 0.98 foreign cores of cc1, python3" in verdict_lines(slow)
    assert sum("python3" in line for line in verdict_lines(verdict)) == 1, "said once"
    kept = claim_json(verdict)["estimate"]
    assert isinstance(kept, dict)
    widened = kept["widened"]
    assert isinstance(widened, dict)
    assert widened["names"] == ["cc1", "python3"]
    assert 0.9 < float(str(widened["low"])) < 1.0 < float(str(widened["high"])) < 1.1
    quiet = verdict_on(
        make_claim(low=1.5), [replace(one, foreign_cores=0.0) for one in two_loops()]
    )
    assert not any("widened" in line for line in verdict_lines(quiet))
    told = claim_json(quiet)["estimate"]
    assert isinstance(told, dict)
    assert told["widened"] is None


def test_names_from_outside_are_harmless_on_a_terminal() -> None:
    evil = "\x1b[2J‮x"
    samples = [replace(one, foreign_names=(evil,)) for one in two_loops()]
    out = io.StringIO()
    with page(out) as console:
        for line in verdict_lines(verdict_on(make_claim(low=1.5), samples)):
            print_hanging(console, 2, "", line, "")
    assert "\\x1b[2J\\u202ex" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def document(block: int, **members: object) -> dict[str, object]:
    return {
        "trial": f"{block}-a", "role": "measure", "index": block, "block": block, "cell": "a",
        "label": "c-mt", "attempt": 1, "valid": True, "reason": None,
        "parameters": Parameters(backend="c-mt", clients=1).as_json(), "metrics": {}, "counts": {},
        **members,
    }  # fmt: skip


def test_a_run_says_who_was_there_what_is_missing_and_what_a_quota_stopped() -> None:
    machine = {"window_s": 1.0, "foreign_cores": 0.3, "used_cores": 1.3, "accounted_cores": 1.0}
    stopped = {"periods": 10, "throttled_periods": 6, "throttled_s": 0.4, "quota_cores": 0.5}
    evidence = {"foreign": ["cc1"], "missing": {"probe": "it may not be pinned to CPU 1: Denied"}}
    lines = list(
        surroundings(
            recorded(
                document(0, machine=machine, evidence=evidence),
                document(1, machine={**machine, **stopped}, evidence={"foreign": ["cc1"]}),
            )
        )
    )
    assert lines == [
        (
            "the machine was not quiet: on average 0.30 cores of cc1 beside 2 trials; "
            "intervals of throughput, of cores and of p50 are widened for it"
        ),
        (
            "how fast each CPU was (the probe) is not known for sure in 1 of 2 trials: "
            "it may not be pinned to CPU 1: Denied"
        ),
        (
            "c-mt: the CPU quota of 0.50 cores stopped it in 6 of 10 periods: its figures, its "
            "tail above all, are those of the quota"
        ),
    ]
    assert list(surroundings(recorded(document(0)))) == []
    rate = Parameters(backend="c-mt", clients=1, rate=90.0).as_json()
    (open_loop,) = surroundings(recorded(document(0, machine=machine, parameters=rate)))
    assert open_loop.endswith("intervals of throughput and of cores are widened for it")


SPOILT: Sequence[Callable[[dict[str, object]], None]] = (
    lambda one: one.update(evidence=7),
    lambda one: one.update(evidence={"foreign": "cc1", "missing": ["x"]}),
    lambda one: one.update(evidence={"foreign": [7, None, "x" * 5000], "missing": {"a": 7}}),
    lambda one: one.update(machine={"used_cores": -3.0, "accounted_cores": "x"}),
)


@pytest.mark.parametrize("spoil", SPOILT)
def test_evidence_that_is_none_is_not_known(spoil: Callable[[dict[str, object]], None]) -> None:
    one = document(0)
    spoil(one)
    (record,) = recorded(one)
    assert record.evidence.foreign == ()
    assert record.evidence.missing == {}
    assert sample_of(record).foreign_cores is None


def test_a_record_names_three_at_most() -> None:
    (record,) = recorded(document(0, evidence={"foreign": list("abcdef")}))
    assert record.evidence.foreign == ("a", "b", "c")


def test_a_comparison_of_two_runs_is_widened_by_what_was_beside_each() -> None:
    def figures(foreign: float) -> Side:
        samples = noisy(A.key, 100.0, foreign, 1.0)
        found = figures_of(samples, summarise(samples, [A.key]))
        return {key: (figure,) for key, figure in found.items()}

    def ratio(first: float, second: float) -> Ratio:
        rows = ratio_rows([(A, A)], figures(first), figures(second))
        (found,) = [row.ratio for row in rows if row.metric == "throughput"]
        assert found is not None
        return found

    quiet, loud = ratio(0.0, 0.0), ratio(0.2, 0.5)
    assert quiet.low is not None
    assert quiet.high is not None
    assert loud.low == pytest.approx(quiet.low / 1.2)
    assert loud.high == pytest.approx(quiet.high * 1.5)
