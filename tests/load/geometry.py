# SPDX-License-Identifier: BSD-3-Clause
"""HdrHistogram's steps, written again from its definition."""


def lowest_at(index: int) -> int:
    """The smallest value counted at an index of a histogram with 2048 sub-buckets."""
    bucket = max((index >> 10) - 1, 0)
    return (index - (bucket << 10)) << bucket


def highest_at(index: int) -> int:
    """The largest one."""
    return lowest_at(index + 1) - 1
