# SPDX-License-Identifier: BSD-3-Clause
"""What fibonacci(n) costs by itself on this machine: the servers' recursion in C, with no server
around it. A server of the user's own that needs far less does not compute it so."""

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


def alone_s(programs: Path, n: int) -> float | None:
    """How long fibonacci(n) keeps one core busy, in seconds; None where that cannot be measured."""
    call_s = _call_s(programs)
    return None if call_s is None else call_s * calls(n)


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
