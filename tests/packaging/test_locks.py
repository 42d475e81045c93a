# SPDX-License-Identifier: BSD-3-Clause
"""The locks are complete, and the repository names no index and no path of one machine."""

import re
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
from tests.here import leave_out

from packaging.markers import Marker

from .copies import CHECKOUT, copy_checkout

LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))?"
    r"(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)
ARCHITECTURES = ("x86_64", "aarch64")
ABIS = ("cp311", "cp312", "cp313", "cp314", "cp314t")
GLIBCS = (36, 34, 31, 28, 27, 26, 24, 17)
"""The minor versions of manylinux tags that a system as old as Debian 12 accepts."""
# Written so that it does not find itself.
FORBIDDEN = re.compile(
    r"pypi\.org|python[h]osted|--(?:extra-)?index-url|--find[-]links|(?<![\w.])/(?:root|home)/"
)


def entries(lock: str) -> list[re.Match[str]]:
    """Every line that is no comment pins one package with its hashes."""
    text = re.sub(r"\s*\\\n\s*", " ", (CHECKOUT / lock).read_text())
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    matches = [(line, PINNED.fullmatch(line)) for line in lines]
    assert [line for line, match in matches if match is None] == []
    return [match for _, match in matches if match is not None]


def pins(lock: str) -> dict[str, str]:
    """Version by name."""
    return {entry["name"]: entry["version"] for entry in entries(lock)}


def is_wanted(entry: re.Match[str], architecture: str, abi: str) -> bool:
    """Whether pip installs it there."""
    minor = abi.removeprefix("cp3").removesuffix("t")
    there = {
        "platform_machine": architecture,
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
    }
    return entry["marker"] is None or Marker(entry["marker"]).evaluate(there)


def pip_finds(folder: Path, wanted: list[re.Match[str]], *options: str) -> str:
    """What pip complains of that is to install these; empty if it could. Nothing is installed."""
    requirements = folder / "requirements.txt"
    lines = [f"{entry['name']}=={entry['version']}{entry['hashes']}\n" for entry in wanted]
    requirements.write_text("".join(lines))
    pip = [sys.executable, "-I", "-m", "pip", "-q", "install", "--dry-run", "--no-deps"]
    pip += ["--require-hashes", "--only-binary", ":all:", "--target", str(folder / "none")]
    done = subprocess.run(
        [*pip, *options, "-r", requirements], capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


def names(requirements: list[str]) -> set[str]:
    found = [re.match(r"[A-Za-z0-9][A-Za-z0-9-]*", line) for line in requirements]
    return {match[0] for match in found if match is not None}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_locked_with_its_hashes(lock: str) -> None:
    wanted = (CHECKOUT / lock.replace(".lock", ".in")).read_text().splitlines()
    assert names(wanted) - pins(lock).keys() == set()


def test_what_is_compiled_for_x86_64_alone_is_marked_so() -> None:
    (entry,) = (one for one in entries("requirements-dev.lock") if one["name"] == "hdrhistogram")
    wanted = {where for where in product(ARCHITECTURES, ABIS) if is_wanted(entry, *where)}
    assert wanted == {("x86_64", abi) for abi in ("cp311", "cp312", "cp313")}


@pytest.mark.long
@pytest.mark.parametrize(("architecture", "abi"), list(product(ARCHITECTURES, ABIS)))
def test_everything_has_a_wheel_where_it_is_wanted(
    architecture: str, abi: str, tmp_path: Path
) -> None:
    (control,) = (one for one in entries("requirements.lock") if one["name"] == "invoke")
    if pip_finds(tmp_path, [control]):
        leave_out("no package index can be reached")
    locked = {entry["name"]: entry for lock in LOCKS for entry in entries(lock)}
    wanted = [entry for entry in locked.values() if is_wanted(entry, architecture, abi)]
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in GLIBCS]
    platforms = [*tags, f"manylinux2014_{architecture}"]
    options = ["--implementation", "cp", "--python-version", abi[2:].removesuffix("t")]
    options += [word for one in (abi, "abi3", "none") for word in ("--abi", one)]
    options += [word for platform in platforms for word in ("--platform", platform)]
    assert pip_finds(tmp_path, wanted, *options) == ""


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


@pytest.mark.needs("git")
def test_a_clone_that_converts_line_ends_keeps_them(tmp_path: Path) -> None:
    """core.autocrlf=true, as people have it who come from Windows."""
    source, clone = copy_checkout(tmp_path / "source"), tmp_path / "clone"

    def git(*words: str | Path) -> None:
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *who, *map(str, words)], cwd=source, check=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "all of it")
    git("clone", "-q", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", source, clone)
    every = (path for path in clone.rglob("*") if path.is_file() and ".git" not in path.parts)
    files = [path.relative_to(clone) for path in every]
    assert len(files) > 100
    changed = [one for one in files if (clone / one).read_bytes() != (source / one).read_bytes()]
    assert changed == []
    subprocess.run([clone / "dev", "--help"], check=True, capture_output=True)
