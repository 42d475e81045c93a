# SPDX-License-Identifier: BSD-3-Clause
"""Names in braces: in commands every brace means something, in bodies only known names do."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.small_servers import doubled

from fibench.parameters import Fault
from fibench.requests import fill_command, fill_known, names_in, names_in_command

TEXT = st.text(st.sampled_from("{}ab_ 1é\n"), max_size=30)
NAMES = st.sampled_from(["a", "b", "port", "io_threads"])
VALUES = st.dictionaries(NAMES, TEXT, max_size=4)


@given(TEXT)
def test_a_word_with_its_braces_doubled_is_itself(text: str) -> None:
    assert fill_command(doubled(text), {"a": "x", "b": "y"}) == text
    assert list(names_in_command(doubled(text))) == []


@given(st.lists(st.one_of(TEXT.map(lambda text: (False, text)), NAMES.map(lambda n: (True, n)))))
def test_names_are_replaced_and_what_was_put_in_is_not_looked_at_again(
    parts: list[tuple[bool, str]],
) -> None:
    values = {"a": "{b}", "b": "}{", "port": "{{port}}", "io_threads": ""}
    text = "".join(f"{{{part}}}" if named else doubled(part) for named, part in parts)
    assert fill_command(text, values) == "".join(
        values[part] if named else part for named, part in parts
    )
    assert list(names_in_command(text)) == [part for named, part in parts if named]


@given(TEXT, VALUES)
def test_a_command_is_filled_or_refused(text: str, values: dict[str, str]) -> None:
    with contextlib.suppress(Fault):
        named = set(names_in_command(text))
        if values.keys() >= named:
            fill_command(text, values)
            return
    with pytest.raises(Fault, match=r"belongs to no name|has no value here"):
        fill_command(text, values)


@given(TEXT, VALUES)
def test_in_a_body_all_but_known_names_stays(text: str, values: dict[str, str]) -> None:
    assert fill_known(text, {}) == text
    unknown = {name: value for name, value in values.items() if name not in set(names_in(text))}
    assert fill_known(text, unknown) == text
    assert fill_known(text, {name: f"{{{name}}}" for name in names_in(text)}) == text


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("listen {host}:{port};", "listen 127.0.0.1:4000;"),
        ('{"a": {port}}', '{"a": 4000}'),
        ("{{port}}", "{4000}"),
        ("events { worker {workers}; }", "events { worker {workers}; }"),
        ("{Port} {port", "{Port} {port"),
    ],
)
def test_files_keep_their_own_braces(text: str, filled: str) -> None:
    assert fill_known(text, {"host": "127.0.0.1", "port": "4000"}) == filled


@pytest.mark.parametrize("text", ["{", "}", "{}", "{ port }", "a}b", "{1}", "{{}", "{}}"])
def test_a_lone_brace_in_a_command_is_a_fault(text: str) -> None:
    with pytest.raises(Fault, match="belongs to no name") as raised:
        list(names_in_command(text))
    assert "doubled" in raised.value.hint
