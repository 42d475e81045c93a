# SPDX-License-Identifier: BSD-3-Clause
"""What `run` and `report` say to GitHub's runner where it asks, and nothing elsewhere."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runner.desk import SMALL, Desk
from tests.runner.stored_runs import CLAIMS, EXPERIMENT, make_run

from fibench.commands import review as reviewing
from fibench.commands.graders import github

NAME = "2026-11-24T2255-63e1"
REFUTED = EXPERIMENT.replace("above = 1.3", "above = 3")
LINE = 1 + EXPERIMENT[: EXPERIMENT.index("[[claim]]")].count("\n")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder with a run of a file beside it, in what GitHub has checked out."""
    folder = tmp_path / "results"
    make_run(folder / "gil" / NAME, text=REFUTED)
    labs = tmp_path / "labs"
    labs.mkdir()
    (labs / "my, gil.toml").write_text(REFUTED)
    of_file(folder / "gil" / NAME, "labs/my, gil.toml")
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    for name in (github.ACTIONS, github.STEP_SUMMARY):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(github.WORKSPACE, str(tmp_path))
    return folder


def of_file(run: Path, path: str) -> None:
    plan = json.loads((run / "plan.json").read_text())
    (run / "plan.json").write_text(json.dumps({**plan, "source_path": path, "source": "gil.toml"}))


def report(run: str = "gil", claims: str = "", allow: str = "") -> int:
    return reviewing.report(run, "json", "", claims, replace=False, allow=allow)


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("::")]


def test_nothing_is_said_where_nobody_asks(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(tmp_path.rglob("*"))
    assert report() == 0
    told = capfd.readouterr()
    assert commands(told.out + told.err) == []
    assert set(tmp_path.rglob("*")) == before


def test_a_claim_that_is_refuted_is_an_error_at_its_line(
    results: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(github.ACTIONS, "true")
    assert report() == 0, "whatever the verdicts are"
    told = capfd.readouterr()
    (line,) = commands(told.err)
    where = f"::error file=labs/my%2C gil.toml,line={LINE},title=REFUTED::"
    assert line.startswith(f"{where}Multiprocess beats threads%0A")
    assert json.loads(told.out), "the document is whole"


def test_added_claims_stand_in_their_own_file(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "claims.toml").write_text(f"\n\n{CLAIMS}")
    monkeypatch.setenv(github.ACTIONS, "true")
    assert report(claims=str(tmp_path / "claims.toml")) == 0
    (line,) = commands(capfd.readouterr().err)
    assert line.startswith("::error file=claims.toml,line=3,title=REFUTED::Threads beat processes")


def test_without_a_file_that_github_knows_there_is_no_place(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(github.ACTIONS, "true")
    changes: list[Callable[[], None]] = [
        lambda: monkeypatch.setenv(github.WORKSPACE, str(tmp_path / "results")),
        (tmp_path / "labs" / "my, gil.toml").unlink,
        lambda: of_file(results / "gil" / NAME, "a\0b"),
    ]
    for change in changes:
        change()
        assert report() == 0
        (line,) = commands(capfd.readouterr().err)
        assert line.startswith("::error title=REFUTED::Multiprocess")


def test_what_is_allowed_is_no_warning(
    results: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make_run(results / "near" / NAME, text=EXPERIMENT.replace("above = 1.3", "above = 1.82"))
    monkeypatch.setenv(github.ACTIONS, "true")
    for allow, level in (("", "warning"), ("inconclusive", "notice")):
        assert report("near", allow=allow) == 0
        (line,) = commands(capfd.readouterr().err)
        assert line.startswith(f"::{level} title=INCONCLUSIVE::")


def test_a_summary_is_added_to_what_is_there(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "summary.md"
    target.write_text("before\n")
    monkeypatch.setenv(github.STEP_SUMMARY, str(target))
    assert report() == 0
    first = target.read_text()
    assert first.startswith("before\n### Threads and processes\n")
    assert "| REFUTED | Multiprocess beats threads |" in first
    assert report() == 0
    assert target.read_text().count("### Threads and processes") == 2


def test_a_step_has_no_more_than_github_shows(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "summary.md"
    monkeypatch.setenv(github.STEP_SUMMARY, str(target))
    target.write_bytes(b"x" * (github.MOST_SUMMARY_BYTES - 600))
    assert report() == 0
    text = target.read_text()
    assert "### Threads and processes" in text
    assert "<details>" not in text
    assert len(text) <= github.MOST_SUMMARY_BYTES


@pytest.mark.parametrize("where", ["none/summary.md", ".", "fifo", "/dev/full"])
def test_a_summary_that_cannot_be_written_is_a_line_and_changes_nothing(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    where: str,
) -> None:
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv(github.STEP_SUMMARY, str(tmp_path / where))
    assert report() == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("warning: no summary for GitHub was written: ")


def test_a_run_tells_github_too(desk: Desk) -> None:
    path = desk.write(SMALL.format(blocks=1, above=1))
    target = desk.folder / "summary.md"
    asked = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(target)}
    done = desk.run(path, **asked, GITHUB_WORKSPACE=str(desk.folder))
    line = 1 + path.read_text()[: path.read_text().index("[[claim]]")].count("\n")
    where = f"::warning file=small.toml,line={line},title=INCONCLUSIVE::C takes memory%0A"
    assert [one for one in commands(done.stderr) if one.startswith(where)], done.stderr
    assert commands(done.stdout) == []
    assert target.read_text().startswith("### One small block\n")
    assert done.returncode == 4
