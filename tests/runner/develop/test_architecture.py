# SPDX-License-Identifier: BSD-3-Clause
"""docs/architecture.md names every module, and its lists and picture are those of the sources."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
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
