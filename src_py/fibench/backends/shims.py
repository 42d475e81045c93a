# SPDX-License-Identifier: BSD-3-Clause
"""The shims of pyenv, asdf and mise: programs that start another Python in another folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fibench.backends.questions import ANSWER_LIMIT_S, NoAnswer, answer

_FOLDER = "shims"
"""How pyenv, asdf and mise call the folder of theirs."""
_QUESTION = "import sys; print(sys.executable)"


def is_shim(path: str) -> bool:
    """Whether a program is one."""
    return os.path.basename(os.path.dirname(os.path.normpath(path))) == _FOLDER


def behind(shim: str, folder: Path, environ: Mapping[str, str]) -> str | None:
    """The Python that a shim starts in a folder; None: none, or it cannot be told."""
    try:
        done = answer(shim, _QUESTION, folder, environ, ANSWER_LIMIT_S)
    except NoAnswer:
        return None
    said = os.fsdecode(done.out).strip().rpartition("\n")[2]
    is_told = done.status == 0 and os.path.isabs(said) and not is_shim(said)
    return said if is_told else None
