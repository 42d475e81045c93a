# SPDX-License-Identifier: BSD-3-Clause
"""What is said to be somewhere is there: each path that documents and configuration name."""

import re
from itertools import chain
from pathlib import Path

import pytest

from .copies import CHECKOUT, files_of_the_checkout

AS_EXAMPLES = re.compile(r"\bNAME\b|\bpackagecache\b")
"""What stands for any name, and a folder that only a wrap makes."""


FILES = frozenset(files_of_the_checkout())
FOLDERS = frozenset(parent.as_posix() for file in FILES for parent in Path(file).parents)
TOPS = sorted({file.partition("/")[0] for file in FILES if "/" in file})
PATH = re.compile(
    rf"(?<![\w./$}}<>-])(?:\./)?((?:{'|'.join(map(re.escape, TOPS))})/[\w./*-]*[\w*])"
)
SOURCE = re.compile(r"(?<![\w./<>-])((?:\w[\w.-]*/)*[\w.-]+\.(?:py|c|h))(?![\w/])")
COPIED = re.compile(r"^```\w+ ([\w.]+)$", re.MULTILINE)
"""A file that stands in a page, after its name."""

PAGES = sorted(file for file in FILES if file.endswith((".md", ".1")))
CONFIGURATION = sorted(
    file
    for file in FILES
    if re.search(r"\.(?:in|nix|toml|sh|options|wrap)$|(?:^|/)meson\.build$", file)
    or file in ("dev", ".ci/run", "tasks.py", ".gitattributes")
    or file.startswith(".github/")
)


def lost_paths(text: str) -> set[str]:
    """The paths from the root of the checkout that a text names, and that are not there."""
    return {
        path
        for path in PATH.findall(text)
        if path not in FILES | FOLDERS
        and not ("*" in path and any(CHECKOUT.glob(path)))
        and not AS_EXAMPLES.search(path)
    }


def lost_sources(text: str) -> set[str]:
    """The sources that a text names by the end of their paths, and that neither are there nor
    stand in it, to be copied."""
    named = {name for name in SOURCE.findall(text) if not AS_EXAMPLES.search(name)}
    named -= set(COPIED.findall(text))
    return {name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in FILES)}


@pytest.mark.parametrize("file", [*PAGES, *CONFIGURATION])
def test_each_path_that_is_named_is_there(file: str) -> None:
    assert lost_paths((CHECKOUT / file).read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("page", PAGES)
def test_each_source_that_a_page_names_is_there(page: str) -> None:
    assert lost_sources((CHECKOUT / page).read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("file", [*PAGES, *CONFIGURATION])
def test_each_file_of_tests_that_is_selected_is_there(file: str) -> None:
    """As `invoke test --select` takes it, by its name alone."""
    named = set(re.findall(r"\btest_\w+", (CHECKOUT / file).read_text(encoding="utf-8")))
    if (
        file == "docs/demands.md"
    ):  # which names tests: test_demands.py holds them to those there are
        named = {name for name in named if f"{name}.py" in (CHECKOUT / file).read_text()}
    assert named <= {Path(one).stem for one in FILES}


def test_what_has_moved_would_be_found() -> None:
    text = "pytest --ignore tests/packaging/gone.py tests, `.ci/run`, ./docs/README.md, a/tests/x"
    assert lost_paths(text) == {"tests/packaging/gone.py"}
    assert lost_sources("`test_paths.py`, `packaging/test_paths.py`, `runner/test_paths.py`") == {
        "runner/test_paths.py"
    }
    assert lost_sources("`mine.py`:\n\n```python mine.py\n```\nbut not `yours.py`") == {"yours.py"}


def test_no_folder_gives_its_bytecode_to_a_wheel() -> None:
    """Meson wants each folder that it leaves out by its name."""
    roots = (CHECKOUT / "src_py" / "fibench", CHECKOUT / "experiments")
    folders = [{path.parent.relative_to(root) for path in root.rglob("*.py")} for root in roots]
    listed = re.findall(r"'([^']*__pycache__)'", (CHECKOUT / "src_py" / "meson.build").read_text())
    assert sorted(listed) == sorted(
        (folder / "__pycache__").as_posix() for folder in chain(*folders)
    )
