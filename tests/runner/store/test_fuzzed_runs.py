# SPDX-License-Identifier: BSD-3-Clause
"""Stored runs whose files are whole and hold odd things: shown, or refused in two lines, by every
command in every format, and gone on with or not; never a traceback.

Digests are right: anybody can compute them.
"""

import json
import random
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.runner.mutations import journal_line, json_document
from tests.runner.page.predicted import expecting
from tests.runner.stored_runs import WITH_GROUPS, make_run
from tests.runner.trials import run, trial

from fibench.commands import review as reviewing
from fibench.commands.listing import listed
from fibench.commands.refused import Refused
from fibench.export import OF_RUNS
from fibench.store import journal

FEW, MANY = 30, 2500
FIRST, SECOND = "2026-11-24T2255-63e1", "2026-11-25T0700-0001"
FILES = ("trials.jsonl", "trials.jsonl", "trials.jsonl", "plan.json", "environment.json",
         "claims.json", "load.json")  # fmt: skip


@pytest.fixture(scope="module")
def measured(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A record as the runner writes it today, with every member: an open loop with groups."""
    groups = "name=small,clients=2,n=1,rate=200.0,arrivals=poisson;name=idle,clients=2,idle"
    open_loop = trial("c-mt", groups=groups, clients=2)
    record = run(open_loop, programs, tmp_path_factory.mktemp("trial"))
    assert record["groups"], record["reason"]
    return record


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: dict[str, Any]) -> Path:
    """A results folder with two runs, of records of schema 1 and of today."""
    folder = tmp_path / "results"
    expecting(make_run(folder / "gil" / FIRST), ("holds", "too close"))
    own = make_run(folder / "gil" / SECOND, text=WITH_GROUPS, schema=2, second_by_second=True)
    records = journal.read(own / "trials.jsonl").records
    (own / "trials.jsonl").unlink()
    identity = ("trial", "index", "block", "cell", "label", "attempt", "parameters")
    for record in records:
        kept = {name: record[name] for name in identity}
        journal.append(own / "trials.jsonl", measured | kept | {"valid": True, "reason": None})
    monkeypatch.setenv("FIBENCH_RESULTS", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FIBENCH_FROM", raising=False)
    return folder


def mutate(run_folder: Path, chance: random.Random) -> str:
    """Change one file of a run, its digests made right; says what was changed."""
    name = chance.choice(FILES)
    if name == "trials.jsonl":
        return _mutate_journal(run_folder / name, chance)
    path = run_folder / name
    if name == "load.json":
        path = chance.choice(sorted((run_folder / "trials").iterdir())) / name
    changed, said = json_document(json.loads(path.read_bytes()), chance)
    path.write_text(json.dumps(changed))
    return f"{name}: {said}"


def _mutate_journal(path: Path, chance: random.Random) -> str:
    records = journal.read(path).records
    said = []
    for at in chance.sample(range(len(records)), chance.choice((1, 1, len(records)))):
        records[at], what = json_document(records[at], chance)
        said.append(f"record {at}: {what}")
    path.write_bytes(b"".join(map(journal_line, records)))
    return "; ".join(said)


FORMATS = ("text", "md", "csv", "json")


def look(capfd: pytest.CaptureFixture[str], of_both: Sequence[str] = FORMATS) -> int:
    """Every command that reads runs, in every format, those that read both in the formats
    `of_both`; how many of them refused."""
    refusals = 0
    actions: list[Callable[[], int]] = [
        partial(reviewing.report, "gil", name, "", "", replace=False) for name in OF_RUNS
    ]
    for name in of_both:
        actions.append(partial(reviewing.compare, "gil~1", "gil", name, "", replace=False))
        actions.append(partial(listed.runs, "", name, "", "", replace=False))
    for action in actions:
        try:
            assert action() == 0
        except Refused as refused:
            refusals += 1
            said = str(refused).splitlines()
            assert 1 <= len(said) <= 2
            assert all(words.isprintable() for words in said)
        text = "".join(capfd.readouterr())
        assert not {"\x1b", "\u202e", "\0"} & set(text)
    return refusals


def fuzz(
    results: Path, capfd: pytest.CaptureFixture[str], seeds: range, *, formats_at_once: int
) -> None:
    pristine, shown = results.parent / "pristine", 0
    shutil.copytree(results, pristine)
    for seed in seeds:
        chance = random.Random(f"runs/{seed}")
        said = mutate(results / "gil" / chance.choice((FIRST, SECOND)), chance)
        try:
            formats = [FORMATS[(seed + by) % len(FORMATS)] for by in range(formats_at_once)]
            shown += look(capfd, formats) == 0
        except BaseException as error:
            error.add_note(f"seed {seed}: {said}")
            raise
        shutil.rmtree(results)
        shutil.copytree(pristine, results)
    assert shown > len(seeds) / 10


def test_a_run_with_odd_members_is_shown_or_refused(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert look(capfd) == 0
    fuzz(results, capfd, range(FEW), formats_at_once=1)


@pytest.mark.long
def test_many_runs_with_odd_members_are_shown_or_refused(
    results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fuzz(results, capfd, range(FEW, MANY), formats_at_once=len(FORMATS))
