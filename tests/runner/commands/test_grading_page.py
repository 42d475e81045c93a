# SPDX-License-Identifier: BSD-3-Clause
"""The example of docs/grading.md, copied out of the page and done as it says.

Where what `grade` prints has changed, the page is to have it as it is printed.
"""

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.here import CHECKOUT
from tests.runner.stored_runs import make_run, places_with, rewrite_journal

from fibench.commands import review as reviewing
from fibench.commands.graders.grade import GRADE_FORMATS
from fibench.page import page_of
from fibench.store import StoredRun, read_run
from fibench.verdict import claims_json, review

TEXT = (CHECKOUT / "docs" / "grading.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```\w+ ([\w.]+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
LAB = BLOCKS["lab.toml"]
EASIER = LAB.replace("above = 1.3", "above = 0.3").replace("n = 27", "n = 20")
NAME = "2026-11-24T2255-63e1"


def stored(folder: Path) -> StoredRun:
    return read_run(folder, places_with(folder))


def unsteady(record: dict[str, Any]) -> None:
    """A trial on a machine on which something else computes now and then."""
    if record["label"] == "py-mp":
        record["metrics"]["throughput_per_s"] *= (1.0, 0.5, 0.9, 0.6)[record["block"] % 4]


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lab of the page, and what its four students have handed in."""
    (tmp_path / "lab.toml").write_text(LAB)
    handed_in = tmp_path / "handed-in"
    handed_in.mkdir()
    for seed, (name, text) in enumerate({"ada": LAB, "bob": EASIER, "cyd": LAB}.items()):
        run = make_run(tmp_path / name / "lab" / NAME, text=text, seed=seed)
        if name == "cyd":
            rewrite_journal(run, unsteady)
            verdicts = review(stored(run)).verdicts
            (run / "claims.json").write_text(json.dumps(claims_json(verdicts)))
        (handed_in / f"{name}.html").write_text(page_of(review(stored(run))))
    shutil.copy(handed_in / "ada.html", handed_in / "dee.html")
    monkeypatch.setenv("FIBENCH_FROM", str(tmp_path))
    monkeypatch.setenv("FIBENCH_RESULTS", str(tmp_path / "results"))
    return tmp_path


def test_the_table_is_that_of_the_page(teacher: Path) -> None:
    assert reviewing.grade("lab.toml", ["handed-in/"], "csv", "grades.csv", replace=False) == 0
    written = (teacher / "grades.csv").read_bytes().decode()
    assert written.replace("\r\n", "\n") == BLOCKS["grades.csv"]


def test_what_gradescope_gets_is_that_of_the_page(teacher: Path) -> None:
    words = ("lab.toml", ["handed-in/cyd.html"], "gradescope", "results.json")
    assert reviewing.grade(*words, replace=False) == 0
    assert (teacher / "results.json").read_text() == BLOCKS["results.json"]


def test_every_format_is_on_the_page() -> None:
    assert [one for one in GRADE_FORMATS if f"--format {one}" not in TEXT] == ["csv"]


def test_which_claims_have_points_is_what_the_page_says() -> None:
    claims = tomllib.loads(LAB)["claim"]
    assert [one.get("points") for one in claims] == [3, 2, None]
    assert "as the last one here" in TEXT
