# SPDX-License-Identifier: BSD-3-Clause
"""A run is read back from any folder; damage is a line of what and one of what to do."""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runner.stored_runs import (
    CLAIMS,
    EXPERIMENT,
    leave_out,
    make_run,
    places_with,
    rewrite_journal,
)

from fibench.document.diagnostics import ExperimentError
from fibench.parameters import Blocks
from fibench.report.lines import machine_line_of
from fibench.store import journal
from fibench.store.files import StoredError
from fibench.store.kept import read_environment
from fibench.store.planned import claims_for
from fibench.store.stored_run import StoredRun, open_run, read_load, read_run
from fibench.verdict.reviewing import review

TORN = "it is torn, or was altered"
PLACES = places_with(Path("/nonexistent"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "gil" / "2026-11-24T2255-63e1")


def opened(folder: Path) -> StoredRun:
    return read_run(folder, PLACES)


def refused(folder: Path) -> str:
    with pytest.raises(StoredError) as caught:
        opened(folder)
    for line in (str(caught.value), caught.value.hint):
        assert line
        assert "\n" not in line
    return str(caught.value)


def test_a_run_is_what_it_was(folder: Path) -> None:
    run = opened(folder)
    assert run.name == "gil/2026-11-24T2255-63e1"
    assert [cell.label for cell in run.experiment.cells] == ["py-mp", "py-mt"]
    assert (run.complete, len(run.records), run.cores, run.ignored) == (True, 10, 2, ())
    assert [record.index for record in run.records] == list(range(10))
    found = {v.claim.id: v.outcome for v in review(run).verdicts}
    kept = json.loads((folder / "claims.json").read_text())["claims"]
    assert found == {claim["id"]: claim["outcome"] for claim in kept}


def test_it_is_found_by_its_name_and_by_its_folder(folder: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "gil" / "2026-11-25T0000-0000", seed=2)
    places = places_with(tmp_path)
    for name in ("gil~1", "gil/2026-11-24T2255-63e1", str(folder)):
        assert open_run(name, places).folder.resolve() == folder
    assert open_run("gil", places).folder.name == "2026-11-25T0000-0000"


@pytest.mark.parametrize("name", ["gli", "gil~2", "gil/x", "", "\0", "../../etc", "gil~99999999"])
def test_a_name_of_nothing_is_told_with_what_there_is(
    folder: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(StoredError) as caught:
        open_run(name, places_with(tmp_path))
    assert caught.value.hint


def test_a_run_without_verdicts_was_interrupted_and_has_estimates_only(tmp_path: Path) -> None:
    run = opened(make_run(tmp_path / "run", complete=False))
    judged = review(run)
    assert not run.complete
    assert judged.verdicts == ()
    assert judged.summaries[0].valid == 3


def test_cells_are_those_of_the_plan_where_options_were_not_kept(tmp_path: Path) -> None:
    """Schema 1: the file says five blocks of n = 27, and n = 30 was measured three times."""
    given = {"n": "30", "blocks": "3", "backend": "py-mt"}
    run = opened(make_run(tmp_path / "run", overrides=given))
    assert [cell.parameters.n for cell in run.experiment.cells] == [30]
    assert run.experiment.plan.blocks == Blocks(3, 3, 3)
    assert [claim.id for claim in run.experiment.claims] == ["refusals"]
    assert [claim.id for claim in run.experiment.dropped_claims] == ["multiprocess-beats-threads"]


def test_options_that_were_kept_make_the_same_cells_again(tmp_path: Path) -> None:
    run = opened(make_run(tmp_path / "run", overrides={"n": "20,25"}, schema=2))
    assert [cell.label for cell in run.experiment.cells] == [
        "py-mp n=20", "py-mp n=25", "py-mt n=20", "py-mt n=25",
    ]  # fmt: skip
    assert run.experiment_name == "made"


def test_a_backend_that_is_no_more_is_still_shown(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    for name in ("experiment.toml", "plan.json"):
        path = folder / name
        path.write_text(path.read_text().replace("py-mp", "py-gone"))
    assert {cell.backend for cell in opened(folder).experiment.cells} == {"py-gone", "py-mt"}


def test_the_last_attempt_of_a_trial_counts(folder: Path) -> None:
    first: Any = journal.read(folder / "trials.jsonl").records[0]
    again = first | {"attempt": 2, "metrics": first["metrics"] | {"throughput_per_s": 1.0}}
    failed = {"schema": 1, "valid": False, "reason": "by the rules of schema 1 it is tried again"}
    rewrite_journal(folder, lambda one: one["index"] or one.update(failed))
    journal.append(folder / "trials.jsonl", again)
    run = opened(folder)
    assert len(run.records) == 10
    assert run.records[0].metrics["throughput_per_s"] == 1.0
    (folder / "trials" / "000-2").mkdir()
    (folder / "trials" / "000-2" / "load.json").write_text('{"schema": 1, "attempt": 2}')
    assert read_load(run, run.records[0]) == {"schema": 1, "attempt": 2}


def test_a_torn_line_is_told_and_what_came_before_it_is_kept(folder: Path) -> None:
    path = folder / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    run = opened(folder)
    assert (len(run.records), run.ignored) == (9, ((10, TORN),))


def test_a_run_without_environment_is_of_an_unknown_machine(folder: Path) -> None:
    (folder / "environment.json").unlink()
    assert (opened(folder).environment.document, opened(folder).cores) == ({}, None)
    assert machine_line_of(opened(folder)).startswith(
        "an unknown machine (environment.json is missing"
    )
    plan = json.loads((folder / "plan.json").read_text())
    kept = {**plan, "identity": {"cores": [[0], [1, 5]]}}
    (folder / "plan.json").write_text(json.dumps(kept))
    assert opened(folder).cores == 2
    assert machine_line_of(opened(folder)).startswith("an unknown machine of 2 cores")


@pytest.mark.parametrize("cores", [None, 0, -1, "2", True, 1.0])
def test_a_number_of_cores_that_is_none_is_not_made_up(folder: Path, cores: object) -> None:
    environment = json.loads((folder / "environment.json").read_text())
    changed = {**environment, "usable_cores": cores, "processor": None, "kernel": None}
    (folder / "environment.json").write_text(json.dumps(changed))
    run = opened(folder)
    assert run.cores is None
    assert machine_line_of(run) == (
        "unknown processor, an unknown number of cores, Linux of unknown version, Python 3.12.1"
    )


def test_a_claim_that_needs_cores_is_not_judged_by_made_up_ones(tmp_path: Path) -> None:
    text = EXPERIMENT.replace("above = 1.3", "above = 1.3\nneeds_cpus = 2")
    folder = make_run(tmp_path / "run", text=text)
    (folder / "environment.json").unlink()
    first, second = review(opened(folder)).verdicts
    assert (first.outcome, first.reason) == (
        "NOT HERE", "needs 2 physical cores; how many could be used is not known",
    )  # fmt: skip
    assert second.outcome == "CONFIRMED", "it needs none"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("plan.json", "{", "plan.json is not JSON"),
        ("plan.json", "[]", "is not a JSON object"),
        ("plan.json", "[" * 100_000, "is not JSON"),
        ("plan.json", '{"schema": 1}', "has no cells"),
        ("plan.json", '{"schema": "1"}', "has no schema number"),
        ("plan.json", '{"schema": 99}', "schema 99, which is newer"),
        ("plan.json", '{"cells": [{"key": 1}]}', "has a cell without key"),
        ("environment.json", "\0", "environment.json is not JSON"),
        ("experiment.toml", "title =", "experiment.toml:1:"),
        ("experiment.toml", "\xff\xfe", "experiment.toml"),
        ("experiment.toml", 'title = "x"', "matrix is missing"),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, content: str, said: str) -> None:
    (folder / name).write_bytes(content.encode("latin-1"))
    assert said in refused(folder)


@pytest.mark.parametrize("name", ["plan.json", "experiment.toml"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name} is missing" in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("cell"),
        lambda record: record.update(index=-1),
        lambda record: record.update(index="../../x"),
        lambda record: record.update(metrics={"p50_s": "fast"}),
        lambda record: record.update(counts={"window_ok": 1.5}),
        lambda record: record.update(times={}),
        lambda record: record.update(schema=99),
        lambda record: record.update(halves=[1]),
        lambda record: record.update(checks=7),
        lambda record: record.update(groups={"small": {"metrics": {}}}),
        lambda record: record["parameters"].pop("clients"),
    ],
)
def test_a_record_that_is_no_trial_is_named(folder: Path, change: Callable[[Any], Any]) -> None:
    rewrite_journal(folder, change)
    assert "trials.jsonl" in refused(folder)


@pytest.mark.parametrize(
    "name", ["plan.json", "environment.json", "experiment.toml", "trials.jsonl"]
)
def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    assert "is a link out of the run's folder" in refused(folder)


def test_a_trials_folder_elsewhere_is_not_read(folder: Path, tmp_path: Path) -> None:
    run = opened(folder)
    (folder / "trials").rename(tmp_path / "elsewhere")
    (folder / "trials").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoredError, match="link out of the run's folder"):
        read_load(run, run.records[0])


def test_a_link_to_the_whole_run_is_a_run(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert len(opened(tmp_path / "link").records) == 10


@pytest.mark.parametrize("name", ["plan.json", "trials.jsonl"])
def test_a_fifo_does_not_make_us_wait(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "is not a regular file" in refused(folder)


def test_links_that_go_in_circles_are_told(folder: Path) -> None:
    (folder / "plan.json").unlink()
    (folder / "plan.json").symlink_to("plan.json")
    assert "plan.json" in refused(folder)


def test_another_folder_is_no_run(tmp_path: Path) -> None:
    assert "is not a run" in refused(tmp_path)


@given(cut=st.integers(0, 2000), junk=st.binary(max_size=6))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_at_any_place_are_a_run_or_a_line(folder: Path, cut: int, junk: bytes) -> None:
    for name in ("plan.json", "experiment.toml", "trials.jsonl", "environment.json"):
        path = folder / name
        data = path.read_bytes()
        at = cut % len(data)
        path.write_bytes(data[:at] + junk + data[at + len(junk) :])
        with contextlib.suppress(StoredError):
            review(opened(folder))
        path.write_bytes(data)


def test_other_claims_are_all_simultaneous(folder: Path) -> None:
    run = opened(folder)
    cells = run.experiment.cells
    twice = CLAIMS + CLAIMS.replace('"reversed"', '"again"').replace("above", "below")
    claims, _ = claims_for(twice.encode(), "claims.toml", cells)
    judged = review(run, claims)
    assert [v.outcome for v in judged.verdicts] == ["REFUTED", "CONFIRMED"]
    assert [v.alpha for v in judged.verdicts] == pytest.approx([0.025, 0.025])
    assert judged.added_afterwards
    assert not review(run).added_afterwards


def test_other_claims_may_stand_in_a_whole_experiment(folder: Path) -> None:
    claims, _ = claims_for(EXPERIMENT.encode(), "other.toml", opened(folder).experiment.cells)
    assert [claim.id for claim in claims] == ["multiprocess-beats-threads", "refusals"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CLAIMS.replace("py-mt", "py-mtt"), 'claims.toml:4:22: no cell has { backend = "py-mtt" }'),
        (CLAIMS.replace("above", "abov"), "claims.toml:6:1: unknown key"),
        (CLAIMS.replace("[[claim]]", "[[claims]]"), "claims.toml:1:3: unknown key"),
        ("", "the file has no [[claim]]"),
        ("[[claim]", "claims.toml:1:"),
        (CLAIMS + CLAIMS, "another claim has the id"),
    ],
)
def test_other_claims_are_explained_line_by_line(folder: Path, text: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        claims_for(text.encode(), "claims.toml", opened(folder).experiment.cells)
    assert said in str(caught.value)


def test_the_machine_of_the_run_decides_what_is_testable(tmp_path: Path) -> None:
    text = EXPERIMENT.replace("above = 1.3", "above = 1.3\nneeds_cpus = 2")
    folder = make_run(tmp_path / "run", text=text)
    run = opened(folder)
    assert review(run).verdicts[0].outcome == "CONFIRMED"
    one_core = replace(run, environment=read_environment({"usable_cores": 1}))
    assert review(one_core).verdicts[0].outcome == "NOT HERE"


# What could not be run

WHY = "py-mp: there is no fork"


def test_cells_that_could_not_be_run_are_left_out_and_their_claims_are_not_here(
    folder: Path,
) -> None:
    leave_out(folder, "py-mp", WHY)
    judged = review(opened(folder))

    assert [cell.label for cell in judged.run.experiment.cells] == ["py-mt"]
    assert judged.notes[0] == f"1 cell left out: {WHY}"
    assert [(v.claim.id, v.outcome, v.reason) for v in judged.verdicts] == [
        ("multiprocess-beats-threads", "NOT HERE", WHY),
        ("refusals", "CONFIRMED", None),
    ]


def test_claims_added_afterwards_may_name_cells_that_were_left_out(folder: Path) -> None:
    leave_out(folder, "py-mp", WHY)
    run = opened(folder)
    claims, _ = claims_for(CLAIMS.encode(), "claims.toml", run.planned_cells)

    assert [(v.outcome, v.reason) for v in review(run, claims).verdicts] == [("NOT HERE", WHY)]


def test_a_run_of_which_nothing_could_be_run_is_a_run(folder: Path) -> None:
    leave_out(folder, "py-mp", WHY)
    plan = json.loads((folder / "plan.json").read_text())
    leave_out(folder, "py-mt", "py-mt: there are no threads")
    after = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(
        json.dumps({**after, "left_out": plan["left_out"] + after["left_out"]})
    )
    judged = review(opened(folder))

    assert judged.summaries == ()
    assert {v.outcome for v in judged.verdicts} == {"NOT HERE"}


NEEDING = EXPERIMENT + 'needs_backend = "c-uring"\nneeds_interpreter = "pypy3"\n'


@pytest.mark.parametrize(
    ("not_here", "reason"),
    [
        ({"backends": {"c-uring": "io_uring is off"}}, "needs c-uring: io_uring is off"),
        ({"interpreters": {"pypy3": "gone"}}, "needs interpreter pypy3: gone"),
        ({"backends": 3, "interpreters": []}, None),
        ("x", None),
        (None, None),
    ],
)
def test_what_was_needed_and_not_there_is_remembered(
    tmp_path: Path, not_here: object, reason: str | None
) -> None:
    """Of a backend, too, that the catalogue does not have, or has no more."""
    folder = make_run(tmp_path / "run")
    (folder / "experiment.toml").write_text(NEEDING)
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "not_here": not_here}))
    (_, verdict) = review(opened(folder)).verdicts

    assert verdict.reason == reason
    assert verdict.outcome == ("CONFIRMED" if reason is None else "NOT HERE")


@pytest.mark.parametrize("left_out", [3, [3], [{}], [{"key": "k", "label": "l"}]])
def test_cells_left_out_that_are_no_cells_are_named(folder: Path, left_out: object) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "left_out": left_out}))

    assert "plan.json has" in refused(folder)
