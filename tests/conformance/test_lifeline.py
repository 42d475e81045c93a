# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of servers when the pytest that has started them is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.processes import ending, wait_until

from .backends import EVERY_WITH_LASTING_CHILDREN, Backend
from .lifeline import MARK
from .process import skip_what_is_lacking

PYTEST = """
import os, sys
from pathlib import Path
from tests.conformance import lifeline, process
from tests.conformance.backends import all_backends

backend = next(backend for backend in all_backends() if backend.name == sys.argv[1])
with lifeline.held(), process.start(Path(sys.argv[2]), backend, "--workers", "2") as server:
    print(f"{lifeline.MARK}={server.mark}", flush=True)
    os.read(0, 1)
"""


OTHERS = """
import os, subprocess, sys
from tests.conformance import lifeline

with lifeline.all_held():
    print(f"{lifeline.MARK}={os.environ[lifeline.MARK]}", flush=True)
    both = ["sh", "-c", "tail -f /dev/null & exec cat"]
    subprocess.Popen(both, stdin=subprocess.PIPE, start_new_session=True)
    os.read(0, 1)
"""


def marked(mark: bytes) -> list[Path]:
    """The processes that have a mark in their environment."""
    return [path for path in Path("/proc").glob("[0-9]*/environ") if mark in read(path)]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # its process has ended, or is somebody else's
        return b""


@pytest.mark.parametrize("backend", EVERY_WITH_LASTING_CHILDREN)
def test_no_server_outlives_a_pytest_that_is_killed(programs: Path, backend: Backend) -> None:
    skip_what_is_lacking(backend)
    paths = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "src_py")])
    with ending(
        subprocess.Popen(
            [sys.executable, "-c", PYTEST, backend.name, str(programs)],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    ) as killed:
        assert killed.stdout is not None
        mark = killed.stdout.readline().strip()
        assert mark.startswith(MARK.encode())
        assert len(marked(mark)) >= 2, "it has children"
        killed.kill()
    wait_until(lambda: not marked(mark), f"{backend.name} has ended")


def test_nothing_that_any_test_has_started_outlives_a_pytest_that_is_killed() -> None:
    with ending(
        subprocess.Popen(
            [sys.executable, "-c", OTHERS],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(CHECKOUT), f"{CHECKOUT}/src_py"]),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    ) as killed:
        assert killed.stdout is not None
        mark = killed.stdout.readline().strip()
        wait_until(lambda: len(marked(mark)) == 2, "both have been started")
        killed.kill()
    wait_until(lambda: not marked(mark), "both have ended")


def test_every_test_is_held_so() -> None:
    assert os.environ[MARK]
