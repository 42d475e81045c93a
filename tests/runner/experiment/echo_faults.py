# SPDX-License-Identifier: BSD-3-Clause
"""An experiment of a server of one's own, and what stands in it to be written wrongly."""

from tests.runner.any_servers import ECHO
from tests.runner.experiments import faults

COMMAND = 'command = ["./mine", "--port={port}", "{io_threads}"]'
ENV = 'env = { LANG = "C" }'
FILE = '"a.conf" = "{ port {port}; }"'
SEND = 'send = { bytes = "{size}" }'
POST = 'post = "/page?size={size}"'
LOAD = "[load]"


def changed(right: str, wrong: str) -> str:
    """The text with something else in the place of what is right; "; " ends a line."""
    assert ECHO.count(right) == 1, right
    return ECHO.replace(right, wrong.replace("; ", "\n"))


def check_explained(right: str, wrong: str, what: str, hint: str) -> None:
    """The text so changed has one fault, which is explained in its place."""
    found = faults(changed(right, wrong))
    assert len(found) == 1, found
    said, _, told = found[0].partition("\n")
    place, _, message = said.partition(": ")
    assert message == what
    assert place.startswith("e.toml:")
    if hint:
        assert told == hint
