# SPDX-License-Identifier: BSD-3-Clause
"""What every server does to its sockets and limits, seen from outside."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.here import leave_out

from .backends import EVERY_WITH_OPTIONS, Backend
from .borrowed import sockets
from .conftest import Start
from .wire import connect


@contextmanager
def _soft_limit(descriptors: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(descriptors, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.plain_user
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(
    start_server: Start, backend: Backend
) -> None:
    with _soft_limit(256), start_server(backend, framing="message") as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


@pytest.mark.plain_user
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_small_replies_do_not_wait_for_acknowledgements(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, framing="line") as server, connect(server):
        try:
            delayed = [
                not one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                for one in sockets(server)
            ]
        except OSError as error:
            leave_out(str(error))
    assert delayed, "the server has no TCP socket"
    assert not any(delayed)
