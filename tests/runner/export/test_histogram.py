# SPDX-License-Identifier: BSD-3-Clause
"""Our histograms have the geometry of HdrHistogram, value by value."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.here import require
from tests.runner.histograms import index_of

from fibench.export import histogram

VALUES = st.integers(0, histogram.HIGHEST_NS)
SPARSE = st.dictionaries(
    st.integers(1, index_of(histogram.HIGHEST_NS)), st.integers(1, 5000), max_size=60
)


@pytest.fixture(scope="module")
def theirs() -> Any:
    """An empty histogram of the hdrhistogram package."""
    return fresh()


def fresh() -> Any:
    require("hdrhistogram")
    from hdrh.histogram import HdrHistogram

    return HdrHistogram(histogram.LOWEST_NS, histogram.HIGHEST_NS, histogram.SIGNIFICANT_DIGITS)


def sweep() -> list[int]:
    """Values at, before and after every power of two and of ten, and many others."""
    edges = [2**k for k in range(36)] + [k * 10**d for d in range(11) for k in range(1, 10)]
    near = {edge + step for edge in edges for step in range(-2, 3)}
    chance = random.Random(1)
    near |= {round(10 ** chance.uniform(0, 10.77)) for _ in range(20_000)}
    return sorted(value for value in near if 0 <= value <= histogram.HIGHEST_NS)


def agree(value: int, theirs: Any) -> None:
    index = index_of(value)
    assert index == theirs.get_counts_array_index(value)
    assert histogram.lowest_at(index) == theirs.get_lowest_equivalent_value(value)
    assert histogram.highest_at(index) == theirs.get_highest_equivalent_value(value)
    assert histogram.lowest_at(index) <= value <= histogram.highest_at(index)


def test_every_value_is_counted_where_hdrhistogram_counts_it(theirs: Any) -> None:
    assert theirs.counts_len == histogram.COUNTS
    for value in sweep():
        agree(value, theirs)


@given(VALUES)
def test_any_value_is_counted_where_hdrhistogram_counts_it(value: int) -> None:
    agree(value, fresh())


def test_every_index_stands_for_the_values_that_it_counts() -> None:
    last = index_of(histogram.HIGHEST_NS)
    for index in range(last + 1):
        assert index_of(histogram.lowest_at(index)) == index
        if index < last:
            assert histogram.highest_at(index) + 1 == histogram.lowest_at(index + 1)
            assert index_of(histogram.highest_at(index)) == index


@given(SPARSE)
def test_extremes_and_mean_are_those_of_hdrhistogram(sparse: dict[int, int]) -> None:
    counts = histogram.from_sparse(list(sparse.items()))
    other = fresh()
    for index, count in sparse.items():
        other.record_value(histogram.lowest_at(index), count)
    assert histogram.total(counts) == other.get_total_count()
    assert histogram.minimum(counts) == other.get_min_value()
    assert histogram.maximum(counts) == other.get_max_value()
    assert histogram.mean(counts) == pytest.approx(other.get_mean_value(), rel=1e-12)


@given(SPARSE, SPARSE)
def test_merged_counts_are_those_of_all_values(one: dict[int, int], other: dict[int, int]) -> None:
    parts = [histogram.from_sparse(list(sparse.items())) for sparse in (one, other)]
    together = histogram.from_sparse([*one.items(), *other.items()])
    assert (histogram.merge(parts) == together).all()
    assert histogram.from_sparse(histogram.to_sparse(together)).tolist() == together.tolist()


@pytest.mark.parametrize(
    "pairs",
    [[[0]], [[0, 1, 2]], ["01"], [[0.0, 1]], [[0, True]], [[-1, 1]], [[histogram.COUNTS, 1]],
     [[0, -1]], [[0, 2**60]], [None]],
)  # fmt: skip
def test_what_is_no_histogram_is_an_error(pairs: list[Any]) -> None:
    with pytest.raises(ValueError, match="histogram"):
        histogram.from_sparse(pairs)
