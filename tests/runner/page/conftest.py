# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.runner.page.kinds import KINDS
from tests.runner.stored_runs import places_with

from fibench.store import read_run
from fibench.verdict import Review, review

Reviewed = Callable[[str], Review]


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """The judged run of a kind, each made once."""

    @cache
    def make(name: str) -> Review:
        folder: Path = tmp_path_factory.mktemp(name) / name / "2026-11-24T2255-63e1"
        return review(read_run(KINDS[name](folder), places_with(folder)))

    return make
