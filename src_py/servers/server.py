#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Synchronous Fibonacci server: accepts, answers and closes one connection at a time.

While one client is served, all others wait in the listen queue: the baseline to compare with.
"""

import fibserver


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    listener = fibserver.Listener(options)
    while listener.wait() is not None:
        connection = listener.accept(live=0)
        if connection is not None:
            fibserver.converse(connection, options, listener.stop)
    listener.close()
    listener.stop.end()


if __name__ == "__main__":
    main()
