# SPDX-License-Identifier: BSD-3-Clause
"""Which modules of fibench decide how a trial is made: found in the sources, never listed by hand.

Importing them and asking sys.modules would name whatever else the command has imported by then.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from fibench.folders import PACKAGE

_ROOT = PACKAGE.parent
DECIDE = (
    "fibench.trial.trial",
    "fibench.run.request",
    "fibench.run.blocks",
    "fibench.run._attempts",
    "fibench.store.searching.follow",
)
"""What makes a trial, what all of them are made with, which are made, in which order, and made
again, what becomes of one that was disturbed, and which rates are found: each with all that it
imports. What goes through them (loop.py) keeps and tells."""

_STATEMENT = re.compile(
    rb"^[ \t]*(import[ \t][^\n]*fibench[^\n]*"
    rb"|from[ \t]+(?:fibench|\.)[\w.]*[ \t]+import[ \t]*(?:\([^)]*\)|[^\n]*))",
    re.MULTILINE,
)
"""An import of ours as the formatter leaves it: a line of its own, or with names in brackets."""

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
    waiting = list(DECIDE)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported(_file(name, root), root)
    return sorted(_file(name, root) for name in found)


def imported(path: Path, root: Path = _ROOT) -> Iterator[str]:
    """The modules of fibench that a file imports, wherever in it that stands.

    A name that a wing hands on is of the module that it comes from: a face decides nothing, since
    nothing is in one but imports.
    """
    for module, name, _ in _imports(path.read_bytes(), _package(path, root)):
        yield module if name is None else _origin(module, name, root)


def _origin(module: str, name: str, root: Path) -> str:
    if _file(f"{module}.{name}", root).is_file():
        return f"{module}.{name}"
    face = _file(module, root)
    taken = _imports(face.read_bytes(), module) if face.name == "__init__.py" else ()
    return next((origin for origin, _, known_as in taken if known_as == name), module)


def _package(path: Path, root: Path) -> str:
    """The package that a file is in, or is the face of: what its relative imports begin from."""
    return ".".join(path.relative_to(root).parent.parts)


@cache
def _imports(source: bytes, package: str) -> tuple[_Import, ...]:
    """What a source imports of fibench."""
    found: list[_Import] = []
    for node in ast.walk(_statements(source)):
        if isinstance(node, ast.Import):
            found += [(one.name, None, one.name) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            found += [(module, one.name, one.asname or one.name) for one in node.names]
    return tuple(one for one in found if one[0].partition(".")[0] == "fibench")


def _statements(source: bytes) -> ast.Module:
    """The imports in a source: to parse all of each takes a third of what a short run takes."""
    try:
        return ast.parse(b"\n".join(_STATEMENT.findall(source)))
    except SyntaxError:  # it looked like one, or has a bracket in a comment
        return ast.parse(source)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that names are taken from: a point is the package, each more the one above."""
    above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _file(module: str, root: Path) -> Path:
    path = root.joinpath(*module.split("."))
    alone = path.with_name(f"{path.name}.py")
    return alone if alone.is_file() else path / "__init__.py"
