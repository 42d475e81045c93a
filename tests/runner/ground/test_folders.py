# SPDX-License-Identifier: BSD-3-Clause
"""Where things are, in a checkout and beside an installed package."""

import os
from pathlib import Path

import pytest

from fibench.folders import find_places, from_here, origin, refusal_to_write

VARIABLES = ("FIBENCH_RESULTS", "FIBENCH_BUILD", "FIBENCH_FROM")


@pytest.fixture(autouse=True)
def nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A checkout's."""
    (tmp_path / "src_c").mkdir()
    (tmp_path / "meson.build").touch()
    made = tmp_path / "src_py" / "fibench"
    made.mkdir(parents=True)
    return made


def test_a_checkout_has_everything_in_it(package: Path, tmp_path: Path) -> None:
    places = find_places(package)
    assert places.checkout == tmp_path
    assert places.build == tmp_path / "build"
    assert places.programs == tmp_path / "build" / "install" / "libexec" / "fibench"
    assert places.catalogue == tmp_path / "catalogue.toml"
    assert places.results == tmp_path / "results"


@pytest.mark.parametrize("lacks", ["meson.build", "src_c"])
def test_a_package_that_no_sources_lie_above_is_installed(
    package: Path, tmp_path: Path, lacks: str
) -> None:
    path = tmp_path / lacks
    path.unlink() if path.is_file() else path.rmdir()
    places = find_places(package, working=tmp_path / "mine")
    assert places.checkout is None
    assert places.programs == package / "libexec"
    assert places.results == tmp_path / "mine" / "results"
    assert places.experiments == (tmp_path / "mine" / "experiments", package / "experiments")


def test_what_the_environment_names_is_meant_from_where_the_person_stands(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIBENCH_FROM", str(tmp_path / "there"))
    monkeypatch.setenv("FIBENCH_RESULTS", "mine")
    monkeypatch.setenv("FIBENCH_BUILD", "../built")
    places = find_places(package)
    assert places.results == tmp_path / "there" / "mine"
    assert places.build == tmp_path / "built"
    assert places.programs.is_relative_to(tmp_path / "built")
    assert origin() == tmp_path / "there"
    assert from_here("x") == tmp_path / "there" / "x"
    assert from_here("/x") == Path("/x")


def test_a_folder_that_can_be_made_is_not_refused(tmp_path: Path) -> None:
    assert refusal_to_write(tmp_path) is None
    assert refusal_to_write(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert refusal_to_write(tmp_path / "a" / "b") == f"{tmp_path / 'a'} is not a folder"


@pytest.mark.plain_user
def test_a_folder_of_somebody_elses_is_refused_but_to_root(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused = None if os.geteuid() == 0 else f"{tmp_path} is not yours"
    assert refusal_to_write(tmp_path / "a") == refused
    tmp_path.chmod(0o700)
