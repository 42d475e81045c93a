#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Multiprocess Fibonacci server with a pool: --workers processes, forked once, accept in turn.

A connection costs no fork, and all cores compute. One that is kept alive keeps its process: more
clients than processes wait in the listen queue.
"""

import fibfork
import fibserver
from fibcores import available_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    workers = options.workers or available_cores()
    listener = fibserver.Listener(options, is_ready=False)
    tally = listener.stop.tally = fibserver.Tally(workers)

    def serve(slot: int, ready: "Callable[[], object]") -> None:
        """What a child does all its life."""
        listener.in_child()
        fibserver.require_room(listener.socket)
        ready()
        while listener.wait() is not None:
            connection = listener.accept(live=0)
            if connection is None:  # another child was faster
                continue
            tally.live[slot] = 1
            if sum(tally.live) <= options.max_connections:
                fibserver.converse(connection, options, listener.stop)
            else:
                connection.close()
                tally.refused[slot] += 1
            tally.live[slot] = 0
        listener.shut()

    fibfork.keep_running(workers, serve, listener)
    listener.close()
    listener.stop.end()


if __name__ == "__main__":
    main()
