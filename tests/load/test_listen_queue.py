# SPDX-License-Identifier: BSD-3-Clause
"""A listen queue that overflows is named as the cause of what waits for it."""

import re
import socket
import threading

from .conftest import Answer, Program
from .servers import ASK_30, RIGHT, Action, serving

CLIENTS = ("--clients", "16", "--duration", "3")


def check_named(answer: Answer) -> None:
    """Hold the note to the counts: of 16 clients the queue holds two, and the others wait."""
    (note,) = (note for note in answer.report["notes"] if "sent again" in note)
    named = re.fullmatch(
        r"connections that waited for a SYN or data sent again: (\d+), requests still waiting at "
        r"the end: (\d+): a listen queue overflowed (\d+) times "
        r"\(counted in the whole network namespace\)",
        note,
    )
    assert named is not None, note
    connections, unfinished, overflowed = (int(text) for text in named.groups())
    resent = answer.report["resent"]
    assert (connections, unfinished) == (resent["connections"], resent["unfinished"])
    assert connections >= 10
    assert overflowed == answer.report["listen_overflows"] >= 14


def test_what_is_given_up_for_a_full_listen_queue_is_counted_and_named(fibload: Program) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:  # and nobody accepts
        port = listener.getsockname()[1]
        answer = fibload.load(port, *ASK_30, *CLIENTS, "--timeout", "1.5")
    assert answer.status == 3
    named = re.search(
        r"requests given up as too old: (\d+), (?:all|(\d+) of them) waiting for a SYN or data "
        r"sent again: a listen queue overflowed \d+ times",
        answer.reasons,
    )
    assert named is not None, answer.reasons
    given_up, resent = (int(text or named[1]) for text in named.groups())
    assert given_up == answer.counts["timeout"]
    assert 10 <= resent == answer.report["resent"]["timeout"] <= given_up
    check_named(answer)


def test_what_still_waits_for_a_full_listen_queue_is_named_and_takes_nothing(
    fibload: Program,
) -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:

        def serve_one() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(RIGHT)
            ended.wait()

        thread = threading.Thread(target=serve_one)
        thread.start()
        answer = fibload.load(listener.getsockname()[1], *ASK_30, *CLIENTS)
        ended.set()
        thread.join()
    assert answer.status == 0, answer.reasons
    assert answer.counts["ok"] == 1
    assert answer.counts["timeout"] == 0
    assert 10 <= answer.report["resent"]["unfinished"] <= answer.counts["unfinished"] == 16
    check_named(answer)


def test_a_server_that_is_silent_is_not_taken_for_one_with_a_full_queue(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        load = ("--framing", "line", "--clients", "4", "--duration", "0.5", "--timeout", "0.2")
        answer = fibload.load(server.port, *ASK_30, *load)
    assert answer.counts["timeout"] > 0
    assert f"requests given up as too old: {answer.counts['timeout']}" in answer.reasons
    assert "sent again" not in answer.reasons
    assert answer.report["notes"] == []
