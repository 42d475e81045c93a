# SPDX-License-Identifier: BSD-3-Clause
"""A machine of which tests say what comes between its trials."""

from pathlib import Path

import pytest
from tests.runner.beginner import Beginner
from tests.runner.run.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """It runs a small experiment of three blocks."""
    assert programs.is_dir()
    return Machine(Beginner(tmp_path, {"blocks": "3"}), monkeypatch)
