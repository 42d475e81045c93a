# SPDX-License-Identifier: BSD-3-Clause
"""JSON that was read may be anything: whoever asks for a kind of value gets that kind."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench import json_values

READ: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), READ)


@given(READ)
def test_a_value_of_the_kind_is_itself_and_another_nothing(value: object) -> None:
    is_object, is_list = isinstance(value, dict), isinstance(value, list)
    assert json_values.object_or_none(value) is (value if is_object else None)
    assert json_values.object_or_empty(value) == (value if is_object else {})
    assert list(json_values.list_or_empty(value)) == (value if is_list else [])
    assert json_values.text_or_none(value) is (value if isinstance(value, str) else None)


@given(DOCUMENTS)
def test_the_objects_in_a_list_keep_their_order_and_what_else_is_there_is_passed_over(
    document: dict[str, Any],
) -> None:
    for name in "abcd":
        found = json_values.objects_in(document, name)
        inside = document.get(name)
        wanted = (
            [one for one in inside if isinstance(one, dict)] if isinstance(inside, list) else []
        )
        assert json.dumps(found) == json.dumps(wanted)


@given(DOCUMENTS)
def test_a_number_can_be_reckoned_with_whatever_is_there(document: dict[str, Any]) -> None:
    for name in "abcd":
        whole, number = json_values.whole_in(document, name), json_values.number_in(document, name)
        assert isinstance(whole + 1, int)
        assert isinstance(number + 0.5, float)
        if isinstance(document.get(name), str | list | dict | None):
            assert whole == number == 0


@given(st.none() | st.floats())
def test_what_is_finite_can_be_written(figure: float | None) -> None:
    found = json_values.finite(figure)
    json.dumps(found, allow_nan=False)
    assert found == figure or (found is None and figure is not None and not math.isfinite(figure))


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_number_for_is_none(figure: float) -> None:
    assert json_values.finite(figure) is None
