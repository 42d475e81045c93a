# SPDX-License-Identifier: BSD-3-Clause
"""The wheel carries runner, programs and experiments, and works where it is installed."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

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
    run(*pip, "wheel", *offline, "--no-build-isolation", "-w", folder / "dist", source)
    shutil.rmtree(source)
    (wheel,) = (folder / "dist").iterdir()
    run(*pip, "install", *offline, "--target", folder / "installed", wheel)
    return folder / "installed"


def test_every_program_of_the_catalogue_is_there_and_can_be_run(installed: Path) -> None:
    programs = installed / "fibench" / "libexec"
    catalogue = tomllib.loads((programs / "catalogue.toml").read_text())
    wanted = {"fibload", "supervise", "client.py", "client_bench.sh"}
    wanted |= {entry["program"] for entry in catalogue["backend"]}
    assert {name for name in wanted if not os.access(programs / name, os.X_OK)} == set()


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
