# SPDX-License-Identifier: BSD-3-Clause
"""Latency histograms in HdrHistogram's geometry: 1 ns to 60 s, three significant digits.

The same geometry as src_c/load/count/histogram.h. Counts are a numpy array of COUNTS whole numbers;
an index of it stands for the values from `lowest_at` to `highest_at`. fibload hands counts over as
sparse pairs, [[index, count], ...]. The tests hold both to the hdrhistogram package.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

LOWEST_NS = 1
HIGHEST_NS = 60_000_000_000
SIGNIFICANT_DIGITS = 3
_HALF_MAGNITUDE = 10
_HALF = 1 << _HALF_MAGNITUDE
_SUB_BUCKETS = 2 * _HALF
_BUCKETS = 26
"""The first k with 2048 << (k - 1) above the highest value."""
COUNTS = (_BUCKETS + 1) * _HALF

Counts = NDArray[np.int64]


def lowest_at(index: int) -> int:
    """The smallest value, in ns, that is counted at an index."""
    shift = _shift_at(index)
    return (index - (shift << _HALF_MAGNITUDE)) << shift


def highest_at(index: int) -> int:
    """The largest value, in ns, that is counted at an index."""
    return lowest_at(index) + (1 << _shift_at(index)) - 1


def median_at(index: int) -> int:
    """The value, in ns, that stands for all that are counted at an index."""
    return lowest_at(index) + ((1 << _shift_at(index)) >> 1)


def empty() -> Counts:
    """Counts of nothing."""
    return np.zeros(COUNTS, dtype=np.int64)


def from_sparse(pairs: Iterable[object]) -> Counts:
    """Counts from fibload's pairs of index and count; an index that comes twice is added up.

    Raises ValueError for what is no such pair, or lies outside the geometry.
    """
    counts = empty()
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError("a histogram's count is not a pair of index and count")
        index, count = pair
        if type(index) is not int or type(count) is not int:
            raise ValueError("a histogram's index and count are whole numbers")
        if not 0 <= index < COUNTS or not 0 <= count < 2**53:
            raise ValueError(f"a histogram cannot have {count} at index {index}")
        counts[index] += count
    return counts


def to_sparse(counts: Counts) -> list[list[int]]:
    """The pairs of index and count where there is a count, by rising index."""
    return [[int(index), int(counts[index])] for index in np.flatnonzero(counts)]


def merge(parts: Iterable[Counts]) -> Counts:
    """The counts of all parts together: percentiles come from merged counts, never from means."""
    total = empty()
    for part in parts:
        total += part
    return total


def total(counts: Counts) -> int:
    """How many values are counted."""
    return int(counts.sum())


def minimum(counts: Counts) -> int:
    """The smallest value, in ns, to the histogram's resolution; 0 when there is none."""
    used = np.flatnonzero(counts)
    return lowest_at(int(used[0])) if used.size else 0


def maximum(counts: Counts) -> int:
    """The largest value, in ns, to the histogram's resolution; 0 when there is none."""
    used = np.flatnonzero(counts)
    return highest_at(int(used[-1])) if used.size else 0


def mean(counts: Counts) -> float:
    """The mean, in ns, each value taken for the one in the middle of its index; 0.0 for none."""
    pairs = to_sparse(counts)
    number = sum(count for _, count in pairs)
    return sum(median_at(index) * count for index, count in pairs) / number if number else 0.0


def _shift_at(index: int) -> int:
    """How far values at an index were shifted right. Raises ValueError for no index."""
    if not 0 <= index < COUNTS:
        raise ValueError(f"there is no index {index}")
    return 0 if index < _SUB_BUCKETS else (index >> _HALF_MAGNITUDE) - 1
