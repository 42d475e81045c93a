# SPDX-License-Identifier: BSD-3-Clause
"""Files as beginners write them, with many mistakes each: all are told at once, none hides another,
and none is told that only follows from one."""

from dataclasses import replace

import pytest
from tests.runner.experiments import KNOWN

from fibench.document import ExperimentError
from fibench.experiment import parse_experiment

CATALOGUE = {
    **KNOWN,
    "py-mp": replace(KNOWN["py-mp"], program="mp_server.py"),
    "c-mp": replace(KNOWN["c-mp"], program="mp_server"),
}


def told(text: str) -> list[str]:
    """The first line of each fault, without the name of the file, and its hint."""
    with pytest.raises(ExperimentError) as raised:
        parse_experiment(text, "e.toml", CATALOGUE)
    return [
        f"{str(one).splitlines()[0].removeprefix('e.toml:')} | {one.hint}"
        for one in raised.value.diagnostics
    ]


def test_a_key_and_names_and_a_duration_and_sides() -> None:
    assert told(
        """\
title = "Threads or processes for n = 25?"

[matrix]
backends = ["py-mt", "py_mp"]
clients = [1, 4]

[load]
n = 25
duration = 2

[[claim]]
says = "processes win"
ratio = ["py-mp", "py-mt"]
metric = "throughput"
above = 1
"""
    ) == [
        (
            '4:1: unknown key "backends" in [[matrix]] | did you mean "backend"? '
            'Write backend = ["py-sync", "py-mt"]'
        ),
        '4:22: unknown backend "py_mp" | did you mean "py-mp"?',
        '9:12: duration needs a unit: write "2s" | ',
        (
            "13:10: ratio must be a table, not text | "
            'write ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]'
        ),
    ]
