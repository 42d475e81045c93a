# SPDX-License-Identifier: BSD-3-Clause
"""Every file of a stored run replaced by what should not be there: `report`, `compare`, `runs` and
going on with it show it, or say in two lines why not. They wait for nothing, and open nothing
outside of the results.
"""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.runner.beginner import Beginner
from tests.runner.stored_runs import WITH_GROUPS, make_run

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.refused import Refused
from fibench.export import OF_RUNS
from fibench.store.folder import RunError

OLD, NEW = "2026-11-24T2255-63e1", "2026-11-25T0700-0001"
FILES = ("experiment.toml", "plan.json", "environment.json", "trials.jsonl", "claims.json",
         "trials", "trials/000", "trials/000/load.json")  # fmt: skip


@dataclass
class Watch:
    """What of all that is opened must not be: it leads outside, or would make us wait."""

    outside: Path | None = None
    """None: nothing is watched."""
    seen: list[str] = field(default_factory=list)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python calls it for every event that is audited (PEP 578), and never lets go of it."""
        if event != "open" or self.outside is None or not isinstance(arguments[0], str | bytes):
            return
        path, flags = os.fsdecode(arguments[0]), arguments[2]
        if flags & os.O_NOFOLLOW and os.path.islink(path):
            return  # open(2) refuses it
        real = os.path.realpath(path)
        if Path(real).is_relative_to(self.outside):
            self.seen.append(f"{path} leads to {real}")
            raise AssertionError(self.seen[-1])
        if os.path.exists(real) and stat.S_ISFIFO(os.stat(real).st_mode):
            if flags & os.O_NONBLOCK:
                return
            self.seen.append(f"{path} would make us wait")
            raise AssertionError(self.seen[-1])


WATCH = Watch()
sys.addaudithook(WATCH)


@contextmanager
def watched(outside: Path) -> Iterator[None]:
    WATCH.outside = outside.resolve()
    try:
        yield
    finally:
        WATCH.outside = None
        seen, WATCH.seen = WATCH.seen, []
    assert seen == []


def test_the_watch_sees_what_it_is_to_see(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "outside" / "file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo"):
        with pytest.raises(AssertionError), watched(tmp_path / "outside"):
            (tmp_path / name).read_bytes()
    with watched(tmp_path / "outside"):
        os.close(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK))


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def missing(path: Path, other: Path, outside: Path) -> None:
    remove(path)


def empty(path: Path, other: Path, outside: Path) -> None:
    remove(path)
    path.touch()


def a_folder(path: Path, other: Path, outside: Path) -> None:
    remove(path)
    path.mkdir()


def a_fifo(path: Path, other: Path, outside: Path) -> None:
    remove(path)
    os.mkfifo(path)


def a_link_elsewhere(path: Path, other: Path, outside: Path) -> None:
    """To what was there, so that who follows it finds nothing strange."""
    path.rename(outside / path.name)
    path.symlink_to(outside / path.name)


def truncated(path: Path, other: Path, outside: Path) -> None:
    if path.is_file():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        remove(next(iter(sorted(path.iterdir())), path))


def a_line_twice(path: Path, other: Path, outside: Path) -> None:
    if path.is_file():
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines, *lines[:1]]))


def the_other_runs(path: Path, other: Path, outside: Path) -> None:
    remove(path)
    if other.is_dir():
        shutil.copytree(other, path)
    elif other.exists():
        shutil.copy(other, path)


Spoil = Callable[[Path, Path, Path], None]
SPOILS = (missing, empty, a_fifo, a_link_elsewhere, truncated, a_line_twice, the_other_runs,
          pytest.param(a_folder, marks=pytest.mark.long))  # fmt: skip
"""A folder is no file, as a FIFO is none."""


def commands() -> Iterator[Callable[[], int]]:
    """Every command that reads runs, where files differ in every format."""
    for name in OF_RUNS:
        yield partial(reviewing.report, "gil", name, "", "", replace=False)
    throughput = reviewing.Pictures("svg", "throughput")
    yield partial(reviewing.charts, "gil", throughput, "", "", replace=False)
    yield partial(reviewing.compare, "gil~1", "gil", "text", "", replace=False)
    yield partial(reviewing.compare, "gil", "gil~1", "json", "", replace=False)
    yield partial(listed.runs, "", "text", "", "", replace=False)


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_run_with_a_spoiled_file_is_shown_or_refused(
    spoil: Spoil,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    results, pristine = tmp_path / "results", tmp_path / "pristine"
    make_run(pristine / "gil" / OLD, text=WITH_GROUPS, schema=2, second_by_second=True)
    make_run(pristine / "gil" / NEW, seed=2, schema=2)
    monkeypatch.setenv("FIBENCH_RESULTS", str(results))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    for name in FILES:
        outside = tmp_path / "outside" / name.replace("/", "-")
        outside.mkdir(parents=True)
        shutil.copytree(pristine, results)
        spoil(results / "gil" / NEW / name, results / "gil" / OLD / name, outside)
        with watched(outside):
            for command in commands():
                try:
                    assert command() == 0, (name, command)
                    said = []
                except Refused as refused:
                    said = str(refused).splitlines()
                    assert 1 <= len(said) <= 2, (name, said)
                text = " ".join([*said, *capfd.readouterr()])
                assert "Traceback" not in text
        shutil.rmtree(results)


TOLD = {
    "missing": "is missing",
    "a_folder": "is not a regular file",
    "a_fifo": "is not a regular file",
    "a_link_elsewhere": "is a link out of the run's folder",
}


@pytest.mark.parametrize("spoil", [missing, a_folder, a_fifo, a_link_elsewhere])
@pytest.mark.parametrize("name", ["experiment.toml", "plan.json", "trials.jsonl", "claims.json"])
def test_runs_says_what_report_says_of_a_file_that_is_none(
    spoil: Spoil,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By the name of the file, and never by a bare number."""
    if spoil is missing and name in ("trials.jsonl", "claims.json"):
        return  # a run that was interrupted has neither
    monkeypatch.setenv("FIBENCH_RESULTS", str(tmp_path / "results"))
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    folder = make_run(tmp_path / "results" / "gil" / NEW)
    outside = tmp_path / "outside"
    outside.mkdir()
    spoil(folder / name, folder, outside)
    with watched(outside):
        assert listed.runs("", "csv", "", "", replace=False) == 0
        assert f"damaged: {name} {TOLD[spoil.__name__]}" in capfd.readouterr().out
        with pytest.raises(Refused, match=f"{name} {TOLD[spoil.__name__]}"):
            reviewing.report("gil", "text", "", "", replace=False)


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_run_with_a_spoiled_file_is_gone_on_with_or_left_alone(
    spoil: Spoil, tmp_path: Path, programs: Path
) -> None:
    assert programs.is_dir()
    for name in FILES[:-1]:
        beginner = Beginner(tmp_path / name.replace("/", "-"))
        beginner.folder.mkdir()
        outside = beginner.folder / "outside"
        outside.mkdir()
        other = beginner.begin()
        beginner.keep(other.folder, other.todo)
        run = beginner.begin(fresh=True)
        beginner.keep(run.folder, run.todo[:3])
        (run.folder / "claims.json").write_text('{"schema": 2, "claims": []}')
        (other.folder / "claims.json").write_text('{"schema": 2, "claims": []}')
        if name == "claims.json":
            beginner.keep(run.folder, run.todo[3:])
        spoil(run.folder / name, other.folder / name, outside)
        before = contents(outside)
        with watched(outside):
            refusal = None
            try:
                begun = beginner.begin()
                beginner.keep(begun.folder, begun.todo)
            except RunError as error:
                refusal = error
        assert refusal is None or (str(refusal).isprintable() and refusal.hint)
        assert contents(outside) == before, "nothing is written there either"


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
