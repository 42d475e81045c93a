# SPDX-License-Identifier: BSD-3-Clause
"""A file's text becomes tables that are right each by itself, or every fault with its place.

The same on every machine: nothing here looks at what is installed. May know `requests`, and
what that knows.
"""

from fibench.document.check import Sound, check_document
from fibench.document.depth import parse_json
from fibench.document.diagnostics import Diagnostic, ExperimentError, Source
from fibench.document.model import (
    CauseTable,
    ClaimTable,
    CrossoverTable,
    ExperimentFile,
    SustainsTable,
    json_schema,
    slug,
)
from fibench.document.overrides import Given, apply_overrides, read_overrides
from fibench.document.own_servers import LONGEST_START_S, START_TIMEOUT_S
from fibench.document.tables import Table
from fibench.document.text import brief_name, file_called, find_experiment, parse_toml
from fibench.parameters import NAME, NAME_RULE

__all__ = [
    "LONGEST_START_S",
    "NAME",
    "NAME_RULE",
    "START_TIMEOUT_S",
    "CauseTable",
    "ClaimTable",
    "CrossoverTable",
    "Diagnostic",
    "ExperimentError",
    "ExperimentFile",
    "Given",
    "Sound",
    "Source",
    "SustainsTable",
    "Table",
    "apply_overrides",
    "brief_name",
    "check_document",
    "file_called",
    "find_experiment",
    "json_schema",
    "parse_json",
    "parse_toml",
    "read_overrides",
    "slug",
]
