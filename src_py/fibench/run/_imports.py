# SPDX-License-Identifier: BSD-3-Clause
"""Which modules of fibench decide how a trial is made: found in the sources, never listed by hand.

Importing them and asking sys.modules would name whatever else the command has imported by then.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from fibench.folders import PACKAGE

_ROOT = PACKAGE.parent
_MADE_BY = ("fibench.trial.trial",)
"""What makes a trial: with all that it imports."""
_DECIDED_BY = ("fibench.run.loop",)
"""What decides which trials there are, and how often: alone, as the rest of it only keeps them."""

_Import = tuple[str, str | None, str]
"""A module, the name that is taken from it (None: itself), and what that is called here."""


@lru_cache
def measuring_digest(root: Path = _ROOT) -> str:
    """The digest of these modules, all together."""
    texts = (path.read_bytes() for path in measuring_modules(root))
    return hashlib.sha256(b"".join(texts)).hexdigest()


def measuring_modules(root: Path = _ROOT) -> list[Path]:
    """The files of these modules, in an order of their own. `root` is what holds fibench/."""
    found: set[str] = set()
    waiting = list(_MADE_BY)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported(_file(name, root), root)
    return sorted(_file(name, root) for name in {*found, *_DECIDED_BY})


def imported(path: Path, root: Path = _ROOT) -> Iterator[str]:
    """The modules of fibench that a file imports, wherever in it that stands.

    A name that a wing hands on is of the module that it comes from: a face decides nothing.
    """
    for module, name, _ in _imports(path.read_bytes()):
        yield module if name is None else _origin(module, name, root)


def _origin(module: str, name: str, root: Path) -> str:
    if _file(f"{module}.{name}", root).is_file():
        return f"{module}.{name}"
    face = _file(module, root)
    taken = _imports(face.read_bytes()) if face.name == "__init__.py" else ()
    return next((origin for origin, _, known_as in taken if known_as == name), module)


@cache
def _imports(source: bytes) -> tuple[_Import, ...]:
    """What a source imports of fibench."""
    found: list[_Import] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(one.name, None, one.name) for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, one.name, one.asname or one.name) for one in node.names]
    return tuple(one for one in found if one[0].partition(".")[0] == "fibench")


def _file(module: str, root: Path) -> Path:
    path = root.joinpath(*module.split("."))
    alone = path.with_name(f"{path.name}.py")
    return alone if alone.is_file() else path / "__init__.py"
