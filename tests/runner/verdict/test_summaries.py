# SPDX-License-Identifier: BSD-3-Clause
"""A summary of a cell: its estimates, and what of its trials does not count."""

import pytest
from tests.runner.verdict.throughputs import cell_samples, sample

from fibench.metrics import METRICS
from fibench.verdict.estimate import Sample, most_frequent_reason, summarise


def test_a_summary_has_its_groups_and_the_requests_of_trials_that_do_not_count() -> None:
    samples = [
        Sample("a", 0, True, None, {"small/p50": 0.1}, {"small/window_ok": 10}),
        Sample("a", 1, False, "wrong reply", {}, {}, outcomes={"ok": 90, "wrong": 10, "reset": 0}),
        Sample("a", 2, False, "wrong reply", {}, {}, outcomes={"ok": 95, "wrong": 5}),
    ]
    (summary,) = summarise(samples, ["a"])
    assert summary.groups == ("small",)
    assert summary.estimates["small/p50"].mean == pytest.approx(0.1)
    assert summary.invalid_outcomes == {"ok": 185, "wrong": 15}


def test_a_summary_has_every_cell_in_the_order_asked_for() -> None:
    summaries = summarise(cell_samples("b", [1.0, 1.0]), ["b", "never-run", "a"])
    assert [summary.cell_key for summary in summaries] == ["b", "never-run", "a"]
    assert [summary.valid for summary in summaries] == [2, 0, 0]
    assert summaries[1].estimates["throughput"].mean is None


def test_a_summary_counts_invalid_trials_and_gives_their_commonest_reason() -> None:
    samples = [sample("a", 0, 1.0)]
    samples += [sample("a", n, None, valid=False, reason=f"hung {n}") for n in (1, 2)]
    samples += [sample("a", n, None, valid=False, reason="crashed") for n in (3, 4)]
    (summary,) = summarise(samples, ["a"])
    assert (summary.valid, summary.invalid, summary.reason) == (1, 4, "crashed")


def test_the_commonest_reason_is_the_first_by_name_among_equals() -> None:
    samples = [sample("a", n, None, valid=False, reason=r) for n, r in enumerate(["b", "a", None])]
    assert most_frequent_reason(samples) == "a"
    assert most_frequent_reason([sample("a", 0, 1.0)]) is None


def test_counts_are_ranged_and_summed_over_valid_trials_that_know_them() -> None:
    def counted(block: int, valid: bool, **counts: int) -> Sample:
        return Sample("a", block, valid, None, {}, counts)

    samples = [counted(0, True, refused=0), counted(1, True, refused=5), counted(2, True)]
    samples.append(counted(3, False, refused=100))
    refused = summarise(samples, ["a"])[0].counts["refused"]
    assert (refused.blocks, refused.least, refused.most, refused.total) == (2, 0, 5, 5)


def test_the_names_of_metrics_in_json_carry_their_units() -> None:
    named = {metric.name_with_unit for metric in METRICS.values()}
    assert named == {
        *("throughput_per_s", "wall_s", "p50_s", "p90_s", "p99_s", "max_s", "cores"),
        *("cpu_per_request_s", "memory_bytes", "refused", "errors"),
        *("p999_s", "memory_peak_bytes", "switches_per_request", "syscalls_per_request"),
        *("running_share", "ready_share", "run_delay_per_request_s", "waiting_for_gil_share"),
        *("waiting_for_lock_share", "waiting_for_network_share", "sleeping_share"),
    }, "programs read these names: a new metric gets a line here, in docs/results.md too"
