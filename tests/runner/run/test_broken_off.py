# SPDX-License-Identifier: BSD-3-Clause
"""What was measured of a block that was broken off does not count, except for what failed in it."""

from pathlib import Path

import pytest
from tests.runner.beginner import TEXT, Beginner
from tests.runner.run.test_attempts import Machine

from fibench.store.stored_run import read_run
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


def _verdict(machine: Machine, folder: Path) -> Verdict:
    (verdict,) = review(read_run(folder, machine.beginner.request.places)).findings.verdicts
    return verdict


def _go_on(machine: Machine, script: dict[tuple[int, int], str]) -> Verdict:
    """Run with a script, then to the end, and judge."""
    machine.script = script
    first, _ = machine.run()
    assert first.interrupted
    again, _ = machine.run()
    assert again.folder == first.folder
    assert not again.interrupted
    (again.folder / "claims.json").write_text('{"claims": []}')
    return _verdict(machine, again.folder)


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
    verdict = _go_on(machine, {place: "failed", (last.index, 1): "ctrl-c", **second})
    assert verdict.outcome == "INVALID"
    assert verdict.reason is not None
    assert "failed" in verdict.reason


def test_a_trial_that_could_not_start_in_a_block_that_was_broken_off_is_no_result(
    machine: Machine,
) -> None:
    block = [trial for trial in machine.beginner.trials if trial.block == 1]
    script = {(block[0].index, number): "port" for number in (1, 2, 3)}
    verdict = _go_on(machine, {**script, (block[-1].index, 1): "ctrl-c"})
    assert verdict.outcome == "CONFIRMED"
