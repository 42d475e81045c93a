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
        _run_in_processes(shards, serve)
    elif count > 1:
        _run_in_threads(shards, serve)
    else:
        serve(shards[0])
    stop.end()


def _run_in_processes(
    shards: "list[fibserver.Acceptor]", serve: "Callable[[fibserver.Acceptor], None]"
) -> None:
    def serve_one(slot: int, ready: "Callable[[], object]") -> None:
        shards[slot].ready = ready
        serve(shards[slot])

    fibfork.keep_running(len(shards), serve_one, shards[0])


def _run_in_threads(
    shards: "list[fibserver.Acceptor]", serve: "Callable[[fibserver.Acceptor], None]"
) -> None:
    threading.excepthook = fibserver.end_of_thread
    all_able = threading.Barrier(len(shards), action=shards[0].ready)
    threads = [threading.Thread(target=serve, args=(shard,)) for shard in shards]
    for shard, thread in zip(shards, threads):
        shard.ready = all_able.wait
        thread.start()
    for thread in threads:
        thread.join()


def has_gil() -> bool:
    """Whether only one thread at a time runs Python."""
    asked = getattr(sys, "_is_gil_enabled", None)  # Python 3.13
    return asked is None or bool(asked())
