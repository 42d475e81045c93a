# SPDX-License-Identifier: BSD-3-Clause
"""JUnit's XML of a run: valid, whole, and well-formed whatever names are in it."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from tests.runner.export.junit_schema import faults_of
from tests.runner.export.outcome_runs import ANY_TEXT, Saying, saying
from tests.runner.judged_runs import judged_run

from fibench.export import exported
from fibench.verdict import Review
from fibench.wording import shown


def suite_of(review: Review) -> ET.Element:
    root = ET.fromstring(exported(review, "junit"))
    assert list(faults_of(root)) == []
    (suite,) = root
    return suite


def cases(suite: ET.Element) -> Mapping[str, ET.Element]:
    return {str(case.get("name")): case for case in suite.iter("testcase")}


def test_the_schema_finds_what_is_wrong() -> None:
    suite = '<testsuite name="" tests="x"><testcase name="a"><failure/></testcase></testsuite>'
    found = set(faults_of(ET.fromstring(f"<testsuites>{suite}<odd/></testsuites>")))
    assert {
        "unknown element odd", "testsuites has 'testsuite odd ' in it", "testsuite has tests='x'",
        "testsuite has name=''", "testsuite lacks timestamp", "testcase lacks classname",
        "failure lacks type",
    } <= found  # fmt: skip


def test_each_outcome_is_what_its_readers_take_it_for(outcomes: Review) -> None:
    suite = suite_of(outcomes)
    wanted = {
        "CONFIRMED": [], "REFUTED": ["failure"], "INVALID": ["error"],
        "INCONCLUSIVE": ["skipped"], "NOT HERE": ["skipped"],
    }  # fmt: skip
    found = cases(suite)
    assert {one.outcome for one in outcomes.verdicts} == wanted.keys(), "a run with every outcome"
    for verdict in outcomes.verdicts:
        case = found[verdict.claim.says]
        assert [child.tag for child in case] == wanted[verdict.outcome]
        if verdict.reason and len(case):
            assert shown(verdict.reason) in str(case[0].get("message")) + str(case[0].text)
    counted = Counter(one.outcome for one in outcomes.verdicts)
    names = ("tests", "failures", "errors", "skipped")
    assert {name: int(str(suite.get(name))) for name in names} == {
        "tests": len(outcomes.verdicts),
        "failures": counted["REFUTED"],
        "errors": counted["INVALID"],
        "skipped": counted["INCONCLUSIVE"] + counted["NOT HERE"],
    }


def test_times_are_those_of_the_trials(outcomes: Review) -> None:
    suite = suite_of(outcomes)
    records = outcomes.run.records
    assert float(str(suite.get("time"))) == pytest.approx(sum(one.times.wall_s for one in records))
    began = min(datetime.fromisoformat(one.started_at) for one in records)
    assert suite.get("timestamp") == f"{began.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    own = {one.claim.says: one.claim for one in outcomes.verdicts}
    for name, case in cases(suite).items():
        keys = {cell.key for cell in (own[name].left, own[name].right) if cell is not None}
        took = sum(one.times.wall_s for one in records if one.cell in keys)
        assert float(str(case.get("time"))) == pytest.approx(took, abs=1e-3)


def test_it_says_which_run_it_is_and_no_host_name(outcomes: Review) -> None:
    suite = suite_of(outcomes)
    told = {str(one.get("name")): one.get("value") for one in suite.iter("property")}
    assert told["run"] == outcomes.run.name
    assert told["complete"] == "yes"
    assert told["failed trials"] == str(len(outcomes.failures)) != "0"
    assert suite.get("hostname") == "localhost"
    said = suite.findtext("system-err") or ""
    assert said.count("failed: ") == len(outcomes.failures)


def test_what_an_interrupted_run_had_not_decided_is_skipped(tmp_path: Path) -> None:
    suite = suite_of(judged_run(tmp_path / "run", complete=False))
    assert [child.get("message") for case in cases(suite).values() for child in case] == [
        "not decided: the run was interrupted before it was decided"
    ] * 2


def test_claims_that_say_the_same_are_told_apart(outcomes: Review) -> None:
    assert len(cases(suite_of(saying(outcomes, "x")))) == len(outcomes.verdicts)


@given(ANY_TEXT)
def test_whatever_is_said_it_is_valid_and_no_claim_is_lost(made: Saying, text: str) -> None:
    judged = made(text)
    assert len(list(suite_of(judged).iter("testcase"))) == len(judged.verdicts)
    assert exported(judged, "junit").isascii()
