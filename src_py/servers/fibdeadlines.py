# SPDX-License-Identifier: BSD-3-Clause
"""What is due when, for the event loops that are written out here. Runs on Python 3.6."""

import time
from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

NEVER = float("inf")


class Deadlines:
    """Those that wait equally long: who began first is due first.

    So a queue does, and any place in it can be given up, where different times would need a heap.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends = OrderedDict()  # type: OrderedDict[Any, float]

    def start(self, who: "Any") -> None:
        """Begin to wait, or begin anew."""
        self._ends[who] = time.monotonic() + self._timeout_s
        self._ends.move_to_end(who)

    def stop(self, who: "Any") -> None:
        """Wait no more, if it did."""
        self._ends.pop(who, None)

    def first(self) -> float:
        """When the first one is due, as time.monotonic() counts; NEVER: nobody waits."""
        for end in self._ends.values():
            return end
        return NEVER

    def due(self, now: float) -> "Iterator[Any]":
        """Yield those whose time was over at `now`; they wait no more."""
        while self.first() <= now:
            yield self._ends.popitem(last=False)[0]


def time_left(now: float, *deadlines: Deadlines) -> "float | None":
    """How long a loop may wait until something is due; None: as long as it likes."""
    first = min(each.first() for each in deadlines)
    return None if first == NEVER else max(0.0, first - now)
