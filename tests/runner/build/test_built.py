# SPDX-License-Identifier: BSD-3-Clause
"""What is said of a build: of its compiler, and of flags that are not fibench's own."""

from typing import Any

import pytest

from fibench.build.record import not_own
from fibench.report.lines import build_line

OWN: dict[str, Any] = {
    "buildtype": "release", "optimization": "3", "debug": False, "b_ndebug": "false",
    "b_lto": False, "b_pie": True, "b_sanitize": ["none"], "c_std": "gnu11", "c_args": [],
    "c_link_args": [],
}  # fmt: skip


def compiler(**options: object) -> dict[str, Any]:
    return {"id": "gcc", "version": "12.2.0", "options": OWN | options}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ""),
        ({"b_sanitize": "none", "b_ndebug": False}, ""),
        ({"c_args": ["-O0", "-g"]}, "CFLAGS -O0 -g"),
        ({"c_link_args": ["-fuse-ld=gold"]}, "LDFLAGS -fuse-ld=gold"),
        ({"c_args": ["-O0"], "c_link_args": ["-O0"]}, "CFLAGS -O0"),
        ({"c_args": ["-O0"], "c_link_args": ["-O0", "-s"]}, "CFLAGS -O0, LDFLAGS -s"),
        ({"c_args": "-O0", "c_link_args": 3}, "CFLAGS -O0"),
        ({"buildtype": "debug", "debug": True, "optimization": "0"}, "buildtype debug"),
        ({"optimization": "2"}, "optimization 2"),
        ({"b_lto": True, "b_pie": False}, "b_lto yes, b_pie no"),
        ({"b_sanitize": ["address", "undefined"]}, "b_sanitize address undefined"),
    ],
)
def test_flags_that_are_not_the_projects_own_are_named(
    options: dict[str, object], said: str
) -> None:
    assert not_own(compiler(**options)) == said


def test_the_head_of_a_report_names_version_and_compiler() -> None:
    assert build_line("0.1.0", compiler()) == "fibench 0.1.0, gcc 12.2.0"
    said = "fibench 0.1.0, gcc 12.2.0; built with flags that are not its own: CFLAGS -O0"
    assert build_line("0.1.0", compiler(c_args=["-O0"])) == said


@pytest.mark.parametrize("damaged", [None, 3, "gcc", [], {"options": []}, {"id": 3}])
def test_of_what_is_not_known_nothing_is_said(damaged: object) -> None:
    assert build_line(None, damaged) == ""
    assert build_line("0.1.0", damaged) == "fibench 0.1.0"
