# SPDX-License-Identifier: BSD-3-Clause
"""What a container forbids: the load is measured all the same."""

import errno
import sys
from pathlib import Path

import pytest

from . import denied
from .conftest import Program
from .servers import ASK_30, serving


@pytest.mark.parametrize("name", ["EPERM", "EACCES", "ENOSYS", "EINVAL", "ENOTSUP"])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_open_loop_goes_on_without_epoll_pwait2(
    fibload: Program, tmp_path: Path, name: str, threads: str
) -> None:
    without = tmp_path / "fibload"
    words = [sys.executable, denied.__file__, str(getattr(errno, name)), str(fibload.path)]
    without.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
    without.chmod(0o755)
    load = ("--clients", "4", "--threads", threads, "--rate", "200", "--duration", "0.5")
    with serving(line=True) as server:
        answer = Program(without).load(server.port, "--framing", "line", *ASK_30, *load)
    assert answer.report["open_loop"]["due"] > 0
    assert answer.counts["ok"] > 0
    assert answer.counts["local"] == 0
