# SPDX-License-Identifier: BSD-3-Clause
"""Build the C programs with Meson, and install them beside the Python servers.

What is measured is always what was installed, so `run` and `serve` come through here first.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from fibench.places import Places


class BuildError(Exception):
    """The programs could not be built; `output` is what the failing step printed."""

    def __init__(self, what: str, hint: str, output: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.output = output


def tool_environment() -> dict[str, str]:
    """The environment with this interpreter's own folder first, where pip puts meson and ninja."""
    environment = dict(os.environ)
    own = str(Path(sys.prefix) / "bin")
    environment["PATH"] = own + os.pathsep + environment.get("PATH", os.defpath)
    return environment


def build(places: Places, announce: bool = True) -> None:
    """Set up (the first time), compile and install; a second call with nothing changed is quick.

    Raises BuildError. An installed fibench carries its programs, so that there is nothing to do.
    """
    if places.checkout is None:
        return
    _build_in(places.build, places.checkout, places.programs, [], announce)


def build_sanitized(places: Places, sanitizers: str) -> Path:
    """Build with sanitizers, as Meson's b_sanitize names them. Returns the folder of that build.

    Raises BuildError. Only in a checkout.
    """
    assert places.checkout is not None
    folder = places.build / f"sanitize-{sanitizers.replace(',', '-')}"
    programs = folder / places.programs.relative_to(places.build)
    options = [f"-Db_sanitize={sanitizers}", "-Dbuildtype=debugoptimized"]
    _build_in(folder, places.checkout, programs, options, announce=True)
    return folder


def _build_in(
    folder: Path, checkout: Path, programs: Path, options: list[str], announce: bool
) -> None:
    environment = tool_environment()
    meson = _tool("meson", environment)
    ninja = _tool("ninja", environment)
    prefix = folder / "install"
    if not (folder / "build.ninja").is_file():
        if announce:
            print("building the servers (the first time takes some seconds) …", file=sys.stderr)
        setup = [meson, "setup", "--prefix", str(prefix), *options, str(folder), str(checkout)]
        _step(setup, environment)
    elif _configured_prefix(folder) != str(prefix):
        _step([meson, "configure", str(folder), f"-Dprefix={prefix}"], environment)
    _step([ninja, "-C", str(folder)], environment)
    if _installed_is_stale(folder, programs):
        _step([meson, "install", "-C", str(folder), "--no-rebuild", "--quiet"], environment)


def _tool(name: str, environment: dict[str, str]) -> str:
    path = shutil.which(name, path=environment["PATH"])
    if path is None:
        raise BuildError(f"{name} is not installed", "start fibench through ./dev, which brings it")
    return path


def _step(argv: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BuildError(f"cannot start {argv[0]}: {error.strerror}", "check it runs") from error
    if done.returncode != 0:
        step = f"{Path(argv[0]).name} {argv[1]}"
        hint = "mend what the output above names; `invoke clean` starts from nothing"
        raise BuildError(f"the build failed in `{step}`", hint, done.stdout)


def _configured_prefix(build: Path) -> str | None:
    """The prefix that the build folder was set up with, as Meson's introspection keeps it."""
    try:
        options = json.loads((build / "meson-info" / "intro-buildoptions.json").read_text())
        return next(str(o["value"]) for o in options if o["name"] == "prefix")
    except (OSError, ValueError, KeyError, StopIteration):
        return None


def _installed_is_stale(build: Path, programs: Path) -> bool:
    """Whether a file that Meson installs is missing from its place, or differs from its source.

    `meson install` takes about as long as a Python server's start; comparing sizes and times of a
    few dozen files (it preserves times) takes a millisecond.
    """
    try:
        plan: dict[str, str] = json.loads(
            (build / "meson-info" / "intro-installed.json").read_text()
        )
    except (OSError, ValueError):
        return True
    if not programs.is_dir():
        return True
    for source, target in plan.items():
        try:
            built, installed = os.stat(source), os.stat(target)
        except OSError:
            return True
        if (built.st_size, built.st_mtime_ns) != (installed.st_size, installed.st_mtime_ns):
            return True
    return False


def clean(places: Places) -> list[Path]:
    """Remove what can be made again: the build folder and caches. Results are never touched."""
    if places.checkout is None:
        return []
    names = ("build", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
    removed = [places.checkout / name for name in names if (places.checkout / name).exists()]
    for path in removed:
        shutil.rmtree(path)
    return removed
