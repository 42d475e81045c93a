# SPDX-License-Identifier: BSD-3-Clause
"""One measurement at a time on a machine: a lock without files, and whom to wait for.

The lock is a listening Unix socket with an abstract address (unix(7)), which only one process can
have. The kernel takes it away when that process ends, however it ends, and then resets the
connections that wait in its queue: who waits connects, and sleeps in recv(2) until that happens.
Nothing polls, nothing is left behind, and it holds between users and checkouts. Containers with a
network of their own have a lock of their own.

Who holds it is asked of the kernel (SO_PEERCRED). What it measures is the name of a second socket,
ADDRESS/PID/NAME, which others read in /proc/net/unix.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fibench.wording import escaped

ADDRESS = "fibench-measures"
_LONGEST = 107
"""Bytes of an abstract address, after the NUL that it begins with (unix(7))."""
_MOST_REFUSALS = 10_000
_WAITING = 4096
"""How many may wait in the queue; more of them wait in connect(2)."""


class LockError(Exception):
    """The lock cannot be had; the text is one line."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def default_address() -> str:
    """The machine's one address, or $FIBENCH_LOCK: for tests, which must not wait for a run."""
    return os.environ.get("FIBENCH_LOCK") or ADDRESS


class Label:
    """A socket ADDRESS/PID/NAME: says what this process is called by those who wait for it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._name: socket.socket | None = None

    def rename(self, name: str) -> None:
        """Be called so; names too long for an address are cut short."""
        text = f"{self._address}/{os.getpid()}/{name}".encode()[:_LONGEST]
        named = _abstract_socket()
        try:
            named.bind(b"\0" + text)
        except OSError:  # a stranger has the name: the lock itself stands
            named.close()
            return
        self.close()
        self._name = named

    def close(self) -> None:
        """Have no name any more."""
        if self._name is not None:
            self._name.close()


class Held:
    """The lock, held by this process."""

    def __init__(self, listener: socket.socket, address: str) -> None:
        self._listener = listener
        self._label = Label(address)

    def rename(self, name: str) -> None:
        """Say what is measured to those who wait."""
        self._label.rename(name)

    def release(self) -> None:
        """Let the next one go on."""
        self._label.close()
        self._listener.close()


@contextmanager
def measuring(
    name: str, say: Callable[[str], None] | None = None, address: str | None = None
) -> Iterator[Held]:
    """Hold the lock; where another process has it, `say` whom this waits for, and wait.

    `name` is what is measured, for those who wait in turn. `say` writes to standard error by
    default. Raises LockError, and KeyboardInterrupt while it waits.
    """
    held = acquire(address or default_address(), say or _say)
    try:
        held.rename(name)
        yield held
    finally:
        held.release()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def acquire(address: str, say: Callable[[str], None]) -> Held:
    """Take the lock, waiting for as long as it takes."""
    refusals = 0
    while refusals < _MOST_REFUSALS:
        listener = _abstract_socket()
        try:
            listener.bind(b"\0" + address.encode()[:_LONGEST])
            listener.listen(_WAITING)
            return Held(listener, address)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                hint = "fibench needs Unix sockets with abstract addresses"
                raise LockError(f"cannot lock this machine: {error.strerror}", hint) from error
        # Refused: it has just ended, or not yet come to listen(2). Then there is nobody to name.
        refusals = 0 if _wait(address, say) else refusals + 1
        os.sched_yield()
    hint = "end that process; `grep fibench /proc/net/unix` shows its socket"
    raise LockError(f'something else has the address "{escaped(address)}"', hint)


def _wait(address: str, say: Callable[[str], None]) -> bool:
    """Wait until the holder has ended; False if there was none."""
    with _abstract_socket() as waiter:
        try:
            waiter.connect(b"\0" + address.encode()[:_LONGEST])
        except ConnectionRefusedError:
            return False
        pid = _peer(waiter)
        say(
            f"waiting for {_described(address, pid)}, which is measuring on this machine; "
            "Ctrl-C gives up"
        )
        with suppress(ConnectionResetError):
            waiter.recv(1)
    return True


def _abstract_socket() -> socket.socket:
    # Not inheritable: a server that is started must not hold the lock after the runner has ended.
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)


def _peer(connection: socket.socket) -> int:
    """The process that called listen(2); 0 when it is in a namespace that cannot be seen."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, _, _ = struct.unpack("3i", credentials)
    return int(pid)


def _described(address: str, pid: int) -> str:
    if pid == 0:
        return "another run"
    return f"{name_told_by(address, pid) or 'another run'} (pid {pid})"


def name_told_by(address: str, pid: int, table: Path = Path("/proc/net/unix")) -> str | None:
    """What a process says it measures, escaped: anybody can give a socket such a name."""
    # The kernel writes NUL as @; names come last in a line, and may hold anything.
    mark = f" @{address}/{pid}/".encode()
    try:
        lines = table.read_bytes().split(b"\n")
    except OSError:
        return None
    names = [line.partition(mark)[2] for line in lines if mark in line]
    return escaped(names[-1].decode("utf-8", "replace")) if names and names[-1] else None


def holder(address: str | None = None) -> str | None:
    """Who measures now, in words; None when nobody does. Does not wait."""
    address = address or default_address()
    with _abstract_socket() as asker:
        asker.setblocking(False)
        try:
            asker.connect(b"\0" + address.encode()[:_LONGEST])
        except ConnectionRefusedError:
            return None
        except BlockingIOError:  # so many wait that there is no room to ask
            return "another run"
        return _described(address, _peer(asker))
