# SPDX-License-Identifier: BSD-3-Clause
"""How a process ends that SIGINT, SIGTERM or SIGHUP reaches, and what it had started."""

import os
import signal
import subprocess
import sys

import pytest
from tests.here import CHECKOUT

from fibench import interruption

SIGNALS = pytest.mark.parametrize("number", interruption.ENDING, ids=lambda number: number.name)
BEGIN = "import os, signal, sys\nfrom fibench import interruption\n"


def ended(body: str, number: signal.Signals) -> tuple[int, str, str]:
    """A Python that does this, of which NUMBER is the signal: its status and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + body.replace("NUMBER", str(int(number)))],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@SIGNALS
def test_where_nothing_is_to_be_put_in_order_it_ends_with_a_word(number: signal.Signals) -> None:
    body = "interruption.end_at_once()\nos.kill(os.getpid(), NUMBER)\nprint('still there')"
    assert ended(body, number) == (128 + number, "", "interrupted\n")


@SIGNALS
def test_what_came_while_it_was_held_is_heeded_afterwards(number: signal.Signals) -> None:
    body = (
        "interruption.hold()\nos.kill(os.getpid(), NUMBER)\nprint('held', flush=True)\n"
        "interruption.end_at_once()\nprint('still there')"
    )
    assert ended(body, number) == (128 + number, "held\n", "interrupted\n")


@SIGNALS
@pytest.mark.parametrize("way", ["end_at_once()", "raise_interrupted(lambda pid: [])"])
def test_a_signal_that_is_ignored_stays_so(number: signal.Signals, way: str) -> None:
    body = (
        f"signal.signal(NUMBER, signal.SIG_IGN)\ninterruption.{way}\n"
        "os.kill(os.getpid(), NUMBER)\nprint(NUMBER in interruption.heeded())"
    )
    assert ended(body, number) == (0, "False\n", "")


@SIGNALS
def test_it_is_raised_with_its_number_after_all_descendants_were_asked_to_end(
    number: signal.Signals,
) -> None:
    body = """
child = os.fork()
if child == 0:
    signal.pause()
interruption.raise_interrupted(lambda pid: [child] if pid == os.getpid() else [])
try:
    os.kill(os.getpid(), NUMBER)
except KeyboardInterrupt as interrupt:
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status), interruption.exit_status(interruption.signal_of(interrupt)))
"""
    assert ended(body, number) == (0, f"{int(signal.SIGTERM)} {128 + number}\n", "")


@SIGNALS
def test_once_the_status_is_known_no_signal_changes_it(number: signal.Signals) -> None:
    body = (
        "interruption.raise_interrupted(lambda pid: [])\ninterruption.ignore()\n"
        "os.kill(os.getpid(), NUMBER)\nsys.exit(3)"
    )
    assert ended(body, number) == (3, "", "")


@SIGNALS
def test_a_signal_where_python_would_drop_the_exception_ends_it_all_the_same(
    number: signal.Signals,
) -> None:
    body = """
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), NUMBER)
interruption.raise_interrupted(lambda pid: [])
dropped = Dropped()
del dropped
print("still there")
"""
    assert ended(body, number) == (128 + number, "", "interrupted\n")


def test_a_bare_keyboard_interrupt_is_that_of_ctrl_c() -> None:
    assert interruption.exit_status(interruption.signal_of(KeyboardInterrupt())) == 130
