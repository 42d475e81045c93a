# SPDX-License-Identifier: BSD-3-Clause
"""docs/architecture.md names every module, and its lists and picture are those of the sources."""

import ast
import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.packaging.copies import parsed

from fibench.develop.architecture import (
    PAGE,
    PICTURE,
    PYTHON,
    C,
    first_sentence,
    layers,
    page,
    picture,
)

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


def listed() -> Counter[Path]:
    """Each file that a list of the page names, by its path in the checkout, as often as it does."""
    roots = {"modules": PYTHON, "headers": C, "scripts": PYTHON.parent}
    found: Counter[Path] = Counter()
    for kind, folder, lines in re.findall(
        r"<!-- (\w+): (\S+) -->\n(.*?)<!-- end -->", TEXT, re.DOTALL
    ):
        place = roots[kind] / ("" if folder in ("ground", "between") else folder)
        found.update(place / name for name in re.findall(r"^- `(\S+)`: \S", lines, re.MULTILINE))
    return found


def test_every_module_is_listed_once() -> None:
    python = {
        path.relative_to(CHECKOUT)
        for path in (CHECKOUT / PYTHON.parent).rglob("*.py")
        if path.name != "__init__.py"
    }
    c = {
        path.relative_to(CHECKOUT)
        for path in (CHECKOUT / C).rglob("*.[ch]")
        if not path.name.startswith("test")
        and not (path.suffix == ".c" and path.with_suffix(".h").exists())
    }
    assert len(c) > 70
    assert listed() == Counter(python | c)


def test_what_else_lies_among_the_sources_of_c_is_named() -> None:
    paths = {
        path.relative_to(CHECKOUT / C).as_posix()
        for path in (CHECKOUT / C).rglob("*.py")
        if "__pycache__" not in path.parts
    }
    folders = {
        path.parent.relative_to(CHECKOUT / C).as_posix()
        for path in (CHECKOUT / C).rglob("meson.build")
        if path.parent != CHECKOUT / C and not list(path.parent.glob("*.[ch]"))
    }
    named = {one for one in paths | folders if re.search(rf"`{re.escape(one)}[`/]", TEXT)}
    assert paths | folders == named


def types_of(path: Path) -> Iterator[str]:
    """The public classes of a module, and what else is called as they are: names of types."""
    for node in parsed(path).body:
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


# Faces

ROOT = CHECKOUT / PYTHON
WINGS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
NAMED = WINGS | {"record"}
"""What a face names; all else is the ground."""


def imported_by(path: Path) -> Iterator[str]:
    """The wings and single modules of fibench that a module imports, wherever in it that stands."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.ImportFrom(module="fibench", names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module=str(module)) if module.startswith("fibench."):
                yield module.split(".")[1]
            case ast.Import(names=names):
                yield from (one.name.split(".")[1] for one in names if "fibench." in one.name)


def knows(wing: str) -> set[str]:
    """What a wing imports, of what a face names."""
    inside = (ROOT / wing).rglob("*.py") if wing in WINGS else [ROOT / f"{wing}.py"]
    return {name for path in inside for name in imported_by(path)} & NAMED - {wing}


def may_know(text: str, others: Mapping[str, set[str]]) -> set[str]:
    """What a face says that its wing may know: of others, what they may is `others`."""
    (said,) = re.findall(r"May know (.*?)[.;]", text, re.DOTALL)
    named = set(re.findall(r"`(\w+)`", said))
    assert named <= NAMED
    if said.startswith("every"):
        return NAMED - named
    ahead = (
        sorted(named) if re.search(r"what (?:these|that) knows?", " ".join(said.split())) else []
    )
    while ahead:
        more = others[ahead.pop()] - named
        named |= more
        ahead += more
    return named


def test_a_wing_knows_no_more_than_its_face_says() -> None:
    allowed = {"record": knows("record")}
    for layer in reversed(layers(CHECKOUT)):
        for wing in WINGS.intersection(layer):
            text = ast.get_docstring(ast.parse((ROOT / wing / "__init__.py").read_bytes())) or ""
            allowed[wing] = may_know(text, allowed)
    assert allowed.keys() == NAMED
    found = {wing: more for wing in WINGS if (more := knows(wing) - allowed[wing])}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("May know the ground alone. It has `store`.", set()),
        ("May know `plan`, and the ground.", {"plan"}),
        (
            "May know `plan` and\n`build`, and what these\nknow; but `run` not.",
            {"plan", "build", "run"},
        ),
        ("May know every wing but `develop`; and so on.", NAMED - {"develop"}),
    ],
)
def test_what_a_face_says_is_understood(text: str, known: set[str]) -> None:
    assert may_know(text, {"plan": {"run"}, "build": set(), "run": set()}) == known


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
