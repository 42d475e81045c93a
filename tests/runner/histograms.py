# SPDX-License-Identifier: BSD-3-Clause
"""Where the histograms of a run count a latency, for tests that make some."""

from bisect import bisect_right

from fibench.export import histogram


def index_of(value_ns: int) -> int:
    """Where a value from 0 to HIGHEST_NS is counted."""
    return bisect_right(range(histogram.COUNTS), value_ns, key=histogram.lowest_at) - 1
