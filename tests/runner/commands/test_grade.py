# SPDX-License-Identifier: BSD-3-Clause
"""`grade` as a person types it: what is taken for runs, what is refused, how it ends."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.runner.export.labs import SUBMISSION
from tests.runner.stored_runs import EXPERIMENT, make_run, places_with
from tests.runner.warm import words_before

from fibench.commands import review as reviewing
from fibench.commands.program import CommandLine
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.page import page_of
from fibench.store import read_run
from fibench.verdict import review

LAB = EXPERIMENT.replace("above = 1.3\n", "above = 1.3\npoints = 3\n")
NAME = "2026-11-24T2255-63e1"


def write_page(run: Path, path: Path) -> Path:
    path.write_text(page_of(review(read_run(run, places_with(run)))))
    return path


@pytest.fixture
def desk_of_a_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab, a folder with a run's folder and two pages of which one is a copy, and a torn one."""
    (tmp_path / "lab.toml").write_text(LAB)
    handed_in = tmp_path / "handed-in"
    run = make_run(handed_in / "dee" / "lab" / NAME, text=LAB, seed=2)
    other = make_run(tmp_path / "made" / "lab" / NAME, text=LAB, seed=3)
    ada = write_page(other, handed_in / "ada.html")
    shutil.copy(ada, handed_in / "bob.html")
    torn = write_page(run, handed_in / "eve.html")
    torn.write_text(torn.read_text().replace("</script>", "!</script>", 1))
    monkeypatch.setenv("FIBENCH_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("FIBENCH_FROM", str(tmp_path))
    return tmp_path


def grade(*runs: str, lab: str = "lab.toml", format_name: str = "csv", output: str = "") -> int:
    return reviewing.grade(lab, runs, format_name, output, replace=False)


def sheet(text: str) -> dict[str, dict[str, str]]:
    return {row["file"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


def test_a_folder_stands_for_every_run_in_it(
    desk_of_a_teacher: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert grade("handed-in") == 0
    found = sheet(capfd.readouterr().out)
    own = f"handed-in/dee/lab/{NAME}"
    assert list(found) == ["handed-in/ada.html", "handed-in/bob.html", own, "handed-in/eve.html"]
    assert {row["points"] for name, row in found.items() if "eve" not in name} == {"3"}
    assert found["handed-in/ada.html"]["marks"] == (
        "all of its 10 trials are also in handed-in/bob.html"
    )
    assert found["handed-in/ada.html"]["run"] == f"lab/{NAME}"
    assert found[own]["marks"] == ""
    eve = found["handed-in/eve.html"]
    assert (eve["points"], eve["open"], eve["of"]) == ("", "", "3")
    assert eve["marks"].startswith("damaged: ")


def test_a_run_that_was_altered_has_its_points_and_its_mark(
    desk_of_a_teacher: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = desk_of_a_teacher / "handed-in" / "dee" / "lab" / NAME / "claims.json"
    path.write_text(path.read_text().replace("CONFIRMED", "REFUTED", 1))
    assert grade(str(path.parent)) == 0
    (row,) = sheet(capfd.readouterr().out).values()
    assert row["points"] == "3"
    assert "claims.json has REFUTED for multiprocess-beats-threads" in row["marks"]


@pytest.mark.parametrize("format_name", ["gradescope", "classroom50"])
def test_a_result_of_one_submission_is_of_one_run(
    desk_of_a_teacher: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    format_name: str,
) -> None:
    for name, value in SUBMISSION.items():
        monkeypatch.setenv(name, value)
    assert grade("handed-in/ada.html", format_name=format_name, output="results.json") == 0
    assert capfd.readouterr().out == ""
    document = json.loads((desk_of_a_teacher / "results.json").read_text())
    assert document["score"] == 3
    for runs in (("handed-in",), ("handed-in/ada.html", "handed-in/bob.html")):
        with pytest.raises(Refused, match="of one submission") as caught:
            grade(*runs, format_name=format_name)
        assert caught.value.status == WRONG_INPUT
    with pytest.raises(Refused, match="cannot be graded"):
        grade("handed-in/eve.html", format_name=format_name)


@pytest.mark.parametrize(
    ("runs", "lab", "format_name", "said"),
    [
        ((), "lab.toml", "csv", "grade needs RUN, which is not given"),
        (("nobody",), "lab.toml", "csv", 'there is no run "nobody"'),
        (("empty",), "lab.toml", "csv", "no run is in the folder empty"),
        (("handed-in/ada.html", "./handed-in/ada.html"), "lab.toml", "csv", "are one run"),
        (("handed-in",), "none.toml", "csv", "none.toml"),
        (("handed-in",), "plain.toml", "csv", "no claim has points"),
        (("handed-in",), "lab.toml", "gradescop", "--format gradescop: no such format"),
        (("handed-in",), "lab.toml", "classroom50", "needs CLASSROOM, ASSIGNMENT, SUBMISSION_TAG"),
    ],
)
def test_what_cannot_be_graded_is_said_with_exit_2(
    desk_of_a_teacher: Path, runs: tuple[str, ...], lab: str, format_name: str, said: str
) -> None:
    (desk_of_a_teacher / "empty").mkdir()
    (desk_of_a_teacher / "plain.toml").write_text(EXPERIMENT)
    assert not SUBMISSION.keys() & os.environ.keys()
    with pytest.raises(Refused) as caught:
        grade(*runs, lab=lab, format_name=format_name)
    assert said in str(caught.value)
    assert caught.value.status == WRONG_INPUT


def test_as_many_runs_as_there_are_may_follow_the_lab(desk_of_a_teacher: Path) -> None:
    """Whatever they are called: also as a command is, or with spaces."""
    handed_in = desk_of_a_teacher / "handed-in"
    os.rename(handed_in / "ada.html", handed_in / "ada b.html")
    shutil.copytree(handed_in / "dee" / "lab" / NAME, desk_of_a_teacher / "report")
    words = ["grade", "lab.toml", "handed-in/ada b.html", "report", "--format=csv"]
    done = subprocess.run(
        [*words_before(os.environ), *words, "handed-in/bob.html"],
        cwd=CHECKOUT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = sheet(done.stdout)
    assert list(found) == ["handed-in/ada b.html", "report", "handed-in/bob.html"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grade",), "grade needs LAB, which is not given"),
        (("grade", "lab.toml", "--run", "a", "--run", "b", "--fromat", "csv"), "--fromat of grade"),
        (("grade", "lab.toml", "a", "--output", "x", "--output", "y"), "--output is given twice"),
    ],
)
def test_a_slip_of_its_command_line_is_named(words: tuple[str, ...], said: str) -> None:
    from fibench import tasks

    line = CommandLine("invoke", "1", tasks._collection(*tasks.OF_A_RUN))
    with pytest.raises(Refused, match=said):
        line._ended_by_itself(["invoke", *words])


def test_grading_loads_nothing_before_it_is_asked_for() -> None:
    code = "import sys, fibench.tasks, fibench.commands.review; "
    code += "sys.exit(any(one.startswith('fibench.export.graders') for one in sys.modules))"
    source = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py")}
    assert subprocess.run([sys.executable, "-c", code], env=source, check=False).returncode == 0
