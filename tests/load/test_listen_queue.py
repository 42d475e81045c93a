# SPDX-License-Identifier: BSD-3-Clause
"""A listen queue that overflows is named as the cause of what waits for it."""

import re
import socket

from .conftest import Program
from .servers import ASK_30, Action, serving

OPEN = ("--clients", "16", "--duration", "3", "--timeout", "1.5")


def test_what_a_full_listen_queue_kept_waiting_is_counted_and_named(fibload: Program) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:  # and nobody accepts
        answer = fibload.load(listener.getsockname()[1], *ASK_30, *OPEN)
    assert answer.status == 3
    named = re.search(
        r"requests given up as too old: (\d+), (?:all|(\d+) of them) waiting for a SYN or data "
        r"sent again: "
        r"a listen queue overflowed (\d+) times \(counted in the whole network namespace\)",
        answer.reasons,
    )
    assert named is not None, answer.reasons
    given_up, resent, overflowed = (int(text or named[1]) for text in named.groups())
    assert given_up == answer.counts["timeout"]
    assert 10 <= resent <= given_up, "the queue holds two, and the others wait"
    assert overflowed == answer.report["listen_overflows"] >= 14


def test_a_server_that_is_silent_is_not_taken_for_one_with_a_full_queue(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        load = ("--framing", "line", "--clients", "4", "--duration", "0.5", "--timeout", "0.2")
        answer = fibload.load(server.port, *ASK_30, *load)
    assert answer.counts["timeout"] > 0
    assert f"requests given up as too old: {answer.counts['timeout']}" in answer.reasons
    assert "sent again" not in answer.reasons
