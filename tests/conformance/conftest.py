# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: servers that a whole module, or a single test, talks to."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .backends import ONLY_OWN, Backend, all_backends, under_every_interpreter
from .lifeline import held
from .oracle import Framing
from .process import Server, start
from .wire import close_all

Start = Callable[..., AbstractContextManager[Server]]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave all out that is not asked of a server, where a server of one's own is checked."""
    if not ONLY_OWN:
        return
    held: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        spec = getattr(item, "callspec", None)
        values = spec.params.values() if spec is not None else ()
        (held if any(isinstance(one, Backend) for one in values) else others).append(item)
    items[:] = held
    config.hook.pytest_deselected(items=others)


@pytest.fixture(autouse=True)
def _no_client_outlives_its_test() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(scope="session")
def start_server(programs: Path) -> Iterator[Start]:
    """`process.start` on the programs under test."""
    with held():
        yield partial(start, programs)


def _speaking(framing: Framing) -> list[Any]:
    speaking = (backend for backend in all_backends() if framing in backend.framings)
    return under_every_interpreter(*speaking)


@pytest.fixture(scope="module", params=_speaking("message"))
def message_server(request: pytest.FixtureRequest, start_server: Start) -> Iterator[Server]:
    """One server of each backend in message framing, for all tests of a module."""
    with start_server(request.param, framing="message") as running:
        yield running


@pytest.fixture(scope="module", params=_speaking("line"))
def line_server(request: pytest.FixtureRequest, start_server: Start) -> Iterator[Server]:
    """One server of each backend in line framing, for all tests of a module."""
    with start_server(request.param, framing="line") as running:
        yield running
