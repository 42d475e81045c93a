# SPDX-License-Identifier: BSD-3-Clause
"""Which Python a server of the user's own runs on, where its command says that it is one.

"python3" is what the PATH says, which differs from terminal to terminal: whoever reads a run's
figures must see which it was.
"""

from __future__ import annotations

import os
import re

from fibench.backends.interpreters import Interpreter, NotHere, ask
from fibench.experiment import OwnBackend
from fibench.server.exec_error import find_program, read_script

_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*t?", re.ASCII)
_ANY_VERSION = (0,)


def python_of(name: str, own: OwnBackend) -> dict[str, Interpreter]:
    """The Python of a server, by the words in which reports name it; empty if none is known.

    It is the command's program, or what the first line of that names.
    """
    program = find_program(own.command[0], own.folder)
    word, path = own.command[0], program
    if program is not None and not _is_python(word):
        script = read_script(program)
        word = "" if script is None else script.looked_up or script.interpreter
        path = find_program(word, own.folder) if word else None
    if path is None or not _is_python(word):
        return {}
    try:
        found = ask(str(path), own.folder, least=_ANY_VERSION, is_resolved=False)
    except NotHere:  # its trials say what is wrong
        return {}
    return {python_name(word, name): found}


def python_name(word: str, backend: str) -> str:
    """What the Python of a server of the user's own is called: "python3 of mine"."""
    return f"{word} of {backend}"


def is_python_of(name: str, backend: str) -> bool:
    """Whether a name is that of the Python of a server."""
    return name.endswith(f" of {backend}")


def _is_python(word: str) -> bool:
    return _PYTHON.fullmatch(os.path.basename(word)) is not None
