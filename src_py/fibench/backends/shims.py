# SPDX-License-Identifier: BSD-3-Clause
"""The shims of pyenv, asdf and mise: programs that start another Python in another folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_FOLDER = "shims"
"""How pyenv, asdf and mise call the folder of theirs."""
_ANSWER_LIMIT_S = 20.0
_QUESTION = "import sys; print(sys.executable)"


def is_shim(path: str) -> bool:
    """Whether a program is one."""
    return os.path.basename(os.path.dirname(os.path.normpath(path))) == _FOLDER


def behind(shim: str, folder: Path, environ: Mapping[str, str]) -> str | None:
    """The Python that a shim starts in a folder; None: none, or it cannot be told."""
    try:
        done = subprocess.run(
            [shim, "-c", _QUESTION],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = os.fsdecode(done.stdout).strip().rpartition("\n")[2]
    is_told = done.returncode == 0 and os.path.isabs(said) and not is_shim(said)
    return said if is_told else None
