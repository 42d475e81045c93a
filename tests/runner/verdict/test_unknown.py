# SPDX-License-Identifier: BSD-3-Clause
"""What others used is not always known, and a figure of a server cannot always be read: neither is
taken for nothing."""

import csv
import io
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.judged_runs import judged
from tests.runner.records import recorded
from tests.runner.stored_runs import make_run, rewrite_journal
from tests.runner.verdict.chosen_runs import attacked, record
from tests.runner.verdict.claims import A, B, make_claim, ratios, refusals, verdict_on
from tests.runner.verdict.decided_runs import ask
from tests.runner.verdict.neighbours import noisy, trial
from tests.runner.verdict.throughputs import ends

from fibench.experiment import Cell
from fibench.export import exported
from fibench.record import Disturbed
from fibench.report.faster import faster_lines
from fibench.report.words import verdict_lines
from fibench.verdict.attempts.chosen import FEW
from fibench.verdict.deciding.decide import decide
from fibench.verdict.estimate import value
from fibench.verdict.sample import Sample
from fibench.verdict.sampling.sampled import samples
from fibench.verdict.verdict import claim_json

LATE = Disturbed("late", "the runner stood still or got no CPU for 0.3 s at an edge of the window")
SAID = "foreign CPU was not known"
FIGURES = [1.5, 1.49, 1.51, 1.5, 1.52, 1.48, 1.5, 1.5]


def unknown(one: Sample) -> Sample:
    """The trial on a machine that does not tell what others used."""
    return replace(one, foreign_cores=None, foreign_names=())


def late(one: Sample) -> Sample:
    """The trial beside a runner that stood still at an edge of its window."""
    of_server = dict.fromkeys(("cores", "cpu_per_request"))
    return replace(unknown(one), metrics={**one.metrics, **of_server}, disturbed=LATE)


def of(
    cell: Cell, metric: str, figure: float, foreign: float | None = 0.0, blocks: int = 8
) -> list[Sample]:
    """Trials around a figure of which nothing keeps a percentile from being shown."""
    return [
        Sample(
            *(cell.key, block, True, None, {metric: figure * (1.0 + 0.01 * (block % 3))}),
            {"window_ok": 10**6},
            foreign_cores=foreign,
        )
        for block in range(blocks)
    ]


# The runner stood still


@pytest.mark.parametrize("claimed", ["throughput", "cores"])
def test_two_loops_beside_a_runner_that_stands_still_turn_no_verdict(claimed: str) -> None:
    """The truth is ×1.97, and ×1.00 is measured of what keeps one core of two."""
    found = noisy("a", 100.0, 1.0, 0.98) + noisy("b", 100.0, 0.96, 0.97)
    found = [late(one) for one in found]
    verdict = verdict_on(make_claim(claimed, low=1.5), found)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason is not None
    assert verdict.reason.startswith(f"the machine was not quiet: {LATE.says}; 8 of 8 blocks")
    (looked,) = decide(ask([make_claim(claimed, low=1.5)]), found, ended=True).verdicts
    assert looked.outcome == "INCONCLUSIVE"


@pytest.mark.parametrize("metric", ["throughput", "p50", "p99", "max", "switches_per_request"])
def test_what_was_late_to_the_last_is_left_out_where_others_move_figures(metric: str) -> None:
    """Block 0 is far off: with it nothing is clear. One trial in twenty may be left out freely."""
    found = of(A, metric, 1.5, blocks=10) + of(B, metric, 1.0, blocks=10)
    found[0] = replace(found[0], metrics={metric: 0.4})
    verdict = verdict_on(make_claim(metric, low=1.3), found)
    assert verdict.outcome == "INCONCLUSIVE"
    found[0] = late(found[0])
    verdict = verdict_on(make_claim(metric, low=1.3), found)
    assert (verdict.outcome, verdict.blocks) == ("CONFIRMED", 9)
    assert verdict.foreign_unknown is None, "it rests on none of which it is not known"


def test_memory_that_was_read_is_what_it_is_though_the_window_ended_without_the_runner() -> None:
    found = [late(one) for one in of(A, "memory", 1.5) + of(B, "memory", 1.0)]
    verdict = verdict_on(make_claim("memory", low=1.3), found)
    assert (verdict.outcome, verdict.blocks) == ("CONFIRMED", 8)


@pytest.mark.parametrize(("number", "outcome"), [(1, "CONFIRMED"), (2, "INCONCLUSIVE")])
def test_what_was_late_before_it_was_measured_again_may_have_been_slowed_down_by_anything(
    number: int, outcome: str
) -> None:
    """Those of b came out as their last attempts did, and who had the machine nobody knows. Of 20
    trials one is no matter."""
    found = [
        replace(one, superseded=(late(one),)) if 10 <= place < 10 + number else one
        for place, one in enumerate(ratios([*FIGURES, 1.51, 1.49]))
    ]
    verdict = verdict_on(make_claim(low=1.3), found)
    assert verdict.outcome == outcome
    if outcome == "INCONCLUSIVE":
        assert verdict.reason == (
            "the machine was not quiet: 2 of 20 trials were measured again (late readings 2), and "
            "by their other attempts it is not decided"
        )


def test_who_slows_down_what_goes_badly_and_stops_the_runner_gets_no_verdict_by_it() -> None:
    """The truth lies on the bound, and each attempt that was thrown away came out as the middle. If
    others were taken to have had nothing beside these, 11 of 150 would be CONFIRMED; 0.31 of 100
    are promised. The seed is fixed."""
    chance = random.Random(3)
    questions = ask([make_claim(low=1.0)], total_claims=8)
    wrong = 0
    for _ in range(150):
        run = [
            replace(one, superseded=tuple(late(_in_the_middle(was)) for was in one.superseded))
            for one in attacked(chance, 0.2)
        ]
        (verdict,) = decide(questions, run, ended=True).verdicts
        wrong += verdict.outcome == "CONFIRMED"
    assert wrong <= 2


def _in_the_middle(one: Sample) -> Sample:
    return replace(one, metrics={**one.metrics, "throughput": 1.0})


# What a server used could not be read


READ = (
    *("cores", "cpu_per_request", "memory", "memory_peak", "switches_per_request"),
    "run_delay_per_request",
)


@pytest.mark.parametrize("right", [B, None])
@pytest.mark.parametrize("metric", [*READ, "syscalls_per_request"])
@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
def test_a_figure_that_could_not_be_read_might_have_been_any(
    metric: str, blocks: int, right: Cell | None
) -> None:
    """The runner stood still, by chance, or since somebody saw how the trial went: the claim stands
    without up to a twentieth of its trials."""
    found = of(A, metric, 1.5, blocks=20) + of(B, metric, 1.0, blocks=20)
    for block in range(blocks):
        found[block] = replace(found[block], metrics={metric: None})
    verdict = verdict_on(make_claim(metric, low=1.3, right=right), found)
    trials = 20 if right is None else 40
    if blocks <= FEW * trials:
        assert verdict.outcome == "CONFIRMED"
        assert verdict.blocks == 20 - blocks
    else:
        assert verdict.outcome == "INCONCLUSIVE"
        assert verdict.reason == (
            f"{blocks} of {trials} trials count for nothing (figures not read {blocks}), and by "
            "what they may have been it is not decided"
        )


@pytest.mark.parametrize("right", [B, None])
@pytest.mark.parametrize("metric", [*READ, "syscalls_per_request"])
@pytest.mark.parametrize("blocks", [3, 8])
def test_a_quarter_of_the_blocks_at_most_drops_out_since_a_figure_could_not_be_read(
    metric: str, blocks: int, right: Cell | None
) -> None:
    found = of(A, metric, 1.5) + of(B, metric, 1.0)
    for block in range(blocks):
        found[block] = replace(found[block], metrics={metric: None})
    verdict = verdict_on(make_claim(metric, low=1.3, right=right), found)
    assert verdict.outcome == "INCONCLUSIVE"
    if blocks == 3:
        assert verdict.reason == (
            f"{metric} could not be read in 3 of 8 blocks, more than a quarter"
        )
    if blocks == 8:
        assert verdict.reason is not None
        assert verdict.reason.startswith(f"{metric} was not measured")


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        ({}, "CONFIRMED"),
        ({"failure": "server-ended", "reason": "it ended by SIGSEGV"}, "INVALID"),
        ({"failure": "address-in-use", "reason": "in use", "window_opened": False}, "CONFIRMED"),
    ],
)
def test_a_server_that_crashes_while_its_system_calls_are_counted_has_failed(
    why: dict[str, Any], outcome: str
) -> None:
    """Of which claims on these alone know; what could not start is no result there either."""
    metric = "syscalls_per_request"
    made = []
    for block in range(11):
        for cell, figure in (("a", 11.0), ("b", 10.0)):
            counted = record(block, 1, cell, trial=f"b{block:03d}-{cell}~syscalls")
            counted |= {"role": "syscalls", "metrics": {metric: figure + 0.01 * (block % 3)}}
            if why and (block, cell) == (3, "a"):
                counted |= {"valid": False, "metrics": {metric: None}, **why}
            made += [record(block, 1, cell), counted]
    found = samples(recorded(*made))
    verdict = verdict_on(make_claim(metric, low=1.05), found)
    assert verdict.outcome == outcome, verdict.reason
    if outcome == "INVALID":
        assert verdict.reason == "1 of 11 trials of a failed: it ended by SIGSEGV"
    assert verdict_on(make_claim(low=0.5, high=2.0), found).outcome == "CONFIRMED"


@pytest.mark.parametrize(
    ("also", "words"), [(1, ", and 1 more is left out"), (2, ", and 2 more are left out")]
)
def test_what_could_not_be_read_and_what_was_disturbed_are_one_share(also: int, words: str) -> None:
    found = of(A, "memory", 1.5) + of(B, "memory", 1.0)
    for block in range(2):
        found[block] = replace(found[block], metrics={"memory": None})
    for block in range(2, 2 + also):
        slow = Disturbed("probe", "a CPU computed slower than in other blocks")
        found[8 + block] = replace(found[8 + block], disturbed=slow)
    verdict = verdict_on(make_claim("memory", low=1.3), found)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == (
        f"memory could not be read in 2 of 8 blocks{words} for what disturbed them"
    )


def test_a_percentile_that_is_not_known_is_withheld_and_not_left_out() -> None:
    found = of(A, "p99", 1.5) + of(B, "p99", 1.0)
    found[0] = replace(found[0], metrics={"p99": None})
    verdict = verdict_on(make_claim("p99", low=1.3), found)
    assert verdict.reason == "p99 is hidden by unfinished requests in 1 of 16 trials"


# Widening


@pytest.mark.parametrize(
    ("foreign", "log"),
    [
        ([0.0] * 5 + [1.0, None, None], 3 * math.log(2.0) / 8),
        ([None, 0.2, None, 0.1, 0.1, 0.1, 0.1, 0.1], 3 * math.log(1.2) / 8 + 5 * math.log(1.1) / 8),
        ([-0.1] * 6 + [None] * 2, 0.0),
        ([None] * 8, 0.0),
    ],
)
def test_a_trial_of_which_nothing_is_known_is_taken_to_be_as_disturbed_as_the_worst(
    foreign: Sequence[float | None], log: float
) -> None:
    found = [trial("a", block, 100.0, by) for block, by in enumerate(foreign)]
    low, _, high = ends(value(found, "a", "throughput", 0.05))
    assert low == pytest.approx(100.0)
    assert high == pytest.approx(100.0 * math.exp(log))


def test_that_it_was_not_known_in_most_trials_hides_no_second_core() -> None:
    """×1.97, measured as ×1.00, of which loops are seen beside one of three trials."""
    foreign = [0.0, 0.0, 1.0, None, None, None, None, None]
    found = [trial("a", block, 100.0, by) for block, by in enumerate(foreign)]
    found += noisy("b", 100.0, 0.0, 0.97)
    verdict = verdict_on(make_claim(low=1.5), found)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.foreign_unknown is None


# What a verdict says at itself


@pytest.mark.parametrize(
    ("metric", "is_moved"),
    [
        *((name, True) for name in ("throughput", "wall", "p50", "p99", "max", "cores")),
        *((name, True) for name in ("switches_per_request", "running", "run_delay_per_request")),
        *((name, False) for name in ("cpu_per_request", "memory", "syscalls_per_request")),
    ],
)
@pytest.mark.parametrize(("low", "outcome"), [(1.3, "CONFIRMED"), (1.8, "REFUTED")])
def test_a_verdict_on_what_others_can_move_says_that_nobody_saw_them(
    metric: str, is_moved: bool, low: float, outcome: str
) -> None:
    """As in a container without /proc/stat."""
    claim = make_claim(metric, low=low)
    blind = verdict_on(claim, of(A, metric, 1.5, None) + of(B, metric, 1.0, None))
    assert blind.outcome == outcome
    assert blind.foreign_unknown == (SAID if is_moved else None)
    assert (SAID in verdict_lines(blind)) is is_moved
    assert claim_json(blind)["foreign_unknown"] == blind.foreign_unknown
    seen = verdict_on(claim, of(A, metric, 1.5) + of(B, metric, 1.0))
    assert (seen.outcome, seen.foreign_unknown) == (outcome, None)
    assert SAID not in verdict_lines(seen)


@pytest.mark.parametrize(
    ("metric", "number", "said"),
    [
        ("p99", 3, f"{SAID} in 3 of 16 trials"),
        ("p99", 16, SAID),
        ("throughput", 3, None),
        ("throughput", 8, f"{SAID} in 8 of 16 trials"),
        ("throughput", 16, SAID),
    ],
)
def test_it_counts_the_trials_that_nothing_bears_with(
    metric: str, number: int, said: str | None
) -> None:
    """No interval of a tail is widened; that of a throughput is, as by the worst of its cell."""
    found = of(A, metric, 1.5) + of(B, metric, 1.0)
    found = [unknown(one) if place < number else one for place, one in enumerate(found)]
    assert verdict_on(make_claim(metric, low=1.3), found).foreign_unknown == said


def test_nothing_is_said_of_counts_nor_of_what_is_not_decided() -> None:
    blind = of(A, "throughput", 1.5, None) + of(B, "throughput", 1.0, None)
    assert verdict_on(make_claim(low=1.5), blind).foreign_unknown is None
    bound = [replace(one, bound="94 % of its core") for one in blind]
    verdict = verdict_on(make_claim(low=1.3), bound)
    assert (verdict.outcome, verdict.foreign_unknown) == ("INVALID", None)
    none = make_claim("refused", high=1, right=None)
    counted = verdict_on(none, [unknown(one) for one in refusals([0] * 6)])
    assert (counted.outcome, counted.foreign_unknown) == ("CONFIRMED", None)


def test_the_answer_which_is_faster_says_so_too() -> None:
    said = faster_lines((A, B), [unknown(one) for one in ratios(FIGURES)], 12.0)
    assert said.is_clear
    assert said.lines[0].endswith(f" as fast as b; {SAID}")


def test_every_format_of_a_report_has_it(tmp_path: Path) -> None:
    def forget(record: dict[str, Any]) -> None:
        record["machine"] = {}

    folder = make_run(tmp_path / "run")
    rewrite_journal(folder, forget)
    found = judged(folder)
    assert f"  - {SAID}\n" in exported(found, "md")
    assert f'"foreign_unknown": "{SAID}"' in exported(found, "json")
    table = csv.DictReader(io.StringIO(exported(found, "csv"), newline=""))
    notes = [row["note"] for row in table if row["row"] == "claim"]
    assert notes == [SAID, ""], "the second is about a count"
