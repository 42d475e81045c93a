# SPDX-License-Identifier: BSD-3-Clause
"""A server as textbooks have it, a thread for each client: it looks at no errors, so that the first
one, or SIGPIPE, ends it.

`python textbook_server.py line|message` prints its port. Asked "end", it serves those that it has
accepted and ends with status 0.
"""

import os
import signal
import socket
import sys
import threading

RIGHT = b"1346269"
END = b"end\n"


def serve(connection: socket.socket, listener: socket.socket, *, line: bool) -> None:
    """Answer until the client has no more to ask."""
    with connection, connection.makefile("rb") as requests:
        if line:
            for request in requests:
                if request == END:
                    listener.shutdown(socket.SHUT_RDWR)
                    return
                connection.sendall(RIGHT + b"\n")
        elif (request := connection.recv(256)) == END:
            listener.shutdown(socket.SHUT_RDWR)
        elif request:
            connection.sendall(RIGHT[:3])
            connection.sendall(RIGHT[3:])


def die(arguments: threading.ExceptHookArgs) -> None:
    """End the server with the error of one of its threads."""
    print(arguments.exc_type.__name__, file=sys.stderr)
    os._exit(1)


def main() -> None:
    """Serve each client in a thread."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    threading.excepthook = die
    line = sys.argv[1] == "line"
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # it was told to end
                break
            thread = threading.Thread(
                target=serve, args=(connection, listener), kwargs={"line": line}
            )
            threads.append(thread)
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
