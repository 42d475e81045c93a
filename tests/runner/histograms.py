# SPDX-License-Identifier: BSD-3-Clause
"""Where the histograms of a run count a latency, for tests that make some."""

from bisect import bisect_right
from functools import cache

from fibench.export import histogram


def index_of(value_ns: int) -> int:
    """Where a value from 0 to HIGHEST_NS is counted."""
    return bisect_right(_lowest(), value_ns) - 1


@cache
def _lowest() -> list[int]:
    return [histogram.lowest_at(index) for index in range(histogram.COUNTS)]
