# SPDX-License-Identifier: BSD-3-Clause
"""How the tests run fibload and read its answer."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LIMIT_S = 30  # a fibload that takes longer hangs


@dataclass(frozen=True)
class Answer:
    """What one run of fibload said."""

    status: int
    report: dict[str, Any]
    stderr: str
    edges: tuple[str, ...]  # the lines announced on --edges-fd

    @property
    def counts(self) -> dict[str, int]:
        """The outcomes, `started` among them."""
        counts: dict[str, int] = self.report["counts"]
        return counts

    @property
    def reasons(self) -> str:
        """Why the measurement is invalid, on one line; empty when it is valid."""
        return "; ".join(self.report["invalid"])


def check_identity(answer: Answer) -> None:
    """Hold a report to what is true of every run, whatever the server did."""
    report, counts = answer.report, dict(answer.counts)
    started = counts.pop("started")
    assert started == sum(counts.values())
    assert report["cut_short"] <= counts["closed"] + counts["reset"]
    window, latency, clients = report["window"], report["latency"], report["clients"]
    assert sum(window["half_ok"]) == window["ok"] <= counts["ok"]
    assert window["end_ns"] - window["begin_ns"] == window["duration_ns"]
    assert latency["count"] == window["ok"]
    assert sum(count for _, count in latency["histogram"]["counts"]) == latency["count"]
    assert clients["answered"] <= clients["connected"] <= clients["asked"]
    assert clients["connected"] <= report["connections_opened"]
    assert report["valid"] == (not report["invalid"])
    if report["interrupted"]:
        assert answer.status == 130
    else:
        assert answer.status == (0 if report["valid"] else 3)


@dataclass(frozen=True)
class Program:
    """fibload, as it is installed."""

    path: Path

    def start(self, *arguments: str, pass_fds: Sequence[int] = ()) -> "subprocess.Popen[str]":
        """Start it with its output piped."""
        return subprocess.Popen(
            [self.path, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=pass_fds,
        )

    def fails(self, *arguments: str) -> tuple[int, str]:
        """Run it where it must say no; return its status and its stderr."""
        ended = subprocess.run(
            [self.path, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert ended.stdout == ""
        return ended.returncode, ended.stderr

    def load(self, port: int, *arguments: str, interrupt: bool = False) -> Answer:
        """Run it to its end; hold what it says to the identity.

        With `interrupt` it gets a SIGINT when its window has begun.
        """
        reader, writer = os.pipe()
        with os.fdopen(reader, encoding="ascii") as edges:
            process = self.start(
                *arguments, "--edges-fd", str(writer), str(port), pass_fds=[writer]
            )
            os.close(writer)
            try:
                lines = [edges.readline()]
                if interrupt:
                    process.send_signal(signal.SIGINT)
                stdout, stderr = process.communicate(timeout=LIMIT_S)
                lines += edges.readlines()
            finally:
                process.kill()
                process.wait()
        assert stderr == ""
        answer = Answer(process.returncode, json.loads(stdout), stderr, tuple(lines))
        check_identity(answer)
        return answer


@pytest.fixture(scope="session")
def fibload(programs: Path) -> Program:
    """The load generator."""
    return Program(programs / "fibload")
