# SPDX-License-Identifier: BSD-3-Clause
"""Who repeats a run until it pleases, or changes its claims, is seen to in every report."""

import json
from pathlib import Path

import pytest
from tests.runner.report.alterations import change_claims
from tests.runner.stored_runs import EXPERIMENT, MACHINE, make_run, places_with

from fibench.commands.refused import UNDECIDED, exit_code
from fibench.export import json as exported
from fibench.export import md
from fibench.export.listing import FORMATS
from fibench.report.lines import age_line, before_line
from fibench.report.runs import rows
from fibench.store.before import runs_after, runs_before
from fibench.store.stops import tell_resumption
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import review

ONE_CLAIM = EXPERIMENT[: EXPERIMENT.rindex("[[claim]]")]
NAMES = [f"2026-11-2{day}T0915-000{day}" for day in range(1, 9)]


def outcome_of(run: Path, outcome: str) -> None:
    document = json.loads((run / "claims.json").read_text())
    for claim in document["claims"]:
        claim["outcome"] = outcome
    (run / "claims.json").write_text(json.dumps(document))


def test_a_run_says_which_of_its_experiment_it_is_and_what_came_of_those_before(
    tmp_path: Path,
) -> None:
    first, second, third = (make_run(tmp_path / "gil" / n, text=ONE_CLAIM) for n in NAMES[:3])
    outcome_of(second, "INCONCLUSIVE")
    said = "run 3 of this experiment on this machine; before: CONFIRMED, INCONCLUSIVE"
    assert before_line(first) == "run 1 of this experiment on this machine; 2 made after it"
    assert before_line(second) == (
        "run 2 of this experiment on this machine; before: CONFIRMED; 1 made after it"
    )
    assert before_line(third) == said
    judged = review(read_run(third, places_with(tmp_path)))
    assert said[1:] in md.export(judged)
    run = exported.document(judged)["run"]
    assert isinstance(run, dict)
    assert run["before"] == [["CONFIRMED"], ["INCONCLUSIVE"]]
    assert run["after"] == {"made": 0, "before_it_had_ended": 0}


def test_a_run_that_is_the_only_one_says_nothing_of_others(tmp_path: Path) -> None:
    assert before_line(make_run(tmp_path / "gil" / NAMES[0], text=ONE_CLAIM)) == ""


def test_a_run_that_was_gone_on_with_when_others_had_been_begun_says_so(tmp_path: Path) -> None:
    """Who begins several, and ends the first of them last, has made no first run."""
    first, second = (make_run(tmp_path / "gil" / name, text=ONE_CLAIM) for name in NAMES[:2])
    tell_resumption(first, {}, 0, runs_after(first).made)
    make_run(tmp_path / "gil" / NAMES[2], text=ONE_CLAIM)
    assert before_line(first) == (
        "run 1 of this experiment on this machine; 2 made after it, 1 of them before it had ended"
    )
    judged = review(read_run(first, places_with(tmp_path)))
    run = exported.document(judged)["run"]
    assert isinstance(run, dict)
    assert run["after"] == {"made": 2, "before_it_had_ended": 1}
    assert before_line(second).endswith("; 1 made after it")


def test_of_several_claims_it_is_told_how_many_came_out_how(tmp_path: Path) -> None:
    first, second = (make_run(tmp_path / "gil" / name) for name in NAMES[:2])
    assert before_line(second).endswith("before: 2 CONFIRMED")
    (first / "claims.json").unlink()
    assert before_line(second).endswith("before: not ended")


def test_many_runs_are_counted_and_the_last_of_them_told(tmp_path: Path) -> None:
    every = [make_run(tmp_path / "gil" / name, text=ONE_CLAIM) for name in NAMES]
    assert before_line(every[-1]) == (
        "run 8 of this experiment on this machine; before, the last 5: "
        "CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED"
    )


@pytest.mark.parametrize("option", ["duration=2.01s", "clients=9", "n=26", "warmup=201ms"])
def test_an_option_makes_no_run_the_first_one(tmp_path: Path, option: str) -> None:
    key, _, text = option.partition("=")
    make_run(tmp_path / "gil" / NAMES[0], text=ONE_CLAIM)
    second = make_run(tmp_path / "gil" / NAMES[1], text=ONE_CLAIM, overrides={key: text})
    said = "run 2 of this experiment on this machine; before: CONFIRMED"
    assert before_line(second) == said


@pytest.mark.parametrize("what", ["machine", "damaged"])
def test_a_run_elsewhere_is_none_of_these(tmp_path: Path, what: str) -> None:
    environment = {**MACHINE, "processor": "another"} if what == "machine" else MACHINE
    first = make_run(tmp_path / "gil" / NAMES[0], environment=environment)
    if what == "damaged":
        (first / "plan.json").write_text("{")
    assert runs_before(make_run(tmp_path / "gil" / NAMES[1])) == []


def test_the_list_of_runs_says_that_claims_were_added_afterwards(tmp_path: Path) -> None:
    run = make_run(tmp_path / "gil" / NAMES[0])
    assert "claims added afterwards" not in FORMATS["text"](rows(tmp_path))
    change_claims(run)
    found = rows(tmp_path)
    assert all(row.claims_added_afterwards for row in found)
    for name in ("text", "md"):
        assert "(claims added afterwards)" in FORMATS[name](found)


def test_a_run_of_a_former_schema_says_so(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "gil" / NAMES[0]), places_with(tmp_path))
    assert age_line(run).startswith("kept by an earlier version of fibench (schema 1): ")
    assert age_line(run)[1:] in md.export(review(run))


def test_a_run_that_was_ended_by_noise_is_undecided_whatever_failed_in_it() -> None:
    assert exit_code([], 3, not_quiet=True) == UNDECIDED == 4
    assert exit_code([], 3, 2, not_quiet=True) == 130
