# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the runner share: a desk to type commands at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.runner.desk import Desk
from tests.runner.warm import end_forking


@pytest.fixture(scope="session", autouse=True)
def _commands_are_forked() -> Iterator[None]:
    """By one Python for all tests of this process, which ends with them."""
    yield
    end_forking()


@pytest.fixture
def desk(tmp_path: Path, programs: Path) -> Desk:
    """Commands of built programs, with results of their own."""
    assert programs.is_dir()
    return Desk(tmp_path)
