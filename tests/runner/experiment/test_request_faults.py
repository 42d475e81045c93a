# SPDX-License-Identifier: BSD-3-Clause
"""Each fault of requests, and of one's own axes, is explained in its place."""

import pytest
from tests.runner.any_servers import ECHO
from tests.runner.experiment.echo_faults import (
    ENV,
    LOAD,
    POST,
    SEND,
    changed,
    check_explained,
)
from tests.runner.experiments import faults

DIAGNOSTICS: dict[str, tuple[str, str, str, str]] = {
    # Requests: what is changed, where it is, what is said, and what to do
    "unknown request": (
        'request = ["echo", "page"]',
        'request = ["echo", "pge"]',
        'unknown request "pge"',
        'did you mean "page"?',
    ),
    "unknown request in a claim": (
        'where = { request = "echo" }',
        'where = { request = "ech" }',
        'unknown request "ech"',
        'did you mean "echo"?',
    ),
    "nothing is asked for": (
        POST,
        "",
        "nothing is asked for",
        'write get = "/", or send = "PING\\r\\n" and expect = "+PONG\\r\\n"',
    ),
    "two ways": (POST, f'get = "/"; {POST}', "get and post are both given", "keep one of them"),
    "misspelt method": (
        POST,
        'pst = "/"',
        'unknown key "pst" in [requests.page]',
        'did you mean "post"?',
    ),
    "body of a get": (POST, 'get = "/"', "body is given for a get", "use post, put or patch"),
    "relative target": (
        POST,
        'post = "page"',
        'post "page" does not begin with /',
        'write "/page"',
    ),
    "target with a blank": (
        POST,
        'post = "/a b"',
        'post contains " ", which no path of HTTP may hold',
        "write it as %20",
    ),
    "headers beside send": (
        SEND,
        f"{SEND}; headers = {{}}",
        "headers is given beside send, which has every byte itself",
        "remove headers, or use post",
    ),
    "a header that is ours": (
        'Accept = "text/html"',
        'Content-Length = "4"',
        '"Content-Length" is not given',
        "it follows from the body",
    ),
    "a header of two lines": (
        '"text/html"',
        '"a\\r\\nb"',
        "Accept contains the character U+000D",
        "a header field is one line of text",
    ),
    "a header that is no text": (
        '"text/html"',
        "7",
        "Accept must be text, not a whole number",
        'write "7"',
    ),
    "no expectation": (
        'expect = "same"',
        "",
        "expect is missing: nothing says where the reply to send ends",
        'write expect = "+PONG\\r\\n", { bytes = 64 }, or "same"',
    ),
    "a status of bytes": (
        'expect = "same"',
        "expect = { status = 200 }",
        "expect has a status, which only replies of HTTP have",
        'use get = "/…" instead of send',
    ),
    "misspelt expectation": (
        "status = 200,",
        "state = 200,",
        'expect has the unknown key "state"',
        'did you mean "status"?',
    ),
    "both bytes and body": (
        "status = 200,",
        'body = "x",',
        "expect has both bytes and body",
        "keep one of them: body has its length",
    ),
    "a status that is none": (
        "status = 200,",
        "status = 100,",
        "expect has the status 100, which no reply ends with",
        "write a number from 200 to 599",
    ),
    "a size that is none": (
        'bytes = "{size}"',
        'bytes = "{siz}"',
        'bytes "{siz}" is no number of bytes',
        'write a number, or the name of an axis that has numbers: "{size}"',
    ),
    "a size beyond limits": (
        "size = [1, 64]",
        "size = [1, 64, 2000000]",
        "bytes 2000000 is outside 1 to 1048576",
        "",
    ),
    "sent as a list": (
        SEND,
        "send = [1]",
        "send must be text or a table, not a list",
        'write text, or { bytes = 64 }, or { bytes = "{size}" }',
    ),
    "n beside a request": (
        LOAD,
        "[load]; n = 1",
        "n applies to none of these cells",
        "requests are asked for instead: keep n, or request",
    ),
    "framing beside a request": (
        LOAD,
        '[server]; framing = "line"; [load]',
        "framing applies to none of these cells",
        "how replies end follows from what is asked for: leave framing out",
    ),
    "framing that follows": (
        LOAD,
        '[server]; framing = "http"; [load]',
        'framing "http" is not given: it follows',
        'write [requests.NAME] with get = "/"',
    ),
    "requests per connection": (
        LOAD,
        "[load]; requests_per_connection = 5",
        "requests_per_connection 5 is for Fibonacci servers",
        "write close = true in [requests.NAME]",
    ),
    "the course's clients": (
        LOAD,
        '[load]; kind = "process"',
        'kind "process" asks for numbers only',
        "client.py knows no requests",
    ),
    "one of fibench's own servers": (
        "[load]",
        '[[matrix]]; backend = "c-mt"; request = "page"; [load]',
        "c-mt answers numbers only",
        "requests of the file are for servers of your own: give them a [[matrix]]",
    ),
    "a server that is not prepared": (
        'for = "mine"',
        'for = "mina"',
        'there is no server "mina" of your own to prepare',
        'did you mean "mine"?',
    ),
    "a greeting of a size": (
        'expect = "same"',
        'expect = "same"; opening = [{ expect = { bytes = 4 } }]',
        "opening expects other than text",
        'a greeting is text, or "*" for any line',
    ),
    # Axes of one's own
    "an axis that nothing names": (
        "io_threads = 2",
        "io_threads = 2; colour = 1",
        'unknown key "colour" in [[matrix]]',
        "",
    ),
    "a misspelt axis": (
        "io_threads = 2",
        "io_thread = 2",
        'unknown key "io_thread" in [[matrix]]',
        'did you mean "io_threads"?',
    ),
    "an axis with a fraction": (
        "io_threads = 2",
        "io_threads = 2.5",
        "io_threads must be a whole number or text, not a number with a fraction",
        'text stands for anything else: "2.5"',
    ),
    "an axis in a claim": (
        "{ size = 1 }]",
        "{ siz = 1 }]",
        'unknown key "siz" in ratio',
        'did you mean "size"?',
    ),
    "an axis in the load": (
        LOAD,
        "[load]; size = 3",
        'unknown key "size" in [load]',
        "",
    ),
    "an axis without a value": (
        "io_threads = 2",
        "",
        "command has {io_threads}, which nothing gives a value",
        "",
    ),
    "a value twice": (
        "size = [1, 64]",
        "size = [1, 64, 1]",
        "size 1 is given twice",
        "remove one of them",
    ),
}


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_fault_is_explained(name: str) -> None:
    check_explained(*DIAGNOSTICS[name])


def test_pipelines_are_for_connections_that_stay() -> None:
    text = ECHO.replace(LOAD, "[load]\npipeline = 4")
    assert faults(text) == []
    (found,) = faults(text.replace('expect = "same"', 'expect = "same"\nclose = true'))
    assert found.partition(": ")[2] == (
        "pipeline 4 is for connections that stay, and a request has close\n"
        "with close each connection carries one request"
    )


def test_names_of_requests_are_as_all_names_are() -> None:
    (found,) = faults(ECHO.replace("[requests.page]", '[requests."Page"]').replace(
        '["echo", "page"]', '["echo"]'))  # fmt: skip
    assert found.startswith('e.toml:10:11: request "Page" is not allowed as a name')


def test_a_faulty_request_brings_no_others_that_only_follow() -> None:
    assert len(faults(changed(POST, 'post = "page"'))) == 1
    assert len(faults(changed(SEND, "send = 7"))) == 1
    assert len(faults(ECHO.replace(ENV, "env = 7"))) == 1


def test_requests_that_nobody_asks_for_are_pointed_at() -> None:
    text = ECHO.replace('request = ["echo", "page"]\n', "").replace(
        'where = { request = "echo" }', ""
    )
    assert (
        "e.toml:7:11: no cell asks for any of the file's requests\n"
        'add request = "echo" to [[matrix]], [load], or a client group'
    ) in faults(text)


GROUPS = '[[load.group]]; name = "a"; clients = 1; {}; [[load.group]]; name = "b"; clients = 2; {}'


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ('request = "echo"', 'request = "page"', "client groups ask for HTTP and for bytes"),
        ('request = "echo"', "n = 1", "n is given where requests are asked for"),
        ('request = "echo"', "", 'the client group "b" asks for no request, as others do'),
        ('request = "ecco"', 'request = "echo"', 'unknown request "ecco"'),
        ('request = "echo"; n = 3', 'request = "echo"', "n is given where requests are asked for"),
    ],
)
def test_client_groups_ask_for_requests_that_go_together(
    first: str, second: str, said: str
) -> None:
    text = ECHO.replace('request = ["echo", "page"]\n', "").partition("[[claim]]")[0]
    text += GROUPS.format(first, second).replace("; ", "\n")
    found = faults(text)
    assert len(found) == 1, found
    assert said in found[0]


def test_an_axis_of_another_table_of_the_matrix_has_no_value() -> None:
    text = ECHO.replace(
        "[load]", '[[matrix]]\nbackend = "mine"\nrequest = "page"\nsize = 2\n[load]'
    )
    (found,) = faults(text)
    assert found == (
        "e.toml:25:11: mine names {io_threads}, which has no value here\n"
        "give io_threads in this [[matrix]]"
    )
