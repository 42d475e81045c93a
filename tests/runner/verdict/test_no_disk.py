# SPDX-License-Identifier: BSD-3-Clause
"""Judging and comparing look at no disk: all that they need of a run has been read before."""

import ast
import builtins
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from tests.runner.stored_runs import make_run

from fibench.folders import PACKAGE, find_places
from fibench.store import read_run
from fibench.verdict import compare, review

MODULES = sorted((PACKAGE / "verdict").rglob("*.py"))
ASKS = {
    name
    for name in set(dir(Path)) - set(dir(PurePath)) - set(dir(str)) - set(dir(re.Match))
    if not name.startswith("_")
}
"""The methods of Path that ask the disk, but for names that texts have too."""
LOOKS = {"os", "io", "shutil", "glob", "tempfile", "subprocess", "socket", "fcntl", "mmap"}


def looks(source: str) -> Iterator[str]:
    """What of a module could look at a disk."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names if one.name.partition(".")[0] in LOOKS)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in LOOKS:
                yield module
            case ast.Attribute(attr=name) if name in ASKS:
                yield f".{name}"
            case ast.Call(func=ast.Name(id="open")):
                yield "open"


def test_no_module_could() -> None:
    assert len(MODULES) > 10
    found = {
        path.name: said
        for path in MODULES
        if (said := list(looks(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    ["run.folder.resolve()", "import os.path", "from os import stat", "x.exists()", "open(name)"],
)
def test_what_could_is_found(source: str) -> None:
    assert list(looks(source))


def test_none_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen, not read from the sources. The first time imports what is imported when used."""
    runs = [read_run(make_run(tmp_path / "gil" / name), find_places()) for name in ("a", "b")]
    first = compare(*map(review, runs))
    asked: list[str] = []

    def refuse(*_: object, **__: object) -> None:
        asked.append("asked")
        raise AssertionError("the disk was asked")

    with monkeypatch.context() as patch:
        for name in ("stat", "lstat", "readlink", "open", "listdir", "scandir", "getcwd", "access"):
            patch.setattr(os, name, refuse)
        for module in (io, builtins):
            patch.setattr(module, "open", refuse)
        second = compare(*map(review, runs))
    assert asked == []
    assert (second.first, second.second) == ("gil/a", "gil/b")
    assert second == first
