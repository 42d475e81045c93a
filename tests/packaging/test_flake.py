# SPDX-License-Identifier: BSD-3-Clause
"""flake.nix evaluates, builds and opens its shell, without a network, over this machine's tools.

Where Nix is installed. nix-stub stands in for nixpkgs, and the store is a folder of the test.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.here import require

from .copies import CHECKOUT, copy_checkout

SYSTEMS = ("x86_64-linux", "aarch64-linux")
STUB = Path(__file__).parent / "nix-stub"
OPTIONS = {
    "experimental-features": "nix-command flakes",
    "sandbox": "false",
    "build-users-group": "",
    "substituters": "",
}

Nix = Callable[..., str]


@pytest.fixture(scope="module")
def nix(tmp_path_factory: pytest.TempPathFactory) -> Nix:
    """Runs nix on a copy of the checkout, and returns what it printed."""
    require("nix", "pip", "meson")  # the last two for the stand-in of nixpkgs
    folder = tmp_path_factory.mktemp("nix")
    checkout = copy_checkout(folder / "fibench")
    stub = folder / "nixpkgs"
    shutil.copytree(STUB, stub)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    (stub / "host.nix").write_text(f"{{ path = {json.dumps(path)}; }}\n")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "NIX_REMOTE": "local",
        **{f"NIX_{name}_DIR": str(folder / name) for name in ("STORE", "STATE", "LOG", "CONF")},
    }

    def run(command: str, output: str = "", *arguments: str) -> str:
        done = subprocess.run(
            [
                "nix",
                *(word for name, value in OPTIONS.items() for word in ("--option", name, value)),
                *command.split(),
                f"path:{checkout}{output}",
                "--offline",
                "--no-write-lock-file",
                *("--override-input", "nixpkgs", f"path:{stub}"),
                *arguments,
            ],
            cwd=checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_every_output_evaluates_on_both_architectures(nix: Nix) -> None:
    nix("flake check", "", "--no-build")
    shown = json.loads(nix("flake show", "", "--json"))
    for output in ("apps", "checks", "devShells", "packages"):
        assert shown[output].keys() == set(SYSTEMS)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_package_says_what_it_is(nix: Nix, system: str) -> None:
    meta = json.loads(nix("eval --json", f"#packages.{system}.default.meta"))
    assert meta["license"] == {"spdxId": "BSD-3-Clause"}
    assert meta["mainProgram"] == "fibench"
    assert system in meta["platforms"]


def test_the_package_builds_and_its_app_runs(nix: Nix) -> None:
    assert "py-mt" in nix("run", "", "--", "plan", "gil")


def test_the_shell_runs_invoke_with_the_tools_of_the_flake(nix: Nix) -> None:
    listed = nix("develop", "", "-c", "invoke", "--list")
    assert "run" in listed
    meson = nix("develop", "", "-c", "sh", "-c", "command -v meson")
    assert meson.strip().endswith("-meson/bin/meson")


@pytest.mark.long
def test_the_checks_of_the_flake_pass(nix: Nix) -> None:
    nix("flake check")


def test_the_lock_has_the_layout_that_nix_writes() -> None:
    text = (CHECKOUT / "flake.lock").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert json.loads(text)["version"] == 7
