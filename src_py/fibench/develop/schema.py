# SPDX-License-Identifier: BSD-3-Clause
"""Prints experiment.schema.json, which editors check experiment files with."""

from fibench.document import json_schema

if __name__ == "__main__":
    print(json_schema(), end="")
