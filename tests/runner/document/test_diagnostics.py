# SPDX-License-Identifier: BSD-3-Clause
"""How a fault is shown to a person."""

import ast
import unicodedata
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st
from tests.here import CHECKOUT

from fibench.document.diagnostics import MOST, Diagnostic, ExperimentError, Source, point
from fibench.document.locate import Span


def shown_lines(text: str, part: str) -> list[str]:
    start = text.index(part)
    return str(point("x.toml", text, Span(start, start + len(part)), "wrong")).split("\n")


def test_a_fault_shows_place_line_underlined_part_and_hint() -> None:
    text = 'title = "x"\n\n[[matrix]]\nbackend = ["py-mtt", "py-mp"]\n'
    source = Source("experiments/gil.toml", text)

    source.report(("matrix", 0, "backend", 0), 'unknown backend "py-mtt"', 'did you mean "py-mt"?')

    assert str(source.sorted()[0]).split("\n") == [
        'experiments/gil.toml:4:12: unknown backend "py-mtt"',
        '    backend = ["py-mtt", "py-mp"]',
        "               ^^^^^^^^",
        'did you mean "py-mt"?',
    ]


def test_tabs_become_spaces_and_the_carets_stand_below_the_part() -> None:
    _, line, marks = shown_lines("\tab\tn = [1,\t20]", "20")

    assert line == "        ab  n = [1, 20]"
    assert line[marks.index("^") : marks.index("^") + marks.count("^")] == "20"


def test_wide_characters_take_two_columns() -> None:
    assert shown_lines('x = "字字" # y', "y")[2] == " " * len('    x = "...." # ') + "^"
    assert shown_lines('x = "字字"', "字字")[2].strip() == "^^^^"


def test_combining_characters_take_no_column() -> None:
    assert shown_lines("e\N{COMBINING ACUTE ACCENT} = 12", "12")[2] == "        ^^"


def test_control_characters_are_written_out_and_counted() -> None:
    _, line, marks = shown_lines('x = "\x1b[2J\u202e" # part', "part")

    assert line == '    x = "\\x1b[2J\\u202e" # part'
    assert line[marks.index("^") :] == "part"


def test_of_a_long_line_the_part_at_fault_is_shown() -> None:
    _, line, marks = shown_lines("x" * 5000 + " part " + "y" * 5000, "part")

    assert len(line) < 120
    assert line.lstrip().startswith("…")
    assert line.endswith("…")
    assert line[marks.index("^") :].startswith("part")


def test_a_part_of_several_lines_is_underlined_to_the_end_of_the_first() -> None:
    assert shown_lines("x = [1,\n2]", "[1,\n2]")[2] == "        ^^^"


def test_a_part_beyond_the_text_still_has_a_caret() -> None:
    assert str(point("x.toml", "a = ", Span(4, 5), "wrong")).split("\n")[2] == "        ^"


def test_an_option_at_fault_has_no_place() -> None:
    fault = Diagnostic("--clients 0", None, None, 0, "clients 0 is too small", "write 1")

    assert str(fault) == "--clients 0: clients 0 is too small\nwrite 1"


def test_faults_come_in_the_order_of_the_text_and_each_once() -> None:
    source = Source("x.toml", "a = 1\nb = 2\n")
    for path in (("b",), ("a",), ("b",)):
        source.report(path, "wrong")

    assert [fault.line for fault in source.sorted()] == [1, 2]


def test_faults_beyond_the_first_hundred_are_counted() -> None:
    source = Source("x.toml", "a = 1\n")
    for number in range(MOST + 5):
        source.report(("a",), f"wrong {number}")

    faults = source.sorted()
    assert len(faults) == MOST + 1
    assert faults[-1].what == "5 more faults; only the first 100 found are listed"


def test_the_error_says_everything() -> None:
    error = ExperimentError([Diagnostic(name, None, None, 0, "wrong") for name in ("a", "b")])

    assert str(error) == "a: wrong\nb: wrong"


@given(st.text(), st.text(), st.integers(0, 200), st.integers(0, 200))
def test_no_text_reaches_the_terminal_but_what_it_prints(
    text: str, file: str, start: int, length: int
) -> None:
    lines = str(point(file, text, Span(start, start + length), "wrong")).split("\n")

    assert len(lines) in (1, 3)
    for line in lines:
        for character in line:
            assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
            assert character not in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"


def test_what_was_let_pass_is_told_to_a_source_by_its_methods() -> None:
    kept = {one.name for one in fields(Source)}
    found = [
        f"{path.name}:{node.lineno}"
        for path in (CHECKOUT / "src_py" / "fibench").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node.value, ast.Name) and node.value.id in ("source", "told")
        if node.attr in kept
    ]
    assert found == []
