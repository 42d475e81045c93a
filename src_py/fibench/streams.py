# SPDX-License-Identifier: BSD-3-Clause
"""The standard streams of a command: nothing that is printed can end it with a traceback."""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import MutableMapping
from typing import TextIO

ERRORS = "fibench-plain"
"""The codec error handler that writes plain characters for those that an encoding lacks."""
_PLAIN = str.maketrans(
    {"×": "x", "÷": "/", "±": "+/-", "µ": "u", "–": "-", "∞": "inf", "…": "...", "─": "-"}
)
NARROWEST, WIDEST = 20, 1000
"""Columns that a terminal may be said to have; any other number is a mistake."""


class _Output(io.TextIOWrapper):
    """Standard output, whose errors say that they are its own."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _named(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _named(error) from error


def _named(error: OSError) -> OSError:
    # The constructor makes a BrokenPipeError of EPIPE.
    return OSError(error.errno, error.strerror, "standard output")


class _Messages(io.TextIOWrapper):
    """Standard error: when nothing can be written there, nobody is left to be told so."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def prepare() -> bool:
    """Make the standard streams carry everything; False if standard output is closed."""
    output_is_open = sys.stdout is not None
    _open_what_is_closed()
    codecs.register_error(ERRORS, _in_plain_characters)
    sys.stdout = _carrying(_Output, sys.stdout, 1)
    sys.stderr = _carrying(_Messages, sys.stderr, 2)
    settle_size(os.environ)
    return output_is_open


def discard_output() -> None:
    """Write to nowhere what standard output still holds, and what comes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def settle_size(environ: MutableMapping[str, str]) -> None:
    """Forget a size of the terminal that cannot be one: 80 columns are assumed then."""
    for name, least in (("COLUMNS", NARROWEST), ("LINES", 1)):
        said = environ.get(name, "")
        is_number = said.isascii() and said.isdigit() and len(said) <= len(str(WIDEST))
        if name in environ and not (is_number and least <= int(said) <= WIDEST):
            del environ[name]


def _open_what_is_closed() -> None:
    """Else the next file that is opened would be standard output, for us and for what we start."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _carrying(
    kind: type[_Output] | type[_Messages], stream: TextIO | None, descriptor: int
) -> TextIO:
    encoding = _asked_encoding() or (stream.encoding if stream is not None else "utf-8")
    is_buffered = kind is _Output
    if isinstance(stream, io.TextIOWrapper):
        lines = stream.line_buffering or not is_buffered
        through = stream.write_through
        binary = stream.detach()
    else:
        lines, through = not is_buffered, False
        binary = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
    return kind(
        binary, encoding=encoding, errors=ERRORS, line_buffering=lines, write_through=through
    )


def _asked_encoding() -> str | None:
    """What PYTHONIOENCODING asks for: an isolated Python does not look."""
    name = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    try:
        return codecs.lookup(name).name if name else None
    except LookupError:
        return None


def plain(text: str) -> str:
    """The text with our signs in characters that every encoding has."""
    return text.translate(_PLAIN)


def _in_plain_characters(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = plain(error.object[error.start : error.end])
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
