# SPDX-License-Identifier: BSD-3-Clause
"""System calls that a container forbids, with an error of its choice.

What the kernel has and may not be used is not called too old; what a server can do without it does
without.
"""

import errno
import platform
import sys

import pytest
from tests.load import denied

from .backends import Backend, all_backends
from .conftest import Start
from .process import skip_what_is_lacking
from .wire import check_serves

LACKING = 77
IN_C = [b for b in all_backends() if b.language == "c"]
WITH_URING = [b for b in IN_C if b.needs == "liburing"]
WITH_AIO = [b for b in IN_C if b.needs == "libaio"]
WITH_EPOLL = [b for b in IN_C if b.design.startswith(("epoll", "null"))]
NEEDED = [
    *((backend, call) for backend in WITH_URING for call in ("io_uring_setup", "io_uring_enter")),
    *((backend, "io_uring_register") for backend in WITH_URING if "oneshot" not in backend.name),
    *((backend, call) for backend in WITH_AIO for call in ("io_setup", "io_submit")),
]
DISPENSABLE = [
    *((backend, "epoll_pwait2") for backend in WITH_EPOLL),
    *((backend, "io_uring_register") for backend in WITH_URING if "oneshot" in backend.name),
]


def without(call: str, name: str) -> list[str]:
    """What starts a server of which a call fails so."""
    return [sys.executable, denied.__file__, call, str(getattr(errno, name))]


def params(pairs: list[tuple[Backend, str]]) -> list[object]:
    """Backends with a call each, as pytest parameters."""
    return [pytest.param(backend, call, id=f"{backend.name}-{call}") for backend, call in pairs]


@pytest.mark.parametrize("name", ["EPERM", "EACCES", "ENOSYS"])
@pytest.mark.parametrize(("backend", "call"), params(NEEDED))
def test_what_is_forbidden_and_needed_is_lacking_for_a_reason_that_is_true(
    start_server: Start, backend: Backend, call: str, name: str
) -> None:
    skip_what_is_lacking(backend)
    with start_server(backend, through=without(call, name), may_fail=True) as server:
        assert server.port == 0, "it said that it is ready"
        assert server.wait(5.0) == LACKING
        [line] = server.stderr().splitlines()
        assert call in line
        assert "seccomp filter" in line
        assert "or newer" not in line
        if name == "ENOSYS":
            assert f"Linux {platform.release()} is new enough" in line
            assert "built without" in line
        else:
            assert "forbidden" in line


@pytest.mark.parametrize("name", ["EPERM", "EACCES", "ENOSYS", "EINVAL"])
@pytest.mark.parametrize(("backend", "call"), params(DISPENSABLE))
def test_what_is_forbidden_and_can_be_done_without_is_done_without(
    start_server: Start, backend: Backend, call: str, name: str
) -> None:
    with start_server(backend, "--io-wait", "2", through=without(call, name)) as server:
        for _ in range(3):
            check_serves(server)
        assert server.stop() == 0
        assert server.stderr() == ""
