# SPDX-License-Identifier: BSD-3-Clause
"""The standard streams carry everything, or say whose fault it is."""

import os
import subprocess
import sys

import pytest
from tests.here import CHECKOUT

from fibench.streams import NARROWEST, WIDEST, plain, settle_size


def said(body: str, redirection: str = "", **extra: str) -> tuple[int, bytes, bytes]:
    """A Python, isolated as ./dev starts it, whose streams are prepared: its status, its words."""
    begin = f"import sys\nsys.path.insert(0, {str(CHECKOUT / 'src_py')!r})\n"
    program = f"{begin}from fibench import streams\nopened = streams.prepare()\n{body}"
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-I", "-c", program],
        env={**os.environ, **extra},
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("encoding", "out"),
    [("utf-8", "2 × 3 µs – é"), ("ascii", "2 x 3 us - \\xe9"), ("latin-1", "2 × 3 µs - é")],
)
def test_what_an_encoding_lacks_is_written_in_plain_characters(encoding: str, out: str) -> None:
    status, output, error = said("print('2 × 3 µs – é')", PYTHONIOENCODING=encoding)
    assert (status, output.decode(encoding), error) == (0, f"{out}\n", b"")


def test_an_encoding_that_nobody_knows_is_passed_over() -> None:
    status, output, _ = said("print('×')", PYTHONIOENCODING="no-such", LC_ALL="C.UTF-8")
    assert (status, output.decode()) == (0, "×\n")


def test_a_full_standard_output_is_called_by_its_name() -> None:
    body = (
        "try:\n    print('x', flush=True)\nexcept OSError as error:\n"
        "    print(error.filename, error.strerror, file=sys.stderr)\n    streams.discard_output()"
    )
    assert said(body, ">/dev/full") == (0, b"", b"standard output No space left on device\n")


def test_a_full_standard_error_ends_nothing() -> None:
    assert said("print('x', file=sys.stderr, flush=True)\nprint('y')", "2>/dev/full") == (
        0,
        b"y\n",
        b"",
    )


@pytest.mark.parametrize(
    ("closed", "out", "error"), [("2>&-", b"True\n", b""), ("<&-", b"True\n", b"")]
)
def test_a_stream_that_is_closed_is_told_and_nothing_else_takes_its_place(
    closed: str, out: bytes, error: bytes
) -> None:
    assert said("print(opened)\nassert open('/dev/null').fileno() > 2", closed) == (0, out, error)


def test_a_closed_standard_output_is_told() -> None:
    body = "print(opened, file=sys.stderr)\nassert open('/dev/null').fileno() > 2"
    assert said(body, ">&-") == (0, b"", b"False\n")


@pytest.mark.parametrize("columns", [str(NARROWEST), "80", str(WIDEST)])
def test_a_width_that_can_be_is_kept(columns: str) -> None:
    environ = {"COLUMNS": columns, "LINES": "1"}
    settle_size(environ)
    assert environ == {"COLUMNS": columns, "LINES": "1"}


@pytest.mark.parametrize("columns", ["", "0", "-1", "19", "1001", "wide", "٨٠", "9" * 5000])
def test_a_width_that_cannot_be_is_forgotten(columns: str) -> None:
    environ = {"COLUMNS": columns, "LINES": "0", "OTHER": "x"}
    settle_size(environ)
    assert environ == {"OTHER": "x"}


def test_plain_text_is_left_as_it_is() -> None:
    assert plain("".join(map(chr, range(128)))) == "".join(map(chr, range(128)))
    assert plain("±∞…─÷").isascii()
