# SPDX-License-Identifier: BSD-3-Clause
"""Machines that have what is put into them: a PATH of chosen programs, and a small checkout."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ending

from .copies import CHECKOUT
from .wheels import write_wheel

PYTHON = os.path.realpath(sys.executable)
TOOLS = (
    "cat", "cut", "dirname", "env", "grep", "head", "id", "ls", "mkdir", "mktemp", "readlink", "rm",
    "sed", "sh", "sha256sum", "sort", "stat", "tail", "true", "uname",
)  # fmt: skip
ANYWHERE = "/"
TASKS = """
import os, sys
print("invoke", *sys.argv[1:], "in", os.getcwd())
if "about" in sys.argv:
    print(sys.flags.isolated, os.environ.get("FIBENCH_FROM"), os.environ.get("DESTDIR"), sys.prefix)
if "shell" in sys.argv:
    print(os.environ.get("PATH"), os.environ.get("VIRTUAL_ENV"))
"""
"""A tasks.py that says what it was asked."""


QUICK = """case "$*" in
"-I -m venv "*) "{python}" -I -m venv --without-pip "$4" || exit
    exec "{cp}" -a {pip} "$4"/lib/python*/site-packages ;;
esac
exec "{python}" "$@\""""
"""A Python, `{python}`, whose venvs have the files {pip} in place of what ensurepip installs."""


def own_pip() -> list[Path] | None:
    """The files of the pip that belongs to this Python; None: it has none."""
    found = importlib.util.find_spec("pip")
    if found is None or found.origin is None:
        return None
    package = Path(found.origin).parent
    return [package, *package.parent.glob("pip-*.dist-info")]


@dataclass(frozen=True)
class Machine:
    """A PATH of chosen programs, and a checkout whose requirements are tiny wheels."""

    programs: Path
    checkout: Path
    wheels: Path

    def has(self, name: str, script: str) -> None:
        """Put a program into PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def has_python(self, name: str, before: str = "", *, whole: bool = False) -> None:
        """Put a Python into PATH; what runs `before` is told to -I -c only.

        One that is not `whole` copies pip into a .venv, instead of installing it for seconds.
        """
        if before:
            code = f"import sys; {before}; exec(sys.argv[1])"
            self.has(name, f'exec "{PYTHON}" -I -c "{code}" "$3"')
        elif whole or (pip := own_pip()) is None:
            self.has(name, f'exec "{PYTHON}" "$@"')
        else:
            copied = " ".join(f'"{path}"' for path in pip)
            self.has(name, QUICK.format(python=PYTHON, cp=shutil.which("cp"), pip=copied))

    def lock(self, name: str, *lines: str) -> None:
        """Write a lock file."""
        (self.checkout / name).write_text("".join(lines))

    @contextmanager
    def start(
        self, *command: str, cwd: Path | str = ANYWHERE, **environment: str
    ) -> "Iterator[subprocess.Popen[str]]":
        """./dev COMMAND for the length of a with block."""
        with ending(
            subprocess.Popen(
                [self.checkout / "dev", *command],
                cwd=cwd,
                env={
                    "PATH": str(self.programs),
                    "HOME": str(self.programs.parent),
                    "PIP_CONFIG_FILE": os.devnull,
                    "PIP_FIND_LINKS": self.wheels.as_uri(),
                    "PIP_NO_INDEX": "1",
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        ) as process:
            yield process

    def dev(
        self, *command: str, cwd: Path | str = ANYWHERE, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run ./dev COMMAND to its end."""
        with self.start(*command, cwd=cwd, **environment) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@dataclass(frozen=True)
class Ready:
    """A machine whose checkout has all of .venv; its Pythons are gone since."""

    machine: Machine
    first: "subprocess.CompletedProcess[str]"
    """What the first run of dev said."""


def make_machine(folder: Path) -> Machine:
    made = Machine(folder / "bin", folder / "my own checkout", folder / "wheels")
    for folder in (made.programs, made.checkout, made.wheels):
        folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, f"{name} is not installed"
        (made.programs / name).symlink_to(found)
    made.has("cc", "exit 0")
    shutil.copy2(CHECKOUT / "dev", made.checkout)
    (made.checkout / "tasks.py").write_text(TASKS)
    (made.checkout / "src").mkdir()
    made.lock("requirements.lock", write_wheel(made.wheels, "running", "invoke"))
    made.lock("requirements-dev.lock", write_wheel(made.wheels, "testing", "pytest"))
    return made


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """What dev said when it refused to go on: a line of what, and at least one of what to do."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("dev: ") for line in lines)
    assert 2 <= len(lines) <= 3
    return done.stderr
