# SPDX-License-Identifier: BSD-3-Clause
"""What tests start does not outlive them, and does not hang them: the helpers, and their use."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import ending, is_stopped, stop

from .copies import CHECKOUT

STUBBORN = """
import os, signal
for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
os.write(1, b"up\\n")
while True: signal.pause()
"""
OWN_ENDS = ("tests/conformance/process.py", "tests/faults/conftest.py", "tests/runner/warm.py")
"""Where what was started is kept, and a context or a fixture ends it."""


def test_a_block_that_fails_ends_its_process_whatever_that_ignores() -> None:
    seen = []

    def fail() -> None:
        argv = [sys.executable, "-S", "-c", STUBBORN]
        with ending(subprocess.Popen(argv, stdout=subprocess.PIPE)) as process:
            seen.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen[0].returncode == -signal.SIGKILL


def test_one_that_has_ended_keeps_its_status() -> None:
    with ending(subprocess.Popen(["sh", "-c", "exit 7"])) as process:
        process.wait()
    assert process.returncode == 7


THREADS = """
import os, threading
def spin():
    while True: pass
for _ in range(3): threading.Thread(target=spin, daemon=True).start()
os.write(1, b"up\\n")
spin()
"""


def test_what_was_stopped_is_at_once_and_with_all_its_threads() -> None:
    argv = [sys.executable, "-S", "-c", THREADS]
    with ending(subprocess.Popen(argv, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        for _ in range(20):
            assert not is_stopped(process.pid)
            assert stop(lambda: [process.pid]) == [process.pid]
            states = {
                path.read_text().rpartition(") ")[2][0]
                for path in Path(f"/proc/{process.pid}/task").glob("*/stat")
            }
            assert states == {"T"}
            os.kill(process.pid, signal.SIGCONT)
    assert not is_stopped(process.pid), "it is gone"


# Their use


def started(source: str) -> Iterator[tuple[int, str]]:
    """Where processes are started that nothing ends: the line, and what is wrong there."""
    tree = ast.parse(source)
    ended = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) == "ending"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "Popen" and id(node) not in ended:
            yield node.lineno, "Popen without ending()"
        if isinstance(node, ast.Attribute) and node.attr == "SIGSTOP" and not is_named(node, tree):
            yield node.lineno, "SIGSTOP without stop()"


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_named(signal_name: ast.Attribute, tree: ast.Module) -> bool:
    """Whether a signal is only told from others, not sent."""
    sent = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return not any(signal_name in node.args for node in sent)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("with subprocess.Popen(argv) as process: pass", [(1, "Popen without ending()")]),
        ("with a(), Popen(argv): pass", [(1, "Popen without ending()")]),
        ("def start():\n    return subprocess.Popen(argv)", [(2, "Popen without ending()")]),
        ("with ending(subprocess.Popen(argv)) as process: pass", []),
        ("os.kill(pid, signal.SIGSTOP)", [(1, "SIGSTOP without stop()")]),
        ("server.send_signal_to_all(signal.SIGSTOP)", [(1, "SIGSTOP without stop()")]),
        ("numbers - {signal.SIGSTOP}", []),
    ],
)
def test_a_start_that_nothing_ends_is_found(source: str, found: list[tuple[int, str]]) -> None:
    assert list(started(source)) == found


def test_whatever_tests_start_is_ended_and_what_they_stop_is_waited_for() -> None:
    found = [
        f"{name}:{line}: {what}"
        for path in sorted((CHECKOUT / "tests").rglob("*.py"))
        if (name := str(path.relative_to(CHECKOUT))) not in (*OWN_ENDS, "tests/processes.py")
        for line, what in started(path.read_text())
    ]
    assert found == []
