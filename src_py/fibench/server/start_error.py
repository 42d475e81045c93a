# SPDX-License-Identifier: BSD-3-Clause
"""Why a server did not start, told so that a person knows what to do."""

import re
from pathlib import Path
from typing import Literal

from fibench.wording import escaped, signal_name

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
WROTE_NOTHING = "it wrote nothing; start it by hand to see"
_NO_PYTHON_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]{1,80})'")
_NO_NODE_MODULE = re.compile(r"Error: Cannot find module '(@?[\w.-]{1,80}(?:/[\w.-]{1,80})?)'")


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


def last_words(said: str) -> str:
    """The last line in which anything is said: some end a traceback with a bracket."""
    return next((line for line in reversed(said.splitlines()) if re.search(r"\w", line)), "")


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


def ended_early(
    status: int | None,
    number: int | None,
    swept: int,
    said: str,
    cause: tuple[str, str] | None = None,
) -> StartError:
    """The server ended before it was ready.

    `cause` is what is known of why, if anything: what is wrong, and what to do.
    """
    if cause is not None:
        return StartError("exited", *cause, said)
    last_line = last_words(said)
    if status == STATUS_LACKING:
        return StartError(
            "lacking",
            f"this system lacks what the server needs: {last_line or 'it does not say what'}",
            "run it where that is available, or leave it out of the experiment",
            said,
        )
    background = went_into_background(status, swept)
    if background is not None:
        return StartError("exited", *background, said)
    if status is not None:
        how = f"ended with status {status}"
    elif number is not None:
        how = f"was killed by {signal_name(number)}"
    else:
        how = "was lost, since its supervisor was killed"
    hint = "what it wrote is in server.err" if said else WROTE_NOTHING
    return StartError(
        "exited",
        f"the server {how} before it was ready" + (f": {last_line}" if last_line else ""),
        _lacks_a_module(said) or hint,
        said,
    )


def went_into_background(status: int | None, swept: int) -> tuple[str, str] | None:
    """What to say of a server whose first process has ended as one does that makes itself a daemon,
    be it before it was ready or just then: what happened, and what to do."""
    if status != 0 or swept == 0:
        return None
    first = "its first process ended with status 0"
    return (
        f"the server went into the background: {first} and left {swept} behind",
        "a server must stay in the foreground to be measured; does it have an option for that?",
    )


def _lacks_a_module(said: str) -> str | None:
    """What to do where a server's Python, or Node, says that it lacks a module."""
    if found := _NO_PYTHON_MODULE.search(said):
        name = found[1].partition(".")[0]
        return (
            f"the Python that runs it has no module {name}: is that its name, and is it started in "
            f"the folder where it is? What others wrote is installed: `pip install {name}`"
        )
    if found := _NO_NODE_MODULE.search(said):
        return f"node finds no module {found[1]}: install it beside the server (`npm install`)"
    return None
