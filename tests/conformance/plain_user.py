# SPDX-License-Identifier: BSD-3-Clause
"""Servers of a plain user, under limits that do not hold for the superuser."""

import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.here import leave_out

from . import sanitized

# What a plain user runs may be in a folder that he may not look into: it is opened before.
_BECOME = """
import os, resource, sys
user, limits, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
file = os.open(program[0], os.O_RDONLY | os.O_CLOEXEC)
for limit, value in (map(int, pair.split("=")) for pair in limits.split(",")):
    resource.setrlimit(limit, (value, value))
os.setgroups([])
os.setgid(user)
os.setuid(user)
os.execve(file, program, os.environ)
"""
_users = itertools.count(1_000_000_000 + 100 * os.getpid())


def as_plain_user(limits: Mapping[int, int]) -> list[str]:
    """The command line that runs a program, given after it, as a user that nobody else is.

    `limits` are those of setrlimit(2). Skips the test by name where no other user can be become.
    """
    if sanitized.KINDS:
        leave_out("a sanitizer's reports are not for a plain user to write")
    words = ",".join(f"{limit}={value}" for limit, value in limits.items())
    become = [sys.executable, "-c", _BECOME, str(next(_users)), words]
    try:
        subprocess.run([*become, _a_program()], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        leave_out(f"no other user can be become here: {reason}")
    return become


def _a_program() -> str:
    return next(path for path in ("/bin/true", "/usr/bin/true") if Path(path).exists())
