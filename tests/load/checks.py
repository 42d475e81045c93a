# SPDX-License-Identifier: BSD-3-Clause
"""How the tests run fibload --check and read its answer."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asks import Ask
from .conftest import LIMIT_S, Program

HTTP = ("--framing", "http")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LEARN = Ask("get", GET, "learn")
OUTCOMES = (
    "right", "local", "refused", "timeout", "closed", "reset", "surplus", "opening", "wrong",
)  # fmt: skip
MEMBERS = {"request", "outcome", "asked", "right", "took_ns", "reason", "first_wrong"}


@dataclass(frozen=True)
class Checked:
    """What one check said."""

    status: int
    entries: list[dict[str, Any]]

    @property
    def only(self) -> dict[str, Any]:
        """What it said of the only request."""
        (entry,) = self.entries
        return entry


def check(fibload: Program, port: int, asks: str, *options: str) -> Checked:
    """Run it to its end; hold what it says to what is true whatever the server did."""
    ended = subprocess.run(
        [fibload.path, "--check", "--asks", asks, *options, str(port)],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert ended.stderr == ""
    answer = json.loads(ended.stdout)
    assert set(answer) == {"check", "valid"}
    assert ended.returncode == (0 if answer["valid"] else 1)
    entries = answer["check"]
    assert answer["valid"] == all(entry["outcome"] == "right" for entry in entries)
    for entry in entries:
        hold_entry(entry)
    return Checked(ended.returncode, entries)


def hold_entry(entry: dict[str, Any]) -> None:
    """Hold what is said of a request to what is true of all."""
    assert set(entry) == MEMBERS
    assert entry["outcome"] in OUTCOMES
    is_right = entry["outcome"] == "right"
    assert is_right == (entry["right"] == entry["asked"])
    assert is_right == (entry["reason"] is None)
    assert (entry["took_ns"] is None) == (entry["right"] == 0)
    assert entry["took_ns"] is None or entry["took_ns"] > 0
    if is_right or entry["outcome"] in ("local", "refused", "timeout", "closed", "reset"):
        assert entry["first_wrong"] is None


def files(folder: Path) -> tuple[Path, Path, tuple[str, ...]]:
    """Where to put what is learned and the replies, and the options that say so."""
    learned, replies = folder / "learned", folder / "replies"
    return learned, replies, ("--learned", str(learned), "--replies", str(replies))
