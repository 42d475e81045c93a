# SPDX-License-Identifier: BSD-3-Clause
"""Whatever tomllib stops at, a person is told what to write there."""

import ast
import inspect
import re
import tomllib

import pytest
from tests.runner.experiments import SMALL, faults

from fibench.document.text import _SYNTAX_HINTS

WRONG = {
    "[matrix] twice": (
        'title = "x"\n[matrix]\nbackend = ["py-mt"]\n[matrix]\nclients = [1]\n',
        (
            "e.toml:4:8: not TOML: [matrix] is given twice\n"
            "write [[matrix]] each time, and they are joined"
        ),
    ),
    "[[matrix]] and [matrix]": (
        'title = "x"\n[[matrix]]\nbackend = ["py-mt"]\n[matrix]\nclients = [1]\n',
        (
            "e.toml:4:8: not TOML: [matrix] is given twice\n"
            "write [[matrix]] each time, and they are joined"
        ),
    ),
    "[load] twice": (
        'title = "x"\n[load]\nn = 1\n[load]\nclients = 1\n',
        "e.toml:4:6: not TOML: [load] is given twice\nput the keys of both under one",
    ),
    "unclosed quote": (
        'title = "x\n[matrix]\n',
        (
            "e.toml:1:11: not TOML: illegal character '\\n'\n"
            'text ends with ", on the line that it began on'
        ),
    ),
    "quotes of a word processor": (
        'title = "x"\n[matrix]\nbackend = “py-mt”\n',
        'e.toml:3:11: not TOML: “ is no quote of TOML\nwrite straight quotes: backend = "py-mt"',
    ),
    "YAML": (
        "title: x\nmatrix:\n  backend: py-mt\n",
        (
            "e.toml:1:6: not TOML: expected '=' after a key in a key/value pair\n"
            'a key and its value have = between them: title = "..."'
        ),
    ),
    "two values": (
        "clients = 8 = A = B\n",
        (
            "e.toml:1:13: not TOML: expected newline or end of document after a statement\n"
            "one value alone: a line is [table], key = value, or # and a comment; text needs quotes"
        ),
    ),
    "a table without its end": (
        '[[claim]]\nratio = [{ backend = "a" }, { backend = "b" ]\n',
        (
            "e.toml:2:45: not TOML: unclosed inline table\n"
            'a side ends with }: { backend = "py-mt", n = 27 }'
        ),
    ),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_toml_is_told_with_what_to_write(text: str, said: str) -> None:
    assert faults(text) == [said]


def messages() -> list[str]:
    """Every message of tomllib, as an expression: what varies in it may be anything."""
    tree = ast.parse(inspect.getsource(tomllib._parser))  # type: ignore[attr-defined]
    found = []
    for raised in (node for node in ast.walk(tree) if isinstance(node, ast.Raise)):
        for call in (node for node in ast.walk(raised) if isinstance(node, ast.Call)):
            faults_of_text = ast.unparse(call.func) in ("suffixed_err", "TOMLDecodeError")
            for node in call.args if faults_of_text else ():
                if isinstance(node, ast.JoinedStr):
                    parts = (
                        one.value if isinstance(one, ast.Constant) else "X" for one in node.values
                    )
                    found.append("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return [one for one in found if " " in one]


def test_every_message_of_tomllib_has_a_hint_of_its_own() -> None:
    every = messages()
    assert len(every) > 20
    lacking = [
        one for one in every
        if not any(re.fullmatch(form, one, re.DOTALL) for form, _ in _SYNTAX_HINTS)
    ]  # fmt: skip
    assert lacking == []


def test_an_apostrophe_of_a_word_processor_in_a_text_is_text() -> None:
    assert faults(SMALL.replace('"t"', '"the GIL’s cost"')) == []
