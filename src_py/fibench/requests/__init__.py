# SPDX-License-Identifier: BSD-3-Clause
"""What clients ask of any server, and what must come back: from the file's words to bytes.

Pure: it opens no socket and reads no file. May know `parameters`, and what that knows.
"""

from fibench.requests.asked import Expectation, Opening, WireRequest, digest_of
from fibench.requests.asks import LARGEST_ASKS_BYTES, asks_file
from fibench.requests.braces import fill_command, fill_known, names_in, names_in_command
from fibench.requests.rendering import RenderingError, render
from fibench.requests.template import (
    LARGEST_TEXT_BYTES,
    METHODS,
    SAME,
    Expected,
    Sized,
    Template,
    filler,
)

__all__ = [
    "LARGEST_ASKS_BYTES",
    "LARGEST_TEXT_BYTES",
    "METHODS",
    "SAME",
    "Expectation",
    "Expected",
    "Opening",
    "RenderingError",
    "Sized",
    "Template",
    "WireRequest",
    "asks_file",
    "digest_of",
    "fill_command",
    "fill_known",
    "filler",
    "names_in",
    "names_in_command",
    "render",
]
