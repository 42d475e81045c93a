#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Multiprocess Fibonacci server: a process for each connection.

Each child has an interpreter and a GIL of its own, so all cores compute; the price is a fork for
each connection.
"""

import contextlib
import multiprocessing
import os
import signal
import sys

import fibserver
from fiblifeline import Lifeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from multiprocessing.context import ForkProcess

# Since Python 3.14 the default is forkserver, which would be another design.
FORK = multiprocessing.get_context("fork")
DESCRIPTORS = 5  # the connection, and two pipes that Process.start() makes


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    lifeline = Lifeline()
    listener = fibserver.Listener(options, DESCRIPTORS)
    children = {}  # type: dict[int, ForkProcess]

    def serve(connection: "socket.socket") -> None:
        try:
            listener.close()
            listener.stop.serve_apart()
            lifeline.hold()
            fibserver.converse(connection, options, listener.stop)
        except Exception:  # else multiprocessing shows a traceback, whatever it is
            sys.excepthook(*sys.exc_info())

    def kill_children(_signal: int, _frame: object) -> None:
        for child in list(children.values()):
            with contextlib.suppress(ProcessLookupError):  # join() has just collected it
                if child.is_alive():
                    os.kill(child.pid or 0, signal.SIGKILL)

    listener.stop.instead_of_exit(kill_children)
    while True:
        ready = listener.wait()
        if ready is None:
            break
        for sentinel in ready:  # readable when its child has ended
            if sentinel in children:
                listener.unwatch(sentinel)
                reap(children.pop(sentinel))
        connection = listener.accept(live=len(children))
        if connection is None:
            continue
        child = FORK.Process(target=serve, args=(connection,))
        try:
            with listener.stop.held_back():
                start(child)
            listener.watch(child.sentinel)
        except OSError:
            if child.pid is not None:  # it runs, but its end would not be seen
                os.kill(child.pid, signal.SIGKILL)
                reap(child)
            listener.refuse(connection)
            continue
        connection.close()  # it belongs to the child now
        children[child.sentinel] = child

    listener.close()
    for child in list(children.values()):  # they answer what they have read, or are killed
        child.join()
    listener.stop.end()


def start(child: "ForkProcess") -> None:
    """Start a child, or raise OSError: there is no process to be had.

    Process.start() makes one or two pipes, and leaks them when the fork fails. A new pipe gets the
    lowest free descriptors, and there is one thread here, so we know which ones these will be.
    """
    first = os.pipe()
    try:
        pipes = first + os.pipe()
    finally:
        close(first)
    close(pipes[2:])
    try:
        child.start()
    except OSError:
        close(pipes)
        raise


def close(descriptors: "Sequence[int]") -> None:
    """Close those of the descriptors that are open."""
    for fd in descriptors:
        os.closerange(fd, fd + 1)  # close(2), but errors are ignored


def reap(child: "ForkProcess") -> None:
    """Collect a child that has ended, its CPU time included, and give back its descriptors."""
    child.join()
    if hasattr(child, "close"):  # Python 3.7
        child.close()


if __name__ == "__main__":
    main()
