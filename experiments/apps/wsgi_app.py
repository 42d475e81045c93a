# SPDX-License-Identifier: BSD-3-Clause
"""A web application as WSGI (PEP 3333): a function that is called once for each request, and keeps
a thread or a process until it returns.

    python3 -m gunicorn wsgi_app:app
"""

import time

import pages


def wait() -> bytes:
    """Call another service. Meanwhile this thread does nothing else; gevent's workers replace
    time.sleep, and serve others."""
    time.sleep(pages.WAIT_S)
    return pages.page()


ROUTES = {"/": pages.page, "/wait": wait, "/report": pages.report}


def app(environ, start_response):
    """Answer one request."""
    handler = ROUTES.get(environ["PATH_INFO"])
    if handler is None:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    body = handler()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
