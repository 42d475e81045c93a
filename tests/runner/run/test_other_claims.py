# SPDX-License-Identifier: BSD-3-Clause
"""A run that is gone on with under other claims: it is told of, and none is made easier by it."""

import json
import os
import signal
from pathlib import Path

import pytest
from tests.runner.beginner import TEXT, Beginner
from tests.runner.desk import QUICK, Desk, run_with_a_trial_finished
from tests.runner.sequential_runs import SEQUENTIAL, experiment_of

from fibench.commands.following import Following
from fibench.run.begin import Beginning
from fibench.verdict import questions_of

CLAIM = (
    '[[claim]]\nsays = "{0}"\nvalue = {{ backend = "{0}" }}\nmetric = "memory"\nabove = "1KiB"\n'
)
ONE, OTHER = CLAIM.format("c-mt"), CLAIM.format("c-sync")
ALONE = {"backend": "c-mt"}


@pytest.fixture(autouse=True)
def built(programs: Path) -> None:
    assert programs.is_dir()


def _gone_on(
    folder: Path, before: str, after: str, options: dict[str, str] | None = None
) -> Beginning:
    """A run of a file with some claims that is gone on with when it has others."""
    first = Beginner(folder, options, TEXT + before).begin()
    second = Beginner(folder, options, TEXT + after).begin()
    assert second.resumed
    assert second.folder == first.folder
    return second


@pytest.mark.parametrize(
    ("after", "is_other"),
    [(ONE + OTHER, False), (ONE + "needs_cpus = 64\n" + OTHER, True), (ONE, True),
     (ONE + OTHER.replace("1KiB", "2KiB"), True),
     (ONE.replace("says", "# it\nsays") + OTHER, False)],
)  # fmt: skip
def test_other_claims_are_told_of(tmp_path: Path, after: str, is_other: bool) -> None:
    begun = _gone_on(tmp_path, ONE + OTHER, after)
    assert begun.other_claims == is_other
    assert begun.claims == 2
    assert json.loads((begun.folder / "plan.json").read_text())["claims_in_file"] == 2


def test_claims_that_options_dropped_are_counted_when_they_are_taken_out(tmp_path: Path) -> None:
    begun = _gone_on(tmp_path, ONE + OTHER, ONE, ALONE)
    assert begun.other_claims
    assert begun.claims == 2


def test_claims_that_were_added_count_from_then_on(tmp_path: Path) -> None:
    begun = _gone_on(tmp_path, ONE, ONE + OTHER)
    assert begun.other_claims
    assert begun.claims == 1


@pytest.mark.parametrize("begun_with", [0, 1, 2, 10])
def test_a_run_is_followed_by_the_larger_number_of_claims(begun_with: int) -> None:
    questions = questions_of(experiment_of(SEQUENTIAL), 2)
    assert questions.total_claims == 2
    following = Following(questions)
    following.begun_with(begun_with)
    assert following.questions.total_claims == max(2, begun_with)


def test_a_claim_that_needs_more_than_when_its_run_was_begun_is_marked(desk: Desk) -> None:
    """It is NOT HERE, whatever its figures are by now."""
    text = QUICK.format(blocks=5, above=1)
    with run_with_a_trial_finished(desk, text=text) as process:
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        process.stdout.read()
        assert process.wait(timeout=30) == 130
    path = desk.write(text + "needs_cpus = 4096\n")
    done = desk.invoke("run", path)
    assert done.returncode in (0, 4, 5), done.stdout + done.stderr
    assert "NOT HERE" in done.stdout
    assert "claims added afterwards" in done.stdout
    kept = json.loads((desk.run_folder() / "claims.json").read_bytes())
    assert kept["claims_added_afterwards"] is True
    assert "claims added afterwards" in desk.invoke("report", desk.run_folder()).stdout


def test_a_claim_that_is_left_is_judged_as_one_of_those_that_there_were(desk: Desk) -> None:
    alone = QUICK.format(blocks=5, above=1)
    begun = desk.run(desk.write(alone + OTHER))
    assert begun.returncode in (0, 4, 5), begun.stdout + begun.stderr
    (desk.run_folder() / "claims.json").unlink()
    done = desk.invoke("run", desk.write(alone))
    assert "claims added afterwards" in done.stdout, done.stderr
    (claim,) = json.loads((desk.run_folder() / "claims.json").read_bytes())["claims"]
    assert claim["estimate"]["confidence"] == pytest.approx(0.975)
    shown = desk.invoke("report", desk.run_folder())
    assert "its file had 2 when it was begun, and has 1" in shown.stderr
