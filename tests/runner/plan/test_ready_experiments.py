# SPDX-License-Identifier: BSD-3-Clause
"""The files in experiments/: each can be run as it is, explains itself, and is not too long."""

import re
from pathlib import Path

import pytest
from tests.here import CHECKOUT

from fibench.backends.catalogue import known_backends, read_catalogue
from fibench.experiment.experiment import Experiment, load_experiment
from fibench.parameters.blocks import FEWEST_BLOCKS
from fibench.plan.advice import warnings
from fibench.plan.searching.steps import MOST_SEARCH_TRIALS
from fibench.plan.trials import extent, plan, seconds

FILES = sorted((CHECKOUT / "experiments").glob("*.toml"))
EVERY = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
KNOWN = known_backends(read_catalogue(CHECKOUT / "catalogue.toml"))

TRIAL_S = 0.15
"""What starting, checking and ending a server may add to each trial."""
MOST_S = 180.0
LONGEST_S = 900.0
"""With fewer there are no verdicts."""


def ready(file: Path) -> Experiment:
    return load_experiment(file, KNOWN)


def first_column(text: str) -> list[str]:
    """The names in back-quotes that begin the rows of tables."""
    return re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)


@EVERY
def test_it_says_what_it_shows_and_what_to_look_at(file: Path) -> None:
    experiment = ready(file)

    assert experiment.title
    assert experiment.description is not None
    assert len(experiment.description.split()) >= 40, "a paragraph"


@EVERY
def test_it_has_claims_and_each_has_a_reason(file: Path) -> None:
    experiment = ready(file)

    assert experiment.claims
    assert [claim.id for claim in experiment.claims if not claim.because] == []
    assert experiment.plan.blocks.least >= FEWEST_BLOCKS


@EVERY
def test_a_run_on_two_cores_that_is_clear_at_once_takes_less_than_three_minutes(
    file: Path,
) -> None:
    experiment = ready(file)
    found = extent(experiment, plan(experiment), 2)

    search_s = sum(
        MOST_SEARCH_TRIALS * len(search.targets) * (seconds(search.stand_ins[0]) + TRIAL_S)
        for search in experiment.searches
    )

    assert search_s + found.shortest_s + TRIAL_S * found.fewest < MOST_S
    assert search_s + found.longest_s + TRIAL_S * found.most < LONGEST_S


@EVERY
def test_two_cores_test_every_claim_and_nothing_in_it_surprises(file: Path) -> None:
    assert warnings(ready(file), KNOWN, cpus=2) == []


def test_readme_and_the_findings_have_every_experiment() -> None:
    names = {file.stem for file in FILES}
    readme = (CHECKOUT / "README.md").read_text()
    findings = (CHECKOUT / "docs" / "findings.md").read_text()
    headings = re.findall(r"^## ([a-z0-9-]+)$", findings, re.MULTILINE)

    assert set(first_column(readme)) == names
    assert set(headings) == names
    assert len(headings) == len(names)
