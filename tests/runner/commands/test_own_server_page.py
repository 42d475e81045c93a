# SPDX-License-Identifier: BSD-3-Clause
"""The examples of docs/own-server.md, copied out of the page and run as it says."""

import json
import os
import tomllib
from pathlib import Path

import pytest
from tests.here import program, require
from tests.runner.commands.own_server_page import is_shown, names_before_files, sections
from tests.runner.desk import Desk
from tests.runner.records import last_documents

SECTIONS = sections()
NEEDS = {
    "C": "a C compiler",
    "Python": "",
    "Go": "go",
    "Node": "node",
    "A service that speaks HTTP": "gunicorn",
    "nginx": "nginx",
    "redis": "redis-server",
}
ENDS = ("ok", "wrong", "refused", "closed", "reset", "timeout", "opening", "local", "unfinished")


def folder_of(title: str, desk: Desk) -> Path:
    """The folder that a reader has who has copied the files of an example."""
    if NEEDS[title]:
        require(NEEDS[title])
    for name, text in SECTIONS[title].files.items():
        desk.write(text, name)
    return desk.folder / "own.toml"


def path_with(name: str) -> str:
    """The PATH, and where the system has servers, which is not on everybody's."""
    found = program(name) if name else None
    return os.pathsep.join([os.environ["PATH"], *([os.path.dirname(found)] if found else [])])


def test_each_example_of_the_page_is_run_here() -> None:
    assert list(SECTIONS) == list(NEEDS)
    for title, section in SECTIONS.items():
        assert "own.toml" in section.files, title


def test_files_are_called_what_the_page_says() -> None:
    named = names_before_files()
    assert len(named) == sum(len(section.files) for section in SECTIONS.values())
    assert all(said == name for said, name in named)


@pytest.mark.parametrize("title", NEEDS)
def test_an_example_is_measured_as_it_stands_in_the_page(desk: Desk, title: str) -> None:
    path = folder_of(title, desk)
    words = ("--blocks", "1", "--duration", "0.2s", "--warmup", "50ms")
    done = desk.run(path, *words, PATH=path_with(NEEDS[title]))
    assert done.returncode in (0, 3, 4), done.stdout + done.stderr
    records = last_documents(desk.records())
    assert {record["role"] for record in records} == {"ceiling", "measure", "timeline", "twin"}
    for record in records:
        assert record["valid"], (record["label"], record["reason"])
        if record["role"] == "timeline":
            continue  # of which no requests are counted
        counts = record["counts"]
        assert counts["started"] == sum(counts[end] for end in ENDS), record["label"]
        assert counts["ok"] > 0
        assert counts["errors"] == 0


@pytest.mark.parametrize("title", NEEDS)
def test_what_the_page_shows_of_a_plan_and_of_a_run_is_about_the_same_cells_and_claims(
    desk: Desk, title: str
) -> None:
    path = folder_of(title, desk)
    done = desk.invoke("plan", path, "--json", PATH=path_with(NEEDS[title]))
    assert done.returncode == 0, done.stderr
    shown = SECTIONS[title].shown
    run = " ".join(shown["run"].split())
    for cell in json.loads(done.stdout)["cells"]:
        assert " ".join(cell["label"].split()) in run
    for claim in tomllib.loads(SECTIONS[title].files["own.toml"])["claim"]:
        assert " ".join(claim["says"].split()) in run
    if "plan" in shown:
        printed = desk.invoke("plan", path, PATH=path_with(NEEDS[title])).stdout
        assert is_shown(shown["plan"], printed), printed
