# SPDX-License-Identifier: BSD-3-Clause
"""The locks are complete, and the repository names no index and no path of one machine."""

import re
import tomllib
from pathlib import Path

import pytest

from .copies import CHECKOUT, copy_checkout

LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"([a-z0-9-]+)==([^\s;]+)(?: ; [^\\]+)?((?: --hash=sha256:[0-9a-f]{64})+)")
# Written so that it does not find itself.
FORBIDDEN = re.compile(
    r"pypi\.org|python[h]osted|--(?:extra-)?index-url|--find[-]links|(?<![\w.])/(?:root|home)/"
)


def pins(lock: str) -> dict[str, str]:
    """Version by name. Every line that is no comment pins one package with its hashes."""
    text = re.sub(r"\s*\\\n\s*", " ", (CHECKOUT / lock).read_text())
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    matches = [(line, PINNED.fullmatch(line)) for line in lines]
    assert [line for line, match in matches if match is None] == []
    return {match[1]: match[2] for _, match in matches if match is not None}


def names(requirements: list[str]) -> set[str]:
    found = [re.match(r"[A-Za-z0-9][A-Za-z0-9-]*", line) for line in requirements]
    return {match[0] for match in found if match is not None}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_locked_with_its_hashes(lock: str) -> None:
    wanted = (CHECKOUT / lock.replace(".lock", ".in")).read_text().splitlines()
    assert names(wanted) - pins(lock).keys() == set()


def test_the_locks_agree() -> None:
    running, testing = (pins(lock) for lock in LOCKS)
    both = running.keys() & testing.keys()
    assert {name: running[name] for name in both} == {name: testing[name] for name in both}


def test_what_the_package_depends_on_is_what_the_lock_has() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    asked = names((CHECKOUT / "requirements.in").read_text().splitlines())
    assert names(project["dependencies"]) == asked - {"meson", "ninja"}


def test_the_version_is_the_same_everywhere() -> None:
    places = ("meson.build", "src_py/fibench/__init__.py", "flake.nix")
    pattern = re.compile(r"""^\s*(?:__)?version(?:__)?\s*[:=]\s*['"]([\d.]+)['"]""", re.MULTILINE)
    versions = {place: pattern.findall((CHECKOUT / place).read_text()) for place in places}
    assert all(len(found) == 1 for found in versions.values()), versions
    assert len({found[0] for found in versions.values()}) == 1, versions


def test_no_file_names_an_index_or_a_path_of_one_machine(tmp_path: Path) -> None:
    found = []
    for path in sorted(copy_checkout(tmp_path / "clone").rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found += [(str(path), match[0]) for match in FORBIDDEN.finditer(text)]
    assert found == []
