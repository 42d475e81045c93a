# SPDX-License-Identifier: BSD-3-Clause
"""Copies of the checkout, for tests that build in them, and its files, for those that read them."""

import ast
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
MADE_HERE = {
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "build",
    "dist",
    "results",
}
"""What a clean clone does not have at its root."""


def copy_checkout(target: Path) -> Path:
    """Copy the checkout, without what was made in it, to a path that does not exist yet."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {"__pycache__"} | (MADE_HERE if Path(folder) == CHECKOUT else set())

    shutil.copytree(CHECKOUT, target, symlinks=True, ignore=left_out)
    return target


def files_of_the_checkout() -> Iterator[str]:
    """The files of the checkout by their paths in it, without what was made or brought there."""
    for folder, folders, names in os.walk(CHECKOUT):
        here = Path(folder).relative_to(CHECKOUT)
        made = MADE_HERE if here == Path() else set()
        kept = set(folders) - made - {"__pycache__"}
        folders[:] = kept & {"packagefiles"} if here == Path("subprojects") else kept
        yield from ((here / each).as_posix() for each in names if each not in made)


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A file of Python, which many tests look into: read once."""
    return ast.parse(path.read_bytes())
