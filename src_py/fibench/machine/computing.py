# SPDX-License-Identifier: BSD-3-Clause
"""What fibonacci(n) costs by itself on this machine: the servers' recursion, with no server around
it. A server of the user's own that needs far less than that in C does not compute it so; and none
of the catalogue's answers more than computing alone would let it."""

import json
import os
import subprocess
from functools import lru_cache
from pathlib import Path

PROGRAM = "bare_fibonacci"
_N = 20
"""Some 50 to 100 µs: many of them fit a time slice, so that one attempt at least is undisturbed."""
_DURATION_S = 0.002
_ATTEMPTS = 5
_LIMIT_S = 10.0
_PYTHON_N = 18
"""A millisecond at most."""
# Runs on Python 3.6 on. It goes on until a compiler, where there is one, has compiled it.
_IN_PYTHON = """
import sys, time
sys.path.insert(0, sys.argv[1])
from fibprotocol import fibonacci
n, until_s, best_s = int(sys.argv[2]), time.perf_counter() + 0.1, None
while best_s is None or time.perf_counter() < until_s:
    began_s = time.process_time()
    fibonacci(n)
    took_s = time.process_time() - began_s
    best_s = took_s if best_s is None else min(best_s, took_s)
print(best_s)
"""


def alone_s(programs: Path, n: int) -> float | None:
    """How long fibonacci(n) keeps one core busy, in seconds; None where that cannot be measured."""
    call_s = _call_s(programs)
    return None if call_s is None else call_s * calls(n)


def alone_in_python_s(interpreter: str, programs: Path, n: int) -> float | None:
    """What fibonacci(n) takes in CPU time on an interpreter, in seconds, at best; None where that
    cannot be measured. `programs` is where the servers' modules are."""
    call_s = _call_in_python_s(interpreter, programs)
    return None if call_s is None else call_s * calls(n)


@lru_cache
def _call_in_python_s(interpreter: str, programs: Path) -> float | None:
    """How long one call takes, at best. Of variables Python's own are left out, as of servers."""
    command = [interpreter, "-B", "-c", _IN_PYTHON, str(programs), str(_PYTHON_N)]
    try:
        done = subprocess.run(
            command,
            env={name: value for name, value in os.environ.items() if "PYTHON" not in name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=True,
        )
        took_s = float(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return took_s / calls(_PYTHON_N) if took_s > 0.0 else None


def calls(n: int) -> int:
    """How often the recursion calls itself for fibonacci(n), the first call included."""
    before, value = 0, 1
    for _ in range(n):
        before, value = value, before + value
    return 2 * value - 1


@lru_cache
def _call_s(programs: Path) -> float | None:
    """How long one call takes, at best: whatever else the machine does makes it longer."""
    command = [str(programs / PROGRAM), "--n", str(_N), "--duration", str(_DURATION_S)]
    rates_per_s = []
    for _ in range(_ATTEMPTS):
        try:
            done = subprocess.run(
                command,
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT_S,
                check=True,
            )
            said = json.loads(done.stdout)
            rates_per_s.append(said["computed"] / said["wall_ns"] * 1e9)
        except (OSError, subprocess.SubprocessError, ValueError, KeyError, ZeroDivisionError):
            return None
    return 1.0 / (max(rates_per_s) * calls(_N)) if max(rates_per_s) > 0 else None
