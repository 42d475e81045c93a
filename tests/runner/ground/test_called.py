# SPDX-License-Identifier: BSD-3-Clause
"""Advice names the commands as the person started fibench: no text is right in one way only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fibench
from fibench import called, tasks
from fibench.develop.tasks_of_sources import OF_THE_SOURCES

PACKAGE = Path(fibench.__file__).parent
COMMANDS = "|".join(each.name for each in tasks.OF_A_RUN + OF_THE_SOURCES)
A_WAY = re.compile(rf"\./dev\b(?! goes)|\b(?:invoke|fibench) (?:{COMMANDS})\b(?!:)")


@pytest.fixture(autouse=True)
def nobody_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(called, "_started_by", None)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """What a module may say: its literals, but for docstrings and what called.py makes text of."""
    tree = ast.parse(path.read_text())
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(id(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("called."):
            silent |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in silent
        ):
            yield node.lineno, node.value


def test_no_text_names_a_way_to_start_fibench() -> None:
    """It is called.py that knows it: in a wheel there is no ./dev, and no `invoke build`."""
    found = {
        f"{path.relative_to(PACKAGE)}:{line}": text
        for path in PACKAGE.rglob("*.py")
        if path.name != "called.py"
        for line, text in texts(path)
        if A_WAY.search(text)
    }
    assert found == {}


@pytest.mark.parametrize(
    "text", ["run `invoke build`", "start it through ./dev", "fibench run gil"]
)
def test_the_rule_sees_what_it_is_for(text: str) -> None:
    assert A_WAY.search(text)


def test_a_command_is_named_as_it_was_started() -> None:
    assert called.command("run gil") == "invoke run gil"
    assert called.through_dev("meson") == "./dev meson"
    called.keep("../fibench/dev invoke")
    assert called.command("run gil") == "../fibench/dev invoke run gil"
    assert called.through_dev("meson") == "../fibench/dev meson"
    called.keep("python3 -m fibench")
    assert called.command("run gil") == "python3 -m fibench run gil"
    assert called.through_dev("meson") == "./dev meson"


def test_what_brings_it_back_is_another_thing_in_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called.rebuilding() == "run `invoke build`"
    assert called.installing("hdrhistogram", "hlog") == "./dev pip install hdrhistogram"
    monkeypatch.setattr(called, "_in_checkout", lambda: False)
    assert called.command("doctor") == "fibench doctor"
    assert called.rebuilding() == called.restoring("catalogue.toml") == "install fibench anew"
    assert called.installing("hdrhistogram", "hlog") == "pip install 'fibench[hlog]'"
