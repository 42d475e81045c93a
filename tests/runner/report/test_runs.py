# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs from many machines is one table, whatever else lies in it."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.runner.stored_runs import EXPERIMENT, MACHINE, make_run, rewrite_journal

from fibench.commands import review as reviewing
from fibench.commands.refused import Refused
from fibench.develop.bench.listing import make_runs, measure
from fibench.experiment.claims import claims_digest
from fibench.export import FORMATS as EXPORTS
from fibench.export import comparison
from fibench.export.listing import FORMATS
from fibench.folders import find_places
from fibench.report.runs import COLUMNS, find_runs, rows
from fibench.store import journal
from fibench.store.folder import NoSuchRun, resolve_run
from fibench.store.names import run_name
from fibench.store.stored_run import read_run
from fibench.verdict.comparing.comparison import compare
from fibench.verdict.reviewing import review

NAME = "2026-11-24T2255-63e1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "class"


def test_each_run_and_claim_is_a_row_with_its_machine(root: Path) -> None:
    make_run(root / "ann" / "results" / "gil" / NAME)
    first, second = rows(root)
    assert first.run == f"ann/results/gil/{NAME}"
    assert (first.experiment, first.machine, first.cores) == ("gil", "Model 7", 2)
    assert (first.when, first.complete) == ("2026-11-24 22:55", True)
    assert (first.claim, first.outcome) == ("multiprocess-beats-threads", "CONFIRMED")
    assert first.low is not None
    assert first.estimate is not None
    assert first.high is not None
    assert first.low < first.estimate < first.high
    assert first.quantity == "ratio"
    assert (second.claim, second.estimate, second.quantity) == ("refusals", 0.0, "refused")


def test_runs_are_found_however_deep_and_in_the_order_of_their_names(root: Path) -> None:
    names = [f"ann/gil/{NAME}", f"bob/results/gil/{NAME}", f"bob/results/course/{NAME}", NAME]
    for name in names:
        make_run(root / name)
    assert [str(run.relative_to(root)) for run in find_runs(root)] == sorted(names)
    assert list(find_runs(root / NAME)) == [root / NAME], "a run itself is one"


def test_one_experiment_can_be_asked_for(root: Path) -> None:
    make_run(root / "gil" / NAME)
    make_run(root / "course" / NAME)
    assert {row.experiment for row in rows(root, "gil")} == {"gil"}
    assert rows(root, "none") == []
    make_run(root / run_name(Path("Lab 1.toml")) / NAME)
    for name in ("Lab 1", "Lab 1.toml", "some/Lab 1.toml", run_name(Path("Lab 1.toml"))):
        assert {row.experiment for row in rows(root, name)} == {run_name(Path("Lab 1.toml"))}


def test_an_interrupted_run_is_one_row(root: Path) -> None:
    make_run(root / "gil" / NAME, complete=False)
    (row,) = rows(root)
    assert (row.outcome, row.complete, row.claim, row.machine) == (
        "interrupted", False, "", "Model 7",
    )  # fmt: skip


def test_a_run_without_claims_is_one_row(root: Path) -> None:
    make_run(root / "gil" / NAME, text=EXPERIMENT.partition("[[claim]]")[0])
    (row,) = rows(root)
    assert (row.outcome, row.complete, row.marks) == ("no claims", True, "")
    assert (row.trials, row.failed) == (10, 0)


def fail(folder: Path, count: int) -> None:
    """Make the last trials of a run ones that failed."""
    path = folder / "trials.jsonl"
    records = journal.read(path).records
    path.unlink()
    for record in records[:-count]:
        journal.append(path, record)
    for record in records[-count:]:
        journal.append(path, record | {"valid": False, "reason": "it ended", "failure": "exited"})


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({"text": EXPERIMENT.partition("[[claim]]")[0]}, "no claims, 4 failed"),
        ({"complete": False}, "interrupted, 4 failed"),
        ({}, "CONFIRMED, 4 failed !"),
    ],
)
def test_trials_that_failed_are_counted(root: Path, how: dict[str, Any], outcome: str) -> None:
    """A run of nothing but failures is not one without claims."""
    folder = make_run(root / "gil" / NAME, **how)
    fail(folder, 4)
    make_run(root / "gil" / "2026-11-25T0000-0000", seed=2)
    found = rows(root)
    own = [row for row in found if row.run.endswith(NAME)]
    trials = 6 if "complete" in how else 10
    assert {(row.trials, row.failed) for row in own} == {(trials, 4)}
    assert {row.failed for row in found if row not in own} == {0}
    assert outcome in FORMATS["text"](found)
    assert outcome in FORMATS["md"](found).replace("\\", "")
    assert f"; 4 of {trials + 10} trials failed" in FORMATS["text"](found).splitlines()[-1]
    (first, *_) = csv.DictReader(io.StringIO(FORMATS["csv"](found), newline=""))
    assert (first["trials"], first["failed"]) == (str(trials), "4")


def of_file(folder: Path, path: str) -> None:
    """Make a run one of an experiment's file."""
    plan = json.loads((folder / "plan.json").read_text())
    head = {"schema": 2, "number": 0, "source_path": path}
    plan = {**head, **plan, **head, "source": Path(path).name}
    (folder / "plan.json").write_text(json.dumps(plan, indent=2))


def test_an_experiment_is_called_what_report_calls_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIBENCH_RESULTS", str(root))
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    files = ["a/lab.toml", "b/lab.toml", "x/Lab1.toml", "x/lab1.toml", "x/\u5b9e\u9a8c.toml"]
    for number, path in enumerate(files):
        folder = root / run_name(Path(path)) / f"2026-11-24T2255-000{number}"
        of_file(make_run(folder, seed=number), path)
    (root / "lab1" / "2026-11-24T2255-0003" / "experiment.toml").unlink()
    found = rows(root)
    called = {row.run: row.experiment for row in found}
    assert sorted(called.values()) == ["Lab1", "a/lab.toml", "b/lab.toml", "lab1", "\u5b9e\u9a8c"]
    for run, name in called.items():
        assert Path(resolve_run(name, root)).relative_to(root) == Path(run)
        if name != "lab1":
            assert {row.run for row in rows(root, name)} == {run}
        assert name in FORMATS["text"](found)
    assert FORMATS["text"](found).split()[1] == "experiment"
    assert FORMATS["text"](rows(root, "lab1")).split()[1] == "machine", "the folder says it"
    stored = read_run(root / run_name(Path("Lab1.toml")) / "2026-11-24T2255-0002", find_places())
    assert stored.name == "Lab1/2026-11-24T2255-0002"
    assert resolve_run(stored.name, root) == stored.folder
    with pytest.raises(NoSuchRun) as caught:
        resolve_run("LAB1", root)
    assert caught.value.hint == 'did you mean "Lab1" or "lab1"?'
    with pytest.raises(Refused, match="no run of LAB1") as refused:
        reviewing.runs("", "text", "LAB1", "", replace=False)
    assert 'did you mean "Lab1" or "lab1"?' in str(refused.value)
    assert reviewing.report("lab", "md", "", "", replace=False) == 0
    other = os.path.relpath(root.parent / "a" / "lab.toml")
    said = f"this run is of b/lab.toml; others of that name are called {other}"
    assert said in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("claims.json", "{"),
        ("claims.json", "[]"),
        ("claims.json", '{"claims": 7}'),
        ("claims.json", '{"claims": [{"id": "x"}]}'),
        ("claims.json", "[" * 100_000),
        ("environment.json", "\xff"),
    ],
)
def test_a_damaged_run_is_a_row_that_says_so(root: Path, name: str, content: str) -> None:
    folder = make_run(root / "gil" / NAME)
    make_run(root / "gil" / "2026-11-25T0000-0000")
    (folder / name).write_bytes(content.encode("latin-1"))
    damaged, *others = rows(root)
    assert damaged.outcome.startswith(f"damaged: {name}")
    assert [row.complete for row in others] == [True, True]


def test_a_journal_without_a_plan_is_damaged(root: Path) -> None:
    folder = make_run(root / "gil" / NAME, complete=False)
    (folder / "plan.json").unlink()
    (row,) = rows(root)
    assert row.outcome.startswith("damaged: plan.json")


Change = Callable[[Path], object]


def lines_of(folder: Path) -> list[str]:
    return (folder / "trials.jsonl").read_text().splitlines(keepends=True)


def write_lines(folder: Path, lines: list[str]) -> None:
    (folder / "trials.jsonl").write_text("".join(lines))


def claim(folder: Path, place: int, **changes: object) -> None:
    """Alter a claim in claims.json; its estimate by `mean`."""
    document = json.loads((folder / "claims.json").read_text())
    if "mean" in changes:
        document["claims"][place]["estimate"]["mean"] = changes.pop("mean")
    document["claims"][place] |= changes
    (folder / "claims.json").write_text(json.dumps(document))


def drop_claim(folder: Path) -> None:
    document = json.loads((folder / "claims.json").read_text())
    document["claims"].pop()
    (folder / "claims.json").write_text(json.dumps(document))


def alter_figure(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(
        folder, [lines[0].replace('"throughput_per_s":', '"throughput_per_s":1'), *lines[1:]]
    )


def empty_plan(folder: Path) -> None:
    """Without its list nothing would be missing."""
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "trials": []}))


def change_claims(folder: Path) -> None:
    """The bound is another one, and the plan knows what claims there were."""
    experiment = read_run(folder, find_places()).experiment
    plan = json.loads((folder / "plan.json").read_text())
    plan["claims"] = claims_digest(experiment.claims)
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "experiment.toml").write_text(EXPERIMENT.replace("above = 1.3", "above = 3.0"))


def other_boot(folder: Path) -> None:
    """environment.json of a run that was made elsewhere."""
    plan = json.loads((folder / "plan.json").read_text())
    plan["identity"] = {"boot_id": "another"}
    (folder / "plan.json").write_text(json.dumps(plan))


def again(folder: Path, place: int) -> None:
    """A second line for an attempt that has one, with another note and a right digest."""
    record = journal.document_of(lines_of(folder)[place])
    assert record is not None
    journal.append(folder / "trials.jsonl", {**record, "note": "again"})


ALTERATIONS: list[tuple[Change, str]] = [
    (lambda run: claim(run, 0, outcome="REFUTED"),
     "claims.json has REFUTED for multiprocess-beats-threads"),
    (lambda run: claim(run, 0, mean=9.9),
     "claims.json has another figure for multiprocess-beats-threads"),
    (lambda run: claim(run, 1, id="else"), "claims.json lacks refusals; claims.json has else"),
    (drop_claim, "claims.json lacks refusals"),
    (alter_figure,
     "line 1 of trials.jsonl: it is torn, or was altered; 1 of 10 trials are missing"),
    (lambda run: write_lines(run, lines_of(run)[:6]), "4 of 10 trials are missing"),
    (lambda run: write_lines(run, [*lines_of(run)[:9], lines_of(run)[9][:50]]),
     "line 10 of trials.jsonl: it is torn, or was altered; 1 of 10 trials are missing"),
    (lambda run: write_lines(run, []), "trials.jsonl is empty: 10 of 10 trials are missing"),
    (lambda run: (run / "trials.jsonl").unlink(), "10 of 10 trials are missing"),
    (lambda run: (run / "claims.json").unlink(),
     "every trial is there, and claims.json is not"),
    (lambda run: rewrite_journal(run, lambda record: record.update(trial="x")),
     "1 trial is none of its plan"),
    (empty_plan, "plan.json has no list of its trials"),
    (change_claims, "its claims are not those that it was begun with"),
    (lambda run: (run / "environment.json").unlink(),
     "environment.json is missing or empty: its machine is not known"),
    (other_boot, "environment.json is of another machine, or boot of it, than plan.json"),
    (lambda run: write_lines(run, [*lines_of(run), *lines_of(run)[3:5]]),
     "lines 11, 12 of trials.jsonl: it is a copy of one above"),
    (lambda run: again(run, 2), "line 3 of trials.jsonl: another line has the same attempt"),
]  # fmt: skip
"""What may be done to a run, and how it is marked."""


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


@pytest.mark.parametrize(("change", "mark"), ALTERATIONS)
def test_report_and_compare_show_the_same_marks_in_every_format(
    root: Path,
    change: Change,
    mark: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FIBENCH_RESULTS", str(root))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    folder = make_run(root / "gil" / NAME)
    make_run(root / "gil" / "2026-11-25T0000-0000", seed=2)
    commands: list[Callable[[], int]] = [
        partial(reviewing.report, "gil~1", name, "", "", replace=False)
        for name in ("text", *EXPORTS)
    ]
    for name in comparison.FORMATS:
        commands.append(partial(reviewing.compare, "gil~1", "gil", name, "", replace=False))
        commands.append(partial(reviewing.compare, "gil", "gil~1", name, "", replace=False))
    for command in commands:
        assert command() == 0
        told = capfd.readouterr()
        assert told.err == "", "nothing is wrong yet"
        assert mark.partition("; ")[0] not in told.out.replace("\\", "")
    change(folder)
    marks = {each for row in rows(root) if row.run.endswith(NAME) for each in row.marks.split("; ")}
    assert mark.partition("; ")[0] in "; ".join(marks)
    for command in commands:
        assert command() == 0
        told = capfd.readouterr()
        for one in marks:
            assert f"warning: gil/{NAME}: {one}" in told.err
            forms = (one, json.dumps(one)[1:-1])
            assert any(form in text for form in forms for text in (told.out, _unmarked(told.out)))


def _unmarked(text: str) -> str:
    """Markdown without its backslashes."""
    return text.replace("\\", "")


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


def test_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    outside = make_run(tmp_path / "outside" / "gil" / NAME)
    root.mkdir()
    (root / "link").symlink_to(outside.parent)
    (root / "loop").symlink_to(root)
    assert rows(root) == []
    folder = make_run(root / "gil" / NAME)
    (folder / "claims.json").unlink()
    (folder / "claims.json").symlink_to(outside / "claims.json")
    (row,) = rows(root)
    assert row.outcome.startswith("damaged: claims.json")


def test_a_fifo_does_not_make_us_wait(root: Path) -> None:
    folder = make_run(root / "gil" / NAME)
    (folder / "claims.json").unlink()
    os.mkfifo(folder / "claims.json")
    (row,) = rows(root)
    assert row.outcome.startswith("damaged: claims.json")


def test_trials_and_hidden_folders_are_not_searched(root: Path) -> None:
    folder = make_run(root / "gil" / NAME)
    make_run(folder / "trials" / "inner")
    make_run(root / "gil" / f".{NAME}.new")
    assert list(find_runs(root)) == [folder]


def test_a_renamed_run_tells_when_its_first_trial_began(root: Path) -> None:
    make_run(root / "gil" / "mine")
    assert rows(root)[0].when == "2026-11-24 22:00"


def test_every_format_has_every_row(root: Path) -> None:
    make_run(root / "gil" / NAME, environment=MACHINE | {"processor": "=cmd|' /C calc'!A0\x1b"})
    make_run(root / "gil" / "2026-11-25T0000-0000", complete=False, seed=2)
    found = rows(root)
    table = list(csv.DictReader(io.StringIO(FORMATS["csv"](found), newline="")))
    assert list(table[0]) == list(COLUMNS)
    assert [line["outcome"] for line in table] == ["CONFIRMED", "CONFIRMED", "interrupted"]
    assert table[0]["machine"].startswith("'=cmd")
    listed = json.loads(FORMATS["json"](found))
    assert (listed["schema"], len(listed["runs"])) == (1, 3)
    text = FORMATS["text"](found)
    assert text.splitlines()[-1] == "2 runs: 2 CONFIRMED, 1 interrupted"
    assert "\x1b" not in text
    assert FORMATS["md"](found).count("\n") == 5
    assert FORMATS["text"]([]) == "no runs\n"


def test_a_large_class_is_listed_whole(tmp_path: Path) -> None:
    make_runs(tmp_path, 30)
    found = rows(tmp_path)
    assert len({row.run for row in found}) == 30
    assert sum(row.outcome == "interrupted" for row in found) == 3


def test_the_benchmark_measures_it() -> None:
    took_s, found = measure(20)
    assert took_s > 0.0
    assert found > 20
