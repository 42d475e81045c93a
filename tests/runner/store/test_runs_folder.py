# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results: what a new run leaves there, and which run a name means."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fibench.store import folder as runs_folder
from fibench.store.folder import NoSuchRun, RunError, create_run, resolve_run, runs_of

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _run(results: Path, name: str, folder: str, started_at: str = "") -> Path:
    path = results / name / folder
    path.mkdir(parents=True)
    (path / "plan.json").write_text(json.dumps({"started_at": started_at}))
    return path


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    _run(tmp_path / "results", "gil", "2026-11-22T0915-ffff")
    _run(tmp_path / "results", "gil", "2026-11-23T0915-7f3a")
    _run(tmp_path / "results", "io-bound", "2026-11-21T0915-0000")
    return tmp_path / "results"


def test_a_new_folder_has_its_files_from_the_moment_it_has_its_name(tmp_path: Path) -> None:
    folder = create_run(tmp_path / "results", "gil", {"plan.json": b"{}"}, NOON)
    assert folder.parent == tmp_path / "results" / "gil"
    assert folder.name.startswith("2026-11-23T1200-")
    assert (folder / "plan.json").read_bytes() == b"{}"
    assert (folder / "trials").is_dir()
    assert list(folder.parent.iterdir()) == [folder]


def test_what_a_crash_left_of_a_folder_without_its_name_is_no_run_and_goes(tmp_path: Path) -> None:
    unborn = tmp_path / "gil" / ".2026-11-23T1200-abcd.new"
    unborn.mkdir(parents=True)
    assert runs_of(tmp_path, "gil") == []
    folder = create_run(tmp_path, "gil", {}, NOON)
    assert list(folder.parent.iterdir()) == [folder]


def test_a_results_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results" / "gil").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="outside the results"):
        create_run(tmp_path / "results", "gil", {}, NOON)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_disk_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(RunError, match="cannot make"):
        create_run(tmp_path / "results", "gil", {}, NOON)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("gil", "gil/2026-11-23T0915-7f3a"),
        ("gil.toml", "gil/2026-11-23T0915-7f3a"),
        ("gil~0", "gil/2026-11-23T0915-7f3a"),
        ("gil~1", "gil/2026-11-22T0915-ffff"),
        ("gil/2026-11-22T0915-ffff", "gil/2026-11-22T0915-ffff"),
        ("results/gil/2026-11-22T0915-ffff/", "gil/2026-11-22T0915-ffff"),
        ("io-bound", "io-bound/2026-11-21T0915-0000"),
    ],
)
def test_a_run_is_named_by_its_experiment_its_place_or_its_folder(
    results: Path, text: str, folder: str
) -> None:
    assert resolve_run(text, results).resolve() == results / folder


def test_a_folder_of_another_machine_is_a_run(results: Path, tmp_path: Path) -> None:
    away = _run(tmp_path, "stick", "copied")
    assert resolve_run(str(away), results) == away


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("gli", 'did you mean "gil"?'),
        ("gil~2", "gil~1"),
        ("gli~1", 'did you mean "gil"?'),
        ("gil/2026-11-22T0915-fffe", "gil/2026-11-22T0915-ffff"),
        ("nothing-like-it", "gil, io-bound"),
        ("..", "valid"), ("../gil", "valid"), ("gil/..", "gil/2026"), ("", "valid"),
        ("gil/../../etc", "gil/2026"), ("/", "valid"), ("gil~", "gil"), ("\0", "valid"),
        ("a" * 300, "valid"), ("~1", "valid"), ("gil~-1", "gil"),
    ],
)  # fmt: skip
def test_a_name_that_means_no_run_gets_the_nearest_ones(
    results: Path, text: str, hint: str
) -> None:
    with pytest.raises(NoSuchRun, match="there is no run") as caught:
        resolve_run(text, results)
    assert hint in caught.value.hint
    assert str(caught.value).isprintable()


def test_without_any_run_the_hint_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun) as caught:
        resolve_run("gil", tmp_path / "none")
    assert "run gil" in caught.value.hint


def test_a_name_does_not_lead_out_of_the_results_by_a_link(results: Path, tmp_path: Path) -> None:
    _run(tmp_path / "elsewhere", "secret", "2026-11-23T0915-7f3a")
    (results / "secret").symlink_to(tmp_path / "elsewhere" / "secret")
    for text in ("secret", "secret/2026-11-23T0915-7f3a"):
        with pytest.raises(NoSuchRun):
            resolve_run(text, results)


def test_runs_of_one_minute_are_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    late = _run(tmp_path, "gil", "2026-11-23T0915-0000", "2026-11-23T09:15:30.000+00:00")
    early = _run(tmp_path, "gil", "2026-11-23T0915-ffff", "2026-11-23T09:15:02.000+00:00")
    broken = _run(tmp_path, "gil", "2026-11-23T0914-eeee")
    (broken / "plan.json").write_text("[")
    assert runs_of(tmp_path, "gil") == [broken, early, late]


def test_a_run_is_complete_when_it_has_its_verdicts(results: Path) -> None:
    run = resolve_run("gil", results)
    assert not runs_folder.is_complete(run)
    runs_folder.keep_json(run / "claims.json", {"claims": []})
    assert runs_folder.is_complete(run)


def test_a_results_folder_of_a_strange_name_stays_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun) as caught:
        resolve_run("gil", tmp_path / "my\nresults\x1b[31m")
    assert "my\\nresults\\x1b[31m yet" in caught.value.hint
