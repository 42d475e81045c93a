# SPDX-License-Identifier: BSD-3-Clause
"""What a server of one's own is told in command, environment and files; what of it is not here."""

import sys
from pathlib import Path

import pytest
from tests.runner.any_servers import ECHO, TEXTS
from tests.runner.experiments import KNOWN

from fibench.backends.available import find_here
from fibench.backends.catalogue import own_backend
from fibench.backends.own_servers import (
    lines_of_missing,
    own_argv,
    own_environment,
    own_files,
    own_values,
)
from fibench.experiment import Experiment, parse_experiment
from fibench.parameters import Fault, Parameters
from fibench.requests import filler
from fibench.requests.template import Sized


def parsed(text: str, folder: Path) -> Experiment:
    return parse_experiment(text, "e.toml", KNOWN, folder=folder)


def test_every_name_of_the_examples_has_a_value(tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        experiment = parsed(text, tmp_path)
        for cell in experiment.cells:
            backend = own_backend(cell.backend, experiment.backends[cell.backend])
            values = own_values(cell.parameters, 4000, tmp_path / "dir", cores=3)
            argv = own_argv(backend.command, backend.folder, values)
            env = own_environment(backend.env, values)
            files = own_files(backend.files, values)
            whole = " ".join([*argv, *env.values()]) + str(files)
            assert "4000" in whole, name
            assert "{" not in " ".join([*argv, *env.values()])


def test_a_server_is_told_the_values_of_its_cell(tmp_path: Path) -> None:
    nginx = parsed(TEXTS["nginx-workers"], tmp_path)
    backend = own_backend("nginx", nginx.backends["nginx"])
    cell = next(one for one in nginx.cells if dict(one.axes)["workers"] == 2)
    values = own_values(cell.parameters, 4000, Path("/run/d"), cores=7)
    assert own_argv(backend.command, backend.folder, values) == ["nginx", "-c", "/run/d/nginx.conf"]
    files = own_files(backend.files, values)
    assert b"worker_processes 2;\nevents { worker_connections 4096; }" in files["nginx.conf"]
    assert b"listen 127.0.0.1:4000 reuseport" in files["nginx.conf"]
    assert files["1k.html"] == filler(1024)


def test_workers_are_the_cores_where_no_number_is_given(tmp_path: Path) -> None:
    text = TEXTS["node-cluster"].replace("workers = 2\n", "")
    experiment = parsed(text, tmp_path)
    cell = experiment.cells[-1]
    backend = own_backend(cell.backend, experiment.backends[cell.backend])
    values = own_values(cell.parameters, 4000, cores=5)
    assert own_environment(backend.env, values)["WEB_CONCURRENCY"] == "5"


def test_a_relative_program_is_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    experiment = parsed(ECHO, tmp_path)
    backend = own_backend("mine", experiment.backends["mine"])
    values = own_values(experiment.cells[0].parameters, 4000)
    argv = own_argv(backend.command, backend.folder, values)
    assert argv == [str(tmp_path / "mine"), "--port=4000", "2"]


def test_a_name_without_a_value_is_refused() -> None:
    values = own_values(Parameters(backend="a"), 1)
    with pytest.raises(Fault, match=r"\{dir\}, which has no value here"):
        own_argv(["a", "{dir}"], None, values)
    with pytest.raises(Fault, match=r"\{size\}, which has no value here"):
        own_environment([("A", "{size}")], values)


def test_a_file_of_a_size_that_is_an_axis() -> None:
    assert own_files([("a", Sized("{size}"))], {"size": "3"}) == {"a": filler(3)}


def test_a_program_that_is_not_installed_is_left_out_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = TEXTS["gunicorn-uvicorn"]
    (tmp_path / "gunicorn").symlink_to(sys.executable)
    here = find_here(parsed(text, tmp_path), tmp_path, {}, tmp_path)
    assert {cell.backend for cell in here.experiment.cells} == {
        "gunicorn-sync",
        "gunicorn-gthread",
        "gunicorn-gevent",
    }
    assert list(here.experiment.absent.lines()) == [
        f'4 cells left out: {name}: there is no program "{program}" on the PATH: '
        f"`pip install {program}` brings it"
        for name, program in (
            ("uvicorn-asyncio", "uvicorn"),
            ("uvicorn-uvloop", "uvicorn"),
            ("granian", "granian"),
        )
    ]
    assert {place for place, _ in lines_of_missing(here.experiment)} == {
        ("backends", name, "command", 0)
        for name in ("uvicorn-asyncio", "uvicorn-uvloop", "granian")
    }


def test_files_that_a_command_names_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "node").write_text("")
    text = TEXTS["node-cluster"].replace('command = ["node"', 'command = ["./node"')
    (tmp_path / "server.js").write_text("")
    experiment = parsed(text, tmp_path)
    assert list(lines_of_missing(experiment)) == [
        (
            ("backends", "node-cluster", "command", 1),
            f'node-cluster: there is no file "cluster.js" in {tmp_path}',
        )
    ]


def test_what_is_to_be_built_is_not_missed(tmp_path: Path) -> None:
    text = TEXTS["go-gomaxprocs"]
    assert list(lines_of_missing(parsed(text, tmp_path))) == []
    without = "\n".join(line for line in text.split("\n") if not line.startswith("build"))
    ((place, what),) = lines_of_missing(parsed(without, tmp_path))
    assert place == ("backends", "go", "command", 0)
    assert what == f'go: there is no program "./server" in {tmp_path}'
