# SPDX-License-Identifier: BSD-3-Clause
"""Whole runs on made-up machines, by the code of real ones: a short, seeded form of what
docs/statistics.md has of them."""

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from fibench.develop.bench.made_claims import (
    CLAIMS,
    MIXED,
    ON_A_VALUE,
    File,
    experiment_of,
    truth_of,
    truths,
)
from fibench.develop.bench.made_trials import (
    CPUS,
    P99_S,
    RATES,
    TWO_CORES,
    Machine,
    MadeTrials,
    name_of,
)
from fibench.develop.bench.proof import MACHINES, NOISY, OF_TAILS, Found, simulate, tables
from fibench.develop.bench.whole_runs import WholeRun, _cells, _plan, whole_run
from fibench.record import Record
from fibench.store.attempts import REPETITIONS, attempts_of, passes_of
from fibench.verdict import find

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"
EVERY: dict[str, tuple[File, Machine]] = {
    f"{file}, {name}": (file, machine)
    for file, machines in MACHINES.items()
    for name, machine in machines.items()
}


def run_on(name: str, seed: int = 3) -> WholeRun:
    file, machine = EVERY[name]
    return whole_run(file, machine, seed)


def that_differ_in_numbers_alone() -> set[str]:
    """All but the first of the machines on which the same things happen to the same file."""
    firsts: set[tuple[object, ...]] = set()
    found = set()
    for name, (file, machine) in EVERY.items():
        own = asdict(machine)
        kind = file, *(key for key, value in asdict(Machine()).items() if value != own[key])
        if kind in firsts:
            found.add(name)
        firsts.add(kind)
    return found


ALIKE = that_differ_in_numbers_alone()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in ALIKE else ()) for name in EVERY]
)
def test_a_simulated_run_is_one_that_a_report_reads_and_judges_alike(name: str) -> None:
    run, file = run_on(name), EVERY[name][0]
    assert attempts_of(run.records, experiment_of(file)).unasked == [], (
        "the journal keeps the rule of attempts"
    )
    not_quiet = "others used it" if run.not_quiet else None
    found = find(experiment_of(file), run.records, CPUS, complete=True, not_quiet=not_quiet)
    counted = {verdict.claim.id: verdict for verdict in found.verdicts}
    for standing, verdict in zip(run.decisions.standings, run.verdicts, strict=True):
        if verdict is None:
            assert all(one.outcome == "INCONCLUSIVE" for one in counted.values())
            continue
        assert standing.verdict is not None
        reported = counted[verdict.claim.id]
        assert (reported.outcome, reported.decided) == (verdict.outcome, verdict.decided)
        assert reported.estimate == verdict.estimate


def test_the_same_seed_is_the_same_run_and_another_is_another() -> None:
    assert run_on("gil, 10 %, 4 of 5 found").records == run_on("gil, 10 %, 4 of 5 found").records
    assert run_on("gil, 10 %, 4 of 5 found", 4).records != run_on("gil, 10 %, 4 of 5 found").records


def tries(run: WholeRun) -> Iterator[list[Record]]:
    for passes in passes_of(run.records).values():
        for one in passes:
            yield from one.tries.values()


def test_what_leaves_evidence_is_measured_again_and_nothing_else() -> None:
    machine = Machine(disturbed=0.3, found=1.0)
    run = whole_run("mixed", machine, 1)
    repeated = [own for own in tries(run) if len(own) > 1]
    assert len(repeated) > 20
    assert max(map(len, repeated)) == 1 + REPETITIONS
    kinds = {one.disturbed.kind for own in repeated for one in own if one.disturbed}
    assert kinds == {"foreign", "probe"}
    unseen = whole_run("mixed", Machine(disturbed=0.3, found=0.0, alarms=0.0), 1)
    assert all(len(own) == 1 for own in tries(unseen))
    every = [one for seed in range(5) for one in whole_run("mixed", machine, seed).records]
    first = {one.disturbed.kind for one in every if one.block < 2 and one.disturbed}
    assert first == {"foreign"}, "the probe tells nothing yet"


def test_beside_endless_loops_a_run_ends_and_one_that_bears_them_decides_nothing_wrongly() -> None:
    ended = whole_run("gil", Machine(loops=True), 1)
    assert ended.not_quiet
    assert max(one.block for one in ended.records) == 1
    assert set(ended.verdicts) == {None}
    borne = whole_run("gil", Machine(loops=True, accepts=True), 1)
    assert not borne.not_quiet
    outcomes = [verdict.outcome for verdict in borne.verdicts if verdict is not None]
    assert len(outcomes) == 8
    assert "REFUTED" not in outcomes
    rates = [one.metrics["throughput_per_s"] or 0.0 for one in borne.records if "c-mt" in one.label]
    assert np.mean(rates) < 0.75 * RATES["c-mt n=34"], "much of it was taken"


@pytest.mark.parametrize("file", MACHINES)
def test_the_truth_of_each_claim_lies_where_it_is_said_to(file: File) -> None:
    for claim, truth in zip(experiment_of(file).claims, truths(file), strict=True):
        bounds = [bound for bound in (claim.low, claim.high) if bound is not None]
        at = truth_of(claim)
        inside = (claim.low is None or at > claim.low) and (claim.high is None or at < claim.high)
        nearest = min(abs(math.log(at / bound)) if at else math.inf for bound in bounds)
        assert {"bound": nearest == 0.0, "false": not inside and nearest > 0.0}.get(truth, inside)
        assert {"near": nearest < 0.05, "far": nearest > 0.09}.get(truth, True)
    for name in CLAIMS:
        assert {"bound"} <= set(truths(name)), "the least that a table is about"
    on_value = experiment_of("mixed").claims[ON_A_VALUE]
    assert (on_value.right, MIXED[ON_A_VALUE][0]) == (None, "bound")


def test_each_kind_of_claim_but_that_of_rates_is_made_up_somewhere() -> None:
    every = [claim for file in MACHINES for claim in experiment_of(file).claims]
    assert {claim.kind for claim in every} == {"ratio", "value", "crossover"}
    assert {claim.metric for claim in every} == {"throughput", "cores", "p99", "errors"}


def logs_of(file: File, machine: Machine, seeds: int) -> dict[str, list[float]]:
    """By the name of a cell, how far its trials are from the truth: logarithms."""
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        for one in whole_run(file, machine, seed).records:
            if one.role != "ceiling":
                name = name_of(one.cell, one.label)
                metric, true = ("p99_s", P99_S) if name in P99_S else ("throughput_per_s", RATES)
                log = math.log((one.metrics[metric] or 0.0) / true[name])
                found.setdefault(name, []).append(log)
    return found


@pytest.mark.parametrize(("file", "sign"), [("mixed", -1.0), ("open", 1.0)])
def test_a_machine_that_hits_some_designs_leaves_the_others_alone(file: File, sign: float) -> None:
    spreads = dict.fromkeys(RATES, 0.001) | dict.fromkeys(P99_S, 0.001)
    machine = Machine(
        spreads=spreads, disturbed=0.5, found=0.0, alarms=0.0, slowed=(1.1, 1.3), hits=TWO_CORES
    )
    for name, logs in logs_of(file, machine, 3).items():
        slowed = [sign * log for log in logs if abs(log) > 0.05]
        assert bool(slowed) == (name in TWO_CORES)
        assert all(math.log(1.09) < log < math.log(1.31) for log in slowed)


def test_what_is_read_late_and_where_nothing_is_told_nobody_knows_what_others_used() -> None:
    late = whole_run("mixed", Machine(late=0.3), 1).records
    hidden = [one for one in late if one.machine["foreign_cores"] is None]
    assert 0.2 < len(hidden) / len(late) < 0.45
    assert {one.metrics["cores"] for one in hidden} == {None}
    assert {one.server.unknown[0][:9] for one in hidden if one.server} == {"CPU times"}
    blind = whole_run("mixed", Machine(blind=True), 1).records
    known = [one.machine["foreign_cores"] for one in blind if one.role != "ceiling"]
    assert set(known) == {None}


def test_endless_loops_take_from_designs_of_one_core_too() -> None:
    logs = logs_of("mixed", Machine(loops=True, accepts=True), 2)
    for name, own in logs.items():
        assert min(own) < math.log(0.85), name
        assert np.mean(own) < (-0.35 if name in TWO_CORES else -0.1), name


def test_an_open_loop_is_judged_by_its_percentiles_and_loses_no_count() -> None:
    run = whole_run("open", OF_TAILS["10 % disturbed, 4 of 5 found"], 1)
    ratio, value, crossover, errors = (one for one in run.verdicts if one is not None)
    assert errors.outcome == "CONFIRMED"
    for verdict in (ratio, value, crossover):
        assert verdict.estimate is not None
        assert verdict.estimate.mean == pytest.approx(truth_of(verdict.claim), rel=0.3)


def first_attempts(machine: Machine, seed: int) -> Iterator[Record]:
    """What each trial gives at first, to the last block; in a burst, what counts of it."""
    if machine.burst_s is not None:
        # A claim on its bound keeps its cells to the last block, nearly always.
        yield from {one.trial: one for one in whole_run("mixed", machine, seed).records}.values()
        return
    trials = _plan("mixed", seed % 4)
    keys = {key: name_of(key, label) for key, label in _cells(trials)}
    made = MadeTrials(machine, keys, experiment_of("mixed").plan.blocks.most, seed)
    yield from (made.measured(trial, 1, 0) for trial in trials)


@pytest.mark.parametrize(
    "name", [name for name, machine in NOISY.items()
             if not (machine.disturbed or machine.loops or machine.foreign or machine.burst_s)]
)  # fmt: skip
def test_noise_has_the_truth_as_its_mean(name: str) -> None:
    logs: dict[str, list[float]] = {}
    for seed in range(20):
        for one in first_attempts(NOISY[name], seed):
            if one.role != "ceiling" and one.label in ("py-mp n=27", "py-sync n=27"):
                rate = one.metrics["throughput_per_s"] or 0.0
                true = RATES[name_of(one.cell, one.label)]
                logs.setdefault(f"{one.label} {seed}", []).append(math.log(rate / true))
    for label in ("py-mp", "py-sync"):
        means = [float(np.mean(own)) for key, own in logs.items() if key.startswith(label)]
        assert abs(np.mean(means)) < 5 * np.std(means) / len(means) ** 0.5 + 0.002


def test_found_disturbances_cost_few_verdicts_and_hidden_ones_many() -> None:
    machines = (Machine(disturbed=0.05, found=found) for found in (0.8, 0.0))
    found, hidden = (simulate("gil", machine, 20, 5) for machine in machines)
    assert found.share_right(8) > hidden.share_right(8) + 0.2
    assert not any(found.wrong)
    assert not any(hidden.wrong)


def test_a_wrong_verdict_is_counted() -> None:
    found = Found()
    run = run_on("mixed, quiet")
    turned = [
        replace(standing, verdict=replace(standing.verdict, outcome="REFUTED", decided=6))
        for standing in run.decisions.standings
        if standing.verdict is not None
    ]
    found.add("mixed", replace(run, decisions=replace(run.decisions, standings=turned)))
    false = [place for place, (truth, _) in enumerate(MIXED) if truth == "false"]
    assert found.wrong == [frozenset(range(8)) - set(false)]
    assert found.right == [len(false)]
    assert found.share_wrong(false) == 0.0


def test_the_page_has_the_tables_that_are_written_into_it() -> None:
    written = PAGE.read_text(encoding="utf-8").split("<!-- whole runs -->")[1]
    written = written.split("<!-- end -->")[0]
    rows = [line.split("|")[1] for line in written.splitlines() if line.startswith("|")]
    assert rows == [line.split("|")[1] for line in tables(1, 1, alone=True) if line.startswith("|")]
