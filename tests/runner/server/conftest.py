# SPDX-License-Identifier: BSD-3-Clause
"""Small servers that are started, and talked to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.here import require
from tests.runner.server.talk import Talk, talks
from tests.runner.small_servers import Starter, nobody_is_left


@pytest.fixture
def talk(programs: Path, tmp_path: Path) -> Iterator[Callable[[str], Talk]]:
    """Starts small servers that are talked to."""
    yield from talks(Starter(programs / "supervise", tmp_path))


@pytest.fixture
def talk_in_cgroup(programs: Path, tmp_path: Path) -> Iterator[Callable[[str], Talk]]:
    """Starts small servers that have a cgroup of their own."""
    require("cgroup v2")
    yield from talks(Starter(programs / "supervise", tmp_path, cgroup=True))


@pytest.fixture
def start(programs: Path, tmp_path: Path) -> Starter:
    """Starts servers."""
    return Starter(programs / "supervise", tmp_path)


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    """No test leaves a process behind, of whatever it has started."""
    with nobody_is_left():
        yield
