# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of tables of runs share."""

from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "class"
