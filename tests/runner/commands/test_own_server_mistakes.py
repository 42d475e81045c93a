# SPDX-License-Identifier: BSD-3-Clause
"""The mistakes of docs/own-server.md, made as a person makes them: what is said, and the status."""

import socket
from typing import NamedTuple

import pytest
from tests.here import require
from tests.runner.commands.own_server_page import Mistake, is_shown, mistakes
from tests.runner.desk import Desk
from tests.runner.small_servers import HOST

from fibench.server.starting import free_port

MISTAKES = mistakes()
SERVER = """\
import itertools, os, socket, sys, threading
numbers = itertools.count(1)
def asked(connection):
    while data := connection.recv(65536):
        yield data
def converse(connection):
    with connection:
        try:
            talk(connection)
        except OSError:
            pass
def head(status, size):
    return b"HTTP/1.1 %s\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, size)
def talk(connection):
{talk}
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
{then}
while True:
    connection, _ = listener.accept()
    threading.Thread(target=converse, args=(connection,), daemon=True).start()
"""
FILE = """\
title = "t"

[backends.mine]
command = ["python3", "server.py", "{port}"]

[requests.it]
get = "/"

[matrix]
backend = "mine"
request = "it"
clients = 4

[load]
timeout = "1s"
"""
GET = 'get = "/"'
PING = 'send = "PING\\r\\n"\nexpect = "+PONG\\r\\n"'
RIGHT = 'for _ in asked(connection): connection.sendall(head(b"200 OK", 5) + b"Hello")'
PONGS = 'for _ in asked(connection): connection.sendall(b"+PONG\\r\\n")'
GREETS = f'connection.sendall(b"220 hello\\r\\n")\n    {PONGS}'


class Made(NamedTuple):
    """What makes a mistake: the file's text in place of another, and how the server talks."""

    right: str = ""
    wrong: str = ""
    talk: str = RIGHT
    then: str = ""
    """What the server does when it listens."""
    server: str | None = None


def answers(status: str, body: str = 'b""') -> str:
    return (
        f"for _ in asked(connection): body = {body}; "
        f'connection.sendall(head(b"{status}", len(body)) + body)'
    )


TELLS = '"server.py", "{port}"'
BUILD = 'build = ["cc", "-o", "server", "server.c"]'
FORKS = "import signal\nif os.fork():\n    os._exit(0)\nos.setsid()"
MADE: dict[str, list[Made]] = {
    "`{worker}` for `{workers}`": [Made(TELLS, f'{TELLS}, "{{worker}}"')],
    "A literal brace in a command": [Made(TELLS, f"{TELLS}, '{{\"a\": 1}}'")],
    "The server is not told its port": [Made(TELLS, '"server.py"')],
    "A NUL in `env`": [Made('"{port}"]', '"{port}"]\nenv = { KEY = "a\\u0000b" }')],
    "A file outside of `{dir}`": [
        Made('"{port}"]\n', '"{port}"]\n\n[backends.mine.files]\n"../app.conf" = "debug = no"\n')
    ],
    "Nothing says where a reply to `send` ends": [Made(GET, 'send = "PING\\r\\n"')],
    "Nobody asks for the request": [Made('request = "it"\n', "")],
    "A claim that fits several cells": [
        Made(
            "clients = 4\n",
            'clients = [1, 4]\n\n[[claim]]\nsays = "It is fast"\nvalue = { backend = "mine" }\n'
            'metric = "throughput"\nabove = 1\n',
        )
    ],
    "The port is taken": [Made('"{port}"]', '"{port}"]\nport = TAKEN')],
    "The build fails": [Made('"{port}"]', f'"{{port}}"]\n{BUILD}')],
    "The program is not there": [
        Made('"python3", "server.py"', '"./server"'),
        Made('"python3", "server.py"', '"uvicron"'),
    ],
    "The server ends at once": [Made(server="import flasc")],
    "It listens elsewhere": [
        Made(
            f"{TELLS}]",
            '"server.py", "OTHER", "{port}"]\nstart_timeout = "0.5s"',
        )
    ],
    "It goes into the background": [Made(then=FORKS)],
    "A redirect": [Made(talk=answers("302 Found"))],
    "404, 401, 403": [Made(talk=answers("404 Not Found"))],
    "5xx under load": [
        Made(
            talk="for _ in asked(connection): "
            'status = b"200 OK" if next(numbers) < 20 else b"503 Service Unavailable"; '
            'connection.sendall(head(status, 5) + b"Hello")'
        )
    ],
    "A body that varies": [Made(talk=answers("200 OK", "b'%d' % next(numbers)"))],
    "It closes too early": [
        Made(talk='next(asked(connection)); connection.sendall(head(b"200 OK", 5) + b"Hel")')
    ],
    "It closes after each reply": [
        Made(
            GET,
            PING,
            talk="for n, _ in enumerate(asked(connection)):\n"
            '        if n: return\n        connection.sendall(b"+PONG\\r\\n")',
        )
    ],
    "It speaks first": [Made(GET, PING, talk=GREETS)],
    "It greets otherwise": [
        Made(GET, f'{PING}\nopening = [{{ expect = "220 mail\\r\\n" }}]', talk=GREETS)
    ],
    "It answers before it is asked, or only once": [
        Made(
            talk='connection.sendall(head(b"200 OK", 5) + b"Hello")\n'
            "    for _ in asked(connection): pass"
        )
    ],
    "It answers more than `expect` says": [
        Made(GET, PING, talk=PONGS.replace("PONG\\r\\n", "PONG\\r\\nmore\\r\\n"))
    ],
    "It is silent": [Made(GET, PING, talk="for _ in asked(connection): pass")],
    "It speaks no HTTP": [
        Made(talk='for _ in asked(connection): connection.sendall(b"hello\\r\\n")')
    ],
}
CASES = [
    pytest.param(made, said, id=f"{title} {number}")
    for title, all_made in MADE.items()
    for number, (made, said) in enumerate(
        zip(all_made, MISTAKES.get(title, ()), strict=False), start=1
    )
]


def test_each_mistake_of_the_page_is_made_here() -> None:
    assert [(title, len(said)) for title, said in MISTAKES.items()] == [
        (title, len(made)) for title, made in MADE.items()
    ]


@pytest.mark.parametrize(("made", "said"), CASES)
def test_a_mistake_is_explained_as_the_page_says(desk: Desk, made: Made, said: Mistake) -> None:
    if BUILD in made.wrong:
        require("a C compiler")
        desk.write("int main(void) { return nothing; }\n", "server.c")
    desk.write(made.server or SERVER.format(talk=f"    {made.talk}", then=made.then), "server.py")
    assert made.right in FILE
    text = FILE.replace(made.right, made.wrong, 1) if made.right else FILE
    with socket.create_server((HOST, 0)) as taken:
        text = text.replace("TAKEN", str(taken.getsockname()[1]))
        path = desk.write(text.replace("OTHER", str(free_port(HOST))), "own.toml")
        done = desk.invoke("run", path, "--blocks", "1", "--duration", "0.1s", "--warmup", "50ms")
    printed = done.stdout + done.stderr
    assert done.returncode == said.status, printed
    assert is_shown(said.said, printed), printed
    assert "Traceback" not in printed
