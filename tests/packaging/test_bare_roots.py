# SPDX-License-Identifier: BSD-3-Clause
"""The two commands of the README, typed by a plain user on a Debian that has what it asks for.

With and without the libraries that it calls optional. FIBENCH_ROOTS names a folder of roots that
debootstrap made before, by the names of their suites; else they are made, and removed again.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import here

from .copies import copy_checkout
from .roots import LIBRARIES, Root, RootError, make_root, own, remove

pytestmark = [pytest.mark.long, pytest.mark.needs("namespaces", "debootstrap")]
SUITES = ("bookworm", "trixie")
SELECTED = "test_here or test_wheel or test_catalogue or test_replies and (c-epoll or uring or aio)"
SHORT = ("--blocks", "2", "--requests", "40")  # of which a busy machine is as capable
JUDGED = (0, 3, 4)
"""The statuses of a run of which all trials were measured."""


@dataclass(frozen=True)
class Machine:
    """A root with a clean clone in it."""

    root: Root
    libraries: bool


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((suite, libraries), id=f"{suite}-{'with' if libraries else 'without'}")
        for suite in SUITES
        for libraries in (False, True)
    ],
)
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A machine on which nobody has typed anything yet."""
    suite, libraries = request.param
    here.require("namespaces", "debootstrap")
    kept = os.environ.get("FIBENCH_ROOTS")
    folder = tmp_path_factory.mktemp("roots") / suite
    try:
        root = make_root(suite, folder, Path(kept) if kept else None)
        if libraries:
            install(root)
        copy_checkout(root.checkout)
        own(root)
        yield Machine(root, libraries)
    except RootError as error:
        here.leave_out(str(error))
    finally:
        remove(folder)


def install(root: Root) -> None:
    """Bring the optional libraries. Raises RootError."""
    for words in (("update",), ("install", "--yes", "--no-install-recommends", *LIBRARIES)):
        done = root.as_root("apt-get", "-qq", *words)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no word"]
            raise RootError(f"apt-get {words[0]}: {said[-1]}")


def test_an_experiment_is_measured_and_judged(machine: Machine) -> None:
    done = machine.root.as_person("./dev", "invoke", "run", "experiments/gil.toml", *SHORT)
    assert done.returncode in JUDGED, done.stdout + done.stderr
    assert re.search(r"^\d+ of \d+ claims confirmed", done.stdout, re.MULTILINE), done.stdout
    assert "Traceback" not in done.stderr


def test_the_tests_pass_and_name_what_they_skip(machine: Machine) -> None:
    done = machine.root.as_person("./dev", "invoke", "test", "--select", SELECTED)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.splitlines()
    assert re.fullmatch(r"== \d+ passed(, \d+ skipped)? in \d+ s ==", last)

    listed = machine.root.as_person("./dev", "invoke", "backends", "--json")
    rows = [row for row in json.loads(listed.stdout) if row["needs"] in here.LIBRARIES]
    assert rows
    for row in rows:
        built = (machine.root.programs / row["program"]).is_file()
        assert built or not machine.libraries, row
        assert row["available"] or row["reason"][:100] in done.stdout
        assert built or row["needs"] in row["reason"]
