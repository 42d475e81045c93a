# SPDX-License-Identifier: BSD-3-Clause
"""Runs of which a person said before what they expect."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.runner.page.model_runs import parsed

from fibench.experiment import Belief, beliefs_json


def expecting(folder: Path, beliefs: Sequence[Belief | None]) -> Path:
    """The folder of a run, as if these had been said of its claims before; None: skipped."""
    path = folder / "plan.json"
    plan = json.loads(path.read_text())
    claims = parsed((folder / "experiment.toml").read_text(), folder).claims
    said = [(claim, one) for claim, one in zip(claims, beliefs, strict=False) if one is not None]
    path.write_text(json.dumps({**plan, "beliefs": beliefs_json(said)}))
    return folder
