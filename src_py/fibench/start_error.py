# SPDX-License-Identifier: BSD-3-Clause
"""Why a server did not start, told so that a person knows what to do."""

import errno
import re
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fibench.escape import escaped

StartErrorKind = Literal[
    "address-in-use",
    "bad-address",
    "never-ready",
    "exited",
    "not-found",
    "no-permission",
    "lacking",
    "not-placed",
]

STATUS_LACKING = 77
"""The exit status of a server whose design this system cannot run."""
TAIL_BYTES = 4096
TAIL_LINES = 20
LINE_CHARACTERS = 400


class StartError(Exception):
    """A server did not start. `str()` is what happened, `hint` what to do, each one line."""

    def __init__(
        self, kind: StartErrorKind, message: str, hint: str, stderr_tail: str = ""
    ) -> None:
        super().__init__(message)
        self.kind: StartErrorKind = kind
        self.message = message
        self.hint = hint
        self.stderr_tail = stderr_tail
        """The last lines the server wrote, control characters escaped."""


def tail(path: Path) -> str:
    """The end of a file, safe for a terminal: printable characters and newlines only."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        text = file.read().decode("utf-8", "backslashreplace")
    lines = [printable(line.rstrip()) for line in re.split(r"\r?\n", text)]
    return "\n".join(lines[-TAIL_LINES - 1 :]).strip("\n")


def printable(text: str) -> str:
    """One line of text from outside with everything escaped that a terminal might obey."""
    shown = escaped(text.replace("\t", " "))
    return shown if len(shown) <= LINE_CHARACTERS else shown[:LINE_CHARACTERS] + "…"


def not_executed(argv: Sequence[str], errno_text: tuple[int, str], cwd: Path) -> StartError:
    """The kernel did not execute the command: no such file, not a program, no permission."""
    number, text = errno_text
    program = printable(argv[0])
    path = cwd / argv[0]
    if number == errno.ENOENT and "/" in argv[0] and path.exists():
        with path.open("rb") as script:
            first_line = script.readline(200).decode("utf-8", "backslashreplace").rstrip()
        return StartError(
            "not-found",
            f"the interpreter of '{program}' does not exist",
            f"its first line is '{printable(first_line)}'",
        )
    if number == errno.ENOENT:
        where = f"in {cwd}" if "/" in argv[0] else "on the PATH"
        return StartError(
            "not-found",
            f"there is no program '{program}' {where}",
            "check the first word of the command",
        )
    if number == errno.EACCES:
        return StartError(
            "no-permission",
            f"'{program}' may not be executed",
            f"is it a program? `chmod +x {shlex.quote(program)}` makes it executable",
        )
    if number == errno.ENOEXEC:
        return StartError(
            "no-permission",
            f"'{program}' is not a program that this machine can execute",
            "a script needs a first line such as #!/usr/bin/env python3",
        )
    return StartError("not-found", f"'{program}' cannot be executed: {text}", "check the command")


def not_supervised(said: str) -> StartError | None:
    """`supervise` refused to start the server: it may not run where it was to run."""
    if not said.startswith("supervise: "):
        return None
    why = said.partition("\n")[0].removeprefix("supervise: ")
    return StartError(
        "not-placed",
        f"the server cannot be started as asked: {why}",
        "name CPUs of this machine in server.cpus, or leave it out",
        said,
    )


def ended_early(status: int | None, number: int | None, swept: int, said: str) -> StartError:
    """The server ended before it was ready."""
    last_line = said.rpartition("\n")[2]
    if status == STATUS_LACKING:
        return StartError(
            "lacking",
            f"this system lacks what the server needs: {last_line or 'it does not say what'}",
            "run it where that is available, or leave it out of the experiment",
            said,
        )
    if status == 0 and swept > 0:
        return StartError(
            "exited",
            "the server went into the background: its first process ended with status 0 and left "
            f"{swept} behind",
            "a server must stay in the foreground to be measured; does it have an option for that?",
            said,
        )
    if status is not None:
        how = f"ended with status {status}"
    elif number is not None:
        how = f"was killed by {_signal_name(number)}"
    else:
        how = "was lost, since its supervisor was killed"
    return StartError(
        "exited",
        f"the server {how} before it was ready" + (f": {last_line}" if last_line else ""),
        "what it wrote is in server.err" if said else "it wrote nothing; start it by hand to see",
        said,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
