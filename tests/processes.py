# SPDX-License-Identifier: BSD-3-Clause
"""Processes that a test starts: ended whatever becomes of it, and stopped before it goes on."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import AnyStr

import pytest

from fibench.machine.processes import parse_stat

PATIENCE_S = 60.0
"""How long a test waits for an event before it fails."""


@contextmanager
def ending(process: "subprocess.Popen[AnyStr]") -> "Iterator[subprocess.Popen[AnyStr]]":
    """A process for the length of a with block: then it is killed, if it runs, and reaped.

    The block of a Popen itself only waits for the end, for ever where an assertion in it has failed
    and nobody tells the process to end.
    """
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that the kernel tells only when it is asked."""
    deadline = time.monotonic() + PATIENCE_S
    pause = select.poll()
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{PATIENCE_S:g} s, and still not: {what}")
        pause.poll(1)


def descendants_of(pid: int) -> list[int]:
    """The children of a process, and theirs, without a look at any other. Source: proc_pid_task(5).

    Who lives for a part of a second only may have ended before all of /proc is read.
    """
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has just ended
            for child in map(int, task.read_text().split()):
                found += [child, *descendants_of(child)]
    return found


def stop(living: Callable[[], Iterable[int]]) -> list[int]:
    """Stop processes where they are, all threads of them. Returns their numbers.

    SIGSTOP takes effect some time after it was sent; until it has, a process goes on and may fork:
    who is to be stopped is asked for again and again.
    """
    found: list[int] = []

    def all_are_stopped() -> bool:
        found[:] = living()
        moving = [pid for pid in found if not is_stopped(pid)]
        for pid in moving:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGSTOP)
        return not moving

    wait_until(all_are_stopped, "the processes are stopped")
    return found


def is_stopped(pid: int) -> bool:
    """Whether a process is there, and every thread of it is stopped."""
    try:
        stats = [path.read_bytes() for path in Path("/proc", str(pid), "task").glob("*/stat")]
    except OSError:  # one of them has just ended
        return False
    return bool(stats) and all(parse_stat(stat).state == "T" for stat in stats)
