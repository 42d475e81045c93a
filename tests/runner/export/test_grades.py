# SPDX-License-Identifier: BSD-3-Clause
"""What runs that were handed in are worth: by the teacher's claims, and never by noise."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from tests.runner.experiments import KNOWN, parse
from tests.runner.export.labs import (
    COUNT,
    GRADED_AT,
    LAB,
    RATIO,
    SUBMISSION,
    grade_of,
    handed_in,
    lab_of,
    told,
)
from tests.runner.export.outcome_runs import ANY_TEXT
from tests.runner.stored_runs import CLAIMS, leave_out, make_run, places_with, rewrite_journal

from fibench.document import ExperimentError
from fibench.export.graders.classroom50 import classroom_json, lacking_variables
from fibench.export.graders.grades import NOT_MEASURED, ClaimGrade, RunGrade, graded
from fibench.export.graders.gradescope import RUN_AGAIN, gradescope_json
from fibench.export.graders.lab import read_lab
from fibench.export.graders.plain import ToldClaim
from fibench.export.graders.sheet import grade_sheet
from fibench.store import read_run


def test_claims_with_points_are_won_or_lost(tmp_path: Path) -> None:
    found = grade_of(handed_in(tmp_path / "ada"))
    assert told(found) == {RATIO: ("CONFIRMED", 3), COUNT: ("CONFIRMED", 2)}
    assert (found.earned, found.open, found.decided, lab_of().most) == (5, 0, 5, 5)
    assert found.marks == []
    lost = grade_of(handed_in(tmp_path / "bob"), LAB.replace("above = 1.3", "above = 3"))
    assert told(lost) == {RATIO: ("REFUTED", 0), COUNT: ("CONFIRMED", 2)}
    assert (lost.earned, lost.open, lost.decided) == (2, 0, 5)


def test_a_students_own_claims_count_for_nothing(tmp_path: Path) -> None:
    easy = LAB.replace("above = 1.3", "above = 0.1").replace("points = 2", "points = 1000")
    found = grade_of(handed_in(tmp_path / "ada", text=easy), LAB.replace("= 1.3", "= 3"))
    assert told(found) == {RATIO: ("REFUTED", 0), COUNT: ("CONFIRMED", 2)}
    assert found.marks == ["its own claims are others than those of lab.toml, which count"]


def test_nor_does_how_many_trials_may_fail_by_their_file(tmp_path: Path) -> None:
    lenient = LAB.replace("[plan]", "[plan]\ntolerate_failures = 0.5")
    folder = make_run(tmp_path / "ada", text=lenient)

    def fail(record: dict[str, object]) -> None:
        if record["block"] == 1 and record["label"] == "py-mp":
            record |= {"valid": False, "reason": "it fell over", "window_opened": True}

    rewrite_journal(folder, fail)
    found = grade_of(read_run(folder, places_with(folder)))
    assert told(found)[RATIO] == ("INVALID", None)
    by_own = told(grade_of(read_run(folder, places_with(folder)), lenient))
    assert by_own[RATIO] == ("CONFIRMED", 3), "a lab that forgives it"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (("above = 1.3", "above = 1.82"), "INCONCLUSIVE"),
        (("above = 1.3", "above = 1.3\nneeds_cpus = 64"), "NOT HERE"),
    ],
)
def test_noise_and_another_machine_leave_points_open(
    tmp_path: Path, change: tuple[str, str], outcome: str
) -> None:
    found = grade_of(handed_in(tmp_path / "ada"), LAB.replace(*change))
    assert told(found) == {RATIO: (outcome, None), COUNT: ("CONFIRMED", 2)}
    assert (found.earned, found.open, found.decided) == (2, 3, 2)


def test_what_could_not_run_there_is_open(tmp_path: Path) -> None:
    folder = leave_out_mp(tmp_path / "ada")
    found = grade_of(read_run(folder, places_with(folder)))
    assert told(found)[RATIO] == ("NOT HERE", None)
    assert "there is no fork" in found.claims[0].claim.first


def leave_out_mp(folder: Path) -> Path:
    leave_out(make_run(folder, text=LAB), "py-mp", "there is no fork")
    return folder


def test_an_interrupted_run_leaves_points_open(tmp_path: Path) -> None:
    found = grade_of(handed_in(tmp_path / "ada", complete=False))
    assert {outcome for outcome, _ in told(found).values()} == {"not decided"}
    assert (found.earned, found.open) == (0, 5)


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("n = 27", "n = 20", "n = 20 instead of 27"),
        ("clients = 8", "clients = 9", "clients = 9 instead of 8"),
        ("[load]", '[server]\nframing = "line"\n[load]', "framing = line instead of message"),
    ],
)
def test_what_was_measured_otherwise_earns_nothing_and_says_why(
    tmp_path: Path, right: str, wrong: str, why: str
) -> None:
    found = grade_of(handed_in(tmp_path / "ada", text=LAB.replace(right, wrong)))
    assert told(found) == {RATIO: (NOT_MEASURED, 0), COUNT: (NOT_MEASURED, 0)}
    assert why in found.claims[0].claim.first
    assert (found.earned, found.open, found.decided) == (0, 0, 5)


def test_how_long_and_where_it_was_measured_is_the_students_own_affair(tmp_path: Path) -> None:
    own = LAB.replace('"2s"', '"3s"').replace('"200ms"', '"1s"')
    own = own.replace("[load]", '[load]\ncpus = "1"')
    assert grade_of(handed_in(tmp_path / "ada", text=own)).earned == 5


def test_cells_that_a_student_has_added_are_in_nobodys_way(tmp_path: Path) -> None:
    """By the student's file a side would mean two cells."""
    more = LAB.replace("n = 27", "n = [20, 27]")
    for side in ("py-mp", "py-mt"):
        more = more.replace(f'{{ backend = "{side}" }}', f'{{ backend = "{side}", n = 27 }}')
    found = grade_of(handed_in(tmp_path / "ada", text=more))
    assert found.earned == 5


def test_claims_alone_are_asked_of_whatever_cells_a_run_has(tmp_path: Path) -> None:
    claims = LAB[LAB.index("[[claim]]") :]
    small = LAB.replace("n = 27", "n = 20")
    assert grade_of(handed_in(tmp_path / "ada", text=small), claims).earned == 5


def test_who_has_measured_another_server_has_not_measured_the_labs(tmp_path: Path) -> None:
    other = LAB.replace("py-mp", "py-none").replace("py-mt", "py-mp").replace("py-none", "py-mt")
    alone = other.replace('["py-mt", "py-mp"]', '"py-mt"')
    alone = alone[: alone.index("[[claim]]")]
    found = grade_of(handed_in(tmp_path / "ada", text=alone))
    assert told(found) == {RATIO: (NOT_MEASURED, 0), COUNT: ("CONFIRMED", 2)}
    assert found.claims[0].claim.first == "py-mp was not measured"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CLAIMS, "no claim has points: there is nothing to grade by"),
        (LAB.replace("points = 3", "points = 0"), "points 0 is outside 1 to 1000"),
        (
            CLAIMS.replace("ratio = [", "value = ").replace('}, { backend = "py-mp" }]', "}")
            .replace("1.1", '"1/s"') + "points = 1\n",
            "differs from machine to machine",
        ),
        ("", "no claim has points"),
    ],
)  # fmt: skip
def test_a_lab_that_nobody_can_be_graded_by_is_refused(text: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        read_lab(text.encode(), "lab.toml", KNOWN, Path("/"))
    assert said in str(caught.value)


REQUESTS = """\
title = "A lab about a server that is still to be written"
[backends.mine]
command = ["python3", "server.py", "{port}"]
[requests.page]
get = "/page"
[matrix]
backend = "mine"
request = "page"
[load]
duration = "2s"
[[claim]]
says = "It never fails"
value = { backend = "mine" }
metric = "errors"
below = 1
points = 1
"""


def test_a_server_of_the_students_own_is_told_by_its_name_and_its_requests_are_the_labs() -> None:
    lab = lab_of(REQUESTS)
    own = REQUESTS.replace('"python3", "server.py"', '"./mine"')
    assert lab.asked_for(parse(own).cells) == list(parse(own).cells)
    other = parse(REQUESTS.replace("/page", "/other")).cells
    assert lab.asked_for(other) == []
    why = lab.why_not("it-never-fails", other)
    assert why == "mine was measured with requests that are others"


SEARCHED = """\
title = "Who sustains more"
[matrix]
backend = ["py-mt", "py-mp"]
rate = "search"
[[claim]]
says = "Processes sustain more"
sustains = { over = "rate", of = [{ backend = "py-mp" }, { backend = "py-mt" }] }
metric = "p90"
limit = "50ms"
above = 1.2
points = 1
"""


def test_rates_that_each_run_has_searched_for_itself_are_the_labs() -> None:
    lab = lab_of(SEARCHED)
    found = parse(SEARCHED.replace('"search"', '["70/s", "90/s"]')).cells
    assert lab.asked_for(found) == list(found)
    closed = SEARCHED[: SEARCHED.index("[[claim]]")].replace('rate = "search"', "n = 1")
    assert lab.asked_for(parse(closed).cells) == []


# The formats


def as_gradescope(grade: RunGrade, text: str = LAB) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gradescope_json(lab_of(text), grade))
    assert type(found["score"]) is int
    assert {"tests", "output", "extra_data"} <= found.keys()
    tests = found["tests"]
    for test in tests:
        assert {type(test[name]) for name in ("name", "output", "number")} == {str}
        assert ("score" in test) == ("max_score" in test) == ("status" in test)
        assert test.get("status") in (None, "passed", "failed")
    assert sum(test.get("score", 0) for test in tests) == found["score"]
    return found


def as_classroom(grade: RunGrade, text: str = LAB) -> dict[str, Any]:
    said = classroom_json(lab_of(text), grade, SUBMISSION, GRADED_AT)
    found: dict[str, Any] = json.loads(said)
    tests = found["tests"]
    assert found["schema"] == "classroom50/result/v1"
    words = ("classroom", "assignment", "submission", "commit", "release", "review", "datetime")
    assert all(type(found[name]) is str and found[name] for name in words)
    for test in tests:
        assert type(test["test-name"]) is str
        assert type(test["passed"]) is bool
        assert 0 <= test["score"] <= test["max-score"]
    assert sum(test["score"] for test in tests) == found["score"]
    assert sum(test["max-score"] for test in tests) == found["max-score"]
    return found


def test_gradescope_has_a_test_for_each_claim_and_open_ones_count_on_neither_side(
    tmp_path: Path,
) -> None:
    text = LAB.replace("above = 1.3", "above = 1.82")
    found = as_gradescope(grade_of(handed_in(tmp_path / "ada"), text), text)
    ratio, count = found["tests"]
    assert "score" not in ratio
    assert RUN_AGAIN in ratio["output"]
    assert ratio["output"].startswith("INCONCLUSIVE\n")
    assert (count["score"], count["max_score"], count["status"]) == (2, 2, "passed")
    assert found["score"] == 2
    assert f"3 points {RUN_AGAIN}" in str(found["output"])
    extra = found["extra_data"]
    assert (extra["points"], extra["open"], extra["of"]) == (2, 3, 5)


def test_classroom_sums_up_what_is_decided(tmp_path: Path) -> None:
    text = LAB.replace("above = 1.3", "above = 1.82")
    run = handed_in(tmp_path / "ada")
    found = as_classroom(grade_of(run, text), text)
    assert (found["score"], found["max-score"]) == (2, 2)
    ratio, count = found["tests"]
    assert (ratio["passed"], ratio["score"], ratio["max-score"]) == (False, 0, 0)
    assert (ratio["outcome"], RUN_AGAIN in ratio["message"]) == ("INCONCLUSIVE", True)
    assert (count["passed"], count["score"], count["max-score"]) == (True, 2, 2)
    assert (found["fibench"]["open"], found["fibench"]["of"]) == (3, 5)
    won = as_classroom(grade_of(run))
    assert [test["passed"] for test in won["tests"]] == [True, True]
    lost = LAB.replace("above = 1.3", "above = 3")
    tests = as_classroom(grade_of(run, lost), lost)["tests"]
    assert [(test["passed"], test["max-score"]) for test in tests] == [(False, 3), (True, 2)]


def test_a_result_of_classroom_50_says_which_submission_it_is_of(tmp_path: Path) -> None:
    found = as_classroom(grade_of(handed_in(tmp_path / "ada")))
    assert found["classroom"] == "os"
    assert found["submission"] == "submit/2026-06-01T14-32-05Z-a1b2c3d"
    assert found["review"] == found["commit"], "where nobody says how to compare"
    assert found["datetime"] == "2026-06-01T14:33:11Z"
    assert lacking_variables(SUBMISSION) == []
    assert lacking_variables({**SUBMISSION, "COMMIT_URL": ""}) == ["COMMIT_URL"]


def test_the_sheet_has_a_row_for_each_run_and_a_column_for_each_claim(tmp_path: Path) -> None:
    text = LAB.replace("above = 1.3", "above = 1.82")
    run = handed_in(tmp_path / "gil" / "2026-11-24T2255-63e1")
    rows = [graded(lab_of(text), run, "=ada.html", ["all of its 10 trials are also in bob.html"])]
    rows.append(RunGrade("torn.html", "", (), damaged="the run in it cannot be read"))
    head, ada, torn = grade_sheet(lab_of(text), rows).splitlines()
    assert head == f"file,run,claim {RATIO},claim {COUNT},points,open,of,remarks,marks"
    assert ada.startswith(f"'=ada.html,gil/2026-11-24T2255-63e1,,2,2,3,5,\"{RATIO}: INCONCLUSIVE: ")
    assert "also in bob.html" in ada
    assert "others than those of lab.toml" in ada, "the bound is not that of the run's own file"
    assert torn == "torn.html,,,,,,5,,damaged: the run in it cannot be read"


@given(ANY_TEXT)
def test_whatever_is_said_every_format_keeps_its_layout(text: str) -> None:
    claims = [
        ClaimGrade(ToldClaim(RATIO, text, "REFUTED", [text]), 3, 0),
        ClaimGrade(ToldClaim(COUNT, text, "INCONCLUSIVE", [text]), 2, None),
    ]
    grade = RunGrade(text, text, claims, [text])
    assert as_gradescope(grade)["score"] == 0
    assert as_classroom(grade)["score"] == 0
    assert grade_sheet(lab_of(), [grade]).count("\r\n") == 2
