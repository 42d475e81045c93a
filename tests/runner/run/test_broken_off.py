# SPDX-License-Identifier: BSD-3-Clause
"""What was measured of a block that was broken off does not count, except for what failed in it."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from tests.runner.beginner import TEXT, Beginner
from tests.runner.run.machine import BUSY, Machine
from tests.runner.sequential_runs import CORES, SEQUENTIAL, experiment_of, record_of

from fibench.commands.refused import TRIAL_FAILED, exit_code
from fibench.plan.trials import plan
from fibench.record import Record
from fibench.run._resume import remaining
from fibench.store.stored_run import read_run
from fibench.verdict import find
from fibench.verdict.findings import Findings
from fibench.verdict.reviewing import review
from fibench.verdict.verdict import Verdict

CLAIM = """
[[claim]]
says = "Threads answer"
value = { backend = "c-mt" }
metric = "throughput"
above = 50
"""


@pytest.fixture
def machine(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    assert programs.is_dir()
    return Machine(Beginner(tmp_path, {"blocks": "5"}, text=TEXT + CLAIM), monkeypatch)


def _go_on(machine: Machine, script: dict[tuple[int, int], str]) -> tuple[Verdict, Findings]:
    """Run with a script, then to the end, and judge."""
    machine.script = script
    first, _ = machine.run()
    assert first.interrupted
    again, _ = machine.run()
    assert again.folder == first.folder
    assert not again.interrupted
    (again.folder / "claims.json").write_text('{"claims": []}')
    found = review(read_run(again.folder, machine.beginner.request.places)).findings
    (verdict,) = found.verdicts
    return verdict, found


@pytest.mark.parametrize("then", ["", "port"], ids=["it passes", "it cannot start"])
def test_a_trial_that_failed_stays_a_result_though_its_block_was_broken_off(
    machine: Machine, then: str
) -> None:
    block = [trial for trial in machine.beginner.trials if trial.block == 1]
    failed = next(trial for trial in block if trial.cell.backend == "c-mt")
    last = next(trial for trial in reversed(block) if trial != failed)
    place = (failed.index, 1)
    assert failed.index < last.index, "by the seed of the file"
    second = {(failed.index, number): then for number in (2, 3, 4)}
    verdict, judged = _go_on(machine, {place: "failed", (last.index, 1): "ctrl-c", **second})
    assert verdict.outcome == "INVALID"
    assert verdict.reason is not None
    assert "failed" in verdict.reason
    first, *others = judged.failures
    assert first.trial == (
        f"{failed.cell.label}, block 2, which was broken off then (trials/{failed.index:03d})"
    )
    assert [one.reason for one in others] == ([then] if then else [])
    assert exit_code((), len(judged.failures), None) == TRIAL_FAILED


def test_every_failure_is_listed_with_what_its_server_wrote(machine: Machine) -> None:
    """Twice in a block that was broken off, and the third time as well."""
    block = [trial for trial in machine.beginner.trials if trial.block == 1]
    failed, last = block[0].index, block[-1].index
    stops = {(last, 1): "ctrl-c", (last, 2): "ctrl-c"}
    machine.script = {**stops, **{(failed, number): "failed" for number in (1, 2, 3)}}
    for _ in range(3):
        outcome, _ = machine.run()
    for name in (f"{failed:03d}", f"{failed:03d}-2", f"{failed:03d}-3"):
        (outcome.folder / "trials" / name / "server.err").write_text("oops")
    run = read_run(outcome.folder, machine.beginner.request.places)
    judged = review(run)
    assert [one.stderr.rpartition("trials/")[2] for one in judged.failures] == [
        f"{failed:03d}/server.err", f"{failed:03d}-2/server.err", f"{failed:03d}-3/server.err",
    ]  # fmt: skip


def test_a_trial_that_could_not_start_in_a_block_that_was_broken_off_is_no_result(
    machine: Machine,
) -> None:
    block = [trial for trial in machine.beginner.trials if trial.block == 1]
    script = {(block[0].index, number): "port" for number in (1, 2, 3)}
    verdict, _ = _go_on(machine, {**script, (block[-1].index, 1): "ctrl-c"})
    assert verdict.outcome == "CONFIRMED"


def test_a_last_block_counts_once_a_pass_over_it_is_whole() -> None:
    """However far each of three passes came, and whether the last trial of it was disturbed."""
    experiment = experiment_of(SEQUENTIAL)
    trials = [trial for trial in plan(experiment) if trial.block >= 0]
    rates = {"py-mp": 700.0, "py-mt": 400.0, "py-sync": 400.0}
    least = experiment.plan.blocks.least
    before = [_made(record_of(one, rates[one.cell.backend])) for one in trials if one.block < 5]
    block = [trial for trial in trials if trial.block == least - 1]
    ways = list(product(range(len(block) + 1), (False, True)))
    for passes in [*product(ways, repeat=2), *product(ways[::2], repeat=3)]:
        made: list[Record] = []
        for size, disturbed in passes:
            for attempt in remaining(block, made)[:size]:
                one = attempt.trial
                made.append(_made(record_of(one, rates[one.cell.backend], attempt.number)))
            if disturbed and made:
                made[-1] = replace(made[-1], disturbed=BUSY)
        left = remaining(block, made)
        found = find(experiment, [*before, *made], CORES, complete=False)
        assert found.decisions.blocks == (least - 1 if left else least), passes
        assert bool(found.verdicts) == (not left)


def _made(record: Record) -> Record:
    return replace(record, schema=3)
