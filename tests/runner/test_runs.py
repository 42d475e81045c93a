# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs from many machines is one table, whatever else lies in it."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fibench.bench.listing import make_runs, measure
from fibench.export.listing import FORMATS
from fibench.identity import claims_digest
from fibench.judged import review
from fibench.places import find_places
from fibench.run_names import run_name
from fibench.runs import COLUMNS, find_runs, rows
from fibench.stored import read_run

from .stored_runs import EXPERIMENT, MACHINE, make_run, rewrite_journal

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


@pytest.mark.parametrize(
    ("change", "mark"),
    [
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
    ],
)  # fmt: skip
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
    if "claims.json has" in mark:
        assert marked[0].outcome == before["multiprocess-beats-threads"].outcome == "CONFIRMED"
        assert marked[0].estimate == before["multiprocess-beats-threads"].estimate


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
