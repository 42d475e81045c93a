# SPDX-License-Identifier: BSD-3-Clause
"""The end of what a pytest has started that was killed: it can put nothing in order any more.

A watcher waits at a pipe whose other end only that pytest holds. The kernel closes it however
pytest ends; then whatever still carries its mark is killed: the servers of these tests, each of
which has one of its own besides, and all that other tests start.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

MARK = "FIBENCH_CONFORMANCE_SERVER"
"""A variable of each server's environment: the mark of this pytest, and behind it the server's."""
_OWN = uuid.uuid4().hex
_WATCH = """
import os, signal, sys

if os.fork():  # whoever looks for children of this pytest finds none that is not a test's
    os._exit(0)
sys.stdin.buffer.read()  # until the other end is closed
mark, found = sys.argv[1].encode(), True
while found:  # those that we kill may have started others meanwhile
    found = False
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open("/proc/" + pid + "/environ", "rb") as file:
                is_ours = mark in file.read()
            if is_ours:
                os.kill(int(pid), signal.SIGKILL)
                found = True
        except OSError:  # it has ended, or is not ours to look into
            pass
"""


def new_mark() -> str:
    """The value of the variable for one server more."""
    return f"{_OWN}-{uuid.uuid4().hex}"


@contextmanager
def all_held() -> Iterator[None]:
    """Let nothing outlive this process that it starts from now on, and that inherits its variables,
    for the length of a with block."""
    with held():
        os.environ[MARK] = _OWN
        yield


@contextmanager
def held() -> Iterator[None]:
    """Let no server outlive this process, for the length of a with block."""
    argv = [sys.executable, "-I", "-S", "-c", _WATCH, f"{MARK}={_OWN}"]
    watched, held_end = os.pipe()
    try:
        try:
            subprocess.run(argv, stdin=watched, start_new_session=True, check=True)
        finally:
            os.close(watched)
        yield
    finally:
        os.close(held_end)
