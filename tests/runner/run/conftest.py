# SPDX-License-Identifier: BSD-3-Clause
"""A machine of which tests say what comes between its trials."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.runner.beginner import Beginner
from tests.runner.run.machine import Machine
from tests.runner.run.searched import FILE, SERVERS, SearchedMachine

from fibench.run.environment import git


@pytest.fixture(scope="session", autouse=True)
def _git_is_asked_once() -> Iterator[None]:
    """Which commit is checked out is the same in each of the many runs that are begun here."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fibench.run.environment.git", cache(git))
        yield


@pytest.fixture
def machine(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """It runs a small experiment of three blocks."""
    assert programs.is_dir()
    return Machine(Beginner(tmp_path, {"blocks": "3"}), monkeypatch)


@pytest.fixture
def searched(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> SearchedMachine:
    """It looks for the rates of two servers."""
    assert programs.is_dir()
    monkeypatch.setattr("fibench.run.begin.end_leftovers", lambda: None)
    return SearchedMachine(Beginner(tmp_path, text=FILE), monkeypatch, SERVERS)
