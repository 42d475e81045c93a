# SPDX-License-Identifier: BSD-3-Clause
"""`invoke check COMMAND`: the conformance suite for one server of the user's own.

It is started once before all tests, so that a program that is missing, or that never listens, is
told in a line, and not by a hundred tests. Paths in its command are those of the person, so that
pytest is started where they stand.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fibench import called
from fibench.commands import WRONG_INPUT, Refused
from fibench.commands.build import built_or_refused
from fibench.develop.testing import (
    conclusion,
    passes_of_pytest,
    refuse_without_pytest,
    run_pytest,
    worst_status,
)
from fibench.folders import Places, origin
from fibench.parameters import FRAMINGS
from fibench.wording import escaped, suggestion

OPTIONS, PORT = "{options}", "{port}"
_EXAMPLE = "check './my_server {port}'"
_START_LIMIT_S = 10.0


@dataclass(frozen=True)
class Asked:
    """A server of the user's own, as the suite starts it."""

    command: Sequence[str]
    """Its words; in them {port}, and {options} where it takes those of the protocol."""
    framing: str
    """What it speaks; empty: the first, or with {options} both."""
    serves: str
    """How many connections it serves at once: a number, "workers" or "any"."""

    def variables(self) -> dict[str, str]:
        """What the suite is told it by: tests/conformance/backends.py."""
        told = {"FIBENCH_COMMAND": json.dumps(list(self.command)), "FIBENCH_ONLY_OWN": "1"}
        told |= {"FIBENCH_FRAMING": self.framing} if self.framing else {}
        return {**told, "FIBENCH_SERVES": self.serves or "any"}


def asked(command: str, framing: str, serves: str) -> Asked:
    """What a person has asked to be checked. Raises Refused."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        what = f"the command has an open quote: {escaped(command[:100])}"
        raise Refused(what, f"`{called.command(_EXAMPLE)}`", WRONG_INPUT) from error
    if not any(PORT in word for word in words):
        what = f"{escaped(command[:100])} lacks {PORT}: the server must be told its port"
        raise Refused(what, f"`{called.command(_EXAMPLE)}`", WRONG_INPUT)
    if framing and framing not in FRAMINGS:
        what = f"--framing {escaped(framing[:40])}: no such framing"
        raise Refused(what, suggestion(framing, FRAMINGS), WRONG_INPUT)
    if serves and not re.fullmatch(r"any|workers|[1-9][0-9]{0,5}", serves, re.ASCII):
        what = f"--serves {escaped(serves[:40])}: not how many it serves at once"
        raise Refused(what, "a number, workers, or any", WRONG_INPUT)
    return Asked(words, framing, serves)


def check(asked: Asked, places: Places, checkout: Path, select: str) -> int:
    """Hold a server to the conformance suite; returns pytest's exit status. Raises Refused."""
    refuse_without_pytest("check")
    with built_or_refused(places, "check"):
        pass
    _refuse_what_does_not_start(asked, places)
    environment = {**os.environ, **asked.variables(), "FIBENCH_PROGRAMS": str(places.programs)}
    environment.pop("FIBENCH_FROM", None)
    arguments = [*("-c", str(checkout / "pyproject.toml"), "--rootdir", str(checkout)), "-q", "-rN"]
    arguments += [*(["-k", select] if select else []), str(checkout / "tests" / "conformance")]
    begin = time.monotonic()
    # A few tests are done before several Pythons have started; of one server none needs quiet.
    options = ["-p", "no:xdist"] if select else passes_of_pytest()[-1]
    found = run_pytest([*options, *arguments], origin(), environment)
    print(conclusion([found], True, time.monotonic() - begin), flush=True)
    print("what each test asks for: docs/demands.md", flush=True)
    return worst_status([found])


def _refuse_what_does_not_start(asked: Asked, places: Places) -> None:
    """Start it once, as tests do, and end it. Raises Refused."""
    from fibench.machine import free_port
    from fibench.server import ServerCommand, StartError
    from fibench.server.starting import start

    port = free_port("127.0.0.1")
    words = [word.replace(PORT, str(port)) for word in asked.command if word != OPTIONS]
    with tempfile.TemporaryDirectory(prefix="fibench-check-") as folder:
        try:
            start(
                ServerCommand(words, port, ready_fd=False, cwd=origin()),
                supervise=places.programs / "supervise",
                stderr_path=Path(folder, "server.err"),
                timeout_s=_START_LIMIT_S,
            ).kill()
        except StartError as error:
            raise Refused(f"the server cannot be checked: {error}", error.hint) from error
