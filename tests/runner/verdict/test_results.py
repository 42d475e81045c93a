# SPDX-License-Identifier: BSD-3-Clause
"""From journal records to findings: roles of trials, attempts, groups, and a run's own checks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.runner.records import recorded

from fibench.develop.bench.estimation import made_experiment, made_records
from fibench.parameters import Group, Parameters
from fibench.store.stored_run import server_words
from fibench.verdict import findings as results
from fibench.verdict._notes.servers import endings
from fibench.verdict.estimate import Index
from fibench.verdict.findings import Findings, failures, find
from fibench.verdict.sample import Sample
from fibench.verdict.sampling.sampled import sample, samples
from fibench.verdict.twin import LEAST_DRIFT, check_twin, drift


def record(cell: str = "a", block: int = 0, **changes: Any) -> dict[str, Any]:
    """A record of schema 2, with what the test changes."""
    made: dict[str, Any] = {
        "trial": f"b{block:03d}-{cell}",
        "index": max(0, block),
        "block": block,
        "cell": cell,
        "label": cell,
        "attempt": 1,
        "valid": True,
        "reason": None,
        "role": "measure",
        "parameters": Parameters(backend="a", clients=8).as_json(),
        "metrics": {"throughput_per_s": 100.0, "p50_s": 0.01},
        "counts": {"window_ok": 1000, "ok": 1200, "wrong": 0, "refused_by_cap": 3},
        "checks": {},
        "halves": [500, 500],
        "groups": {},
    }
    return made | changes


def one_sample(document: dict[str, Any]) -> Sample:
    return sample(*recorded(document))


# Records to samples


def test_a_record_of_the_first_schema_is_a_measurement() -> None:
    old = {name: part for name, part in record().items() if name not in ("role", "checks")}
    del old["halves"], old["groups"]
    (one,) = samples(recorded(old))
    assert one.metrics["throughput"] == 100.0
    assert (one.bound, one.lag_p99_s, one.halves) == (None, None, None)


def test_counts_have_the_names_that_claims_use_and_outcomes_their_own() -> None:
    one = one_sample(record(counts={"window_ok": 9, "ok": 10, "wrong": 2, "refused_by_cap": 3}))
    assert one.counts == {"window_ok": 9, "refused": 3}
    assert one.outcomes == {"ok": 10, "wrong": 2}


def test_clients_that_were_never_answered_are_waiting() -> None:
    one = one_sample(record(counts={"window_ok": 9, "clients_answered": 5}))
    assert one.counts["waiting"] == 3


def test_what_the_checks_found_comes_with_the_sample() -> None:
    checks = {"generator_bound": "94 % of its core", "lag_p99_s": 2e-4, "listen_overflows": 7}
    one = one_sample(record(checks=checks, halves=[40, 60]))
    assert (one.bound, one.lag_p99_s, one.halves) == ("94 % of its core", 2e-4, (40, 60))
    assert one.counts["listen_overflows"] == 7


def test_what_a_group_gave_has_its_name_in_front() -> None:
    gave = {
        "metrics": {"throughput_per_s": 40.0, "p99_s": 0.2},
        "counts": {"window_ok": 300, "lost": 1},
    }
    one = one_sample(record(groups={"small": gave}))
    assert (one.metrics["small/throughput"], one.metrics["small/p99"]) == (40.0, 0.2)
    assert (one.counts["small/window_ok"], one.counts["small/lost"]) == (300, 1)


def test_twins_are_cells_of_their_own_and_ceilings_are_no_samples() -> None:
    twin = record("a~aa", role="twin", trial="b000-a~aa")
    ceiling = record("ceiling", -1, role="ceiling", trial="ceiling-1")
    assert [one.cell_key for one in samples(recorded(ceiling, record(), twin))] == ["a", "a~aa"]


def test_system_calls_join_the_sample_of_their_cell_and_block() -> None:
    counted = record(
        trial="b000-a~syscalls", role="syscalls", metrics={"syscalls_per_request": 6.0}
    )
    (one,) = samples(recorded(counted, record()))
    assert (one.metrics["syscalls_per_request"], one.metrics["throughput"]) == (6.0, 100.0)
    (without,) = samples(recorded(counted | {"valid": False, "reason": "hung"}, record()))
    assert without.metrics["syscalls_per_request"] is None


def test_a_trial_that_failed_again_names_the_folder_of_its_last_attempt(tmp_path: Path) -> None:
    for folder in ("004", "004-2"):
        (tmp_path / "trials" / folder).mkdir(parents=True)
        (tmp_path / "trials" / folder / "server.err").write_text("oops")
    failed = recorded(*(record(index=4, attempt=n, valid=False, reason="hung") for n in (1, 2)))
    (told,) = failures(failed, server_words(tmp_path, failed))
    assert (told.trial, told.reason) == ("a, block 1 (trials/004-2)", "hung")
    assert told.stderr.endswith("004-2/server.err")


# A/A


def asked(
    clients: int = 1, rate: float | None = None, groups: tuple[Group, ...] = ()
) -> Parameters:
    return Parameters(backend="a", clients=clients, rate=rate, groups=groups)


def pair(ratios: Sequence[float], metric: str = "throughput") -> Index:
    found = []
    for block, ratio in enumerate(ratios):
        for key, figure in (("a", 100.0), ("a~aa", 100.0 * ratio)):
            metrics = {metric: figure}
            found.append(Sample(key, block, True, None, metrics, {"window_ok": 1000}))
    return Index(found)


def test_a_twin_that_is_like_its_cell_raises_no_alarm() -> None:
    check = check_twin(pair([1.02, 0.98, 1.01, 0.99]), "a", "a n=1", asked())
    assert check is not None
    assert (check.metric, check.differs) == ("throughput", False)


def test_a_twin_that_is_not_like_its_cell_raises_one_at_99_percent() -> None:
    check = check_twin(pair([1.10, 1.12, 1.11, 1.09]), "a", "a n=1", asked())
    assert check is not None
    assert check.differs
    assert check.estimate.alpha == 0.01


@pytest.mark.parametrize(
    "parameters", [asked(rate=500.0), asked(groups=(Group("x", 1, 1, 5.0, "poisson"),))]
)
def test_in_an_open_loop_the_medians_are_compared(parameters: Parameters) -> None:
    check = check_twin(pair([1.02, 0.98, 1.01], "p50"), "a", "a", parameters)
    assert check is not None
    assert check.metric == "p50"


def test_without_a_twin_or_blocks_there_is_nothing_to_say() -> None:
    assert check_twin(Index([]), "a", "a", asked()) is None
    assert check_twin(pair([2.0, 2.0]), "a", "a", asked()) is None


# Steadiness


def halves(*pairs: tuple[int, int]) -> Index:
    return Index(
        Sample("a", block, True, None, {}, {}, halves=both) for block, both in enumerate(pairs)
    )


def test_windows_that_rise_in_every_block_are_not_steady() -> None:
    found = drift(halves((1000, 1120), (1000, 1118), (1000, 1123), (1000, 1119)), "a", asked())
    assert found is not None
    assert found.mean == pytest.approx(1.12, abs=0.002)


def test_windows_that_vary_without_direction_are_steady() -> None:
    assert (
        drift(halves((1000, 1120), (1120, 1000), (1000, 1100), (1090, 1000)), "a", asked()) is None
    )


def test_a_drift_below_two_percent_is_not_worth_a_word_however_sure() -> None:
    assert LEAST_DRIFT == 0.02
    assert drift(halves(*[(100_000, 101_900)] * 4), "a", asked()) is None
    assert drift(halves(*[(100_000, 102_100)] * 4), "a", asked()) is not None


def test_clients_that_are_answered_in_bursts_are_not_held_to_be_unsteady() -> None:
    one_burst_more = halves((304, 336), (304, 336), (304, 335))
    assert drift(one_burst_more, "a", asked(clients=16)) is None
    assert drift(one_burst_more, "a", asked(clients=1)) is not None


def test_a_schedule_that_is_uneven_in_itself_is_not_held_against_an_open_loop() -> None:
    same_arrivals = halves((240, 260), (240, 260), (240, 261))
    assert drift(same_arrivals, "a", asked()) is not None
    assert drift(same_arrivals, "a", asked(rate=500.0)) is None
    assert drift(halves((100, 400), (100, 401), (100, 400)), "a", asked(rate=500.0)) is not None


# Findings


def findings(blocks: int = 5, change: Any = None, **options: Any) -> Findings:
    experiment = made_experiment(cells=4, blocks=blocks, claims=2)
    records = made_records(experiment, blocks)
    if change is not None:
        records = [change(record) or record for record in records]
    return find(experiment, recorded(*records), 2, **{"complete": True, **options})


def test_a_run_is_found_to_have_estimates_verdicts_and_a_twin() -> None:
    found = findings()
    assert [summary.valid for summary in found.summaries] == [5] * 4
    assert len(found.verdicts) == 2
    assert found.twin is not None
    assert found.twin.label == "c-sync clients=1"
    assert (found.failures, found.notes) == ((), ())


def test_a_run_that_is_not_complete_has_no_verdict_on_what_it_had_not_decided() -> None:
    experiment = made_experiment(cells=4, blocks=5, claims=2)
    found = find(experiment, recorded(*made_records(experiment, 4)), 2, complete=False)
    assert found.verdicts == ()
    assert found.undecided == experiment.claims


def test_other_claims_are_judged_by_their_own_number() -> None:
    claims = made_experiment(cells=4, blocks=5, claims=5).claims
    assert findings().verdicts[0].alpha == pytest.approx(0.05 / 2)
    judged = findings(claims=claims).verdicts
    assert [verdict.alpha for verdict in judged] == pytest.approx([0.05 / 5] * 5)


def marked(**checks: Any) -> Any:
    def change(record: dict[str, Any]) -> None:
        if record["label"] == "c-mt clients=2" and record["block"] < 2:
            record["checks"] |= checks

    return change


def test_trials_that_the_generator_limited_are_told_of_by_cell() -> None:
    (note,) = findings(change=marked(generator_bound="it used 94 % of its core")).notes
    assert note == (
        "c-mt clients=2: the load generator was the limit in 2 of 5 trials: "
        "it used 94 % of its core"
    )


def test_percentiles_that_a_late_generator_spoils_are_told_of() -> None:
    # p50 is 400 µs, and p99 600 µs: a lag of 120 µs is over 5 % of both, but not of the largest.
    def late(record: dict[str, Any]) -> None:
        if record["label"] == "c-mt clients=2":
            record["metrics"]["max_s"] = 0.01
            record["checks"]["lag_p99_s"] = 120e-6 if record["block"] < 3 else 99e-6

    (note,) = findings(change=late).notes
    assert note == (
        "c-mt clients=2: the load generator woke up late in 3 of 5 trials, "
        "by over 5 % of p50, p90, p99, p999"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("listen_overflows", "8 times a listen queue was full"),
        ("listen_drops", "8 connections were dropped"),
        ("retransmits", "8 segments were sent again"),
    ],
)
def test_what_the_kernel_counted_is_told_of(name: str, words: str) -> None:
    (note,) = findings(change=marked(**{name: 4})).notes
    assert note.startswith(f"c-mt clients=2: {words}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("listen_overflows", "1 time a listen queue was full"),
        ("listen_drops", "1 connection was dropped"),
        ("retransmits", "1 segment was sent again"),
    ],
)
def test_what_the_kernel_counted_once_is_told_of_in_the_singular(name: str, words: str) -> None:
    def change(record: dict[str, Any]) -> None:
        if record["block"] == 0:
            marked(**{name: 1})(record)

    (note,) = findings(change=change).notes
    assert note.startswith(f"c-mt clients=2: {words}")


def test_what_is_said_of_several_cells_alike_is_one_line() -> None:
    """The same of each was a line for each cell of every report on a busy network."""

    def change(record: dict[str, Any]) -> None:
        record["checks"]["retransmits"] = 1 + record["label"].startswith("c-mt")
        record["checks"]["lag_p99_s"] = 120e-6

    experiment = made_experiment(cells=4, blocks=3, claims=1)
    records = made_records(experiment, 3)
    for record in records:
        change(record)
    late, sent_again = find(experiment, recorded(*records), 2, complete=True).notes
    first, second, *others = [cell.label for cell in experiment.cells]
    each = {cell.label: 3 * (1 + cell.label.startswith("c-mt")) for cell in experiment.cells}
    assert sent_again.startswith(
        f"{first} ({each[first]}), {second} ({each[second]}) and {len(others)} more cells: "
        f"{sum(each.values())} segments were sent again during their trials (counted "
    )
    assert late.startswith(f"{first}, {second} and {len(others)} more cells: the load generator ")


def test_an_overflow_is_told_once_with_the_length_of_the_queue() -> None:
    def change(record: dict[str, Any]) -> None:
        marked(listen_overflows=4, listen_drops=4)(record)
        record["server"] = {"backlog": 5}

    (note,) = findings(change=change).notes
    assert note.startswith(
        "c-mt clients=2: 8 times a listen queue (the server's has a backlog of 5) was full"
    )
    assert "network namespace" in note


def test_windows_that_are_not_steady_are_told_of() -> None:
    def change(record: dict[str, Any]) -> None:
        if record["label"] == "c-mt clients=2":
            record["halves"] = [1000, 1120 + record["block"]]

    (note,) = findings(change=change).notes
    assert note.startswith(
        "c-mt clients=2: not steady: the throughput rises 12 % "
        "from the first half of the windows to the second"
    )


def test_a_cell_near_the_null_servers_rate_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = made_experiment(cells=4, blocks=3, claims=1)
    near = experiment.cells[2]
    monkeypatch.setattr(results, "ceiling_of", lambda cell, _: "shape" if cell is near else None)
    ceiling = record(
        "null", -1, trial="ceiling-shape", role="ceiling", metrics={"throughput_per_s": 22_000.0}
    )
    records = [ceiling, *made_records(experiment, 3)]
    (note,) = find(experiment, recorded(*records), 2, complete=True).notes
    assert note.startswith(f"{near.label}: near the ceiling: 9")
    failed = [ceiling | {"valid": False, "reason": "hung"}, *records[1:]]
    (note,) = find(experiment, recorded(*failed), 2, complete=True).notes
    assert note == "the ceiling of this load is not known, since its trial failed: hung"


def test_idle_connections_that_were_lost_are_told_of() -> None:
    def change(record: dict[str, Any]) -> None:
        if record["label"] == "c-mt clients=2" and record["block"] == 0:
            record["groups"] = {"idle": {"metrics": {}, "counts": {"lost": 12}}}

    (note,) = findings(change=change).notes
    assert note == "c-mt clients=2: 12 connections of group idle were lost"


def test_only_the_last_attempt_of_a_trial_counts() -> None:
    first = record(valid=False, reason="hung")
    again = record(attempt=2)
    assert [one.valid for one in samples(recorded(first, again))] == [True]
    assert failures(recorded(first, again), {}) == []


def ended(backend: str, **server: object) -> dict[str, object]:
    return record(parameters=Parameters(backend=backend, clients=8).as_json(), server=server)


def test_servers_that_do_not_end_as_they_should_are_told_of_once_for_each_backend() -> None:
    stubborn = [ended("mine", forced=True, swept=3) for _ in range(9)]
    well = [ended("mine", forced=False, swept=0), ended("c-mt", forced=False, swept=0)]
    untidy = [ended("other", forced=False, swept=1)]
    unknown = [record(server={}), record(server={"swept": None, "forced": None})]
    mine, other = endings(recorded(*stubborn, *well, *untidy, *unknown))
    assert mine.startswith(
        "mine did not end when asked to in 9 of 10 trials and left 27 processes "
    )
    assert "behind in 9 of 10 trials: they were killed" in mine
    assert other.startswith("other left 1 process behind in 1 of 1 trials: they were killed")
