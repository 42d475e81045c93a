# SPDX-License-Identifier: BSD-3-Clause
"""The wheel carries runner, programs and experiments, and works where it is installed.

It is built with and without the libraries that the programs under test were built with and without.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import here

from fibench.backends.catalogue import Backend, read_catalogue

from .copies import CHECKOUT, copy_checkout

pytestmark = pytest.mark.needs("meson-python", "pip")
# Older versions of pip pass on one option only, so that the build is asked as pip asks it: PEP 517.
BUILD = "import json, mesonpy, sys; mesonpy.build_wheel(sys.argv[1], json.loads(sys.argv[2]))"


def run(*command: str | Path, cwd: Path | str = "/", **environment: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a wheel built from a clean copy was installed into; the copy is gone."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--isolated", "--quiet")
    offline = ("--no-index", "--no-deps", "--no-compile")  # each module is imported a time or two
    source = copy_checkout(folder / "source")
    options = here.build_options(here.programs_folder())
    # Where liburing is not installed Meson would try for a minute to download it. What a packager
    # adds to the flags comes last: nothing here is about how fast the programs are.
    arguments = [f"-D{name}={options[name]}" for name in options]
    arguments += ["--wrap-mode=nodownload", "-Dc_args=-O0"]
    settings = json.dumps({"setup-args": arguments})
    (folder / "dist").mkdir()
    run(sys.executable, "-c", BUILD, folder / "dist", settings, cwd=source)
    shutil.rmtree(source)
    (wheel,) = (folder / "dist").iterdir()
    run(*pip, "install", *offline, "--target", folder / "installed", wheel)
    return folder / "installed"


def may_be_left_out(backend: Backend) -> bool:
    """Whether what was built here has no such program either, or no library to go into a wheel."""
    if here.is_left_out(backend, here.programs_folder()):
        return True
    return backend.needs in here.LIBRARIES and not here.has_library(backend.needs, static=True)


def test_every_program_of_the_catalogue_is_there_and_can_be_run(installed: Path) -> None:
    programs = installed / "fibench" / "libexec"
    catalogue = read_catalogue(programs / "catalogue.toml").values()
    wanted = {"fibload", "supervise", "probe", "client.py", "client_bench.sh"}
    wanted |= {backend.program for backend in catalogue if not may_be_left_out(backend)}
    assert {name for name in wanted if not os.access(programs / name, os.X_OK)} == set()


def test_the_installed_command_says_what_the_build_left_out(installed: Path) -> None:
    said = run(installed / "bin" / "fibench", "backends", "--json", PYTHONPATH=str(installed))
    programs = installed / "fibench" / "libexec"
    for row in json.loads(said):
        if not (programs / row["program"]).exists():
            assert row["needs"] in here.LIBRARIES
            assert row["needs"] in row["reason"]


def record(installed: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (installed / "fibench" / "libexec" / "build.json").read_bytes()
    )
    return document


def test_no_program_needs_a_library_that_another_machine_may_lack(installed: Path) -> None:
    here.require("readelf")
    needed = set()
    for path in (installed / "fibench" / "libexec").iterdir():
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", path)))
    assert any(name.startswith(("libc.", "libc-", "libc.musl")) for name in needed)
    assert [name for name in needed if "uring" in name or "aio" in name] == []


def test_what_it_was_built_with_is_kept_and_told_of_its_runs(installed: Path) -> None:
    assert record(installed)["wheel"] is True
    script = (
        "import json\nfrom fibench.run.environment import environment\n"
        "from fibench.folders import find_places\n"
        "known = {'programs': {}, 'interpreters': {}}\n"
        "print(json.dumps(environment(find_places(), known)))"
    )
    told = json.loads(run(sys.executable, "-c", script, PYTHONPATH=str(installed)))
    version = re.search(r"version : '(.*)'", (CHECKOUT / "meson.build").read_text())
    assert version is not None
    assert told["fibench"] == version[1] == record(installed)["fibench"]
    assert told["compiler"]["version"]
    assert "-O3" in told["compiler"]["flags"]
    assert told["compiler"]["options"]["b_ndebug"] is False
    assert told["libraries"].keys() == {"liburing", "libaio"}


def test_every_file_of_the_package_is_there(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        return {str(path) for path in found if "__pycache__" not in path.parts}

    package = files(installed / "fibench")
    assert files(CHECKOUT / "src_py" / "fibench") - package == set()
    experiments = {f"experiments/{path.name}" for path in (CHECKOUT / "experiments").glob("*.toml")}
    assert experiments - package == set()


def test_the_installed_command_plans_an_experiment_it_carries(installed: Path) -> None:
    plan = run(installed / "bin" / "fibench", "plan", "gil", PYTHONPATH=str(installed))
    assert "py-mt" in plan


def test_the_installed_command_has_no_tasks_of_the_checkout(installed: Path) -> None:
    listed = run(installed / "bin" / "fibench", "--list", PYTHONPATH=str(installed))
    commands = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
    assert {"run", "plan", "backends", "serve"} <= commands
    assert commands.isdisjoint({"build", "test", "lint", "bench", "clean"})
