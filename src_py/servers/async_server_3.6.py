#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server, as for Python 3.6: asyncio before it had asyncio.run().

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
    options = fibserver.parse_options(__doc__)
    stop = fibserver.Stop()
    listener = fibserver.listen(options)
    logging.basicConfig(format="%(message)s", level=logging.DEBUG)  # "Using selector: ..."
    # get_event_loop() would make the loop here, too, on 3.6; on 3.14 it does not any more.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(serve(options, stop, listener))
    loop.close()
    stop.end()


if __name__ == "__main__":
    main()
