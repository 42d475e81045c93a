# SPDX-License-Identifier: BSD-3-Clause
"""What was expected of a run whose rates are still to be found is bound to its claims as well."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runner.beginner import Beginner
from tests.runner.run.searched import FILE, SearchedMachine, Server
from tests.runner.stored_runs import places_with

from fibench.experiment import beliefs_json
from fibench.run import RatesFound
from fibench.store import read_run


def test_beliefs_are_of_the_claims_once_their_rates_are_found(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert programs.is_dir()
    beginner = Beginner(tmp_path, None, FILE)
    servers = {"c-mt": Server(500.0), "c-sync": Server(300.0)}
    machine = SearchedMachine(beginner, monkeypatch, servers)
    asked = beginner.request.experiment.claims
    said = beliefs_json([(asked[0], "holds"), (asked[1], "too close")])
    beginner.__dict__["request"] = replace(beginner.request, beliefs=said)
    outcome, events = machine.run()
    assert any(isinstance(event, RatesFound) for event in events)
    stored = read_run(outcome.folder, places_with(tmp_path))
    claims = stored.experiment.claims
    assert [claim.left.key for claim in claims] != [claim.left.key for claim in asked]
    assert [stored.belief(claim) for claim in claims] == ["holds", "too close"]
