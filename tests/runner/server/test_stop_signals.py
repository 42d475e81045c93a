# SPDX-License-Identifier: BSD-3-Clause
"""A server is asked to end by the signal that its file names, and has the time that it says."""

import signal
from dataclasses import replace

import pytest
from tests.runner.small_servers import ECHO, Starter, command

from fibench.document.own_servers import STOP_SIGNALS
from fibench.server.starting import Ending

SAYS_WHICH = """
def ends(number, frame): os._exit(number)
for name in {names}: signal.signal(getattr(signal, name), ends)
"""
DEAF = "signal.signal(signal.SIGQUIT, signal.SIG_IGN)\n"


@pytest.mark.parametrize("name", STOP_SIGNALS)
def test_the_signal_that_is_named_reaches_it(start: Starter, name: str) -> None:
    number = signal.Signals[name]
    what = command(SAYS_WHICH.format(names=STOP_SIGNALS) + ECHO)
    with start(replace(what, stop_signal=number)) as running:
        assert running.stop() == Ending(status=number, signal=None, swept=0, forced=False)


def test_who_ignores_it_is_killed_when_the_grace_is_over(start: Starter) -> None:
    what = replace(command(DEAF + ECHO), stop_signal=signal.SIGQUIT, grace_s=0.1)
    with start(what) as running:
        ending = running.stop()
    assert ending.forced
    assert ending.signal == signal.SIGKILL


def test_the_grace_is_as_long_as_it_is_said(start: Starter) -> None:
    """Longer than the usual one."""
    text = """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGQUIT, signal.SIGALRM])
listen(); tell()
signal.sigwait([signal.SIGQUIT])
signal.setitimer(signal.ITIMER_REAL, 3.5)
signal.sigwait([signal.SIGALRM])
os._exit(7)
"""
    what = replace(command(text), stop_signal=signal.SIGQUIT, grace_s=60.0)
    with start(what) as running:
        assert running.stop() == Ending(status=7, signal=None, swept=0, forced=False)


def test_only_the_first_process_is_asked(start: Starter) -> None:
    """It ends those that it has started in its own way, as a master does its workers."""
    text = """
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(3))
    while True: signal.pause()
def ends(number, frame):
    told, _ = os.waitpid(pid, os.WNOHANG)
    os._exit(20 if told == 0 else 1)
signal.signal(signal.SIGTERM, ends)
listen(); tell(); serve()
"""
    with start(command(text)) as running:
        ending = running.stop()
    assert (ending.status, ending.swept) == (20, 1)
