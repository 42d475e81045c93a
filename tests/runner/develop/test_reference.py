# SPDX-License-Identifier: BSD-3-Clause
"""The generated reference of experiment files."""

from tests.here import CHECKOUT

from fibench.develop.reference import experiments_reference
from fibench.parameters import KEYS, in_file

PAGE = CHECKOUT / "docs" / "experiments.md"


def test_the_checked_in_reference_is_fresh() -> None:
    """If this fails: ./dev python -m fibench.develop.reference > docs/experiments.md"""
    assert PAGE.read_text(encoding="utf-8") == experiments_reference()


def test_every_key_is_in_the_reference() -> None:
    text = experiments_reference()
    assert [key for key in KEYS if f"| `{in_file(key)}` |" not in text] == []


def test_client_groups_and_crossovers_are_in_the_reference() -> None:
    text = experiments_reference()

    for said in ("## [[load.group]]", "| `idle` | `false` |", "| `over` | required |", "`group`"):
        assert said in text
