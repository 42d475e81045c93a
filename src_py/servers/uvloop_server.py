#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server on uvloop: the protocols of protocol_server.py on another loop.

uvloop is libuv behind asyncio's interface, and is installed apart from Python.
"""

import shlex
import sys

import fibclients
import fibserver
import fibshards
from protocol_server import Conversation

try:
    import uvloop
except ImportError as error:
    WHY_NOT = str(error)
else:
    WHY_NOT = ""


DESCRIPTORS = 9  # of libuv, which aborts where it gets only some of them


def serve(acceptor: fibserver.Acceptor) -> None:
    """Run one loop."""
    fibserver.require_room(acceptor.socket, DESCRIPTORS)
    fibclients.Clients(uvloop.new_event_loop(), acceptor, Conversation).run()


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__, workers=1)
    if WHY_NOT:
        fibserver.fail(
            "no uvloop for this interpreter: %s; install it: %s -m pip install uvloop"
            % (WHY_NOT, shlex.quote(sys.executable)),
            fibserver.EXIT_LACKING,
        )
    fibshards.run(options, serve)


if __name__ == "__main__":
    main()
