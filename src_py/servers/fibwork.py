# SPDX-License-Identifier: BSD-3-Clause
"""What a request does besides fibonacci(n): --work, and --work-units of it.

The kinds differ in what they want of the interpreter. `fib` computes with the GIL, `hash` without
it. `alloc` makes objects and drops them, whose memory and counts of references the GIL protects.
`shared` counts in an entry of a dict, which it does not: a thread may have to give way between
reading the entry and writing it. So there is a lock, with a GIL and without.

Threads of one interpreter share the dict. Other processes and other interpreters have one of their
own each, as of all objects.

Runs on Python 3.6.
"""

import fibprotocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    Unit = Callable[[], object]

# How much of each is one unit: chosen so that it takes as much CPU time as fibonacci(20), 0.8 ms,
# the two measured in turns, to 4 % in the median of nine rounds. That was CPython 3.11 on a virtual
# machine with two cores of an AMD EPYC, which has instructions for SHA-256. What a unit is worth
# elsewhere, and on another Python, `invoke bench --designs=units` says.
FIBONACCI_N = 20
HASHES = 21
ROWS = 11
INCREMENTS = 3900

BLOCK = bytes(64 * 1024)  # hashlib gives the GIL away for 2048 bytes and more
OBJECTS = 1000  # in a row: few enough that Python keeps their memory for the next row


def begin(kind: str, units: int) -> None:
    """Do so many units of this kind for every number from now on.

    0 stands for none of `fib`, and for one of the others.
    """
    count = units or int(kind != "fib")
    unit = _UNITS[kind]()

    def work() -> None:
        for _ in range(count):
            unit()

    if count > 0:
        fibprotocol.work_besides(work)


def _fib() -> "Unit":
    return lambda: fibprotocol.fibonacci(FIBONACCI_N)


def _hash() -> "Unit":
    import hashlib

    def hash_blocks() -> None:
        for _ in range(HASHES):
            hashlib.sha256(BLOCK).digest()

    return hash_blocks


def _alloc() -> "Unit":
    def make_and_drop_objects() -> None:
        for _ in range(ROWS):
            row = [[number] for number in range(OBJECTS)]
            row.clear()

    return make_and_drop_objects


class Shared:
    """A count that all threads of this interpreter share."""

    def __init__(self) -> None:
        import threading  # which most designs do without

        self._lock = threading.Lock()
        self.counter = {"increments": 0}

    def count(self) -> None:
        """Do one unit."""
        lock, counter = self._lock, self.counter
        for _ in range(INCREMENTS):
            with lock:
                counter["increments"] += 1


def _shared() -> "Unit":
    return Shared().count


_UNITS = {"fib": _fib, "hash": _hash, "alloc": _alloc, "shared": _shared}
