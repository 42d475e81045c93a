# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs from many machines is one table, whatever else lies in it."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from fibench.bench.listing import make_runs, measure
from fibench.export.listing import FORMATS
from fibench.runs import COLUMNS, find_runs, rows

from .stored_runs import MACHINE, make_run

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


def test_an_interrupted_run_is_one_row(root: Path) -> None:
    make_run(root / "gil" / NAME, complete=False)
    (row,) = rows(root)
    assert (row.outcome, row.complete, row.claim, row.machine) == (
        "interrupted", False, "", "Model 7",
    )  # fmt: skip


def test_a_run_without_claims_is_one_row(root: Path) -> None:
    folder = make_run(root / "gil" / NAME)
    (folder / "claims.json").write_text('{"schema": 1, "claims": []}')
    (row,) = rows(root)
    assert (row.outcome, row.complete) == ("no claims", True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("claims.json", "{"),
        ("claims.json", "[]"),
        ("claims.json", '{"claims": 7}'),
        ("claims.json", '{"claims": [{"id": "x"}]}'),
        ("claims.json", '{"claims": [{"id": "x", "outcome": "y", "estimate": {"mean": "z"}}]}'),
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
    make_run(root / "gil" / "2026-11-25T0000-0000", complete=False)
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
