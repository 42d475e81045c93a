# SPDX-License-Identifier: BSD-3-Clause
"""From what a person types to an experiment's file, or to what it is instead."""

import os
from pathlib import Path

import pytest

from fibench import called
from fibench.document.diagnostics import ExperimentError
from fibench.document.text import file_called, find_experiment, namesakes
from fibench.experiment.experiment import load_experiment

TEXT = 'title = "x"\n[matrix]\nbackend = "py-mt"\n'


@pytest.fixture(params=["in the checkout", "elsewhere"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person stands; ready experiments are in another folder, where ./dev has gone."""
    for name in ("ready/experiments", "mine"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ready/experiments/gil.toml").write_text(TEXT)
    mine = tmp_path / "mine"
    if request.param == "elsewhere":
        monkeypatch.setenv("FIBENCH_FROM", str(mine))
        monkeypatch.chdir(tmp_path / "ready")
    else:
        monkeypatch.delenv("FIBENCH_FROM", raising=False)
        monkeypatch.chdir(mine)
    monkeypatch.setattr(called, "_started_by", None)
    return mine


def ready(folder: Path) -> Path:
    return folder.parent / "ready" / "experiments"


def complaint(name: str, folder: Path) -> str:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(find_experiment(name, ready(folder)), {})
    return str(caught.value)


def make(path: Path, kind: str) -> None:
    match kind:
        case "prose":
            path.write_text("# A title\nHow are you?\n")
        case "binary":
            path.write_bytes(b"\x7fELF\x02\x01\0\0\xff\xfe")
        case "folder":
            path.mkdir()
        case "run":
            path.mkdir()
            (path / "plan.json").write_text("{}")
        case "FIFO":
            os.mkfifo(path)
        case "empty":
            path.write_text("")
        case "link":
            path.symlink_to("nowhere")


KINDS = {
    "prose": "{}: is no experiment: it is not TOML\nname a file such as experiments/gil.toml",
    "binary": "{}: is no text file, and so no experiment\nname a .toml file",
    "folder": "{}: is a folder\ngive a .toml file in it",
    "run": "{}: is a folder\nit is a run: `invoke report {}` shows it",
    "FIFO": "{}: is not a regular file\nname a .toml file",
    "empty": "{}:1:1: title is missing\nbegin the file with title = ",
    "link": "{}: cannot be read: no such file or directory\nit is a link: mend where it leads",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_and_is_no_experiment_is_called_what_it_is(kind: str, folder: Path) -> None:
    make(folder / "thing.md", kind)
    for name in ("thing.md", "./thing.md", str(folder / "thing.md")):
        assert complaint(name, folder).startswith(KINDS[kind].replace("{}", "thing.md"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("gil.tmol", "gil"), ("gil.TOML", "gil"), ("GIL", "gil"), ("Gli", "gil"),
     ("experiments/gli.toml", "gil"), ("lab_one.toml", "lab-one.toml"), ("lab-on", "lab-one.toml"),
     ("./LAB-ONE.toml", "./lab-one.toml"), ("../mine/lab-one", "../mine/lab-one.toml")],
)  # fmt: skip
def test_the_nearest_name_is_proposed_as_it_can_be_typed(
    typed: str, meant: str, folder: Path
) -> None:
    (folder / "lab-one.toml").write_text(TEXT)
    assert f'there is no such experiment\ndid you mean "{meant}"?' in complaint(typed, folder)
    assert file_called(meant, ready(folder)) is not None


def test_a_name_of_two_files_says_how_the_other_is_called(folder: Path) -> None:
    (folder / "gil.toml").write_text(TEXT)
    found = find_experiment("gil", ready(folder))
    assert found.samefile(ready(folder) / "gil.toml")
    (other,) = namesakes("gil", found, ready(folder))
    assert other == "./gil.toml"
    assert find_experiment(other, ready(folder)).samefile(folder / "gil.toml")
    assert namesakes("./gil.toml", folder / "gil.toml", ready(folder)) == []


def test_an_installed_experiment_behind_ones_own_is_named_by_its_path(folder: Path) -> None:
    """In a wheel experiments are looked for in the person's folder, then in the package's."""
    own = folder / "experiments"
    own.mkdir()
    (own / "gil.toml").write_text(TEXT)
    both = (own, ready(folder))
    found = find_experiment("gil", both)
    assert found.samefile(own / "gil.toml")
    (other,) = namesakes("gil", found, both)
    assert find_experiment(other, both).samefile(ready(folder) / "gil.toml")
