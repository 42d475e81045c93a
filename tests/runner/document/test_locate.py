# SPDX-License-Identifier: BSD-3-Clause
"""The locator, held to tomllib: what stands at the place of a value parses to the value."""

import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fibench.document.locate import Location, Path, locate, nearest, normalised

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
BLANK = st.sampled_from(["", " ", "\t", "  "])
BREAK = st.sampled_from(["\n", "\r\n", "\n\n", " # note ] } = [x]\n", ' # "\r\n', "\n  \t\n"])


def basic(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


BARE_KEYS = st.text("abcXYZ019_-", min_size=1, max_size=4)
QUOTED_KEYS = TEXT.map(basic)
LITERAL_KEYS = TEXT.filter(lambda text: "'" not in text).map(lambda text: f"'{text}'")
KEYS = st.one_of(BARE_KEYS, QUOTED_KEYS, LITERAL_KEYS)

MULTI_LINE = st.lists(
    st.sampled_from(
        ["a", "]", "}", ",", "#", "=", "\n", "\r\n", "\\\\", "\\n", "\\\n  ", "é", "字"]
    ),
    max_size=6,
).map("".join)
ENDS = st.sampled_from(["", '"', '""'])
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.sampled_from(["0x1F", "0o17", "0b11", "1_000", "+7", "true", "false", "inf", "-inf"]),
    st.floats(allow_nan=False, allow_infinity=False).map(
        lambda number: repr(number) if "e" not in repr(number) else f"{number:.3f}"
    ),
    st.sampled_from(["1979-05-27", "07:32:00.5", "1979-05-27 07:32:00", "1979-05-27T07:32:00Z"]),
    TEXT.map(basic),
    LITERAL_KEYS,
    st.builds(lambda body, end: f'"""{body}{end}"""', MULTI_LINE, ENDS),
    MULTI_LINE.map(lambda body: "'''" + body.replace("\\", "") + "'''"),
    st.sampled_from(['"""\\""""', "'''it's'''", "''''quoted'''''", '""', "''", '"a # b"']),
)


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gaps = st.one_of(BLANK, BREAK)
    element = st.builds(lambda before, value, after: before + value + after, gaps, values, gaps)
    closing = st.one_of(st.just("]"), st.builds(lambda gap: f",{gap}]", gaps))
    filled = st.builds(
        lambda elements, end: "[" + ",".join(elements) + end,
        st.lists(element, min_size=1, max_size=4),
        closing,
    )
    return st.one_of(filled, gaps.map(lambda gap: f"[{gap}]"))


@st.composite
def pairs(draw: st.DrawFn, values: st.SearchStrategy[str], index: int) -> str:
    """One `key = value`, the key dotted or not, and like no other in its table."""
    names = [f"k{index}", *draw(st.lists(KEYS, max_size=2))]
    if draw(st.booleans()):
        names[0] = f'"k{index}"'
    dot = draw(BLANK) + "." + draw(BLANK)
    return dot.join(names) + draw(BLANK) + "=" + draw(BLANK) + draw(values)


@st.composite
def inline_tables(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    entries = [draw(pairs(values, index)) for index in range(draw(st.integers(0, 3)))]
    return "{" + draw(BLANK) + (draw(BLANK) + "," + draw(BLANK)).join(entries) + draw(BLANK) + "}"


VALUES = st.recursive(
    SCALARS, lambda values: st.one_of(arrays(values), inline_tables(values)), max_leaves=6
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A valid TOML document."""
    lines: list[str] = []

    def body() -> None:
        count = draw(st.integers(0, 3))
        lines.extend(draw(BLANK) + draw(pairs(VALUES, at)) + draw(BREAK) for at in range(count))

    body()
    for table in range(draw(st.integers(0, 3))):
        name, blank = f"t{table}", draw(BLANK)
        below = draw(st.lists(KEYS, max_size=2))
        if draw(st.booleans()):
            lines.append(f"[{blank}{'.'.join([name, *below])}{blank}]{draw(BREAK)}")
            body()
        else:
            for _ in range(draw(st.integers(1, 3))):
                lines.append(f"[[{blank}{name}]]{draw(BREAK)}")
                body()
                if draw(st.booleans()):
                    lines.append(f"[{name}.{'.'.join(['s', *below])}]{draw(BREAK)}")
                    body()
    return "".join(lines)


def items(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """Every item of a document, with its path."""
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    found = [(path, value)] if path else []
    for step, child in children:
        found += items(child, (*path, step))
    return found


@given(documents())
@example("a.b.c = 1\n[a.d]\n'x y'.\"\\u00e9\" = [ {b = ']'} , # ]\n 2 ]\n")
@example('[[a]]\n[[a.b]]\nc = """\n\\""" """\n[a.b.d]\n[[a]]\n[[a.b]]\nc = {}\n')
def test_what_stands_at_the_place_of_each_item_parses_to_the_item(text: str) -> None:
    seen = normalised(text)
    found = locate(text)

    for path, value in items(tomllib.loads(text)):
        location = found[path]
        if location.key is not None and isinstance(path[-1], str):
            key = seen[location.key.start : location.key.end]
            assert tomllib.loads(f"{key} = 1") == {path[-1]: 1}
        if location.value is not None:
            written = seen[location.value.start : location.value.end]
            assert tomllib.loads(f"x = {written}")["x"] == value
        else:
            assert isinstance(value, (dict, list))


@given(documents())
def test_nothing_is_located_that_the_document_does_not_have(text: str) -> None:
    assert set(locate(text)) == {path for path, _ in items(tomllib.loads(text))}


@given(st.text(max_size=60), st.text("[]{}\"'=.,#\n a1\\", max_size=60))
def test_text_that_is_no_toml_does_not_raise(anything: str, brackets: str) -> None:
    assert isinstance(locate(anything), dict)
    assert isinstance(locate(brackets), dict)


def test_nesting_beyond_the_stack_does_not_raise() -> None:
    assert ("a",) in locate("a = " + "[" * 100_000)


def test_a_key_of_endless_parts_takes_no_endless_time() -> None:
    assert locate("a = 1\n" + ".".join("b" * 100_000) + " = 1").keys() == {("a",)}


def text_at(document: str, location: Location | None) -> str:
    assert location is not None
    return document[location.best.start : location.best.end]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("matrix", 0, "n"), "27"),
        (("matrix", 0, "n", 0), "27"),
        (("matrix", 0, "backend", 1), '"b"'),
        (("matrix", 0, "backend", 7), '["a", "b"]'),
        (("matrix", 0, "clients"), "matrix"),
    ],
)
def test_an_unknown_place_is_that_of_the_nearest_enclosing_item(path: Path, expected: str) -> None:
    document = '[matrix]\nbackend = ["a", "b"]\nn = 27\n'

    assert text_at(document, nearest(locate(document), path)) == expected


def test_each_table_of_an_array_within_a_table_has_its_place() -> None:
    document = (
        '[load]\nclients = 1\n[[load.group]]\nname = "a"\n[[load.group]]\nname = "b"\nn = 3\n'
    )
    found = locate(document)

    assert text_at(document, found[("load", "group", 0, "name")]) == '"a"'
    assert text_at(document, found[("load", "group", 1, "name")]) == '"b"'
    assert text_at(document, found[("load", "group", 1, "n")]) == "3"
    assert text_at(document, nearest(found, ("load", "group", 1, "rate"))) == "group"


def test_a_path_that_nothing_encloses_has_no_place() -> None:
    assert nearest(locate("a = 1"), ("b", "c")) is None
