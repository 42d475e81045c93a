# SPDX-License-Identifier: BSD-3-Clause
"""The commands of a checkout: what ./dev runs, and what a bare `invoke` finds and hands over to.

Whichever Python that is, and whatever its environment holds: what is missing comes through ./dev.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "src_py")
sys.path.insert(0, SOURCES)

from fibench import interruption  # noqa: E402 - before anything that takes time

interruption.end_at_once()

import codecs  # noqa: E402
import importlib.util  # noqa: E402
import shlex  # noqa: E402
import shutil  # noqa: E402

RUNNING = ("invoke", "jinja2", "numpy", "psutil", "pydantic", "rich", "scipy")
TESTING = ("hypothesis", "pytest", "xdist")
PROGRAMS = ("meson", "ninja")
GUARD = "FIBENCH_THROUGH_DEV"  # so that a .venv in which something is missing ends in a message
DEV = "FIBENCH_DEV"  # what the person called ./dev, which sets it
# Of Python's own variables those that only say how it writes; any other may change what is imported
# or how it runs, here or in a Python that we start.
HARMLESS = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONNOUSERSITE",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUNBUFFERED",
)


def is_harmless(name: str, value: str) -> bool:
    """Whether a variable may stay: with some values Python does not even start."""
    if name == "PYTHONHASHSEED":
        return value == "random" or (value.isdigit() and int(value) < 2**32)
    if name == "PYTHONIOENCODING":
        encoding, _, errors = value.partition(":")
        try:
            return bool(
                codecs.lookup(encoding or "utf-8") and codecs.lookup_error(errors or "strict")
            )
        except LookupError:
            return False
    return name in HARMLESS


def forget_python_variables() -> "list[str]":
    """Take them out of the environment; returns those that were there."""
    python = [(name, value) for name, value in os.environ.items() if name.startswith("PYTHON")]
    found = [name for name, value in python if not is_harmless(name, value)]
    for name in found:
        del os.environ[name]
    return found


def lacking() -> "list[str]":
    """What this interpreter lacks to run the tasks, found without importing any of it."""
    if sys.version_info < (3, 11):
        return ["Python 3.11"]
    modules = RUNNING + (TESTING if {"test", "check", "lint", "bench"} & set(sys.argv[1:]) else ())
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    path = os.pathsep.join([os.path.join(sys.prefix, "bin"), os.environ.get("PATH", os.defpath)])
    return missing + [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def become(program: str, *arguments: str) -> None:
    """Run the same command by other means."""
    try:
        os.execv(program, [program, *arguments, *sys.argv[1:]])
    except OSError as error:
        sys.exit(
            f"fibench: cannot run {program}: {error.strerror}\n"
            "fibench: restore it from the repository"
        )


def main() -> None:
    """Run the command that was asked for, and end with its exit status."""
    if forget_python_variables() and not sys.flags.isolated and sys.executable:
        interruption.hold()
        become(sys.executable, "-I", os.path.join(HERE, "tasks.py"))
    missing = lacking()
    if missing or not sys.platform.startswith("linux"):
        if os.environ.get(GUARD):
            sys.exit(
                "fibench: .venv lacks {}\nfibench: remove it and try again".format(
                    ", ".join(missing)
                )
            )
        os.environ[GUARD] = "1"
        become(os.path.join(HERE, "dev"), "invoke")
    dev = os.environ.pop(DEV, None)
    if os.environ.pop(GUARD, None):  # the person called a bare `invoke`
        dev = None
    from fibench import tasks

    tasks.main(f"{shlex.quote(dev)} invoke" if dev else "invoke", of_a_checkout=True)


main()
