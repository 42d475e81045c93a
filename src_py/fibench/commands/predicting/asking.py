# SPDX-License-Identifier: BSD-3-Clause
"""A person is asked what they expect of each claim: on a terminal, or by lines of a pipe.

Questions are written to standard error. An answer is a line; it may be anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.experiment import Belief, Claim
from fibench.report.words import claim_needs
from fibench.wording import counted, escaped, prose

_INPUT = 0
_LONGEST_BYTES = 4096
"""Of a line: a terminal gives no longer ones."""
_KEYS = "h: it holds, d: it does not, c: too close to say, Enter alone: skip"
_BY_LINES = "answer on a terminal, or give a line for each claim: h, d, c, or an empty one"
_MEANT: Mapping[str, Belief | None] = {
    "": None,
    "s": None,
    "skip": None,
    **dict.fromkeys(("h", "hold", "holds", "it holds"), "holds"),
    **dict.fromkeys(
        ("d", "does not", "does not hold", "it does not", "it does not hold", "doesn't"),
        "does not hold",
    ),
    **dict.fromkeys(
        ("c", "close", "too close", "too close to say", "too close to tell"), "too close"
    ),
}


def ask(claims: Sequence[Claim]) -> list[tuple[Claim, Belief]]:
    """What a person expects of the claims that they have an answer to.

    Raises Refused where the input ends too early, or has a line that is no answer; on a terminal
    such a line is asked for again.
    """
    _say(f"What do you expect of {counted(len(claims), 'claim')}? {_KEYS}.")
    found = []
    with _answers() as stream:
        for place, claim in enumerate(claims):
            _say(f"\n[{place + 1}/{len(claims)}] {prose(claim.says)}")
            _say(f"      needed: {claim_needs(claim)}")
            belief = _answer(stream, place, len(claims))
            if belief is not None:
                found.append((claim, belief))
    _say("")
    return found


def _answers() -> IO[bytes]:
    """Standard input, whatever Python has made of it. Raises Refused for what is no input."""
    try:
        return open(_INPUT, "rb", buffering=0, closefd=False)
    except OSError as error:
        what = f"standard input cannot be read: {error.strerror}"
        raise Refused(what, _BY_LINES, WRONG_INPUT) from error


def _answer(stream: IO[bytes], place: int, of: int) -> Belief | None:
    """One answer; None: they have none. Raises Refused."""
    is_terminal = os.isatty(_INPUT)
    for text in _lines(stream):
        if text is None:
            _say("")
            what = f"the answers end after {place} of {of}; nothing was measured"
            raise Refused(what, _BY_LINES, WRONG_INPUT)
        if not is_terminal:
            _say("")  # nobody has pressed Enter
        meant = " ".join(text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
        if meant in _MEANT:
            return _MEANT[meant]
        what = f'"{escaped(text.strip()[:40])}" is no answer'
        if not is_terminal:
            raise Refused(f"line {place + 1} of the input: {what}", _BY_LINES, WRONG_INPUT)
        _say(f"{what}. {_KEYS}")
    raise AssertionError("the lines have no end")


def _lines(stream: IO[bytes]) -> Iterator[str | None]:
    """What is typed, line by line; None where there is no more."""
    while True:
        try:  # whoever sees the prompt may leave at once
            print("expect: ", end="", file=sys.stderr, flush=True)
            line = stream.readline(_LONGEST_BYTES)
        except KeyboardInterrupt:
            _say("")
            raise
        except OSError:  # the terminal has gone
            line = b""
        yield line.decode("utf-8", "replace") if line else None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
