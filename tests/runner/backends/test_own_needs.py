# SPDX-License-Identifier: BSD-3-Clause
"""What a server of one's own needs beyond its program: found out once, with what installs it."""

from pathlib import Path

import pytest
from tests.runner.experiments import KNOWN

from fibench.backends import own_needs, own_servers
from fibench.backends.available import find_here
from fibench.backends.own_needs import why_not_here
from fibench.backends.own_servers import not_installed, path_of
from fibench.document import ExperimentError
from fibench.experiment import Experiment, parse_experiment
from fibench.parameters import Fault

FILE = """
title = "t"
[backends.mine]
command = ["python3", "server.py", "{{port}}"]
framing = "message"
{mine}
[matrix]
backend = [{cells}]
n = [1, 2]
"""


def parsed(mine: str, folder: Path, cells: str = '"mine"') -> Experiment:
    return parse_experiment(FILE.format(mine=mine, cells=cells), "e.toml", KNOWN, folder=folder)


def why_not(mine: str, folder: Path, programs: Path) -> str | None:
    own = parsed(mine, folder).backends["mine"]
    return why_not_here(own, programs / "supervise")


def python(words: str) -> str:
    return f"needs = ['python3', '-S', '-c', '''{words}''']\n"


def test_one_whose_needs_are_met_is_here(tmp_path: Path, programs: Path) -> None:
    assert why_not(python("pass"), tmp_path, programs) is None
    assert why_not("install = 'pip install it'", tmp_path, programs) is None


@pytest.mark.parametrize(
    ("needs", "install", "why"),
    [
        (
            python("import no_such_module"),
            'install = "pip install it"',
            "ModuleNotFoundError: No module named 'no_such_module': `pip install it` brings it",
        ),
        (
            python('raise SystemExit("it is too old\\n]")'),
            "",
            "it is too old: install what it needs",
        ),
        (
            "needs = ['false', '-x']",
            'install = "apt install it"',
            "false -x ended with status 1: `apt install it` brings it",
        ),
        (
            "needs = ['no-such-probe']",
            "",
            "there is no program 'no-such-probe' on the PATH: install what it needs",
        ),
    ],
)
def test_one_whose_needs_are_not_met_is_not(
    tmp_path: Path, programs: Path, needs: str, install: str, why: str
) -> None:
    assert why_not(f"{needs}\n{install}", tmp_path, programs) == why


def test_a_probe_that_does_not_end_is_ended(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_needs, "LIMIT_S", 0.1)
    why = why_not("needs = ['sleep', 'infinity']", tmp_path, programs)
    assert why == "sleep infinity did not end within 0.1 s: install what it needs"


def test_it_runs_in_the_folder_of_the_file_with_the_servers_variables(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    probe = tmp_path / "probe"
    probe.write_text("#!/bin/sh\necho $MODE, $WORKERS, $PYTHONOPTIMIZE, $PWD\nexit 1\n")
    probe.chmod(0o755)
    env = 'env = { MODE = "fast", WORKERS = "{workers}" }'
    why = why_not(f"needs = ['./probe']\n{env}", tmp_path, programs)
    assert why == f"fast, , , {tmp_path}: install what it needs"


def test_nothing_is_run_before_anything_was_built(tmp_path: Path) -> None:
    assert why_not("needs = ['false']", tmp_path, tmp_path / "none") is None


def test_it_is_run_once_for_all_cells_and_for_no_server_without(
    tmp_path: Path, programs: Path
) -> None:
    mine = python("open('runs', 'a').write('x'); raise SystemExit('no')")
    here = find_here(parsed(mine, tmp_path), tmp_path, {}, programs)
    assert here.experiment.cells == ()
    assert list(here.experiment.absent.lines()) == [
        "2 cells left out: mine: no: install what it needs"
    ]
    assert (tmp_path / "runs").read_text() == "x"
    find_here(parsed(mine, tmp_path, '"c-mt"'), tmp_path, {}, tmp_path)
    assert (tmp_path / "runs").read_text() == "x"


def test_what_installs_a_program_that_is_not_there_is_the_files_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(own_servers, "SYSTEM_FOLDERS", ())
    own = parsed('install = "dnf install python3"', tmp_path).backends["mine"]
    assert not_installed(own) == (
        'there is no program "python3" on the PATH: `dnf install python3` brings it'
    )


def test_servers_are_looked_for_where_systems_keep_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder, sbin = tmp_path / "bin", tmp_path / "sbin"
    for folder in (bin_folder, sbin):
        folder.mkdir()
    monkeypatch.setattr(own_servers, "SYSTEM_FOLDERS", (str(sbin),))
    monkeypatch.setenv("PATH", str(bin_folder))
    own = parsed("", tmp_path).backends["mine"]
    assert not_installed(own) is not None
    (sbin / "python3").touch(0o755)
    assert not_installed(own) is None
    assert path_of({}) == f"{bin_folder}:{sbin}"
    assert path_of({"PATH": "/mine"}) == "/mine"  # the file's word is the last
    monkeypatch.setenv("PATH", f"{sbin}:{bin_folder}")
    assert path_of({}) == f"{sbin}:{bin_folder}"


def test_braces_in_the_path_are_filled_before_it_is_used() -> None:
    filled = own_servers.own_environment([("PATH", "/v/{workers}/bin")], {"workers": "3"})
    assert filled == {"PATH": "/v/3/bin"}
    with pytest.raises(Fault):
        own_servers.own_environment([("PATH", "{none}")], {})


@pytest.mark.parametrize(
    ("mine", "what", "hint"),
    [
        (
            'needs = "python3"',
            "needs must be a list of arguments, not one text; there is no shell",
            'write needs = ["python3", "-c", "import gevent"]',
        ),
        (
            "needs = []",
            "needs must be a list of arguments",
            'write needs = ["python3", "-c", "import gevent"]',
        ),
        (
            'install = ["pip", "install", "gunicorn"]',
            "install must be text, not a list",
            'write install = "pip install gunicorn"',
        ),
        (
            'install = "apt update\\napt install nginx"',
            "install must be one line of text",
            'write install = "pip install gunicorn"',
        ),
        (
            'install = ""',
            "install must be one line of text",
            'write install = "pip install gunicorn"',
        ),
        (f'install = "{"x" * 501}"', "install has 501 characters; 500 are allowed", ""),
    ],
)
def test_a_fault_in_either_is_explained(mine: str, what: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        parsed(mine, tmp_path)
    (fault,) = caught.value.diagnostics
    assert fault.line == 6
    assert (fault.what, fault.hint) == (what, hint)
