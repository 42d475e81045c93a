# SPDX-License-Identifier: BSD-3-Clause
"""SIGINT, SIGTERM and SIGHUP: how a command ends that is told to, with 128 and the signal's number.

tasks.py of the checkout imports this on any Python, before anything that takes time. It may end the
process by itself, so that the status of who is interrupted is made here, and nowhere else; every
other one is of commands/refused.py.
"""

import contextlib
import functools
import os
import signal
import sys
from types import FrameType
from typing import Callable, List, Optional

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal has asked the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """The number of the signal that has interrupted; Python's own exception is of SIGINT."""
    number: int = getattr(interrupt, "number", signal.SIGINT)
    return number


def exit_status(number: int) -> int:
    """What a command ends with that a signal has interrupted: 130 after Ctrl-C."""
    return 128 + number


def heeded() -> List[signal.Signals]:
    """Those of the signals that end us: one that is ignored stays so (nohup(1), `&` in sh(1))."""
    return [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]


def end_at_once() -> None:
    """End on a signal with a word, where there is nothing to be put in order.

    ./dev starts Python with the signals blocked, since Python itself would answer the first of them
    with a traceback; they are let through here.
    """
    for number in heeded():
        signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def hold() -> None:
    """Keep what comes for the Python that this process is about to become."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def raise_interrupted(descendants: Callable[[int], List[int]]) -> None:
    """Raise Interrupted on a signal, after asking all descendants of a process to end.

    They are found by a function that is here already: when a signal comes, the module that it is in
    may be half there.
    """
    for number in heeded():
        signal.signal(number, functools.partial(_raise, descendants))
    sys.unraisablehook = _unraisable


def ignore() -> None:
    """Take no more notice: what is left to do is to end, and the status is known."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: Optional[FrameType]) -> None:
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(2, b"interrupted\n")
    os._exit(exit_status(number))


def _raise(
    descendants: Callable[[int], List[int]], number: int, frame: Optional[FrameType]
) -> None:
    _end_all(descendants(os.getpid()))
    if _is_importing(frame):
        _end(number, frame)
    raise Interrupted(number)


def _is_importing(frame: Optional[FrameType]) -> bool:
    """Whether an import is under way: what starts one may make another exception of ours.

    An import has nothing to put in order.
    """
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(("importlib.", "_frozen_importlib")):
            return True
        frame = frame.f_back
    return False


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Where Python would drop an exception with a word, as in a weak reference's callback."""
    if isinstance(unraisable.exc_value, Interrupted):
        _end(unraisable.exc_value.number, None)
    sys.__unraisablehook__(unraisable)


def _end_all(pids: List[int]) -> None:
    """Send SIGTERM to all that we have started, and they.

    A terminal's Ctrl-C reaches a foreground process group, kill(1) one process only, and neither
    the compilers of a ninja that is killed.
    """
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's by now
            os.kill(pid, signal.SIGTERM)
