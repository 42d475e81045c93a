# SPDX-License-Identifier: BSD-3-Clause
"""The process that imports all that commands do, and forks for each that tests/runner/forked.py
asks for: the fork goes the whole way of `python -m invoke` from its arguments on."""

import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LARGEST = 1 << 20
"""Bytes of a question or an answer."""


def _import_all() -> None:
    """Whatever a command may import, but what is for those who work on fibench."""
    sys.path.insert(0, str(CHECKOUT / "src_py"))
    package = import_module("fibench")
    for name in ("invoke", "scipy.special"):
        import_module(name)
    for one in pkgutil.walk_packages(package.__path__, "fibench.", lambda name: None):
        if not one.name.startswith(("fibench.develop", "fibench.__main__")):
            import_module(one.name)


def _serve(connection: socket.socket) -> Mapping[str, object] | None:
    """Fork for each command that is asked for: returns in a child what it is to do, and None once
    nobody is left who asks."""
    while asked := connection.recv(LARGEST):
        pid = os.fork()
        if pid == 0:
            connection.close()
            found: Mapping[str, object] = json.loads(asked)
            return found
        status = _end_of(pid, connection)
        with suppress(OSError):  # who asked has gone
            connection.send(str(status).encode())
    return None


def _end_of(pid: int, connection: socket.socket) -> int:
    """How a command ended: it is killed where who asked has gone, or waits no longer."""
    watched = os.pidfd_open(pid)
    ready = select.poll()
    for file in (watched, connection.fileno()):
        ready.register(file, select.POLLIN)
    if watched not in dict(ready.poll()):
        os.kill(pid, signal.SIGKILL)
    os.close(watched)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _become(asked: Mapping[str, object]) -> None:
    """Be the Python of a command."""
    words, environment, files = asked["words"], asked["environment"], asked["files"]
    assert isinstance(words, list)
    assert isinstance(environment, dict)
    assert isinstance(files, list)
    for number, path in enumerate([os.devnull, *files]):
        flags = os.O_RDWR | (os.O_CREAT | os.O_TRUNC if number else 0)
        file = os.open(path, flags, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["invoke", *words]
    sys.orig_argv = [sys.executable, "-m", "invoke", *words]
    runpy.run_module("invoke", run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve who has started us until they are gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for who has started us
    _import_all()
    gc.collect()
    gc.freeze()  # so that a child does not copy what it only looks through
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is not None:
        _become(asked)


if __name__ == "__main__":
    main()
