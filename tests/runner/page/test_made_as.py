# SPDX-License-Identifier: BSD-3-Clause
"""Whether a run is of the name that its plan has: runs of all kinds, and who would be found out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runner.judged_runs import judged
from tests.runner.page.class_runs import every_run, person_run
from tests.runner.page.kinds import KINDS
from tests.runner.stored_runs import rewrite_journal

from fibench.parameters import drawn_seed
from fibench.verdict import audit

SEEDED = ("outcomes", "crossover", "groups", "interrupted", "one_block", "without_claims")
"""Kinds of runs whose file has a seed, which decides the order of their trials."""
NOT_ITS_SEED = "its seed is not the one that its name draws: it was not made as {}"
NOT_ITS_ORDER = "its trials are not in the order that its seed gives"


def replanned(run: Path, **changes: object) -> None:
    path = run / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def marks(root: Path) -> dict[str, str]:
    return {run.head.run.partition("/")[0]: run.head.marks for run in every_run(root)}


@pytest.mark.parametrize("kind", SEEDED)
def test_no_run_that_is_of_its_name_is_marked(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = KINDS[kind](tmp_path / "gil" / "2026-11-24T2255-63e1")
    before = judged(run).marks
    monkeypatch.setattr(audit, "drawn_seed", lambda name: 7)
    replanned(run, **{"as": "ada"})
    assert judged(run).marks == before


@pytest.mark.parametrize("kind", SEEDED)
def test_a_run_of_another_order_is_marked(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = KINDS[kind](tmp_path / "gil" / "2026-11-24T2255-63e1")
    monkeypatch.setattr(audit, "drawn_seed", lambda name: 8)
    replanned(run, **{"as": "ada", "seed": 8})
    assert NOT_ITS_ORDER in judged(run).marks


def test_who_writes_another_name_into_a_plan_is_found_out(tmp_path: Path) -> None:
    stolen = person_run(tmp_path / "bob", "ada")
    assert marks(tmp_path) == {"bob": ""}
    replanned(stolen, **{"as": "bob"})
    assert marks(tmp_path) == {"bob": NOT_ITS_SEED.format("bob")}
    replanned(stolen, seed=drawn_seed("bob"))
    assert marks(tmp_path) == {"bob": NOT_ITS_ORDER}


def test_who_measures_anew_under_the_seed_of_another_name_is_found_out(tmp_path: Path) -> None:
    person_run(tmp_path / "ada", "ada", 1)
    person_run(tmp_path / "bob", "bob", 2, seed=drawn_seed("ada"))
    found = marks(tmp_path)
    assert NOT_ITS_SEED.format("bob") in found["bob"]
    assert "its seed is also that of ada/" in found["bob"]
    assert found["bob"].endswith("which is of ada")
    assert found["ada"].endswith("which is of bob")


def test_runs_of_one_name_and_runs_without_are_not_marked(tmp_path: Path) -> None:
    """A seed may be repeated on purpose, and a person may run an experiment twice."""
    person_run(tmp_path / "ada", "ada", 1)
    person_run(tmp_path / "again", "ada", 2)
    person_run(tmp_path / "teacher", "", 3, seed=drawn_seed("ada"))
    assert set(marks(tmp_path).values()) == {""}


@pytest.mark.parametrize(
    "name", [7, None, [], {}, "", "x" * 100, "a\x1b\u202e", "\ud800", " ada", True]
)
def test_a_name_in_a_plan_may_be_anything(name: object, tmp_path: Path) -> None:
    run = person_run(tmp_path / "ann", "ann")
    replanned(run, **{"as": name})
    (mark,) = marks(tmp_path).values()
    is_none = not isinstance(name, str) or name == ""
    assert (mark == "") is is_none
    assert mark.isprintable()


def test_one_trial_at_another_place_is_enough(tmp_path: Path) -> None:
    run = person_run(tmp_path / "ada", "ada")
    places: dict[object, object] = {}

    def look(record: dict[str, object]) -> None:
        places.setdefault(record["block"], record["index"])

    rewrite_journal(run, look)
    first, second = (places[block] for block in (0, 1))
    assert first != second

    def moved(record: dict[str, object]) -> None:
        if record["block"] == 1 and record["index"] in (second, int(str(second)) + 1):
            record["index"] = 2 * int(str(second)) + 1 - int(str(record["index"]))

    change: Callable[[dict[str, object]], None] = moved
    rewrite_journal(run, change)
    assert NOT_ITS_ORDER in marks(tmp_path)["ada"]
