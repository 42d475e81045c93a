# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.runner.page.chromium import Browser, browser
from tests.runner.page.html_reading import Node, read_page_text
from tests.runner.page.kinds import KINDS
from tests.runner.stored_runs import places_with

from fibench.page import page_of
from fibench.store import read_run
from fibench.verdict import Review, review

Reviewed = Callable[[str], Review]
Pages = Callable[[str], str]
ReadPages = Callable[[str], Node]


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """The judged run of a kind, each made once."""

    @cache
    def make(name: str) -> Review:
        folder: Path = tmp_path_factory.mktemp(name) / name / "2026-11-24T2255-63e1"
        return review(read_run(KINDS[name](folder), places_with(folder)))

    return make


@pytest.fixture(scope="session")
def pages(reviewed: Reviewed) -> Pages:
    """The text of the page of a kind, each made once."""
    return cache(lambda name: page_of(reviewed(name)))


@pytest.fixture(scope="session")
def read_pages(pages: Pages) -> ReadPages:
    """The same read back, each once; nobody alters it."""
    return cache(lambda name: read_page_text(pages(name)))


@pytest.fixture(scope="session")
def shown() -> Iterator[Browser]:
    """One browser for all that is looked at."""
    with browser() as found:
        yield found
