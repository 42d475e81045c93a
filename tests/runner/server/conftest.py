# SPDX-License-Identifier: BSD-3-Clause
"""Small servers that are started, and talked to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.here import require
from tests.runner.server.talk import Talk, talks
from tests.runner.small_servers import Starter, starter


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
def start(programs: Path, tmp_path: Path) -> Iterator[Starter]:
    """Starts servers, and checks that this process has no child left after the test."""
    yield from starter(programs, tmp_path)
