# SPDX-License-Identifier: BSD-3-Clause
"""What a bare `invoke` finds: the tasks, through ./dev where what they need is missing."""

import importlib.util
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RUNNING = ("numpy", "psutil", "pydantic", "rich", "scipy")
TESTING = ("hypothesis", "pytest", "xdist")
PROGRAMS = ("meson", "ninja")
GUARD = "FIBENCH_THROUGH_DEV"  # so that a .venv in which something is missing ends in a message


def lacking() -> "list[str]":
    """What this interpreter lacks to run the tasks, found without importing any of it."""
    if sys.version_info < (3, 11):
        return ["Python 3.11"]
    modules = RUNNING + (TESTING if {"test", "lint", "bench"} & set(sys.argv[1:]) else ())
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    path = os.pathsep.join([os.path.join(sys.prefix, "bin"), os.environ.get("PATH", os.defpath)])
    return missing + [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def through_dev() -> None:
    """Runs the same command through ./dev, which makes what is missing or says what to install."""
    dev = os.path.join(HERE, "dev")
    os.environ[GUARD] = "1"
    try:
        os.execv(dev, [dev, "invoke", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"fibench: cannot run {dev}: {error.strerror}")


missing = lacking()
if missing or not sys.platform.startswith("linux"):
    if os.environ.get(GUARD):
        sys.exit("fibench: .venv lacks {}; remove it and try again".format(", ".join(missing)))
    through_dev()
os.environ.pop(GUARD, None)
sys.path.insert(0, os.path.join(HERE, "src_py"))

from fibench.tasks import namespace  # noqa: E402 - only now is everything there

__all__ = ["namespace"]
