# SPDX-License-Identifier: BSD-3-Clause
"""The JSON Schema that editors check experiment files with."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.runner import any_servers
from tests.runner.any_servers import ECHO
from tests.runner.experiment.client_groups import EVERYTHING
from tests.runner.experiments import GIL

import fibench
from fibench.document.model import json_schema
from fibench.metrics import METRICS
from fibench.parameters import KEYS, in_file

CHECKED_IN = Path(fibench.__file__).parent / "experiment.schema.json"


def test_the_checked_in_schema_is_fresh() -> None:
    """If this fails: PYTHONPATH=src_py ./dev python -m fibench.develop.schema > the file."""
    assert CHECKED_IN.read_text(encoding="utf-8") == json_schema()


def test_the_command_prints_the_schema() -> None:
    command = [sys.executable, "-m", "fibench.develop.schema"]
    folder = CHECKED_IN.parent.parent
    printed = subprocess.run(command, cwd=folder, capture_output=True, check=True)

    assert printed.stdout.decode() == json_schema()


def test_every_key_is_described_and_no_other_is_allowed() -> None:
    schema = json.loads(json_schema())
    tables = [schema, *schema["$defs"].values()]

    assert all(table["additionalProperties"] is False for table in tables)
    for table in tables:
        assert all(entry.get("description") for entry in table["properties"].values())


def test_keys_that_have_defaults_say_so() -> None:
    schema = json.loads(json_schema())["$defs"]

    for name, key in KEYS.items():
        table = schema[{"server": "ServerTable", "load": "LoadTable"}[key.table]]
        entry = table["properties"][in_file(name)]
        assert ("default" in entry) == (key.default is not None)
    assert schema["LoadTable"]["properties"]["duration"]["default"] == "1s"


def members_of(schema: dict[str, Any], name: str) -> list[Any]:
    """What a schema says of a member of a table; nothing of one that it does not allow."""
    if name in schema.get("properties", {}):
        return [schema["properties"][name]]
    patterns = schema.get("patternProperties", {})
    others = schema.get("additionalProperties", {})
    found = [one for pattern, one in patterns.items() if re.search(pattern, name)]
    return found or ([] if others is False else [others])


def accepts(schema: dict[str, Any], value: Any, whole: dict[str, Any]) -> bool:
    """A validator of the part of JSON Schema that ours uses."""
    if "$ref" in schema:
        return accepts(whole["$defs"][schema["$ref"].rpartition("/")[2]], value, whole)
    if "anyOf" in schema:
        return any(accepts(one, value, whole) for one in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "pattern" in schema and not re.search(schema["pattern"], str(value)):
        return False
    kinds: dict[str, Any] = {
        "string": str, "integer": int, "number": (int, float), "array": list, "object": dict,
        "boolean": bool, "null": type(None),
    }  # fmt: skip
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, int) and not schema.get("minimum", value) <= value:
        return False
    if isinstance(value, int) and not value <= schema.get("maximum", value):
        return False
    if isinstance(value, list):
        return all(accepts(schema["items"], item, whole) for item in value)
    return not isinstance(value, dict) or (
        set(schema.get("required", ())) <= set(value)
        and all(
            any(accepts(one, item, whole) for one in members_of(schema, name))
            for name, item in value.items()
        )
    )


def test_the_schema_accepts_what_we_accept() -> None:
    schema = json.loads(json_schema())
    single = 'title = "t"\nexclude = { n = 1 }\n[matrix]\nbackend = "py-mt"\nclients = [1, 8]\n'

    assert accepts(schema, tomllib.loads(GIL), schema)
    assert accepts(schema, tomllib.loads(EVERYTHING), schema)
    assert accepts(schema, tomllib.loads(single), schema)
    for name, text in {**any_servers.TEXTS, "echo of a size": ECHO}.items():
        assert accepts(schema, tomllib.loads(text), schema), name


def test_the_schema_refuses_what_we_refuse() -> None:
    schema = json.loads(json_schema())

    for right, wrong in [
        ("2999", "70000"),
        ("clients = 8", "client = 8"),
        ('"0.7s"', '"0.7"'),
        ('metric = "cores"', 'metric = "core"'),
        ('title = "Threads', 'titel = "Threads'),
    ]:
        assert not accepts(schema, tomllib.loads(GIL.replace(right, wrong)), schema), wrong
    for right, wrong in [
        ("size = [1, 64]", "size = [1.5, 64]"),
        ("size = [1, 64]", "Size = [1, 64]"),
        ("status = 200", 'status = "200"'),
        ('{ bytes = "{size}" }', '{ byte = "{size}" }'),
        ("headers = {", "header = {"),
    ]:
        text = ECHO.replace(right, wrong)
        assert not accepts(schema, tomllib.loads(text), schema), wrong
    for right, wrong in [
        ('"50/s"', '"50"'),
        ("spin = true", "spin = 1"),
        ('"0-1"', '"0-"'),
        ("idle = true", "silent = true"),
        ('name = "small"', 'named = "small"'),
        ('over = "n"', 'over = "framing"'),
        ('group = "small"', 'group = "Small"'),
    ]:
        text = EVERYTHING.replace(right, wrong)
        assert not accepts(schema, tomllib.loads(text), schema), wrong


def test_editors_are_told_of_every_metric_what_it_is() -> None:
    claim = json.loads(json_schema())["$defs"]["ClaimTable"]["properties"]
    told, of_groups = (claim[name]["description"] for name in ("metric", "group"))
    for metric in METRICS.values():
        name = rf"\b{metric.name}\b"
        assert re.search(rf"{name}[^()]*\({re.escape(metric.meaning)}\)", told)
        assert metric.of_groups == bool(re.search(name, of_groups))
