# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of backends share: a folder of programs of one's own."""

from pathlib import Path

import pytest
from tests.runner.own_programs import Machine, make_machine


@pytest.fixture
def machine(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(programs, tmp_path, monkeypatch)
