# SPDX-License-Identifier: BSD-3-Clause
"""How a server in Python starts the workers of an executor: no sooner is it ready than all are."""

import os
import subprocess
import sys
from pathlib import Path

SERVERS = Path(__file__).resolve().parents[2] / "src_py" / "servers"
SCRIPT = """
import threading
from concurrent.futures import ThreadPoolExecutor
import fibworkers

begun, returned = [], threading.Event()
def begin():
    place = len(begun)
    begun.append(place)
    if place > 0:
        returned.wait(0.3)  # long enough for the first one to do the jobs of all others
    able.append(place)

for workers in (1, 2, 4):
    begun.clear()
    able = []
    with ThreadPoolExecutor(workers, initializer=begin) as pool:
        fibworkers.wait_for(pool, workers)
        there = len(able)
        returned.set()
    print(workers, there)
    returned.clear()
"""


def test_a_worker_that_is_early_does_not_stand_for_those_that_are_late() -> None:
    """A late one would begin while clients take the descriptors that it needs."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(SERVERS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["1 1", "2 2", "4 4"]
