# SPDX-License-Identifier: BSD-3-Clause
"""Shares of thread-time in verdicts: one trial, whose ten slices give the interval."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.records import recorded
from tests.runner.verdict.chosen_runs import record
from tests.runner.verdict.claims import A, B, make_claim, ratios, verdict_on

from fibench.metrics import METRICS
from fibench.record import WAITS, waiting_metrics
from fibench.report.words import verdict_lines
from fibench.timeline import ThreadTime
from fibench.verdict.deciding.decide import decide
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.estimate import Sample, contrast, paired_values, summarise, value
from fibench.verdict.explaining.by_block import figures_by_block
from fibench.verdict.explaining.far import far_blocks
from fibench.verdict.looks import Looks, t_quantile
from fibench.verdict.sample import Index
from fibench.verdict.sampling.sampled import samples
from fibench.verdict.verdict import claim_json

GIL = "waiting_for_gil"
LEAST = METRICS[GIL].least
"""As which a share of 0 counts where figures are compared."""
NEAR_080 = (0.78, 0.83, 0.81, 0.79, 0.80, 0.82, 0.80, 0.79, 0.81, 0.77)


def seen(waited: Sequence[float], **changes: Any) -> ThreadTime:
    """What was seen of a server whose threads waited for the GIL in these shares of ten slices."""
    mean = math.fsum(waited) / len(waited)
    told: dict[str, Any] = {
        "absent": None, "source": "samples", "rate_hz": 1000.0, "wall_s": 0.4, "threads": 8,
        "shares": {"running": 1.0 - mean, "gil": mean}, "residual": 0.0,
        "slices": tuple({"running": 1.0 - share, "gil": share} for share in waited),
    }  # fmt: skip
    return ThreadTime(**{**told, **changes})


def watched(time: ThreadTime, cell: str = A.key, blocks: int = 1) -> list[Sample]:
    """A cell of so many blocks that was watched in the first."""
    every = [one for one in ratios([100.0] * blocks) if one.cell_key == A.key]
    every = [replace(one, cell_key=cell) for one in every]
    return [replace(every[0], watched=time), *every[1:]]


def test_the_interval_is_of_ten_slices_with_nine_degrees_of_freedom() -> None:
    found = value(watched(seen(NEAR_080)), A.key, GIL, 0.05)
    half = t_quantile(0.975, 9) * statistics.stdev(NEAR_080) / math.sqrt(10)
    assert found.mean == pytest.approx(0.8)
    assert found.low == pytest.approx(0.8 - half)
    assert found.high == pytest.approx(0.8 + half)
    assert (found.slices, found.blocks, found.sd_log) == (10, 1, None)


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10), st.sampled_from([0.05, 0.001]))
def test_a_share_is_never_below_none_nor_above_all_of_it(shares: list[float], alpha: float) -> None:
    found = value(watched(seen(shares)), A.key, GIL, alpha)
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    assert LEAST <= found.low <= found.mean + 1e-12
    assert found.mean - 1e-12 <= found.high <= 1.0


def test_what_was_never_seen_may_have_been_as_rare_as_one_sample() -> None:
    """40 samples of each of 8 threads are in a slice."""
    found = value(watched(seen([0.0] * 10)), A.key, GIL, 0.05)
    assert found.high == pytest.approx(t_quantile(0.975, 9) / 320 / math.sqrt(10))
    exact = value(watched(seen([0.0] * 10, source="switches")), A.key, GIL, 0.05)
    assert (exact.low, exact.high) == (LEAST, LEAST)


def test_it_does_not_hang_on_the_timed_trial_of_its_block() -> None:
    failed = [replace(one, valid=False, reason="hung") for one in watched(seen(NEAR_080))]
    assert value(failed, A.key, GIL, 0.05).mean == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (None, f"{GIL} was not measured: its server was not watched"),
        (ThreadTime("no schedstat"), f"{GIL} was not measured: no schedstat"),
        (
            seen(NEAR_080, shares={"lock": 0.8}, unknown=("whose the locks are: an old Python",)),
            f"{GIL} was not measured; whose the locks are: an old Python",
        ),
        (
            seen(NEAR_080, slices=({"gil": 0.8}, *[{}] * 9)),
            f"{GIL} was not measured: threads were there in 1 of ten slices",
        ),
    ],
)
def test_what_is_not_known_says_why(time: ThreadTime | None, reason: str) -> None:
    known = ratios([100.0]) if time is None else watched(time)
    assert value(known, A.key, GIL, 0.05).absent == reason
    verdict = verdict_on(make_claim(GIL, right=None, low=0.5), known)
    assert (verdict.outcome, verdict.reason) == ("INCONCLUSIVE", reason)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.6, None, "CONFIRMED"),
        (0.9, None, "REFUTED"),
        (0.8, None, "INCONCLUSIVE"),
        (None, 0.05, "REFUTED"),
        (0.7, 0.9, "CONFIRMED"),
    ],
)
def test_a_claim_on_a_share_is_decided_by_one_trial(
    low: float | None, high: float | None, outcome: str
) -> None:
    verdict = verdict_on(make_claim(GIL, right=None, low=low, high=high), watched(seen(NEAR_080)))
    assert verdict.outcome == outcome
    assert verdict.left == pytest.approx(0.8)
    document = claim_json(verdict)["estimate"]
    assert isinstance(document, dict)
    assert (document["slices"], document["blocks"]) == (10, 1)
    assert document["quantity"] == "waiting_for_gil_share"
    none = verdict_on(make_claim(GIL, right=None, high=0.05), watched(seen([0.0] * 10)))
    assert (none.outcome, none.known_ends[0]) == ("CONFIRMED", LEAST)


def test_of_a_ratio_each_side_has_its_error() -> None:
    both = [*watched(seen(NEAR_080)), *watched(seen([one / 2 for one in NEAR_080]), B.key)]
    found = contrast(both, A.key, B.key, GIL, 0.05)
    error = math.sqrt(2) * statistics.stdev(NEAR_080) / math.sqrt(10) / 0.8
    half = t_quantile(0.975, 18) * error
    assert found.mean == pytest.approx(2.0)
    assert found.low == pytest.approx(2.0 * math.exp(-half))
    assert found.high == pytest.approx(2.0 * math.exp(half))
    assert paired_values(both, A.key, B.key, GIL) == pytest.approx((0.8, 0.4))
    assert verdict_on(make_claim(GIL, low=1.5), both).outcome == "CONFIRMED"


def test_a_share_of_nothing_has_no_ratio() -> None:
    both = [*watched(seen(NEAR_080)), *watched(seen([0.0] * 10), B.key)]
    verdict = verdict_on(make_claim(GIL, low=10.0), both)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason is not None
    assert verdict.reason.startswith(f"{GIL} is 0 on one side")


def test_it_is_decided_at_the_first_look_and_holds_no_cell_after_it() -> None:
    looks = Looks(6, 12)
    made = watched(seen(NEAR_080), blocks=6)
    for low, outcome in ((0.6, "CONFIRMED"), (0.8, "INCONCLUSIVE")):
        claim = make_claim(GIL, right=None, low=low)
        found = decide(Questions([claim], [A.key], looks, None), made)
        assert not found.staying
        standing = found.standings[0]
        assert standing.verdict is not None
        assert standing.verdict.outcome == outcome
        assert not standing.holds


def test_words_say_what_the_interval_rests_on() -> None:
    made = watched(seen(NEAR_080), blocks=6)
    questions = Questions([make_claim(GIL, right=None, low=0.6)], [A.key], Looks(6, 12), None)
    (standing,) = decide(questions, made).standings
    assert standing.verdict is not None
    assert "by 10 slices of one untimed trial" in verdict_lines(standing.verdict)[0].replace(
        "\u00a0", " "
    )


def test_what_was_seen_joins_the_sample_of_its_cell_and_block() -> None:
    time = seen(NEAR_080)
    own = record(0, trial="b000-a~timeline", role="timeline", timeline=time.as_document())
    own["metrics"] = waiting_metrics(time)
    (one,) = samples(recorded(own, record(0)))
    assert one.watched == time
    assert one.metrics["throughput"] == 1.0
    (other,) = samples(recorded(own | {"cell": "b"}, record(0)))
    assert other.watched is None


@pytest.mark.parametrize(("foreign_cores", "is_known"), [(0.1, True), (1.2, False)])
def test_what_was_seen_on_a_machine_that_was_not_quiet_decides_nothing(
    foreign_cores: float, is_known: bool
) -> None:
    time = seen(NEAR_080)
    own = record(0, trial="b000-a~timeline", role="timeline", timeline=time.as_document())
    own["machine"] = {"foreign_cores": foreign_cores, "usable_cores": 2.0, "window_s": 0.4}
    own["evidence"] = {"foreign": ["cc1"], "missing": {}}
    found = value(samples(recorded(own, record(0))), "a", GIL, 0.05)
    assert (found.mean is not None) == is_known
    why = "the machine was not quiet while the server was watched: others used 1.2 of 2 cores: cc1"
    assert is_known or why in str(found.absent)


def test_the_table_of_cells_has_it_beside_figures_of_blocks() -> None:
    (found,) = summarise(Index(watched(seen(NEAR_080), blocks=5)), [A.key])
    assert found.estimates[GIL].mean == pytest.approx(0.8)
    assert found.estimates["throughput"].blocks == 5
    assert {WAITS[name] for name in WAITS} == {"gil", "lock", "network", "sleeping"}


def test_no_block_is_far_and_no_ratio_surer_where_one_trial_tells() -> None:
    made = watched(seen(NEAR_080), blocks=6)
    verdict = verdict_on(make_claim(GIL, right=None, low=0.8), made)
    assert verdict.outcome == "INCONCLUSIVE"
    assert far_blocks(verdict, Index(made), {}) is None
    assert not verdict.near_bound
    assert figures_by_block(verdict, made) == ()
    assert (verdict.blocks_needed, verdict.detectable) == (None, None)
