#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fibonacci server with generators: a conversation yields what it waits for, and is resumed.

It is what `await` is. A conversation reads like that of a blocking server, but where that one
would block, a generator gives way to the others, and keeps its variables. The loop that resumes it
is in fibloop.py.
"""

import socket

import fibserver
from fibloop import NOTHING, READ, WRITE, Client, Loop
from fibprotocol import framer, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generator, TypeVar

    Result = TypeVar("Result")
    Coroutine = Generator[int, None, Result]  # what it yields are the events that it waits for


class Task(Client):
    """A generator that is under way: whenever what it waits for has come, it goes on."""

    def __init__(self, loop: Loop, connection: socket.socket) -> None:
        super().__init__(loop, connection)
        self._generator = converse(self, loop.options)

    def on_connection(self) -> None:
        """Let the generator begin: at its first `yield` it tells what it waits for."""
        self.watch(next(self._generator))

    def on_ready(self) -> None:
        """Let the generator go on to its next `yield`, which tells what it waits for then."""
        try:
            self.watch(next(self._generator))
        except (StopIteration, OSError):  # the conversation is over, or the client has gone
            self.close()

    on_time = on_ready

    def close(self) -> None:
        """End the generator where it stands."""
        self._generator.close()
        super().close()


def converse(task: Task, options: fibserver.Options) -> "Coroutine[None]":
    """Answer what one client asks: as in fibserver.py, with `yield` where that one waits."""
    frames = framer(options.framing)
    while not frames.closed:
        requests = []  # type: list[bytes]
        task.loop.idle.start(task)
        while not requests and not frames.closed:
            if not task.may_read():
                return
            data = yield from receive(task, frames.read_size)
            requests = frames.feed(data)
        task.loop.idle.stop(task)
        fibserver.log_requests(options, requests)
        for piece in replies(requests, options.max_n, frames.end, options.io_wait > 0):
            if options.io_wait > 0:
                yield from sleep(task)
            yield from send(task, piece)


def receive(task: Task, size: int) -> "Coroutine[bytes]":
    """Wait for data; none means the end."""
    while True:
        yield READ
        try:
            return task.socket.recv(size)
        except BlockingIOError:  # there is nothing, after all
            pass


def send(task: Task, data: bytes) -> "Coroutine[None]":
    """Send all of it, in as many pieces as the client takes it, in --idle-timeout altogether."""
    is_first = True
    while True:
        try:
            data = data[task.socket.send(data) :]
        except BlockingIOError:
            pass
        if not data:
            break
        if is_first:
            task.loop.idle.start(task)
        is_first = False
        yield WRITE
    task.loop.idle.stop(task)


def sleep(task: Task) -> "Coroutine[None]":
    """Wait as long as --io-wait says."""
    task.loop.waits.start(task)
    yield NOTHING


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    Loop(options, Task).run()


if __name__ == "__main__":
    main()
