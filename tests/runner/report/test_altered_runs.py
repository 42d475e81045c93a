# SPDX-License-Identifier: BSD-3-Clause
"""A run that was altered, cut or copied is marked, and judged anew from its trials."""

import html
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.runner.report.alterations import (
    NEEDING,
    again,
    alter_figure,
    change_claims,
    claim,
    drop_claim,
    empty_plan,
    keep_claims,
    lines_of,
    need_more,
    other_boot,
    take_claims_out,
    write_lines,
)
from tests.runner.stored_runs import NAME, make_run, rewrite_journal

from fibench.commands import review as reviewing
from fibench.experiment import claims_digest
from fibench.export import OF_LISTS, OF_RUNS, comparison
from fibench.export.listing import FORMATS
from fibench.folders import find_places
from fibench.report.runs import rows
from fibench.store.stored_run import read_run
from fibench.verdict.comparing.comparison import compare
from fibench.verdict.reviewing import review

Change = Callable[[Path], object]


OF_EACH_FILE: list[tuple[Change, str]] = [
    (lambda run: claim(run, 0, mean=9.9),
     "claims.json has another figure for multiprocess-beats-threads"),
    (alter_figure,
     "line 1 of trials.jsonl: it is torn, or was altered; 1 of 10 trials is missing"),
    (lambda run: write_lines(run, []), "trials.jsonl is empty: 10 of 10 trials are missing"),
    (lambda run: (run / "trials.jsonl").unlink(), "10 of 10 trials are missing"),
    (empty_plan, "plan.json has no list of its trials"),
    (take_claims_out,
     ("claims added afterwards: they are not those that it was begun with; claims were taken out: "
      "its file had 2 when it was begun, and has 1")),
    (lambda run: (run / "environment.json").unlink(),
     "environment.json is missing or empty: its machine is not known"),
]  # fmt: skip
"""What may be done to each file of a run, and how it is marked."""
OTHERS: list[tuple[Change, str]] = [
    (lambda run: claim(run, 0, outcome="REFUTED"),
     "claims.json has REFUTED for multiprocess-beats-threads"),
    (lambda run: claim(run, 1, id="else"), "claims.json lacks refusals; claims.json has else"),
    (drop_claim, "claims.json lacks refusals"),
    (lambda run: write_lines(run, lines_of(run)[:6]), "4 of 10 trials are missing"),
    (lambda run: write_lines(run, [*lines_of(run)[:9], lines_of(run)[9][:50]]),
     "line 10 of trials.jsonl: it is torn, or was altered; 1 of 10 trials is missing"),
    (lambda run: (run / "claims.json").unlink(),
     "every trial is there, and claims.json is not"),
    (lambda run: rewrite_journal(run, lambda record: record.update(trial="x")),
     "1 trial is none of its plan"),
    (change_claims, "claims added afterwards: they are not those that it was begun with"),
    (need_more, "claims added afterwards: they are not those that it was begun with"),
    (other_boot, "environment.json is of another machine, or boot of it, than plan.json"),
    (lambda run: write_lines(run, [*lines_of(run), *lines_of(run)[3:5]]),
     "lines 11, 12 of trials.jsonl: it is a copy of one above"),
    (lambda run: again(run, 2), "line 11 of trials.jsonl: a line above has the same attempt"),
]  # fmt: skip
"""What else may be done to them."""
ALTERATIONS = OF_EACH_FILE + OTHERS


@pytest.mark.parametrize(("change", "mark"), ALTERATIONS)
def test_what_was_altered_is_marked_and_judged_anew(root: Path, change: Change, mark: str) -> None:
    folder = make_run(root / "gil" / NAME)
    make_run(root / "gil" / "2026-11-25T0000-0000", seed=2)
    listed = rows(root)
    before = {row.claim: row for row in listed if row.run.endswith(NAME)}
    assert {row.marks for row in listed} == {""}
    change(folder)
    found = rows(root)
    marked = [row for row in found if row.run.endswith(NAME)]
    assert all(mark in row.marks for row in marked), marked
    assert {row.marks for row in found if row not in marked} == {""}
    text = FORMATS["text"](found)
    assert f"! gil/{NAME}: " in text
    assert mark in text
    assert text.splitlines()[-1].endswith("; 1 has something wrong (!)")
    for name in ("csv", "json", "md"):
        assert mark.partition("; ")[0] in FORMATS[name](found).replace("\\", "")
    if "claims.json has" in mark or "a copy of" in mark:
        assert marked[0].outcome == before["multiprocess-beats-threads"].outcome == "CONFIRMED"
        assert marked[0].estimate == before["multiprocess-beats-threads"].estimate


@pytest.fixture
def reading(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], int]]:
    """Two runs, and every command that shows the first of them, in every format."""
    monkeypatch.setenv("FIBENCH_RESULTS", str(root))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    make_run(root / "gil" / NAME)
    make_run(root / "gil" / "2026-11-25T0000-0000", seed=2)
    found: list[Callable[[], int]] = [
        partial(reviewing.report, "gil~1", name, "", "", replace=False) for name in OF_RUNS
    ]
    for name in OF_LISTS:
        found.append(partial(reviewing.compare, "gil~1", "gil", name, "", replace=False))
        found.append(partial(reviewing.compare, "gil", "gil~1", name, "", replace=False))
    return found


def test_report_and_compare_show_no_mark_where_nothing_was_altered(
    reading: list[Callable[[], int]], capfd: pytest.CaptureFixture[str]
) -> None:
    for command in reading:
        assert command() == 0
        told = capfd.readouterr()
        assert told.err == ""
        for _, mark in ALTERATIONS:
            assert mark.partition("; ")[0] not in told.out.replace("\\", "")


@pytest.mark.parametrize(
    ("change", "mark"),
    [*OF_EACH_FILE, *(pytest.param(*one, marks=pytest.mark.long) for one in OTHERS)],
)
def test_report_and_compare_show_the_same_marks_in_every_format(
    root: Path,
    change: Change,
    mark: str,
    reading: list[Callable[[], int]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    change(root / "gil" / NAME)
    marks = {each for row in rows(root) if row.run.endswith(NAME) for each in row.marks.split("; ")}
    assert mark.partition("; ")[0] in "; ".join(marks)
    for command in reading:
        assert command() == 0
        told = capfd.readouterr()
        for one in marks:
            assert f"warning: gil/{NAME}: {one}" in told.err
            forms = (one, json.dumps(one)[1:-1])
            assert any(form in text for form in forms for text in (told.out, _unmarked(told.out)))


def _unmarked(text: str) -> str:
    """Markdown without its backslashes; XML with its characters."""
    return html.unescape(text.replace("\\", ""))


def test_compare_says_that_runs_have_trials_in_common(root: Path) -> None:
    """Their ratios are not those of independent runs."""
    own, other = make_run(root / "gil" / NAME), make_run(root / "gil" / "second", seed=2)
    write_lines(own, [*lines_of(own)[:9], lines_of(other)[9]])
    found = compare(*(review(read_run(run, find_places())) for run in (own, other)))
    (line,) = [line for line in comparison.leading_warnings(found) if "second run" in line]
    assert line == f"gil/{NAME}: 1 of its 10 trials are also in the second run"


def test_copies_are_marked_however_they_were_changed(root: Path) -> None:
    own = make_run(root / "ann" / "gil" / NAME)
    make_run(root / "dee" / "gil" / NAME, seed=3)
    for name in ("bob", "cyd"):
        shutil.copytree(own, root / name / "gil" / f"2026-11-26T1000-{name.encode().hex()[:4]}")
    cut = next((root / "cyd" / "gil").iterdir())
    write_lines(cut, lines_of(cut)[2:7])
    environment = json.loads((cut / "environment.json").read_text())
    (cut / "environment.json").write_text(json.dumps(environment | {"processor": "Other"}))
    marks = {row.run.partition("/")[0]: row.marks for row in rows(root)}
    assert marks["ann"].startswith("all of its 10 trials are also in bob/gil/")
    assert marks["ann"].endswith(" and 1 more")
    assert f"all of its 10 trials are also in ann/gil/{NAME} and 1 more" in marks["bob"]
    assert f"all of its 5 trials are also in ann/gil/{NAME} and 1 more" in marks["cyd"]
    assert marks["dee"] == ""
    assert {row.outcome for row in rows(root) if row.run.startswith("bob")} == {"CONFIRMED"}


def test_one_trial_taken_from_another_run_is_found(root: Path) -> None:
    own, other = make_run(root / "ann"), make_run(root / "bob", seed=2)
    write_lines(own, [lines_of(other)[0], *lines_of(own)[1:]])
    marks = {row.run: row.marks for row in rows(root)}
    assert marks["ann"].endswith("; 1 of its 10 trials are also in bob")
    assert marks["bob"] == "1 of its 10 trials are also in ann"


def test_a_report_says_the_same_of_claims_that_were_altered(root: Path) -> None:
    folder = make_run(root / "gil" / NAME)
    claim(folder, 0, outcome="REFUTED")
    judged = review(read_run(folder, find_places()))
    assert [row.outcome for row in rows(root)] == [one.outcome for one in judged.verdicts]


def test_a_run_whose_claims_are_those_that_it_was_begun_with_has_no_mark(root: Path) -> None:
    keep_claims(make_run(root / "gil" / NAME))
    keep_claims(make_run(root / "gil" / "2026-11-25T0000-0000", seed=2, text=NEEDING))
    assert {row.marks for row in rows(root)} == {""}


def test_an_earlier_version_kept_its_claims_without_what_they_need(root: Path) -> None:
    folder = make_run(root / "gil" / NAME, text=NEEDING)
    experiment = read_run(folder, find_places()).experiment
    plan = json.loads((folder / "plan.json").read_text())
    plan["claims"] = claims_digest(experiment.claims, with_needs=False)
    (folder / "plan.json").write_text(json.dumps(plan))
    assert {row.marks for row in rows(root)} == {""}


def test_claims_that_are_left_are_judged_by_as_many_as_there_were(root: Path) -> None:
    folder = make_run(root / "gil" / NAME)
    take_claims_out(folder, in_file=10)
    (verdict,) = review(read_run(folder, find_places())).verdicts
    assert verdict.alpha == pytest.approx(0.05 / 10)
    assert all("its file had 10 when it was begun, and has 1" in row.marks for row in rows(root))


@pytest.mark.parametrize("number", [-1, True, "2", 10**9, 2.0, None, [2]])
def test_a_number_of_claims_that_no_file_has_is_not_known(root: Path, number: object) -> None:
    folder = make_run(root / "gil" / NAME)
    plan = json.loads((folder / "plan.json").read_text()) | {"claims_in_file": number}
    (folder / "plan.json").write_text(json.dumps(plan))
    judged = review(read_run(folder, find_places()))
    assert judged.run.plan.claims_in_file is None
    assert [verdict.alpha for verdict in judged.verdicts] == pytest.approx([0.025, 0.025])
    assert judged.marks == ()
