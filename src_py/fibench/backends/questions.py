# SPDX-License-Identifier: BSD-3-Clause
"""A program that may be a Python is asked something: whatever it is, what it answers is bounded in
time and in size."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ANSWER_LIMIT_S = 20.0
MOST_SAID_BYTES = 1 << 16
"""On each of its streams. A Python says less than a thousandth of that; some start with advice."""


class NoAnswer(Exception):
    """It cannot be asked, or says nothing of use; the text is what it does, a clause without its
    subject."""


@dataclass(frozen=True)
class ProgramAnswer:
    """What a program said, and how it ended: its exit status, or the signal's number below 0."""

    out: bytes
    err: bytes
    status: int


def answer(
    program: str,
    question: str,
    folder: str | Path,
    environ: Mapping[str, str],
    limit_s: float,
) -> ProgramAnswer:
    """Start `PROGRAM -c QUESTION` in a folder, and take what it says to its end. Raises NoAnswer.

    It is started in our group of processes, so that a Ctrl-C ends it with us.
    """
    try:
        process = subprocess.Popen(
            [program, "-c", question],
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except OSError as error:
        raise NoAnswer(f"cannot be started: {error.strerror}") from error
    with process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            ends = time.monotonic() + limit_s
            out, err = _read_all(process.stdout, process.stderr, ends)
            return ProgramAnswer(out, err, process.wait(max(0.0, ends - time.monotonic())))
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise NoAnswer(f"does not answer within {limit_s:g} s") from error
        finally:
            process.kill()


def _read_all(out: IO[bytes], err: IO[bytes], ends: float) -> tuple[bytes, bytes]:
    """What is written to both until nobody is left to write. Raises TimeoutError where that is not
    by `ends` (time.monotonic()), NoAnswer where it is too much."""
    said = {out.fileno(): bytearray(), err.fileno(): bytearray()}
    with selectors.DefaultSelector() as open_ones:
        for descriptor in said:
            open_ones.register(descriptor, selectors.EVENT_READ)
        while open_ones.get_map():
            left_s = ends - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            for key, _ in open_ones.select(left_s):
                piece = os.read(key.fd, MOST_SAID_BYTES)
                if not piece:
                    open_ones.unregister(key.fd)
                said[key.fd] += piece
                if len(said[key.fd]) > MOST_SAID_BYTES:
                    raise NoAnswer(f"says more than {MOST_SAID_BYTES >> 10} KiB")
    return bytes(said[out.fileno()]), bytes(said[err.fileno()])
