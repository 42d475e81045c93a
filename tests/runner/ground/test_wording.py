# SPDX-License-Identifier: BSD-3-Clause
"""Text from outside, as it may reach a terminal, and the names that a wrong one was meant for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.wording import as_toml, did_you_mean, escaped, signal_name, suggestion


@given(st.text())
def test_escaped_text_is_printable_and_keeps_what_was_printable(text: str) -> None:
    assert all(one.isprintable() or one == "\N{ZERO WIDTH JOINER}" for one in escaped(text))
    if text.isprintable():
        assert escaped(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (27, "27"),
        (10**40, "a number of over 30 digits"),
        (0.5, "0.5"),
        ("py-mt", '"py-mt"'),
        ("a\x1bb", '"a\\x1bb"'),
        ({"n": 1}, "{ n = 1 }"),
        ([1, "a"], '[1, "a"]'),
    ],
)
def test_values_are_shown_as_toml(value: object, text: str) -> None:
    assert as_toml(value) == text


def test_long_values_are_cut_short() -> None:
    assert len(as_toml("x" * 1000)) == 60


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("client", "clients"), ("CLIENTS", "clients"), ("idle-timeout", "idle_timeout"), ("zz", None)],
)
def test_the_nearest_valid_name_is_found(name: str, nearest: str | None) -> None:
    assert did_you_mean(name, ["clients", "idle_timeout", "n"]) == nearest


def test_without_a_near_name_the_hint_says_what_is_valid() -> None:
    assert suggestion("zz", ["message", "line"]) == "valid: message, line"


@pytest.mark.parametrize(
    ("name", "candidates", "hint"),
    [
        ("lab1", ["Lab1", "lab2", "lab10"], 'did you mean "Lab1"?'),
        ("LAB1", ["lab1", "gil", "Lab1"], 'did you mean "lab1" or "Lab1"?'),
        ("gil", ["GIL", "gil.b", "gi"], 'did you mean "GIL"?'),
        ("STRASSE", ["straße", "strasse2"], 'did you mean "straße"?'),
        ("e\u0301tude", ["\u00e9tude"], 'did you mean "\u00e9tude"?'),
        ("a_b", ["a-B", "A_b"], 'did you mean "a-B" or "A_b"?'),
        ("x", ["\x1b[2J"], "valid: \\x1b[2J"),
        ("\x1b[2j", ["\x1b[2J"], 'did you mean "\\x1b[2J"?'),
        ("x", [], ""),
    ],
)
def test_names_that_differ_in_their_spelling_alone_come_before_similar_ones(
    name: str, candidates: list[str], hint: str
) -> None:
    assert suggestion(name, candidates) == hint


@pytest.mark.parametrize(
    ("number", "name"), [(11, "SIGSEGV"), (13, "SIGPIPE"), (200, "signal 200")]
)
def test_a_signal_is_called_what_people_call_it(number: int, name: str) -> None:
    assert signal_name(number) == name
