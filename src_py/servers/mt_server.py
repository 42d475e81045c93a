#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Multithreaded Fibonacci server: a thread for each connection.

Waiting threads cost little, but the GIL lets only one at a time compute. On a free-threaded
interpreter the same file uses every core.
"""

import threading

import fibserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    listener = fibserver.Listener(options)
    threads = set()  # type: set[threading.Thread]

    def serve(connection: "socket.socket") -> None:
        try:
            fibserver.converse(connection, options, listener.stop)
        finally:
            threads.discard(threading.current_thread())

    while listener.wait() is not None:
        connection = listener.accept(live=len(threads))
        if connection is None:
            continue
        thread = threading.Thread(target=serve, args=(connection,), daemon=True)
        threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # "can't start new thread"
            threads.discard(thread)
            listener.refuse(connection)

    listener.close()
    for thread in list(threads):  # they answer what they have read; an alarm bounds the wait
        thread.join()
    listener.stop.end()


if __name__ == "__main__":
    main()
