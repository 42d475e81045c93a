# SPDX-License-Identifier: BSD-3-Clause
"""docs/demands.md has everything that is asked of a server of one's own, and nothing else."""

import json
import os
import re
import subprocess
import sys

from tests.here import CHECKOUT

PAGE = (CHECKOUT / "docs" / "demands.md").read_text()
ANY, WITH_OPTIONS = (
    set(re.findall(r"`(test_\w+)`", part)) for part in PAGE.split("\n## ")[1:3]
)  # fmt: skip


def asked(*command: str, framing: str = "", serves: str = "any") -> set[str]:
    """The tests that are collected for a server of one's own."""
    environment = {
        **os.environ, "FIBENCH_ONLY_OWN": "1", "FIBENCH_COMMAND": json.dumps(command),
        "FIBENCH_SERVES": serves,
        **({"FIBENCH_FRAMING": framing} if framing else {}),
    }  # fmt: skip
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", "-q", "--collect-only", "--all",
         "tests/conformance"],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[c-mt" not in done.stdout
    return set(re.findall(r"::(test_\w+)\[", done.stdout))


def test_the_page_has_every_test_that_a_server_with_options_is_held_to() -> None:
    command = ("./server", "{options}", "{port}")
    found = asked(*command) | asked(*command, serves="workers")
    assert found - (ANY | WITH_OPTIONS) == set()
    assert (ANY | WITH_OPTIONS) - found == set()


def test_without_options_less_is_asked_and_all_of_that_is_in_the_first_table() -> None:
    found = asked("./server", "{port}") | asked("./server", "{port}", framing="line")
    needs_options = {"test_max_n_is_the_largest_number_served"}
    assert ANY - found - needs_options == set()
    assert not ANY & WITH_OPTIONS


def test_what_the_case_was_about_is_said_in_words() -> None:
    for word in ("TCP_NODELAY", "RLIMIT_NOFILE", "IPv6", "two lines", "EMFILE", "within 2 s"):
        assert word in PAGE
