# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the runner share: a desk to type commands at."""

from pathlib import Path

import pytest
from tests.runner.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, programs: Path) -> Desk:
    """Commands of built programs, with results of their own."""
    assert programs.is_dir()
    return Desk(tmp_path)
