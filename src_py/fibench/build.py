# SPDX-License-Identifier: BSD-3-Clause
"""Build the C programs with Meson, and install them beside the Python servers.

What is measured is always what was installed, so `run` and `serve` come through here first.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fibench import called
from fibench.configuring import Configuration
from fibench.places import Places
from fibench.premises import VARIABLES

_OF_OTHERS = re.compile(
    r"DESTDIR|MESON_\w+|NINJA(FLAGS|_STATUS)?|(GNU)?MAKEFLAGS|MFLAGS|MAKE(LEVEL|FILES|_TERMOUT|_TERMERR)"
    r"|CDPATH|ENV|BASH_ENV|DEPENDENCIES_OUTPUT|SUNPRO_DEPENDENCIES"
    r"|PYTHON(HOME|INSPECT|OPTIMIZE|WARNINGS)"
)
"""What make, a packager or a shell's start-up hands to its children, and would change what meson,
ninja or a script does here: DESTDIR installs elsewhere, MAKEFLAGS may name a job server, and with
PYTHONWARNINGS=error Meson fails at its own warnings."""


class BuildError(Exception):
    """The programs could not be built; `output` is what the failing step printed."""

    def __init__(self, what: str, hint: str, output: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.output = output


def tool_environment() -> dict[str, str]:
    """The environment for meson, ninja and what else works on a checkout.

    This interpreter's own folder is first, where pip puts meson and ninja. What other builds tell
    their own tools is left out (_OF_OTHERS).
    """
    environment = {
        name: text for name, text in os.environ.items() if not _OF_OTHERS.fullmatch(name)
    }
    for name in VARIABLES:  # an empty CC is no compiler
        if not environment.get(name, "").strip():
            environment.pop(name, None)
    own = str(Path(sys.prefix) / "bin")
    environment["PATH"] = own + os.pathsep + environment.get("PATH", os.defpath)
    return environment


def build(places: Places, announce: bool = True, retry: bool = False) -> None:
    """Set up (the first time), compile and install; a second call with nothing changed is quick.

    It is set up again where what it rests on has changed: variables such as CFLAGS, the compiler,
    libraries. With `retry` what could not be downloaded before is tried once more. Raises
    BuildError. An installed fibench carries its programs, so that there is nothing to do.
    """
    if places.checkout is None:
        return
    _build_in(places.build, places.checkout, places.programs, [], announce, retry)


def build_sanitized(places: Places, sanitizers: str) -> Path:
    """Build with sanitizers, as Meson's b_sanitize names them. Returns the folder of that build.

    Raises BuildError. Only in a checkout.
    """
    assert places.checkout is not None
    folder = places.build / f"sanitize-{sanitizers.replace(',', '-')}"
    programs = folder / places.programs.relative_to(places.build)
    options = [f"-Db_sanitize={sanitizers}", "-Dbuildtype=debugoptimized"]
    _build_in(folder, places.checkout, programs, options)
    return folder


def _build_in(
    folder: Path,
    checkout: Path,
    programs: Path,
    options: list[str],
    announce: bool = True,
    retry: bool = False,
) -> None:
    environment = tool_environment()
    meson = _tool("meson", environment)
    ninja = _tool("ninja", environment)

    def step(argv: list[str]) -> None:
        _step(argv, environment)

    def say(line: str) -> None:
        if announce:
            print(line, file=sys.stderr, flush=True)

    Configuration(folder, checkout, options, environment, meson, step, say).bring_up_to_date(retry)
    step([ninja, "-C", str(folder)])
    planned = _planned(folder)
    if _installed_is_stale(planned, programs):
        step([meson, "install", "-C", str(folder), "--no-rebuild", "--quiet"])
    for stray in _strays(planned, programs):
        stray.unlink()


def _tool(name: str, environment: dict[str, str]) -> str:
    path = shutil.which(name, path=environment["PATH"])
    if path is None:
        hint = f"`{called.through_dev('invoke …')}` brings it"
        raise BuildError(f"{name} is not installed", hint)
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
        hint = "mend what the output above names; "
        hint += f"`{called.command('clean')}` starts from nothing"
        raise BuildError(f"the build failed in `{step}`", hint, done.stdout)


def _planned(build: Path) -> dict[str, str]:
    """Where Meson installs which of its files."""
    try:
        plan: dict[str, str] = json.loads(
            (build / "meson-info" / "intro-installed.json").read_bytes()
        )
    except (OSError, ValueError):
        return {}
    return plan


def _installed_is_stale(planned: Mapping[str, str], programs: Path) -> bool:
    """Whether a file that Meson installs is missing from its place, or differs from its source.

    `meson install` takes about as long as a Python server's start; comparing sizes and times of a
    few dozen files (it preserves times) takes a millisecond.
    """
    if not planned or not programs.is_dir():
        return True
    for source, target in planned.items():
        try:
            built, installed = os.stat(source), os.stat(target)
        except OSError:
            return True
        if (built.st_size, built.st_mtime_ns) != (installed.st_size, installed.st_mtime_ns):
            return True
    return False


def _strays(planned: Mapping[str, str], programs: Path) -> list[Path]:
    """What an earlier build installed, and this one would not: it was left out since."""
    wanted = {
        name for folder, name in map(os.path.split, planned.values()) if folder == str(programs)
    }
    if not wanted:
        return []
    with os.scandir(programs) as entries:
        files = {entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)}
    return [programs / name for name in sorted(files - wanted)]


def clean(places: Places) -> list[Path]:
    """Remove what can be made again: the build folder and caches. Results are never touched."""
    if places.checkout is None:
        return []
    names = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
    removed = [places.checkout / name for name in names if (places.checkout / name).exists()]
    # What FIBENCH_BUILD names may be anything, by mistake.
    if places.build_elsewhere is None or (places.build / "meson-private").is_dir():
        removed += [places.build] if places.build.exists() else []
    for path in removed:
        shutil.rmtree(path)
    return removed
