# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the runner share: a desk to type commands at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.runner.desk import Desk
from tests.runner.forked import Commands, forked_commands


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """One process that has imported what commands do; each that is run is a fork of it."""
    with forked_commands() as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path, programs: Path) -> Desk:
    """Commands of built programs, with results of their own."""
    assert programs.is_dir()
    return Desk(tmp_path)
