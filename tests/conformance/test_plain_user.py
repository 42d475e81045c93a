# SPDX-License-Identifier: BSD-3-Clause
"""What a plain user is granted: locked memory, processes and threads."""

import errno
import os
import resource
from contextlib import ExitStack

import pytest
from tests.here import leave_out

from .backends import Backend, all_backends, each
from .conftest import Start
from .plain_user import as_plain_user
from .process import Server, skip_what_is_lacking
from .shortages import try_to_ask
from .wire import check_serves

IN_C = [b for b in all_backends() if b.language == "c"]
WITH_WORKERS = [b for b in IN_C if b.cores == "workers"]
ONE_MORE_FOR_EACH = [b for b in IN_C if b.design in ("mp", "mt", "posix-aio")]
WITH_RINGS = [b for b in IN_C if b.design == "uring-reuseport"]
LACKING = 77
MIB = 1 << 20
USUAL_MEMLOCK = 8 * MIB  # the kernel's default
PLENTY = 16  # workers
CLIENTS = 40


@pytest.mark.parametrize("backend", each(*WITH_RINGS))
def test_three_servers_of_sixteen_rings_have_room_in_what_a_user_may_lock(
    start_server: Start, backend: Backend
) -> None:
    """Rings are charged to the user, not to the process."""
    through = as_plain_user({resource.RLIMIT_MEMLOCK: USUAL_MEMLOCK})
    with ExitStack() as stack:
        servers = [
            stack.enter_context(start_server(backend, "--workers", str(PLENTY), through=through))
            for _ in range(3)
        ]
        for server in servers:
            check_serves(server)


@pytest.mark.parametrize("backend", each(*WITH_RINGS))
def test_without_room_for_its_rings_a_server_lacks_what_it_needs(
    start_server: Start, backend: Backend
) -> None:
    skip_what_is_lacking(backend)
    through = as_plain_user({resource.RLIMIT_MEMLOCK: USUAL_MEMLOCK // 32})
    with start_server(backend, "--workers", str(PLENTY), through=through, may_fail=True) as server:
        if server.port != 0:
            leave_out("this kernel does not charge rings to what a user may lock")
        check_ended(server, LACKING)
        assert "ulimit -l" in server.stderr()
        assert "256 KiB" in server.stderr()


@pytest.mark.parametrize("backend", each(*WITH_WORKERS))
def test_without_room_for_its_threads_or_processes_it_is_never_ready(
    start_server: Start, backend: Backend
) -> None:
    through = as_plain_user({resource.RLIMIT_NPROC: 4})
    with start_server(backend, "--workers", "8", through=through, may_fail=True) as server:
        assert server.port == 0, "it said that it is ready"
        check_ended(server, 1)
        assert os.strerror(errno.EAGAIN) in server.stderr()


def check_ended(server: Server, status: int) -> None:
    """Wait for its end with a status and a line."""
    assert server.wait(5.0) == status, server.stderr()
    assert len(server.stderr().splitlines()) == 1, server.stderr()


@pytest.mark.parametrize("backend", each(*ONE_MORE_FOR_EACH))
def test_whom_no_thread_or_process_is_granted_is_refused_counted_and_told(
    start_server: Start, backend: Backend
) -> None:
    through = as_plain_user({resource.RLIMIT_NPROC: 1})
    with start_server(backend, through=through) as server:
        answers = [try_to_ask(server) for _ in range(CLIENTS)]
        assert server.stop() == 0
        refused = answers.count(False)
        assert refused == CLIENTS
        told = server.stderr()
        assert f"refused {refused} connections" in told, told
        assert told.count(os.strerror(errno.EAGAIN)) == 1, told
