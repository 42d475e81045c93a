# SPDX-License-Identifier: BSD-3-Clause
"""The seed that a name draws: the same everywhere, and another one for each name."""

import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.here import CHECKOUT

from fibench.parameters import LONGEST_MADE_AS, drawn_seed, read_name
from fibench.parameters.keys import LARGEST_SEED

KNOWN = {
    "ada": 27615684812324,
    "Ada": 55618843312678,
    "Zo\u00eb": 20793702461836,
    "\u5b9e\u9a8c": 189733011829625,
}
"""Computed once, by hand: they must never change, or no kept run would be its name's."""


@pytest.mark.parametrize("name", KNOWN)
def test_it_is_what_it_always_was(name: str) -> None:
    assert drawn_seed(name) == KNOWN[name]


@pytest.mark.parametrize("hashing", ["0", "1", "4711"])
def test_it_does_not_hang_on_the_process(hashing: str) -> None:
    code = "from fibench.parameters import drawn_seed; print(drawn_seed('ada'))"
    environment = {**os.environ, "PYTHONHASHSEED": hashing, "PYTHONPATH": str(CHECKOUT / "src_py")}
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) == KNOWN["ada"]


@given(st.text())
def test_it_is_a_seed_that_json_carries_everywhere(name: str) -> None:
    assert 0 <= drawn_seed(name) < 2**48 <= min(LARGEST_SEED, 2**53)


def test_a_class_of_a_thousand_has_a_thousand_seeds() -> None:
    assert len({drawn_seed(f"student {number}") for number in range(1000)}) == 1000


@pytest.mark.parametrize(
    "name", ["ada", "Ada Lovelace", "Zo\u00eb", "\u5b9e\u9a8c", "x" * LONGEST_MADE_AS, "-"]
)
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert read_name(name) == name
    assert read_name(f"  {name} ") == name
    assert read_name(unicodedata.normalize("NFD", name)) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("\u200d \u200d", "is empty"),
        ("x" * (LONGEST_MADE_AS + 1), "has 65 characters, and may have 64"),
        ("a\nb", "has characters that cannot be seen"),
        ("a\tb", "has characters that cannot be seen"),
        ("\n", "has characters that cannot be seen"),
        ("a\x1b[31m", "has characters that cannot be seen"),
        ("a\u202eb", "has characters that cannot be seen"),
        ("a\udc80", "has characters that cannot be seen"),
        ("a\x00", "has characters that cannot be seen"),
    ],
)
def test_what_is_no_name_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        read_name(text)


@given(st.text(max_size=80))
def test_a_name_that_was_read_is_read_as_itself(text: str) -> None:
    try:
        name = read_name(text)
    except ValueError:
        return
    assert read_name(name) == name
    assert name
    assert len(name) <= LONGEST_MADE_AS
