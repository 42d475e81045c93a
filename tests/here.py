# SPDX-License-Identifier: BSD-3-Clause
"""What of all that the tests use is on this machine: the one place that decides what is skipped.

A test that needs a program, a module or a faculty of the machine is marked
`@pytest.mark.needs("strace")`, or calls `require("strace")`; one of a backend calls
`require_backend`. The reasons are those that `invoke backends` gives. What ought to be there and is
not is never a reason to skip: its tests run, and fail. What only the course of a test can find out
it hands to `leave_out`, and what does not concern a backend to `leave_out_backend`.
"""

import functools
import importlib.util
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from tests.runner.pythons import another

from fibench.backends import Interpreter, NotHere, find_interpreter
from fibench.backends.available import lacking, why_unavailable
from fibench.backends.catalogue import Backend, read_catalogue, unavailable_reason
from fibench.backends.interpreters import own
from fibench.build.meson import tool_environment
from fibench.develop.bench.rivals import find_program
from fibench.folders import find_places
from fibench.page.charts.raster import has_font
from fibench.server.cgroup import usable_parent
from fibench.server.thread_time import NOT_KEPT
from fibench.trial.untimed.syscalls import absent_reason

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
INTERPRETER = "FIBENCH_INTERPRETER"
LONG_FORM = pytest.mark.skip(reason="a long form: run with --all")


def programs_folder() -> Path:
    """Where the built programs are: $FIBENCH_PROGRAMS, else where `invoke build` installs them."""
    named = os.environ.get("FIBENCH_PROGRAMS")
    return Path(named).resolve() if named else find_places().programs


def leave_out(reason: str) -> NoReturn:
    """Skip the test that runs, for what only its course can find out."""
    pytest.skip(reason)


def leave_out_backend(name: str, reason: str) -> NoReturn:
    """Skip what cannot be asked of a backend by its nature, or in this build."""
    leave_out(f"{name}: {reason}")


# Backends


@functools.cache
def known_backends() -> Mapping[str, Backend]:
    """Those of the catalogue, by name."""
    return read_catalogue(CHECKOUT / "catalogue.toml")


@functools.cache
def why_not_backend(name: str) -> str | None:
    """Why a backend of the catalogue cannot run here; None if it can, or if it ought to."""
    return reason_of(known_backends()[name], programs_folder())


def reason_of(backend: Backend, programs: Path) -> str | None:
    """The same of any backend and any folder of programs."""
    if not (programs / backend.program).is_file() and not is_left_out(backend, programs):
        return None
    if backend.language == "python" and os.environ.get(INTERPRETER):
        return unavailable_reason(backend, programs) or lacking(
            backend, programs, servers_python().path
        )
    return why_unavailable(backend, programs)


@functools.cache
def servers_python() -> Interpreter:
    """The Python that servers are tested on: the one that runs this, or another that the
    environment names as a file would, `FIBENCH_INTERPRETER=3.14t`."""
    named = os.environ.get(INTERPRETER)
    try:
        return find_interpreter(named, CHECKOUT, os.environ) if named else own()
    except NotHere as reason:
        raise pytest.UsageError(f"{INTERPRETER}={named}: {reason}") from reason


def is_left_out(backend: Backend, programs: Path) -> bool:
    """Whether the build did without a backend's program, as it may where a library is lacking."""
    if backend.needs not in LIBRARIES or (programs / backend.program).is_file():
        return False
    planned = programs_of_build(programs)
    return planned is None or backend.program not in planned


def programs_of_build(programs: Path) -> frozenset[str] | None:
    """What the build whose programs are in this folder compiles; None if it is not known."""
    listing = build_folder(programs) / "meson-info" / "intro-targets.json"
    if not listing.is_file():
        return None
    targets = json.loads(listing.read_text())
    return frozenset(target["name"] for target in targets if target["type"] == "executable")


def build_folder(programs: Path) -> Path:
    """Meson's folder, in which programs are installed as `invoke build` does it."""
    return programs.parents[2]


def build_options(programs: Path) -> dict[str, str]:
    """Which optional libraries the build was told to do with or without: `auto` as a rule."""
    listing = build_folder(programs) / "meson-info" / "intro-buildoptions.json"
    if not listing.is_file():
        return {}
    options = json.loads(listing.read_text())
    return {each["name"]: each["value"] for each in options if each["name"] in LIBRARIES}


def require_backend(name: str) -> None:
    """Skip what needs a backend that cannot run here, saying why."""
    if reason := why_not_backend(name):
        leave_out_backend(name, reason)


def require_built(name: str) -> None:
    """Skip what needs the program of a backend that the build left out, saying why."""
    backend, programs = known_backends()[name], programs_folder()
    if is_left_out(backend, programs):
        leave_out_backend(name, str(why_unavailable(backend, programs)))


# What programs may be built with

LIBRARIES = {
    "libaio": "#include <libaio.h>\nint main(void) { return io_queue_init(1, 0); }\n",
    "liburing": "#include <liburing.h>\n"
    "int main(void) { return io_uring_register_buf_ring(0, 0, 0); }\n",
}
"""By its name in the catalogue and in meson.options, a program that needs what is needed of it."""


def has_library(name: str, *, static: bool = False) -> bool:
    """Whether a program can be linked with a library, as the servers that need it are."""
    words = [f"-l{name.removeprefix('lib')}"]
    if static:
        words = ["-Wl,-Bstatic", *words, "-Wl,-Bdynamic"]
    return compiles(LIBRARIES[name], *words) is None


def c_compiler() -> list[str]:
    """The command of the C compiler, with quotes as a shell has them: a path may have spaces."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def compiles(source: str, *words: str) -> str | None:
    """What the C compiler complains of, in one line; None if it makes a program of the source."""
    compiler = c_compiler()
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        path = Path(folder, "probe.c")
        path.write_text(source)
        argv = [*compiler, str(path), "-o", str(Path(folder, "probe")), *words]
        try:
            done = _ended(argv)
        except OSError as error:
            return f"{compiler[0]}: {error.strerror}"
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines() or [f"{compiler[0]} ended with {done.returncode}"]
    return next((line for line in said if "error" in line), said[-1])


# Everything else


@functools.cache
def why_not(name: str) -> str | None:
    """Why a faculty, a module or a program that tests ask for is not here; None if it is."""
    if name in _FACULTIES:
        return _FACULTIES[name]()
    if name in _MODULES:
        found = importlib.util.find_spec(_MODULES[name]) is not None
        return None if found else f"{name} is not installed"
    return None if program(name) else f"{name} is not installed"


def program(name: str) -> str | None:
    """Where a program is: beside this Python, on the PATH, or where the system has servers."""
    return find_program(name, tool_environment()["PATH"])


def require(*names: str) -> None:
    """Skip what needs what is not here, saying why."""
    for name in names:
        if reason := why_not(name):
            leave_out(reason)


def _ended(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE_S,
        check=False,
    )


def _cgroup() -> str | None:
    found = usable_parent(programs_folder() / "supervise") is not None
    return None if found else "no cgroup v2 that this process may use"


def _another_python() -> str | None:
    return None if another() else "pyenv has no other Python from 3.6 to 3.13"


def _c_compiler() -> str | None:
    found = any(map(program, ("gcc", "cc")))
    return None if found else "no C compiler is installed"


def _ipv6() -> str | None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 loopback: {error.strerror}"
    return None


def _not_root() -> str | None:
    return "root is above permissions" if os.geteuid() == 0 else None


def _root() -> str | None:
    return None if os.geteuid() == 0 else "only root may do this"


def _address_sanitizer() -> str | None:
    complaint = compiles("int main(void) { return 0; }\n", "-fsanitize=address")
    return f"no AddressSanitizer: {complaint}" if complaint else None


def _real_time_priority() -> str | None:
    """What only holds for a meter that nobody holds up is asked of one that goes before all."""
    words = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    if _ended([sys.executable, "-I", "-c", words]).returncode == 0:
        return None
    return "no real-time priority (ulimit -r), so that whatever else runs here would be measured"


def _namespaces() -> str | None:
    """A mount namespace of one's own, in which a root can be given its /proc."""
    if reason := _root() or why_not("unshare"):
        return reason
    argv = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    done = _ended(argv)
    return None if done.returncode == 0 else f"no namespaces: {done.stderr.strip()}"


def _font() -> str | None:
    """Whether pictures of pixels can have words."""
    if reason := why_not("resvg-py"):
        return reason
    return None if has_font() else "no font is installed"


def _schedstat() -> str | None:
    """Whether the kernel keeps how long threads ran and waited for a CPU."""
    try:
        told = Path("/proc/self/schedstat").read_text()
    except OSError:
        told = ""
    return NOT_KEPT if told in ("", "0 0 0\n") else None


_FACULTIES: Mapping[str, Callable[[], str | None]] = {
    "AddressSanitizer": _address_sanitizer,
    "IPv6": _ipv6,
    "a C compiler": _c_compiler,
    "a font": _font,
    "a plain user": _not_root,
    "another Python": _another_python,
    "cgroup v2": _cgroup,
    "namespaces": _namespaces,
    "real-time priority": _real_time_priority,
    "root": _root,
    "schedstat": _schedstat,
    "strace": absent_reason,
}
_MODULES = {
    "gevent": "gevent",
    "hdrhistogram": "hdrh",
    "meson-python": "mesonpy",
    "pip": "pip",
    "pyperf": "pyperf",
    "resvg-py": "resvg_py",
}
