# SPDX-License-Identifier: BSD-3-Clause
"""Interpreters for tests: a pyenv of one's own, made of scripts, and those that pyenv has here."""

import json
import os
import shlex
import sys
from pathlib import Path

PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"


def script(path: Path, command: str = f'exec "{sys.executable}" "$@"') -> Path:
    """A program of one line; by default it is the Python that runs this."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    return path


def pyenv(root: Path, *versions: str) -> dict[str, str]:
    """A pyenv with these versions, and the environment of who uses it; the PATH is empty."""
    for version in versions:
        script(root / "versions" / version / "bin" / "python")
    return {"PYENV_ROOT": str(root), "PATH": str(root / "nothing"), "HOME": str(root)}


def answering(**told: object) -> str:
    """The command of a program that says what a Python 3.13 does when it is asked, but for this."""
    said: dict[str, object] = {
        "number": [3, 13], "version": "3.13.1", "implementation": "CPython", "build": "main",
        "gil": True, "free_threaded": False, "subinterpreters": False, "executable": "",
    }  # fmt: skip
    return f"echo {shlex.quote(json.dumps(said | told))}"


def another() -> str | None:
    """A version that the pyenv of this machine has, other than what runs this; None: it has none.

    The servers run on 3.6 and later; 3.8 and later are there for longest.
    """
    own = "{}.{}".format(*sys.version_info[:2])
    for version in ("3.13", "3.12", "3.11", "3.10", "3.9", "3.8", "3.7", "3.6"):
        if version != own and any(PYENV.glob(f"{version}.*/bin/python")):
            return version
    return None
