#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server: asyncio streams, a coroutine for each connection on one loop.

Waiting is free, so it shines where requests wait; computing stops the loop, and with it everyone.
"""

import asyncio
import logging
import socket

import fibasync
import fibserver


async def serve(options: fibserver.Options, stop: fibserver.Stop, listener: socket.socket) -> None:
    """Serve until a signal."""
    clients = fibasync.Conversations(options, stop)
    clients.listen(listener)
    fibserver.announce(listener, options)
    await clients.until_told_to_stop()
    await clients.finish()


def main() -> None:
    """Read the command line and run the event loop."""
    fibserver.require_python(3, 7, "asyncio.run")
    options = fibserver.parse_options(__doc__)
    stop = fibserver.Stop()
    listener = fibserver.listen(options)
    logging.basicConfig(format="%(message)s", level=logging.DEBUG)  # "Using selector: ..."
    asyncio.run(serve(options, stop, listener))
    stop.end()


if __name__ == "__main__":
    main()
