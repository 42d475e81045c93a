# SPDX-License-Identifier: BSD-3-Clause
"""What a container forbids: the load is measured all the same."""

import errno
import sys
from pathlib import Path

import pytest
from tests.conformance.shortages import build, failing_call

from . import denied
from .conftest import Program
from .servers import ASK_30, serving


@pytest.mark.parametrize("name", ["EPERM", "EACCES", "ENOSYS", "EINVAL", "ENOTSUP"])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_open_loop_goes_on_without_epoll_pwait2(
    fibload: Program, tmp_path: Path, name: str, threads: str
) -> None:
    without = tmp_path / "fibload"
    number = str(getattr(errno, name))
    words = [sys.executable, denied.__file__, "epoll_pwait2", number, str(fibload.path)]
    without.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
    without.chmod(0o755)
    load = ("--clients", "4", "--threads", threads, "--rate", "200", "--duration", "0.5")
    with serving(line=True) as server:
        answer = Program(without).load(server.port, "--framing", "line", *ASK_30, *load)
    assert answer.report["open_loop"]["due"] > 0
    assert answer.counts["ok"] > 0
    assert answer.counts["local"] == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_what_was_refused_once_is_not_asked_for_again(
    fibload: Program, tmp_path: Path, threads: int
) -> None:
    load = ("--clients", "4", "--threads", str(threads), "--rate", "200", "--duration", "0.5")
    with failing_call(build(tmp_path), "epoll_pwait2") as call, serving(line=True) as server:
        call.fail_always(errno.EPERM)
        settings = [f"{name}={value}" for name, value in call.environment.items()]
        without = tmp_path / "fibload"
        without.write_text(f'#!/bin/sh\nexec env {" ".join(settings)} {fibload.path} "$@"\n')
        without.chmod(0o755)
        answer = Program(without).load(server.port, "--framing", "line", *ASK_30, *load)
        assert answer.counts["ok"] > 0
        assert 1 <= call.calls <= threads
