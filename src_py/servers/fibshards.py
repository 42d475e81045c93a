# SPDX-License-Identifier: BSD-3-Clause
"""Event loops that share nothing but a port: how many there are, and in what each runs.

Runs on Python 3.6.
"""

import sys
import threading

import fibfork
import fibserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


def run(options: fibserver.Options, serve: "Callable[[fibserver.Acceptor], None]") -> None:
    """Run serve(acceptor) --workers times at once, each with a listener of its own.

    In processes; in threads, where no GIL would make these take turns; just here, if it is one.
    """
    stop = fibserver.Stop()
    count = options.workers or 1
    listeners = fibserver.listen_with_each(options, count)
    stop.tally = fibserver.Tally(count)
    shards = [
        fibserver.Acceptor(options, stop, listener, slot) for slot, listener in enumerate(listeners)
    ]
    if count > 1 and has_gil():
        fibfork.keep_running(count, lambda slot: serve(shards[slot]), shards[0])
    elif count > 1:
        fibserver.announce(listeners[0], options)
        threads = [threading.Thread(target=serve, args=(shard,)) for shard in shards]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        fibserver.announce(listeners[0], options)
        serve(shards[0])
    stop.end()


def has_gil() -> bool:
    """Whether only one thread at a time runs Python."""
    asked = getattr(sys, "_is_gil_enabled", None)  # Python 3.13
    return asked is None or bool(asked())
