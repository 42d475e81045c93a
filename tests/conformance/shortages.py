# SPDX-License-Identifier: BSD-3-Clause
"""Calls of a server that fail, one at a time: shortages.c is preloaded, and told which."""

import errno
import mmap
import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import here

from . import sanitized
from .backends import Backend
from .process import Server, skip_what_is_lacking
from .wire import PATIENCE_S, connect, is_readable, read_exactly, right_answer

SOURCE = Path(__file__).with_suffix(".c")
_ORDERS = struct.Struct("@IIIII")  # first, times, error, calls, failed: each is written at once
_FIRST = struct.Struct("@I")
_CALLS_AT, _FAILED_AT = 3 * _FIRST.size, 4 * _FIRST.size
_NAME = struct.Struct("36s")
_COUNTED_AT = _ORDERS.size + _NAME.size  # so many names, and then those, each with its calls
_COUNT = struct.Struct("@I36s")
_MOST_COUNTED = 40
_COUNTS_AT = _COUNTED_AT + _FIRST.size
_SIZE = _COUNTS_AT + _MOST_COUNTED * _COUNT.size
_FOR_EVER = 0xFFFFFFFF
_LIBRARIES = {"io_uring_": "liburing", "small rings": "liburing", "io_": "libaio"}
"""By how a call's name begins, which library beside that of C has it: the first that fits."""


class FailingCall:
    """One call that is to fail in the servers that are started with `environment`.

    It may become another one while they run.
    """

    def __init__(self, library: Path, path: Path) -> None:
        self.name = ""
        self.environment = {"LD_PRELOAD": str(library), "FIBENCH_FAILING_FILE": str(path)}
        with path.open("r+b") as file:
            self._orders = mmap.mmap(file.fileno(), _SIZE)

    def turn_to(self, name: str) -> None:
        """From now on it is the call of that name that is to fail, once `fail` is called."""
        self.stop_failing()
        self.name = name
        _NAME.pack_into(self._orders, _ORDERS.size, name.encode())

    def count(self, names: Collection[str]) -> None:
        """Count all calls of these names from now on."""
        assert len(names) <= _MOST_COUNTED
        _FIRST.pack_into(self._orders, _COUNTED_AT, 0)
        for turn, name in enumerate(names):
            _COUNT.pack_into(self._orders, _COUNTS_AT + turn * _COUNT.size, 0, name.encode())
        _FIRST.pack_into(self._orders, _COUNTED_AT, len(names))

    def stop_counting(self) -> dict[str, int]:
        """How often each of them was called."""
        number = _FIRST.unpack_from(self._orders, _COUNTED_AT)[0]
        _FIRST.pack_into(self._orders, _COUNTED_AT, 0)
        places = range(_COUNTS_AT, _COUNTS_AT + number * _COUNT.size, _COUNT.size)
        counts = [_COUNT.unpack_from(self._orders, place) for place in places]
        return {name.rstrip(b"\0").decode(): calls for calls, name in counts}

    def fail(self, error: int, first: int = 1, times: int = 1) -> None:
        """Fail from the call of that number on, counted from now, so many times."""
        self.stop_failing()
        _ORDERS.pack_into(self._orders, 0, 0, times, error, 0, 0)
        _FIRST.pack_into(self._orders, 0, first)

    def fail_always(self, error: int) -> None:
        """Fail every call from now on."""
        self.fail(error, times=_FOR_EVER)

    def stop_failing(self) -> None:
        """Let the calls pass from now on."""
        _FIRST.pack_into(self._orders, 0, 0)

    @property
    def calls(self) -> int:
        """How often it was called since `fail`."""
        return int(_FIRST.unpack_from(self._orders, _CALLS_AT)[0])

    @property
    def failed(self) -> int:
        """How often it has failed since `fail`."""
        return int(_FIRST.unpack_from(self._orders, _FAILED_AT)[0])


def build(folder: Path) -> Path:
    """Compile what is preloaded, or skip the test by name where that cannot be."""
    compiler = here.c_compiler()
    here.require(compiler[0])
    if "thread" in sanitized.KINDS:
        here.leave_out("ThreadSanitizer and what makes calls fail stand both before libc")
    library = folder / "shortages.so"
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run([*compiler, *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return library


@contextmanager
def failing_call(library: Path, name: str = "") -> Iterator[FailingCall]:
    """A call by its name; it does not fail before it is told to."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(_SIZE))
        file.flush()
        call = FailingCall(library, Path(file.name))
        call.turn_to(name)
        try:
            yield call
        finally:
            call._orders.close()


def skip_what_is_linked_in(backend: Backend, programs: Path, name: str) -> None:
    """Skip what needs a call to fail that nothing can be put before."""
    skip_what_is_lacking(backend)
    if not can_fail(backend, programs, name):
        here.leave_out_backend(
            backend.name,
            f"{library_of(name)} is linked in, so that its calls cannot be made to fail",
        )


def can_fail(backend: Backend, programs: Path, name: str) -> bool:
    """Whether a call can be made to fail: not where its library is in the program.

    So it is with the liburing that the build brings, and with -Dlinkage=static.
    """
    library = library_of(name)
    return library is None or library in _shared_libraries(program_of(backend, programs))


def library_of(name: str) -> str | None:
    """Which library beside that of C has a call."""
    return next((library for begin, library in _LIBRARIES.items() if name.startswith(begin)), None)


def program_of(backend: Backend, programs: Path) -> Path:
    """The file that a backend in C is run from."""
    return Path(backend.argv(programs, [])[0])


def _shared_libraries(program: Path) -> set[str]:
    """What a program is to be loaded with, without the versions."""
    here.require("readelf")
    argv = ["readelf", "--dynamic", "--wide", str(program)]
    environment = {**os.environ, "LC_ALL": "C"}
    told = subprocess.run(argv, check=True, capture_output=True, text=True, env=environment)
    return set(re.findall(r"\(NEEDED\).*\[([^].]+)\.so", told.stdout))


def try_to_ask(server: Server) -> bool | None:
    """Ask over a new connection, line framing: whether that is answered; None: nobody accepts."""
    try:
        connection = connect(server)
    except OSError:
        return None
    with connection:
        try:
            connection.sendall(b"10\n")
            if not is_readable(connection, PATIENCE_S):
                pytest.fail(f"{server}: hangs; stderr: {server.stderr()!r}")
            got = read_exactly(connection, len(right_answer(server)))
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.EPIPE):
                raise
            return False
    if got not in (b"", right_answer(server)):
        pytest.fail(f"{server}: a wrong answer: {got!r}")
    return got != b""
