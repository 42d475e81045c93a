# SPDX-License-Identifier: BSD-3-Clause
"""The reference of experiment files, docs/experiments.md, written from the models.

`python -m fibench.reference` prints it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fibench.document import json_schema

_HEAD = """\
# The keys of an experiment file

Written by `python -m fibench.reference` from what the runner accepts; do not edit.

A duration is text with a unit (`"200ms"`, `"1.5s"`). `[server]` and `[load]` give one value for
every cell. `[matrix]`, or several `[[matrix]]`, vary `backend` and any key but `port`: one
value or a list; every combination within a table is a cell. A key in both is an error.
"""

_TABLES = (
    ("ExperimentFile", "At the top"),
    ("ServerTable", "[server]"),
    ("LoadTable", "[load]"),
    ("PlanTable", "[plan]"),
    ("ClaimTable", "[[claim]]"),
    ("BackendTable", "[backends.NAME]: a server of your own"),
)


def experiments_reference() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD, *_lines(json.loads(json_schema()))]) + "\n"


def _lines(schema: Mapping[str, Any]) -> Iterator[str]:
    tables = {**schema["$defs"], "ExperimentFile": schema}
    for name, title in _TABLES:
        table = tables[name]
        yield f"## {title}\n"
        yield from ("| key | default | meaning |", "|---|---|---|")
        required = set(table.get("required", ()))
        for key, entry in table["properties"].items():
            default = "required" if key in required else _default(entry.get("default"))
            yield f"| `{key}` | {default} | {_cell(entry.get('description', ''))} |"
        yield ""


def _default(value: object) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return f"`{_cell(json.dumps(value))}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(experiments_reference(), end="")
