# SPDX-License-Identifier: BSD-3-Clause
"""Whatever lies in the results folder, nothing is written outside of it, and what is in the way is
named."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.runner.desk import CHECKOUT, SMALL, Desk

from fibench.store import journal
from fibench.store.folder import RunError, create_run, keep_file, keep_json
from fibench.writing import open_emptied, write_new

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def link_out(path: Path) -> Path:
    outside = path.parent.parent / "outside"
    outside.write_text("untouched")
    path.symlink_to(outside)
    return outside


def link_nowhere(path: Path) -> Path:
    outside = path.parent.parent / "nowhere"
    path.symlink_to(outside)
    return outside


WRITES: dict[str, Callable[[Path], object]] = {
    "keep": lambda path: keep_file(path, b"x"),
    "keep_json": lambda path: keep_json(path, {}),
    "journal": lambda path: journal.append(path, {"x": 1}),
    "open_emptied": open_emptied,
    "write_new": lambda path: write_new(path, b"x"),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("lay", [link_out, link_nowhere])
def test_no_write_follows_a_link(tmp_path: Path, name: str, lay: Callable[[Path], Path]) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "claims.json"
    outside = lay(path)
    before = outside.read_text() if outside.exists() else None
    try:
        WRITES[name](path)
    except (OSError, journal.JournalError):
        assert path.is_symlink()
    else:
        assert name.startswith("keep")  # a link is replaced, as any other file is
        assert not path.is_symlink()
    assert (outside.read_text() if outside.exists() else None) == before


@pytest.mark.parametrize("name", ["claims.json.new", ".claims.json.new"])
def test_a_link_under_the_name_of_an_unfinished_file_is_not_written_through(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "run").mkdir()
    outside = link_out(tmp_path / "run" / name)
    keep_json(tmp_path / "run" / "claims.json", {"claims": []})
    assert outside.read_text() == "untouched"
    assert sorted(os.listdir(tmp_path / "run")) == sorted(["claims.json", name])


@pytest.mark.parametrize("name", ["keep", "journal"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_in_the_way_is_named_with_what_to_do(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "claims.json"
    make(path)
    if name == "keep" and make is os.mkfifo:
        keep_file(path, b"x")
        assert path.read_bytes() == b"x"
        return
    with pytest.raises((RunError, journal.JournalError)) as caught:
        WRITES[name](path)
    assert "claims.json" in str(caught.value)
    assert "None" not in str(caught.value)
    assert isinstance(caught.value, RunError | journal.JournalError)
    assert "out of the way" in caught.value.hint


@pytest.mark.parametrize("lay", ["link", "dangling link", "file", "fifo"])
def test_what_has_the_name_of_an_unborn_run_blocks_no_new_one(tmp_path: Path, lay: str) -> None:
    parent, outside = tmp_path / "results" / "gil", tmp_path / "outside"
    parent.mkdir(parents=True)
    (outside / "trials").mkdir(parents=True)
    odd = parent / ".2026-11-23T1200-abcd.new"
    match lay:
        case "link":
            odd.symlink_to(outside)
        case "dangling link":
            odd.symlink_to(tmp_path / "nowhere")
        case "file":
            odd.write_text("x")
        case "fifo":
            os.mkfifo(odd)
    folder = create_run(tmp_path / "results", "gil", {"plan.json": b"{}"}, NOON)
    assert (folder / "plan.json").read_bytes() == b"{}"
    assert (outside / "trials").is_dir()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("lay", ["file", "dangling link"])
def test_a_name_of_results_that_is_taken_is_told(tmp_path: Path, lay: str) -> None:
    (tmp_path / "results").mkdir()
    path = tmp_path / "results" / "gil"
    if lay == "file":
        path.write_text("x")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError) as caught:
        create_run(tmp_path / "results", "gil", {}, NOON)
    assert str(path) in str(caught.value)
    assert "None" not in str(caught.value)
    assert "out of the way" in caught.value.hint
    assert not (tmp_path / "nowhere").exists()


WATCHED = """
import os, sys
results = os.environ["FIBENCH_RESULTS"]
SAFE = os.O_NOFOLLOW | os.O_EXCL
def watch(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, bytes): path = os.fsdecode(path)
        if isinstance(path, (str, os.PathLike)) and os.path.abspath(path).startswith(results):
            if flags & (os.O_WRONLY | os.O_RDWR):
                print("write", bool(flags & SAFE), path, file=sys.stderr)
sys.addaudithook(watch)
sys.argv = ["invoke", "run", sys.argv[1]]
from invoke.main import program
program.run()
"""


def test_every_file_that_a_run_writes_is_opened_so_that_no_link_is_followed(
    tmp_path: Path, programs: Path
) -> None:
    """Of the runner's own; what a server writes elsewhere is its business."""
    assert programs.is_dir()
    desk = Desk(tmp_path)
    small = desk.write(SMALL.format(blocks=1, above=1))
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(small)],
        cwd=CHECKOUT, env=desk.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    writes = [line for line in done.stderr.splitlines() if line.startswith("write ")]
    assert [line for line in writes if not line.startswith("write True ")] == []
    written = {Path(line.split(" ", 2)[2]).name for line in writes}
    assert {"plan.json", "trials.jsonl", "server.err", "load.out", "load.err"} <= written
