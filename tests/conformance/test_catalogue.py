# SPDX-License-Identifier: BSD-3-Clause
"""catalogue.toml, the one list of backends: its keys, and that what it names is there."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from tests.here import require_built

from .backends import CATALOGUE, read_catalogue

ENTRIES = read_catalogue()
EVERY_ENTRY = [pytest.param(entry, id=str(entry.get("name"))) for entry in ENTRIES]
REQUIRED = {"name": str, "program": str, "language": str, "design": str, "teaches": str}
OPTIONAL = {
    "arguments": list,
    "mechanism": str,
    "limits": str,
    "needs": str,
    "course": bool,
    "ranked": bool,
    "busy": bool,
    "gil": bool,
    "cap": int,
}
COURSE = [
    *("c-sync", "c-mp", "c-mt", "py-sync", "py-mp", "py-mt", "py-async", "py-async-3.6"),
]


def test_names_are_unique() -> None:
    names = [entry["name"] for entry in ENTRIES]
    assert sorted(names) == sorted(set(names))


def test_the_servers_of_the_course_are_there_and_marked() -> None:
    assert [entry["name"] for entry in ENTRIES if entry.get("course")] == COURSE


def test_only_the_null_server_is_not_ranked() -> None:
    assert [entry["name"] for entry in ENTRIES if not entry.get("ranked", True)] == ["c-null"]


@pytest.mark.parametrize("entry", EVERY_ENTRY)
def test_an_entry_has_the_keys_that_everyone_reads(entry: dict[str, Any]) -> None:
    typed = {key: kind for key, kind in {**REQUIRED, **OPTIONAL}.items() if key in entry}
    assert {key: type(entry[key]) for key in typed} == typed
    assert REQUIRED.keys() <= entry.keys()
    assert entry.keys() <= {*REQUIRED, *OPTIONAL, "serves", "cores"}
    assert all(entry[key] for key in REQUIRED)


@pytest.mark.parametrize("entry", EVERY_ENTRY)
def test_a_name_can_be_a_files_name(entry: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z0-9._-]{1,64}", entry["name"])
    assert entry["language"] in ("c", "python")
    assert entry["name"].startswith({"c": "c-", "python": "py-"}[entry["language"]])


@pytest.mark.parametrize("entry", EVERY_ENTRY)
def test_how_many_it_serves_at_once_is_said(entry: dict[str, Any]) -> None:
    for key in ("serves", "cores"):
        said = entry[key]
        assert said in ("workers", "any") or (type(said) is int and said >= 1), key


@pytest.mark.parametrize("entry", EVERY_ENTRY)
def test_its_program_is_installed(programs: Path, entry: dict[str, Any]) -> None:
    require_built(entry["name"])
    program = programs / entry["program"]
    assert program.is_file()
    assert os.access(program, os.X_OK), "it also runs in place, by its name alone"


@pytest.mark.parametrize(("language", "folder"), [("c", "src_c"), ("python", "src_py")])
def test_meson_lists_the_same_programs(language: str, folder: str) -> None:
    listing = CATALOGUE.parent / folder / "servers" / "meson.build"
    # One name to a line in the first list; in C those that need a library are named after it.
    first, _, rest = listing.read_text().partition("\n\n")
    programs = re.findall(r"^ +'([^']+)',$", first, re.MULTILINE)
    programs += re.findall(r"'(\w+)\.c'", rest)
    for names in re.findall(r"^ +foreach name : \[(.*)\]$", rest, re.MULTILINE):
        programs += re.findall(r"'(\w+)'", names)
    assert sorted(programs) == sorted(
        {entry["program"] for entry in ENTRIES if entry["language"] == language}
    )


def test_the_catalogue_is_installed_as_it_is(programs: Path) -> None:
    assert (programs / "catalogue.toml").read_bytes() == CATALOGUE.read_bytes()
