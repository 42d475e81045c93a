# SPDX-License-Identifier: BSD-3-Clause
"""The same application as ASGI: a coroutine for each request, all in one thread; who waits, awaits.

python3 -m uvicorn asgi_app:app
"""

import asyncio
import time

import pages


async def page() -> bytes:
    """Nothing to wait for."""
    return pages.page()


async def wait() -> bytes:
    """Call another service, and let the loop serve others meanwhile."""
    await asyncio.sleep(pages.WAIT_S)
    return pages.page()


async def block() -> bytes:
    """The same by a library that knows nothing of the loop: it stands still."""
    time.sleep(pages.WAIT_S)
    return pages.page()


async def report() -> bytes:
    """Computing does not await, and nobody else is served until it is done."""
    return pages.report()


ROUTES = {"/": page, "/wait": wait, "/block": block, "/report": report}


async def app(scope, receive, send):
    """Answer one request."""
    if scope["type"] != "http":  # "lifespan": uvicorn asks whether we want to know of start and end
        raise NotImplementedError(scope["type"])
    handler = ROUTES.get(scope["path"])
    body = b"" if handler is None else await handler()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    status = 404 if handler is None else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
