# SPDX-License-Identifier: BSD-3-Clause
"""An experiment's file is found by its name and read, or said why not."""

import errno
import os
from pathlib import Path

import pytest
from tests.runner.experiments import KNOWN, SMALL

from fibench.document.diagnostics import ExperimentError
from fibench.document.text import find_experiment
from fibench.experiment.experiment import load_experiment


def folder_with(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "experiments"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(SMALL, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["experiments/gil.toml", "gil.toml", "gil"])
def test_an_experiment_is_found_by_each_of_its_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path, "gil.toml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert find_experiment(name, folder).samefile(folder / "gil.toml")
    assert find_experiment(name, [elsewhere, folder]).samefile(folder / "gil.toml")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "gil.toml")
    own = tmp_path / "own.toml"
    own.write_text(SMALL, encoding="utf-8")

    assert find_experiment(str(own), folder) == own


def test_an_unknown_experiment_names_the_near_ones(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "gil.toml", "course.toml")

    with pytest.raises(ExperimentError) as caught:
        find_experiment("gli", folder)

    assert str(caught.value) == (
        'gli: there is no such experiment\ndid you mean "gil"? there are: course, gil'
    )


@pytest.mark.parametrize("name", ["", " ", "\0", "a\0b"])
def test_no_name_is_no_experiment(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="no experiment is named"):
        find_experiment(name, tmp_path)


def unreadable(path: Path) -> str:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, KNOWN)
    return caught.value.diagnostics[0].what


def test_files_that_cannot_be_read_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "loop.toml").symlink_to("loop.toml")

    assert unreadable(tmp_path) == "is a folder"
    assert unreadable(tmp_path / "none.toml") == "cannot be read: no such file or directory"
    assert unreadable(tmp_path / "fifo.toml") == "is not a regular file"
    assert unreadable(tmp_path / "loop.toml") == "cannot be read: too many levels of symbolic links"
    assert unreadable(tmp_path / "a\0b.toml") == "cannot be read: embedded null byte"


@pytest.mark.plain_user
def test_a_file_without_permission_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    path = folder_with(tmp_path, "gil.toml") / "gil.toml"
    monkeypatch.setattr("fibench.document.text.without_waiting", refuse)  # root may read anything

    assert unreadable(path) == "cannot be read: permission denied"


def test_a_file_is_loaded_and_called_by_its_path_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder_with(tmp_path, "gil.toml") / "gil.toml"
    assert len(load_experiment(path, KNOWN).cells) == 2
    path.write_text("titel = 1", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ExperimentError, match=r"(?m)^experiments/gil\.toml:1:1: unknown key"):
        load_experiment(path, KNOWN)
