# SPDX-License-Identifier: BSD-3-Clause
"""docs/architecture.md names every module, and its lists and picture are those of the sources."""

import ast
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.here import CHECKOUT

from fibench.develop.architecture import PAGE, PICTURE, PYTHON, C, first_sentence, page, picture

TEXT = (CHECKOUT / PAGE).read_text(encoding="utf-8")


def test_the_lists_are_fresh() -> None:
    """If this fails: ./dev python -m fibench.develop.architecture, with PYTHONPATH=src_py."""
    assert page(CHECKOUT) == TEXT


def test_the_picture_is_fresh_and_an_image() -> None:
    """If this fails: the same."""
    text = (CHECKOUT / PICTURE).read_text(encoding="utf-8")
    assert picture(CHECKOUT) == text
    assert ET.fromstring(text).tag.endswith("svg")
    assert PICTURE.name in TEXT


def test_every_module_is_named() -> None:
    python = [path for path in (CHECKOUT / PYTHON).glob("*/*.py") if path.name != "__init__.py"]
    wings = {path.parent.name for path in python}
    assert {wing for wing in wings if f"<!-- modules: {wing} -->" not in TEXT} == set()
    headers = {
        path.parent.relative_to(CHECKOUT / C).as_posix()
        for path in (CHECKOUT / C).rglob("*.h")
        if path.parent.name != "bench"
    }
    scripts = {path.parent.name for path in (CHECKOUT / "src_py").glob("*/*.py")} - {PYTHON.name}
    assert {one for one in scripts if f"<!-- scripts: {one} -->" not in TEXT} == set()
    headers.add("servers")
    assert {one for one in headers if f"<!-- headers: {one} -->" not in TEXT} == set()


def types_of(path: Path) -> Iterator[str]:
    """The public classes of a module, and what else is called as they are: names of types."""
    for node in ast.parse(path.read_bytes()).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if len(name) > 1 and not name.isupper():
                    yield name


def test_a_name_of_a_type_means_one_thing() -> None:
    """Of a class or of what is short for other types, in whichever wings."""
    places = defaultdict(set)
    for path in (CHECKOUT / PYTHON).rglob("*.py"):
        if "develop" not in path.parts:
            for name in types_of(path):
                if re.match("[A-Z]", name):
                    places[name].add(path.relative_to(CHECKOUT / PYTHON).as_posix())
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


PLACES = sorted(set(re.findall(r"`([\w/]+\.(?:py|c|h))`\s+\(`(\w+)`", TEXT)))
ROOTS = (PYTHON, PYTHON.parent, C)


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_what_the_page_names_is_where_it_says(file: str, name: str) -> None:
    (path,) = [path for root in ROOTS if (path := CHECKOUT / root / file).is_file()]
    assert re.search(rf"\b{name}\b", path.read_text(encoding="utf-8"))


def test_the_page_names_many_places() -> None:
    assert len(PLACES) > 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("One thing. Another.", "One thing."),
        ("One thing: which\nis told. Not more.", "One thing: which is told."),
        ("Over\ntwo lines", "Over two lines."),
    ],
)
def test_what_is_said_of_a_module_is_a_sentence(text: str, said: str) -> None:
    assert first_sentence(text) == said
