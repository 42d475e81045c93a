# SPDX-License-Identifier: BSD-3-Clause
"""Why a claim is not decided, what a count that is always met means, and values near bounds."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import EXPERIMENT, make_run, places_with, rewrite_journal
from tests.runner.verdict.claims import make_claim, ratios, refusals, verdict_on

from fibench.export import json as json_format
from fibench.export import md
from fibench.record import Disturbed
from fibench.report.claims.why import about
from fibench.report.words import verdict_lines
from fibench.store.stored_run import read_run
from fibench.verdict.explaining.evidence import evidence
from fibench.verdict.explaining.explained import block_s
from fibench.verdict.explaining.far import far_blocks
from fibench.verdict.reviewing import Review, review
from fibench.verdict.sample import Index
from fibench.verdict.verdict import Verdict, claim_json

QUIET = [1.00, 0.97, 1.02, 0.99, 1.01, 0.98, 1.03]


def far_of(figures: Sequence[float], bound: float = 0.9, **options: Any) -> tuple[int, ...]:
    """The blocks, from 1, that are named of a claim above a bound."""
    samples = ratios(figures)
    verdict = verdict_on(make_claim(low=bound), samples, **options)
    found = far_blocks(verdict, Index(samples), {})
    return () if found is None else tuple(one.block for one in found.blocks)


def test_the_block_that_decides_is_named_and_the_verdict_stands() -> None:
    samples = ratios([*QUIET, 0.43])
    verdict = verdict_on(make_claim(low=0.9), samples)
    assert verdict.outcome == "INCONCLUSIVE"
    assert far_of([*QUIET, 0.43]) == (8,)
    found = far_blocks(verdict, Index(samples), {})
    assert found is not None
    assert found.least == pytest.approx(0.97)
    assert found.most == pytest.approx(1.03)


def test_two_far_blocks_of_eight_hide_each_other_no_more_than_one() -> None:
    assert far_of([*QUIET, 0.43]) == (8,)
    assert far_of([*QUIET[:3], 0.45, *QUIET[3:6], 0.43]) == (4, 8)


@pytest.mark.parametrize(
    ("figures", "bound", "why"),
    [
        ([*QUIET, 0.99], 0.9, "the claim is decided"),
        ([*QUIET, 0.43], 1.0, "without the block it would not be decided"),
        ([1.0, 0.8, 1.25, 0.7, 1.4, 0.9, 1.1, 0.6], 0.9, "all blocks vary"),
        ([*QUIET[:5], 0.43, 0.45, 0.4], 0.9, "three of eight are not the odd ones"),
    ],
)
def test_no_block_is_named_where_it_is_not_one_that_decides(
    figures: list[float], bound: float, why: str
) -> None:
    assert far_of(figures, bound) == (), why


def test_what_is_far_is_held_to_what_digits_and_replies_can_tell() -> None:
    assert far_of([1.0] * 7 + [1.0005], 0.9999) == ()


def test_a_confidence_of_many_claims_is_that_of_the_verdict() -> None:
    """Without the block, and alone, the claim would be decided; one of a thousand it is not."""
    figures = [1.0, 0.94, 1.05, 0.97, 1.03, 0.95, 1.04, 0.3]
    assert far_of(figures) == (8,)
    assert far_of(figures, total_claims=100_000) == ()


# Stored runs: the trial, and what was measured beside it


def slow_block(record: dict[str, Any], block: int = 6, factor: float = 0.4) -> None:
    if record["block"] == block and record["parameters"]["backend"] == "py-mp":
        record["metrics"]["throughput_per_s"] *= factor


def reviewed(folder: Path, change: Any) -> Review:
    text = EXPERIMENT.replace("blocks = 5", "blocks = 8")
    make_run(folder, text=text)
    rewrite_journal(folder, change)
    return review(read_run(folder, places_with(folder)))


def line_of(judged: Review) -> str:
    (line,) = [line for line in verdict_lines(judged.verdicts[0]) if "far from" in line]
    return line


def test_a_report_names_the_trial_and_that_nothing_explains_it(tmp_path: Path) -> None:
    judged = reviewed(tmp_path / "run", slow_block)
    place = next(
        record.index
        for record in judged.run.records
        if record.block == 6 and record.label == "py-mp"
    )
    line = line_of(judged)
    assert line.startswith("block 7 is far from the others: ×0.")
    assert line.endswith(f", trial {place}; nothing that was measured explains it")
    assert md.escape(line) in md.export(judged)
    document: Any = claim_json(judged.verdicts[0])
    assert '"far_blocks": {' in json_format.export(judged)
    (block,) = document["far_blocks"]["blocks"]
    assert block["block"] == 7
    assert block["trials"] == [place]
    words = " ".join(verdict_lines(judged.verdicts[0]))
    assert "drop" not in words
    assert "without" not in words


def test_what_was_measured_beside_it_is_told(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        slow_block(record)
        is_py_mp = record["parameters"]["backend"] == "py-mp"
        slow = record["block"] == 6 and is_py_mp
        record["machine"] = {"steal_s": 0.31 if slow else 0.01}
        if record["block"] in (1, 2, 6) and is_py_mp:  # one or two would be left out
            record["disturbed"] = {"kind": "foreign", "says": "1.8 cores were used by others: cc1"}

    line = line_of(reviewed(tmp_path / "run", change))
    steal = "time that the hypervisor gave to others: 310 ms, in the others at most 10 ms"
    assert line.endswith(f"; 1.8 cores were used by others: cc1; {steal}")


def test_what_always_is_there_explains_nothing(tmp_path: Path) -> None:
    records = judged_run(tmp_path / "run").run.records
    others = [replace(one, machine={"cpu_pressure_s": 1.0, "steal_s": 0.0}) for one in records[:5]]
    own = replace(records[5], machine={"cpu_pressure_s": 1.9, "steal_s": 0.02})
    assert list(evidence(own, others)) == []
    assert list(evidence(replace(own, machine={"steal_s": 0.04}), others)) == [
        "time that the hypervisor gave to others: 40 ms, in the others at most 0 s"
    ]
    assert list(evidence(replace(own, machine={"steal_s": 0.04}), others[:2])) == [], (
        "of two others it is not known what is usual"
    )
    disturbed = replace(own, disturbed=Disturbed("probe", "the CPU was slow"))
    assert list(evidence(disturbed, others)) == ["the CPU was slow"]


# What would settle it


def test_what_would_settle_a_claim_is_told_in_blocks_and_time(tmp_path: Path) -> None:
    tight = EXPERIMENT.replace("above = 1.3", "above = 1.77")
    judged = judged_run(tmp_path / "run", text=tight)
    verdict = judged.verdicts[0]
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.blocks_needed is not None
    # Each of two cells took 2.4 s a block.
    assert verdict.needed_s == pytest.approx(4.8 * verdict.blocks_needed)
    assert any(
        f"with --blocks {verdict.blocks_needed} they would show" in line
        and line.endswith(about(verdict.needed_s))
        for line in verdict_lines(verdict)
    )


def test_the_time_of_a_block_has_every_cell_once_whatever_left(tmp_path: Path) -> None:
    records = judged_run(tmp_path / "run").run.records
    left = [one for one in records if one.block < 2 or one.label == "py-mt"]
    assert block_s(left) == pytest.approx(block_s(records)) == pytest.approx(4.8)
    assert block_s([]) == 0.0


@pytest.mark.parametrize(
    ("took_s", "told"),
    [(None, ""), (0.0, ""), (4.2, ", in about 5 s"), (301.0, ", in about 6 min")],
)
def test_times_are_told_roughly(took_s: float | None, told: str) -> None:
    assert about(took_s) == told


# Counts


def counted(blocks: int, total_claims: int | None = None, high: float = 1.0) -> Verdict:
    claim = make_claim("refused", right=None, high=high)
    return verdict_on(claim, refusals([0] * blocks), total_claims=total_claims)


@pytest.mark.parametrize(
    ("blocks", "claims", "share"), [(8, 1, "31 %"), (8, 8, "47 %"), (20, 1, "14 %")]
)
def test_a_count_that_was_met_in_every_block_says_what_that_means(
    blocks: int, claims: int, share: str
) -> None:
    verdict = counted(blocks, claims)
    said = f"0 in {blocks} blocks: fewer than {share} of trials have one (95 %)"
    assert said in verdict_lines(verdict)
    document: Any = claim_json(verdict)
    missed = document["count"]["missed_below"]
    assert (1.0 - missed) ** blocks == pytest.approx(0.05 / claims)


def test_other_bounds_of_counts_are_said_to_be_met() -> None:
    lines = verdict_lines(counted(8, high=3.0))
    assert "met in all 8 blocks: fewer than 31 % of trials miss it (95 %)" in lines


def test_a_count_that_was_missed_says_nothing_of_the_kind() -> None:
    verdict = verdict_on(make_claim("refused", right=None, high=1.0), refusals([0] * 7 + [2]))
    assert verdict.missed_below is None
    assert not any("fewer than" in line for line in verdict_lines(verdict))


# Values near their bounds


def value_of(figures: Sequence[float], bound: float) -> Verdict:
    return verdict_on(make_claim(low=bound, right=None), ratios(figures))


def test_a_value_near_its_bound_says_that_a_ratio_would_be_surer() -> None:
    verdict = value_of(QUIET, 1.0)
    assert verdict.estimate is not None
    assert verdict.estimate.high is not None
    assert verdict.estimate.mean is not None
    half = math.log(verdict.estimate.high / verdict.estimate.mean)
    for halves, near in ((0.5, True), (1.9, True), (2.1, False), (-1.9, True), (-2.1, False)):
        found = value_of(QUIET, verdict.estimate.mean * math.exp(halves * half))
        assert found.near_bound is near, halves
        assert claim_json(found)["near_bound"] is near
        assert any("a ratio would be surer" in line for line in verdict_lines(found)) is near


def test_a_ratio_near_its_bound_says_nothing_of_the_kind() -> None:
    verdict = verdict_on(make_claim(low=0.99), ratios(QUIET))
    assert not verdict.near_bound
    assert not any("surer" in line for line in verdict_lines(verdict))
