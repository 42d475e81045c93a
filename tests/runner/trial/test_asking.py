# SPDX-License-Identifier: BSD-3-Clause
"""Trials of servers that are asked for requests of the file."""

from pathlib import Path
from typing import Any

import pytest
from tests.runner.asked_servers import file_of, record_of, records_of, valid

PAGE = "    for _ in requests(connection): http(connection, b'Hello')"
GET = '[requests.it]\nget = "/"\n'
PONG = "    for _ in requests(connection, b'\\r\\n'): connection.sendall(b'+PONG\\r\\n')"
PING = '[requests.it]\nsend = "PING\\r\\n"\nexpect = "+PONG\\r\\n"\n'
ECHO = """\
    while True:
        data = connection.recv(65536)
        if not data: return
        connection.sendall(data)"""


def test_what_the_file_does_not_say_must_be_as_in_the_check(programs: Path, tmp_path: Path) -> None:
    record = valid(file_of(PAGE, GET), programs, tmp_path)
    assert record["checks"]["check_s"] > 0
    assert record["checks"]["computing_s"] is None
    assert record["parameters"]["framing"] == "http"
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [
        *("load.err", "load.json", "server.err")
    ]


@pytest.mark.parametrize(
    "expect",
    ['"Hello"', "{ bytes = 5 }", "{ status = 200 }", '{ status = 200, body = "Hello" }'],
)
def test_what_the_file_says_must_come(programs: Path, tmp_path: Path, expect: str) -> None:
    valid(file_of(PAGE, f"{GET}expect = {expect}\n"), programs, tmp_path)


@pytest.mark.parametrize("clients", [1, 4])
def test_a_body_that_varies_is_told_from_a_server_that_fails(
    programs: Path, tmp_path: Path, clients: int
) -> None:
    varies = "    for _ in requests(connection): http(connection, b'%09d' % next(numbers))"
    axes = f'request = "it"\nclients = {clients}'
    record = record_of(file_of(varies, GET, axes), programs, tmp_path)
    assert record["failure"] == ("invalid" if clients == 1 else "wrong-reply")
    assert "its body" in record["reason"]
    assert '"000000' in record["reason"], "what came, where it differs first"
    assert "if it varies, write expect = { status = 200 } in [requests.it]" in record["hint"]
    (tmp_path / "any").mkdir()
    text = file_of(varies, f"{GET}expect = {{ status = 200 }}\n", axes)
    valid(text, programs, tmp_path / "any")


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("302 Found", "it is a redirect: ask for what it leads to, or write expect"),
        ("500 Oh", "the server fails at it: what the server wrote"),
        ("404 No", "is the path right, and what it is asked with?"),
    ],
)
def test_another_status_has_words_of_its_own(
    programs: Path, tmp_path: Path, status: str, hint: str
) -> None:
    answers = f"    for _ in requests(connection): http(connection, b'', b'{status}')"
    record = record_of(file_of(answers, GET), programs, tmp_path)
    assert (record["failure"], record["window_opened"]) == ("wrong-reply", False)
    assert record["reason"].startswith("[requests.it]: the server answers wrongly: ")
    assert f"HTTP/1.1 {status[:3]}" in record["reason"]
    assert record["hint"].startswith(hint)
    assert f"expect = {{ status = {status[:3]} }} in [requests.it]" in record["hint"]


def test_a_server_that_fails_under_load_was_right_before(programs: Path, tmp_path: Path) -> None:
    fails = """\
    for _ in requests(connection):
        http(connection, b"Hello", b"200 OK" if next(numbers) < 20 else b"503 Busy")"""
    record = record_of(file_of(fails, GET), programs, tmp_path)
    assert (record["failure"], record["window_opened"]) == ("invalid", True)
    assert "its status differs" in record["reason"]
    assert "503" in record["reason"]
    assert record["hint"].startswith("the server fails at it")


def test_who_closes_in_the_middle_of_a_reply_is_told_so(programs: Path, tmp_path: Path) -> None:
    cuts = """\
    for _ in requests(connection):
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nHel")
        connection.shutdown(socket.SHUT_WR); return"""
    record = record_of(file_of(cuts, GET), programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert "the server gives up before it has answered: " in record["reason"]
    assert "closed the connection before its reply was complete" in record["reason"]


def test_who_is_silent_is_not_waited_for_longer_than_the_timeout(
    programs: Path, tmp_path: Path
) -> None:
    silent = "    for _ in requests(connection): pass"
    text = file_of(silent, GET).replace('timeout = "5s"', 'timeout = "0.3s"')
    record = record_of(text, programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert "its reply was not complete within 0.3" in record["reason"]
    assert "raise timeout" in record["hint"]


@pytest.mark.parametrize("pipeline", [1, 16])
def test_bytes_are_asked_for_and_compared(programs: Path, tmp_path: Path, pipeline: int) -> None:
    axes = f'request = "it"\npipeline = {pipeline}'
    record = valid(file_of(PONG, PING, axes), programs, tmp_path)
    assert record["parameters"]["framing"] == "bytes"


def test_other_bytes_are_shown_where_they_differ(programs: Path, tmp_path: Path) -> None:
    pang = PONG.replace("PONG", "PANG")
    record = record_of(file_of(pang, PING), programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert 'differs at byte 2: "+PANG' in record["reason"]
    assert "expect in [requests.it]" in record["hint"]


@pytest.mark.parametrize("size", [1, 64, 100_000])
def test_an_echo_is_what_was_sent(programs: Path, tmp_path: Path, size: int) -> None:
    request = '[requests.it]\nsend = { bytes = "{size}" }\nexpect = "same"\n'
    valid(file_of(ECHO, request, f'request = "it"\nsize = {size}'), programs, tmp_path)


GREETS = "    connection.sendall(b'HI %d\\r\\n' % next(numbers))\n" + PONG


def test_a_greeting_is_no_reply(programs: Path, tmp_path: Path) -> None:
    valid(file_of(GREETS, f'{PING}opening = [{{ expect = "*" }}]\n'), programs, tmp_path)


def test_a_server_that_speaks_first_is_not_taken_for_one_that_answers(
    programs: Path, tmp_path: Path
) -> None:
    record = record_of(file_of(GREETS, PING), programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert '"HI ' in record["reason"]
    assert 'a greeting belongs into opening = [{ expect = "*" }]' in record["hint"]


def test_another_greeting_than_the_file_says_is_told_so(programs: Path, tmp_path: Path) -> None:
    text = file_of(GREETS, f'{PING}opening = [{{ expect = "HELLO\\r\\n" }}]\n')
    record = record_of(text, programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert "a new connection begins in another way than its opening says" in record["reason"]
    assert record["hint"] == "what a new connection says first is opening in [requests.it]"


def test_a_greeting_that_changes_under_load_makes_a_trial_invalid(
    programs: Path, tmp_path: Path
) -> None:
    changes = (
        "    n = next(numbers)\n    connection.sendall(b'HI\\r\\n' if n < 20 else b'NO\\r\\n')\n"
    )
    asks = f'{PING}close = true\nopening = [{{ expect = "HI\\r\\n" }}]\n'
    record = record_of(file_of(changes + PONG, asks), programs, tmp_path)
    assert (record["failure"], record["window_opened"]) == ("invalid", True)
    assert "connections that began in another way than the opening says" in record["reason"]
    assert record["hint"] == "what a new connection says first is opening in [requests.it]"


def test_more_than_was_asked_for_is_no_reply(programs: Path, tmp_path: Path) -> None:
    more = "    for _ in requests(connection, b'\\r\\n'): connection.sendall(b'+PONG\\r\\n+PO')"
    record = record_of(file_of(more, PING), programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert "the server sends what nobody asked for" in record["reason"]
    assert "the reply is longer than expect in [requests.it]" in record["hint"]


ONE_EACH = (
    "    for _ in requests(connection, b'\\r\\n'): connection.sendall(b'+PONG\\r\\n'); return"
)


def test_a_connection_for_each_request_is_asked_for_with_close(
    programs: Path, tmp_path: Path
) -> None:
    record = valid(file_of(ONE_EACH, f"{PING}close = true\n"), programs, tmp_path)
    assert record["generator"]["clock"] == "connection"


def test_who_closes_after_each_reply_is_told_of_close(programs: Path, tmp_path: Path) -> None:
    """Who closes before the next request has come loses none: that has a connection of its own."""
    one = """\
    for number, _ in enumerate(requests(connection, b"\\r\\n")):
        if number: return
        connection.sendall(b"+PONG\\r\\n")"""
    record = record_of(file_of(one, PING), programs, tmp_path)
    assert record["failure"] == "invalid"
    assert "write close = true in [requests.it]" in record["hint"]


@pytest.mark.parametrize(
    "first",
    ["http(connection, b'Hello')", "next(requests(connection)); http(connection, b'Hello')"],
)
def test_who_answers_before_it_is_asked_or_once_alone_is_told_so(
    programs: Path, tmp_path: Path, first: str
) -> None:
    """The check asks once on each connection, and cannot know: what came was right."""
    once = f"    {first}\n    for _ in requests(connection): pass"
    text = file_of(once, GET).replace('warmup = "0s"', 'warmup = "0.1s"')
    record = record_of(text, programs, tmp_path)
    assert record["failure"] == "invalid"
    assert record["hint"].startswith("the check before was answered, and nothing since: ")
    assert "before it is asked, or the first request of a connection alone?" in record["hint"]
    assert "write close = true in [requests.it]" in record["hint"]


def test_a_server_of_http_may_close_after_any_reply(programs: Path, tmp_path: Path) -> None:
    closes = """\
    for _ in requests(connection):
        http(connection, b"Hello", more=b"Connection: close\\r\\n")
        return"""
    record = valid(file_of(closes, GET, 'request = "it"\nclients = 4'), programs, tmp_path)
    assert record["counts"]["refused_by_cap"] == 0


KEEPS = """\
    kept = globals().setdefault("kept", [])
    for asked in requests(connection, b"\\r\\n"):
        if asked != b"GET": kept.append(asked)
        connection.sendall(b"+OK\\r\\n" if asked != b"GET" else b"%s\\r\\n" % b" ".join(kept))"""
PREPARED = """\
[requests.it]
send = "GET\\r\\n"
expect = "SET a SET b\\r\\n"
[[prepare]]
send = "SET a\\r\\n"
expect = "+OK\\r\\n"
[[prepare]]
send = "SET b\\r\\n"
expect = "*"
"""


def test_a_server_is_prepared_once_in_the_order_of_the_file(programs: Path, tmp_path: Path) -> None:
    valid(file_of(KEEPS, PREPARED, 'request = "it"\nclients = 4'), programs, tmp_path)


def test_a_preparation_that_fails_is_named(programs: Path, tmp_path: Path) -> None:
    record = record_of(file_of(KEEPS, PREPARED.replace("+OK", "+KO")), programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert record["reason"].startswith("[[prepare]] 1: the server answers wrongly")
    assert record["hint"] == "what must come is expect in [[prepare]] 1"


TWO = """\
[requests.small]
get = "/small"
expect = "/small"
[requests.large]
get = "/large"
"""
BY_PATH = "    for asked in requests(connection): http(connection, asked.split()[1])"
GROUPS = """
[[load.group]]
name = "one"
clients = 3
request = "small"
[[load.group]]
name = "other"
clients = 1
request = "large"
rate = "50/s"
[[load.group]]
name = "silent"
clients = 2
idle = true
"""


def test_groups_ask_for_requests_of_their_own(programs: Path, tmp_path: Path) -> None:
    record = valid(file_of(BY_PATH, TWO, "", GROUPS), programs, tmp_path)
    counts = {name: group["counts"] for name, group in record["groups"].items()}
    assert counts["one"]["window_ok"] > 0
    assert counts["silent"] == {"lost": 0}
    assert record["groups"]["one"]["metrics"]["throughput_per_s"] > 0


SHARED = """\
    place = globals().setdefault("place", [b""])
    meeting = globals().setdefault("meeting", threading.Barrier(2))
    for asked in requests(connection):
        place[0] = asked.split()[1]
        try:
            meeting.wait(0.1)
        except threading.BrokenBarrierError:
            meeting.reset()
        http(connection, place[0])"""


def test_what_clients_share_is_found_by_asking_for_all_of_it_at_once(
    programs: Path, tmp_path: Path
) -> None:
    asked = TWO + 'expect = "/large"\n'
    record = record_of(file_of(SHARED, asked, "", GROUPS), programs, tmp_path)
    assert record["failure"] == "wrong-reply"
    assert "clients at once: the server answers wrongly" in record["reason"]


def test_a_window_shorter_than_a_request_is_said_to_be_so(programs: Path, tmp_path: Path) -> None:
    slow = "    for _ in requests(connection): time.sleep(0.7); http(connection, b'Hello')"
    record = record_of(file_of(slow, GET), programs, tmp_path)
    assert record["failure"] == "invalid"
    assert record["checks"]["check_s"] >= 0.7
    assert "the window must be longer (duration)" in record["hint"]


def test_each_cell_has_its_own_values_in_its_requests(programs: Path, tmp_path: Path) -> None:
    asks = '[requests.it]\nget = "/{page}"\nexpect = "/{page}"\n'
    text = file_of(BY_PATH, asks, 'request = "it"\npage = ["a", "b"]')
    records = list(records_of(text, programs, tmp_path))
    assert [record["label"] for record in records] == ["own page=a", "own page=b"]
    assert all(record["valid"] for record in records), [record["reason"] for record in records]
    assert len({record["parameters"]["asked"] for record in records}) == 2


@pytest.mark.needs("strace")
def test_system_calls_of_a_request_are_counted(programs: Path, tmp_path: Path) -> None:
    claim = """\
[[claim]]
says = "One call sends a reply"
value = { backend = "own" }
metric = "syscalls_per_request"
below = 100
"""
    record = valid_calls(file_of(PONG, PING) + claim, programs, tmp_path)
    assert record["calls_per_request"]["sendto"] == pytest.approx(1.0, abs=0.05)


def valid_calls(text: str, programs: Path, folder: Path) -> dict[str, Any]:
    record = record_of(text, programs, folder, "syscalls")
    assert record["valid"], record["reason"]
    return dict(record["syscalls"])


FILES = """\
    place = sys.argv[2]
    for asked in requests(connection):
        http(connection, open(place + asked.split()[1].decode(), "rb").read())"""


def test_files_of_a_server_and_what_is_asked_for_are_made_of_the_same_values(
    programs: Path, tmp_path: Path
) -> None:
    more = """\
[backends.own.files]
"page.txt" = "size {size}, {other}"
"block" = { bytes = "{size}" }
[requests.page]
get = "/page.txt"
expect = "size {size}, {other}"
[requests.block]
get = "/block"
expect = { bytes = "{size}" }
"""
    text = file_of(FILES, more, 'request = ["page", "block"]\nsize = [7, 3000]')
    text = text.replace('"{port}"]', '"{port}", "{dir}"]')
    for record in records_of(text, programs, tmp_path):
        assert record["valid"], record["reason"]
