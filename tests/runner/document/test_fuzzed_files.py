# SPDX-License-Identifier: BSD-3-Clause
"""Experiment files with mistakes of every kind are planned or explained; never a traceback."""

import json
import random

import pytest
from tests.here import CHECKOUT
from tests.runner import any_servers
from tests.runner.any_servers import ECHO
from tests.runner.experiment.client_groups import EVERYTHING
from tests.runner.experiments import GIL
from tests.runner.mutations import toml_text

from fibench.backends.catalogue import known_backends, read_catalogue
from fibench.document.diagnostics import ExperimentError
from fibench.experiment.experiment import parse_experiment
from fibench.plan.advice import warnings
from fibench.plan.pinning import check_cpus, choose
from fibench.plan.trials import expected_seconds, plan, plan_json
from fibench.store.planned import claims_for

KNOWN = known_backends(read_catalogue(CHECKOUT / "catalogue.toml"))
CELLS = parse_experiment(GIL, "gil.toml", KNOWN).cells
FEW, MANY = 300, 20_000
OVERRIDES: tuple[dict[str, str], ...] = (
    {},
    {},
    {"n": "1,2"},
    {"clients": "8"},
    {"backend": "c-mt"},
    {"rate": "500"},
    {"blocks": "3", "duration": "1s"},
)
SMALLEST = 'title = "t"\n[[matrix]]\nbackend = ["c-sync", "c-mt"]\nn = [1, 2, 3]\n[[claim]]\n'
WITH_CROSSOVER = (
    SMALLEST + 'says = "s"\ncrossover = { over = "n", of = [{ backend = "c-mt" }, '
    '{ backend = "c-sync" }] }\nmetric = "throughput"\nbelow = 3\n'
)
WITH_SUSTAINS = (
    SMALLEST.replace("n = [1, 2, 3]", 'rate = ["50/s", 100]') + 'says = "s"\n'
    'sustains = { over = "rate", of = [{ backend = "c-mt" }, { backend = "c-sync" }] }\n'
    'metric = "p99"\nlimit = "50ms"\nabove = 1.5\n'
)


def texts() -> list[str]:
    files = sorted((CHECKOUT / "experiments").glob("*.toml"))
    ready = [path.read_text() for path in files]
    made = [GIL, EVERYTHING, WITH_CROSSOVER, WITH_SUSTAINS, ECHO]
    return [*ready, *made, *any_servers.TEXTS.values()]


def look(text: str, overrides: dict[str, str]) -> bool:
    """All that `plan` does with a file, and `report --claims`; whether it can be planned."""
    claims_of(text)
    try:
        experiment = parse_experiment(text, "e.toml", KNOWN, overrides)
    except ExperimentError as error:
        check(error)
        return False
    plan(experiment)
    expected_seconds(plan(experiment))
    choose(experiment, [[0], [1]])
    check_cpus(experiment, {0, 1})
    advice = list(warnings(experiment, KNOWN, 2))
    json.dumps(plan_json(experiment, advice), allow_nan=False)
    return True


def claims_of(text: str) -> None:
    """The file as one of claims, for the cells of another experiment."""
    try:
        claims_for(text.encode("utf-8", "surrogatepass"), "claims.toml", CELLS)
    except ExperimentError as error:
        check(error)


def check(error: ExperimentError) -> None:
    """There are faults, each in two lines that a terminal prints as they are."""
    assert error.diagnostics
    for fault in error.diagnostics:
        assert f"{fault.what}{fault.hint}".isprintable()


def fuzz(seeds: range) -> None:
    every, planned = texts(), 0
    for seed in seeds:
        chance = random.Random(f"files/{seed}")
        text = toml_text(chance.choice(every), chance)
        try:
            planned += look(text, chance.choice(OVERRIDES))
        except Exception as error:
            error.add_note(f"seed {seed}, file:\n{text[:4000]}")
            raise
    # A fuzzer whose files are all nonsense would find nothing behind the parser.
    assert planned > len(seeds) / 40


def test_a_file_with_mistakes_is_planned_or_explained() -> None:
    fuzz(range(FEW))


@pytest.mark.long
def test_many_files_with_mistakes_are_planned_or_explained() -> None:
    fuzz(range(FEW, MANY))
