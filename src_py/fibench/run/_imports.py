# SPDX-License-Identifier: BSD-3-Clause
"""Which modules of fibench decide how a trial is made: found in the sources, never listed by hand.

Importing them and asking sys.modules would name whatever else the command has imported by then.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from fibench.folders import PACKAGE

_ROOT = PACKAGE.parent
_MADE_BY = ("fibench.trial.trial",)
"""What makes a trial: with all that it imports."""
_DECIDED_BY = ("fibench.run.loop",)
"""What decides which trials there are, and how often: alone, as the rest of it only keeps them."""


def measuring_modules(root: Path = _ROOT) -> list[Path]:
    """The files of these modules, in an order of their own. `root` is what holds fibench/."""
    found: set[str] = set()
    waiting = list(_MADE_BY)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported(_file(name, root), root)
    return sorted(path for name in {*found, *_DECIDED_BY} if (path := _file(name, root)))


def imported(path: Path, root: Path = _ROOT) -> Iterator[str]:
    """The modules of fibench that a file imports, wherever in it that stands.

    A name that a wing hands on is of the module that it comes from: a face decides nothing.
    """
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if _is_ours(one.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            for one in node.names:
                yield _origin(node.module, one.name, root)


def _origin(module: str, name: str, root: Path) -> str:
    if _exists(f"{module}.{name}", root):
        return f"{module}.{name}"
    face = _file(module, root)
    if face.name == "__init__.py":
        taken = (
            node for node in ast.parse(face.read_bytes()).body if isinstance(node, ast.ImportFrom)
        )
        for node in taken:
            if node.module and name in (one.asname or one.name for one in node.names):
                return node.module
    return module


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "fibench"


def _exists(module: str, root: Path) -> bool:
    path = root.joinpath(*module.split("."))
    return path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file()


def _file(module: str, root: Path) -> Path:
    path = root.joinpath(*module.split("."))
    alone = path.with_name(f"{path.name}.py")
    return alone if alone.is_file() else path / "__init__.py"
