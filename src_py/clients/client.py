#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ask a Fibonacci server for one number: client.py HOST PORT [n]. Runs on Python 3.6."""

import re
import socket
import sys

DEFAULT_N = "30"
TIMEOUT_S = 60
USAGE = "usage: client.py HOST PORT [n]"


def ask(host: str, port: int, n: str) -> str:
    """Return what the server replies to `n` until it closes. Raises OSError."""
    with socket.create_connection((host, port), timeout=TIMEOUT_S) as connection:
        connection.sendall(n.encode("utf-8", "surrogateescape"))
        reply = b""
        while True:
            data = connection.recv(4096)
            if not data:
                return reply.decode("ascii", "backslashreplace")
            reply += data


def main(arguments: "list[str]") -> int:
    """Print function(n) and return the exit status."""
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if len(arguments) not in (2, 3):
        return complain(USAGE, 2)
    host, port = arguments[:2]
    n = arguments[2] if len(arguments) > 2 else DEFAULT_N
    if not re.match(r"[0-9]{1,5}\Z", port) or not 1 <= int(port) <= 65535:
        return complain("'%s' is not a port (1 to 65535); %s" % (port, USAGE), 2)
    if not host or not n:
        return complain("'' is not a host or a number; " + USAGE, 2)
    try:
        reply = ask(host, int(port), n)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        return complain("cannot ask %s port %s: %s" % (host, port, reason), 1)
    if not reply:
        return complain("%s port %s closed the connection without a reply" % (host, port), 1)
    # One write: print would make two where PYTHONUNBUFFERED is set, and lines of clients mix.
    sys.stdout.write("function(%s): %s\n" % (n, reply))
    return 0


def complain(what: str, status: int) -> int:
    """Say what is wrong in one line."""
    sys.stderr.write("client.py: %s\n" % what)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
