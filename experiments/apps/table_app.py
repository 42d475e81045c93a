# SPDX-License-Identifier: BSD-3-Clause
"""A WSGI application that holds a table: some 25 MiB of strings, read when it is imported.

python3 -m gunicorn --preload table_app:app
"""

TABLE = [f"the name of row {number}" for number in range(300_000)]


def one() -> int:
    """Look one row up."""
    return len(TABLE[123_456])


def walk() -> int:
    """Read every tenth row, which is on every page. CPython counts the references to an object in
    the object: who only reads it has written on its page, and has the page for itself from then on.
    """
    return sum(len(row) for row in TABLE[::10])


ROUTES = {"/one": one, "/walk": walk}


def app(environ, start_response):
    """Answer one request with a number."""
    handler = ROUTES.get(environ["PATH_INFO"])
    body = b"" if handler is None else b"%d\n" % handler()
    status = "404 Not Found" if handler is None else "200 OK"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
