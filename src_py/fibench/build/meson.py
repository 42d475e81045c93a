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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fibench import called
from fibench.build import wraps
from fibench.build.configuring import Configuration
from fibench.build.error import BuildError as BuildError
from fibench.build.error import step_error, told_as_build_error
from fibench.build.lock import BuildLock
from fibench.build.premises import VARIABLES
from fibench.folders import Places

_OF_OTHERS = re.compile(
    r"DESTDIR|MESON_\w+|NINJA(FLAGS|_STATUS)?|(GNU)?MAKEFLAGS|MFLAGS|MAKE(LEVEL|FILES|_TERMOUT|_TERMERR)"
    r"|CDPATH|ENV|BASH_ENV|DEPENDENCIES_OUTPUT|SUNPRO_DEPENDENCIES"
    r"|PYTHON(HOME|INSPECT|OPTIMIZE|WARNINGS)"
)
"""What make, a packager or a shell's start-up hands to its children, and would change what meson,
ninja or a script does here: DESTDIR installs elsewhere, MAKEFLAGS may name a job server, and with
PYTHONWARNINGS=error Meson fails at its own warnings."""


_MESON_IS_AT_WORK = "Some other Meson process is already using this build directory"
"""What Meson says, which waits for no other."""


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
    with built(places, "build", announce=announce, retry=retry):
        pass


@contextmanager
def built(
    places: Places, name: str, *, announce: bool = True, retry: bool = False
) -> Iterator[None]:
    """The same, and inside nobody else who builds or cleans changes what was built.

    `name` is what this is called by those who wait for it. Before anything is changed, this waits
    for all who are inside; where nothing is to be done, only for who is just changing something.
    Raises KeyboardInterrupt while it waits.
    """
    if places.checkout is None:
        yield
        return
    job = _Job(places.build, places.checkout, places.programs, announce=announce, retry=retry)
    with _done(job, name):
        yield


def build_sanitized(places: Places, sanitizers: str) -> Path:
    """Build with sanitizers, as Meson's b_sanitize names them. Returns the folder of that build.

    Raises BuildError. Only in a checkout.
    """
    assert places.checkout is not None
    folder = places.build / f"sanitize-{sanitizers.replace(',', '-')}"
    programs = folder / places.programs.relative_to(places.build)
    options = (f"-Db_sanitize={sanitizers}", "-Dbuildtype=debugoptimized")
    job = _Job(folder, places.checkout, programs, options)
    with _locked(places.build, "test"), _done(job, "test"):  # the folder is inside of the other
        return folder


@contextmanager
def _locked(folder: Path, name: str, *, alone: bool = False) -> Iterator[BuildLock]:
    """The lock of a build folder: shared, or the folder `alone` if there is one."""
    with BuildLock(folder, name, _say, makes_folder=not alone) as lock:
        try:
            if alone:
                lock.exclude()
            else:
                lock.share()
        except OSError as error:
            what = f"cannot lock {folder}: {error.strerror}"
            raise BuildError(what, "name another place: FIBENCH_BUILD=/some/where") from error
        yield lock


@contextmanager
def _done(job: "_Job", name: str) -> Iterator[None]:
    """The job is done, and what it has built stays so."""
    job.find_tools()
    with _locked(job.folder, name) as lock:
        # Not around what is done inside: its errors are no build's.
        with told_as_build_error(job.folder):
            while not job.is_done():
                lock.exclude()
                job.do()
                made = job.seen()
                lock.share()
                # Others who waited may have come first, and have had the folder in between.
                if job.seen() == made:
                    break
        yield


class _ToDoError(Exception):
    """Something is to be changed."""


@dataclass(frozen=True)
class _Job:
    """What is to be built where."""

    folder: Path
    checkout: Path
    programs: Path
    options: tuple[str, ...] = ()
    announce: bool = True
    retry: bool = False
    environment: Mapping[str, str] = field(default_factory=tool_environment)

    def find_tools(self) -> None:
        """Raises BuildError where one is not installed."""
        for name in ("meson", "ninja"):
            self._tool(name)

    def is_done(self) -> bool:
        """Whether nothing is to be changed. Takes no longer than doing nothing would."""

        def before_change() -> None:
            raise _ToDoError

        try:
            self._configuration(_unheard, before_change).bring_up_to_date(self.retry)
        except _ToDoError:
            return False
        planned = _planned(self.folder)
        return (
            "no work to do" in self._step([self._tool("ninja"), "-C", str(self.folder), "-n"])
            and not _installed_is_stale(planned, self.programs)
            and not _strays(planned, self.programs)
        )

    def do(self) -> None:
        """Bring everything up to date. Raises BuildError."""
        say = _say if self.announce else _unheard
        self._configuration(say).bring_up_to_date(self.retry)
        self._step([self._tool("ninja"), "-C", str(self.folder)])
        planned = _planned(self.folder)
        if _installed_is_stale(planned, self.programs):
            install = [self._tool("meson"), "install", "-C", str(self.folder)]
            self._step([*install, "--no-rebuild", "--quiet"])
        for stray in _strays(planned, self.programs):
            stray.unlink()

    def seen(self) -> dict[str, tuple[int, int, int]]:
        """What tells the programs that are installed now from others, by name."""
        try:
            with os.scandir(self.programs) as entries:
                found = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
        except OSError:
            return {}
        return {name: (one.st_ino, one.st_size, one.st_mtime_ns) for name, one in found.items()}

    def _configuration(
        self, say: Callable[[str], None], before_change: Callable[[], None] = lambda: None
    ) -> Configuration:
        return Configuration(
            self.folder, self.checkout, list(self.options), self.environment, self._tool("meson"),
            self._step, say, before_change,
        )  # fmt: skip

    def _step(self, argv: list[str]) -> str:
        # Meson is to find what was unpacked, and never to look at what is in the checkout's cache.
        cache = {"MESON_PACKAGE_CACHE_DIR": str(self.folder / "packagecache")}
        return _step(argv, {**self.environment, **cache}, self.folder, self.checkout)

    def _tool(self, name: str) -> str:
        return _tool(name, self.environment)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _unheard(line: str) -> None:
    pass


def _tool(name: str, environment: Mapping[str, str]) -> str:
    path = shutil.which(name, path=environment["PATH"])
    if path is None:
        hint = f"`{called.through_dev('invoke …')}` brings it"
        raise BuildError(f"{name} is not installed", hint)
    return path


def _step(argv: list[str], environment: Mapping[str, str], folder: Path, checkout: Path) -> str:
    """Run a tool in the build folder; returns what it printed. Raises BuildError."""
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
        if _MESON_IS_AT_WORK in done.stdout:
            hint = f"another Meson was at work in {folder}: when it has ended, try again"
            raise BuildError("the build folder is in use", hint, done.stdout)
        raise step_error(argv, done.stdout, folder, checkout)
    return done.stdout


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
    """Remove what can be made again: the build folder, caches, the sources that were brought.

    Results are never touched, nor the archive of those sources, which may have no other copy here.
    Waits until nobody measures what was built. Raises BuildError, and KeyboardInterrupt while it
    waits.
    """
    if places.checkout is None:
        return []
    # What FIBENCH_BUILD names may be anything, by mistake.
    if places.build_elsewhere is not None and not (places.build / "meson-private").is_dir():
        return _remove_all(_caches(places.checkout))
    with _locked(places.build, "clean", alone=True):
        return _remove_all([*_caches(places.checkout), *_brought(places.checkout), places.build])


def _caches(checkout: Path) -> list[Path]:
    names = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
    return [checkout / name for name in names]


def _brought(checkout: Path) -> list[Path]:
    """Sources that were unpacked from an archive that is still here."""
    try:
        return wraps.removable(wraps.read_wrap(checkout / wraps.WRAP))
    except wraps.WrapError:
        return []


def _remove_all(folders: list[Path]) -> list[Path]:
    """Remove those that are there; returns them."""
    there = [folder for folder in folders if folder.exists()]
    for folder in there:
        wraps.remove(folder)
    return there
