# SPDX-License-Identifier: BSD-3-Clause
"""Text that comes from outside, as reports show it: names, labels, a server's stderr."""

from fibench.wording import shown

__all__ = ["prose", "shown"]


def prose(text: str) -> str:
    """A sentence from the experiment file: line breaks become spaces, the rest as `shown`."""
    return shown(" ".join(text.split()))
