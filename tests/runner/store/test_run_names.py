# SPDX-License-Identifier: BSD-3-Clause
"""What `run NAME` made `report NAME` finds, and no two files share their runs."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.store.folder import NoSuchRun, create_run, next_number, resolve_run, runs_of
from fibench.store.names import head_of, run_name, source_path

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILE_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=80
).filter(lambda name: name not in (".", ".."))
PLAIN = re.compile(r"[a-z0-9._-]{1,64}")


def make(results: Path, source: Path, now: datetime = NOON) -> Path:
    """A run of a file as `run` begins it."""
    name = run_name(source)
    head = {
        "schema": 2,
        "number": next_number(results, name),
        "source_path": source_path(source, results),
        "title": "t",
    }
    plan = (json.dumps(head, indent=2) + "\n").encode()
    return create_run(results, name, {"plan.json": plan}, now)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    (tmp_path / "experiments").mkdir()
    return tmp_path


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


@given(st.lists(FILE_NAMES, min_size=2, max_size=6, unique=True))
def test_names_of_folders_are_harmless_and_no_two_files_have_the_same(names: list[str]) -> None:
    found = [run_name(Path(f"{name}.toml")) for name in names]
    assert len(set(found)) == len(names)
    for name in found:
        assert PLAIN.fullmatch(name), name
        assert not name.startswith((".", "-"))


@pytest.mark.parametrize("name", ["gil", "io-bound", "lab1", "lab-20261123", "a.b_c", "x" * 64])
def test_a_harmless_name_is_kept(name: str) -> None:
    assert run_name(Path("some/where") / f"{name}.toml") == name


def test_names_that_differ_in_what_is_not_harmless_are_told_apart() -> None:
    names = [
        *("Lab1", "lab1", "LAB1", "lab 1", "lab-1", "lab-1-", "задание", "实验一", "é", "e\u0301"),
        *("x" * 64, "x" * 65, "x" * 66, ".lab", "lab", run_name(Path("Lab1.toml"))),
    ]
    found = {run_name(Path(f"{name}.toml")) for name in names}
    assert len(found) == len(names)


SPELLINGS = [
    "Lab1",
    "实验一",
    "задание",
    "lab 1",
    "plain",
    "x" * 70,
    "dots.in.it",
    "lab~1",
    "lab~1~2",
]


@pytest.mark.parametrize("stem", SPELLINGS)
def test_what_run_made_report_finds_under_every_spelling(here: Path, stem: str) -> None:
    results, experiments = here / "results", (here / "experiments",)
    source = write(here / "experiments" / f"{stem}.toml")
    for other in SPELLINGS:  # which have runs as well, and a later one
        if other != stem:
            make(results, write(here / "experiments" / f"{other}.toml"), NOON + timedelta(days=1))
    first = make(results, source)
    last = make(results, source)
    folder = run_name(source)
    for text in (
        *(stem, f"{stem}.toml", f"experiments/{stem}.toml", f"./experiments/{stem}.toml"),
        *(str(source), folder, f"{folder}/{last.name}", str(last), f"results/{folder}/{last.name}"),
    ):
        assert resolve_run(text, results, experiments).resolve() == last, text
        if not text.endswith(last.name):
            assert resolve_run(f"{text}~1", results, experiments) == first, text
            assert resolve_run(f"{text}~0", results, experiments) == last, text
    source.unlink()
    assert resolve_run(stem, results, experiments) == last, "the file is gone"


def test_two_files_of_one_name_are_not_mixed_up(here: Path) -> None:
    results, experiments = here / "results", (here / "experiments",)
    one, other = write(here / "a" / "lab.toml"), write(here / "b" / "lab.toml")
    runs: dict[Path, list[Path]] = {}
    for source in (one, other, one, other):
        runs.setdefault(source, []).append(make(results, source))
    for source, made in runs.items():
        name = str(source.relative_to(here))
        assert resolve_run(name, results, experiments) == made[1]
        assert resolve_run(f"{name}~1", results, experiments) == made[0]
        with pytest.raises(NoSuchRun, match="has 2 runs"):
            resolve_run(f"{name}~2", results, experiments)
    assert resolve_run("lab", results, experiments) == runs[other][1]
    with pytest.raises(NoSuchRun):
        resolve_run(str(write(here / "c" / "lab.toml")), results, experiments)
    third = make(results, write(here / "experiments" / "lab.toml"))
    make(results, one)
    assert resolve_run("lab", results, experiments) == third, "what `run lab` would run"


def test_a_checkout_that_is_moved_with_its_results_keeps_its_runs(here: Path) -> None:
    source = write(here / "old" / "experiments" / "lab.toml")
    run = make(here / "old" / "results", source)
    (here / "old").rename(here / "new")
    moved = here / "new"
    found = resolve_run("experiments/lab.toml", moved / "results", (moved / "experiments",))
    assert found.name == run.name


def test_runs_are_in_the_order_in_which_they_were_made_whatever_the_clock_said(here: Path) -> None:
    results, source = here / "results", write(here / "experiments" / "lab.toml")
    times = [NOON, NOON + timedelta(days=365), NOON, datetime(1970, 1, 1, tzinfo=UTC),
             NOON + timedelta(minutes=1), NOON + timedelta(minutes=1)]  # fmt: skip
    made = [make(results, source, now) for now in times]
    assert runs_of(results, "lab") == made
    assert resolve_run("lab", results) == made[-1]
    assert resolve_run("lab~4", results) == made[1]
    assert next_number(results, "lab") == 7


def test_runs_of_earlier_versions_stand_before_by_their_times(here: Path) -> None:
    results, source = here / "results", write(here / "experiments" / "lab.toml")
    old = [
        create_run(results, "lab", {"plan.json": b"{}"}, NOON + timedelta(days=k)) for k in (0, 1)
    ]
    new = [make(results, source, NOON + timedelta(hours=k)) for k in (0, 1)]
    assert set(runs_of(results, "lab")) == {*old, *new}
    assert runs_of(results, "lab")[-1] == new[1]
    assert runs_of(results, "lab").index(old[0]) < runs_of(results, "lab").index(old[1])


def test_a_damaged_latest_run_is_still_the_latest(here: Path) -> None:
    results, source = here / "results", write(here / "experiments" / "lab.toml")
    make(results, source)
    last = make(results, source, NOON + timedelta(days=1))
    (last / "plan.json").write_text("[")
    assert resolve_run("lab", results) == last


@given(st.text(max_size=200), st.integers(0, 10**9 - 1))
def test_what_a_plan_begins_with_comes_back(
    tmp_path_factory: pytest.TempPathFactory, path: str, number: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    document = {"schema": 2, "number": number, "source_path": path, "title": '"number": 9'}
    (folder / "plan.json").write_text(json.dumps(document, indent=2))
    assert head_of(folder) == (number, path)


@pytest.mark.parametrize(
    ("text", "number"),
    [("", None), ("{", None), ("[1]", None), ('{"schema": 2, "number": 3, "sour', None),
     ('{"schema": 2}\n', 0), ('{"title": "\\"number\\": 3"}', 0)],
)  # fmt: skip
def test_a_plan_of_an_earlier_version_is_told_from_one_that_is_damaged(
    tmp_path: Path, text: str, number: int | None
) -> None:
    assert head_of(tmp_path) == (None, None)
    (tmp_path / "plan.json").write_text(text)
    assert head_of(tmp_path) == (number, None)
