# SPDX-License-Identifier: BSD-3-Clause
"""The wheel carries runner, programs and experiments, and works where it is installed."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from .copies import CHECKOUT, copy_checkout

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mesonpy") is None or importlib.util.find_spec("pip") is None,
    reason="meson-python or pip is not installed",
)


def run(*command: str | Path, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd="/",
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
    offline = ("--no-index", "--no-deps")
    source = copy_checkout(folder / "source")
    # Where liburing is not installed Meson would try for a minute to download it.
    meson = "--config-settings=setup-args=--wrap-mode=nodownload"
    run(*pip, "wheel", *offline, "--no-build-isolation", meson, "-w", folder / "dist", source)
    shutil.rmtree(source)
    (wheel,) = (folder / "dist").iterdir()
    run(*pip, "install", *offline, "--target", folder / "installed", wheel)
    return folder / "installed"


def test_every_program_of_the_catalogue_is_there_and_can_be_run(installed: Path) -> None:
    programs = installed / "fibench" / "libexec"
    catalogue = tomllib.loads((programs / "catalogue.toml").read_text())
    libraries = record(installed)["libraries"]
    wanted = {"fibload", "supervise", "client.py", "client_bench.sh"}
    wanted |= {
        entry["program"]
        for entry in catalogue["backend"]
        if not libraries.get(entry.get("needs"), {}).get("lacking")
    }
    assert {name for name in wanted if not os.access(programs / name, os.X_OK)} == set()


def record(installed: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (installed / "fibench" / "libexec" / "build.json").read_bytes()
    )
    return document


def test_no_program_needs_a_library_that_another_machine_may_lack(installed: Path) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed")
    needed = set()
    for path in (installed / "fibench" / "libexec").iterdir():
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", path)))
    assert any(name.startswith(("libc.", "libc-", "libc.musl")) for name in needed)
    assert [name for name in needed if "uring" in name or "aio" in name] == []


def test_what_it_was_built_with_is_kept_and_told_of_its_runs(installed: Path) -> None:
    assert record(installed)["wheel"] is True
    script = (
        "import json\nfrom fibench.environment import environment\n"
        "from fibench.places import find_places\n"
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
