# SPDX-License-Identifier: BSD-3-Clause
"""The pyperf suite of a run, as pyperf itself reads it."""

import importlib
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.here import require
from tests.runner.judged_runs import judged_run
from tests.runner.stored_runs import CLAIMS, EXPERIMENT, MACHINE, make_run, places_with

from fibench.export import exported
from fibench.store.planned import claims_for
from fibench.store.stored_run import read_run
from fibench.verdict.reviewing import Review, review


@pytest.fixture
def judged(tmp_path: Path) -> Review:
    return judged_run(tmp_path / "gil" / "run")


def loaded(judged: Review, folder: Path) -> Any:
    require("pyperf")
    pyperf: Any = importlib.import_module("pyperf")
    path = folder / "suite.json"
    path.write_text(exported(judged, "pyperf"))
    return pyperf.BenchmarkSuite.load(str(path))


def test_each_cell_has_its_three_benchmarks_with_a_run_for_each_block(
    judged: Review, tmp_path: Path
) -> None:
    suite = loaded(judged, tmp_path)
    assert set(suite.get_benchmark_names()) == {
        f"{cell}: {called}"
        for cell in ("py-mp", "py-mt")
        for called in ("CPU per request", "p50 latency", "time per request (1/throughput)")
    }
    for benchmark in suite.get_benchmarks():
        assert benchmark.get_nrun() == 5
        assert benchmark.get_unit() == "second"


def test_the_values_are_those_of_the_trials_in_seconds(judged: Review, tmp_path: Path) -> None:
    suite = loaded(judged, tmp_path)
    metrics: list[Any] = [r.metrics for r in judged.run.records if r.label == "py-mt"]
    values = suite.get_benchmark("py-mt: time per request (1/throughput)").get_values()
    assert values == pytest.approx([1 / m["throughput_per_s"] for m in metrics])
    values = suite.get_benchmark("py-mt: p50 latency").get_values()
    assert values == pytest.approx([m["p50_s"] for m in metrics])


def test_it_says_which_machine_and_not_whose(judged: Review, tmp_path: Path) -> None:
    suite = loaded(judged, tmp_path)
    metadata = suite.get_benchmarks()[0].get_metadata()
    assert metadata["cpu_model_name"] == "Model(R) 7 CPU @ 3.00GHz"
    assert metadata["python_version"] == "3.12.1"
    assert metadata["platform"] == "Linux-6.1.0-x86_64"
    assert metadata["fibench_claim_refusals"] == "CONFIRMED"
    assert "hostname" not in metadata
    assert socket.gethostname() not in exported(judged, "pyperf") or len(socket.gethostname()) < 4
    first, last = suite.get_dates()
    assert str(first).startswith("2026-11-24 22:00:00")
    assert last > first


def test_claims_that_were_added_are_marked(judged: Review, tmp_path: Path) -> None:
    claims, _ = claims_for(CLAIMS.encode(), "claims.toml", judged.run.experiment.cells)
    suite = loaded(review(judged.run, claims), tmp_path)
    metadata = suite.get_benchmarks()[0].get_metadata()
    assert metadata["fibench_claims"] == "claims added afterwards"
    assert metadata["fibench_claim_reversed"] == "REFUTED"


def test_the_python_of_a_cell_is_the_one_that_it_names(tmp_path: Path) -> None:
    text = EXPERIMENT.replace("n = 27", 'n = 27\ninterpreter = "pypy3"')
    pypy = {"version": "3.10.14", "implementation": "PyPy", "path": "/usr/bin/pypy3"}
    folder = make_run(
        tmp_path / "run", text=text, environment={**MACHINE, "interpreters": {"pypy3": pypy}}
    )
    suite = loaded(review(read_run(folder, places_with(tmp_path))), tmp_path)
    for benchmark in suite.get_benchmarks():
        metadata = benchmark.get_metadata()
        assert metadata["python_version"] == "3.10.14"
        assert metadata["python_implementation"] == "PyPy"
