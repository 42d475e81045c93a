# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs from many machines is one table, whatever else lies in it."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.runner.stored_runs import EXPERIMENT, MACHINE, NAME, make_run

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.refused import Refused
from fibench.develop.bench.listing import make_runs, measure
from fibench.export.listing import FORMATS
from fibench.folders import find_places
from fibench.report.runs import RUN_COLUMNS, find_runs, rows
from fibench.store import journal
from fibench.store.folder import NoSuchRun, resolve_run
from fibench.store.names import run_name
from fibench.store.stored_run import read_run


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
        ({}, "INVALID, 4 failed !"),
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
        listed.runs("", "text", "LAB1", "", replace=False)
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
    assert list(table[0]) == list(RUN_COLUMNS)
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
