# SPDX-License-Identifier: BSD-3-Clause
"""`./dev COMMAND` on machines that have everything, or lack one thing."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from .copies import CHECKOUT
from .wheels import write_wheel

PYTHON = os.path.realpath(sys.executable)
TOOLS = ("cat", "dirname", "mkdir", "readlink", "rm", "sh", "sha256sum", "uname")
ANYWHERE = "/"


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

    def has_python(self, name: str, before: str = "") -> None:
        """Put a Python into PATH; what runs `before` is told to -c only."""
        if before:
            code = f"import sys; {before}; exec(sys.argv[1])"
            self.has(name, f'exec "{PYTHON}" -c "{code}" "$2"')
        else:
            self.has(name, f'exec "{PYTHON}" "$@"')

    def lock(self, name: str, *lines: str) -> None:
        """Write a lock file."""
        (self.checkout / name).write_text("".join(lines))

    def start(
        self, *command: str, cwd: Path | str = ANYWHERE, **environment: str
    ) -> "subprocess.Popen[str]":
        """Start ./dev COMMAND in a session of its own."""
        return subprocess.Popen(
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

    def dev(
        self, *command: str, cwd: Path | str = ANYWHERE, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run ./dev COMMAND to its end."""
        process = self.start(*command, cwd=cwd, **environment)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a C compiler and no Python; the checkout's path has spaces in it."""
    return make_machine(tmp_path)


@dataclass(frozen=True)
class Ready:
    """A machine whose checkout has all of .venv; its Pythons are gone since."""

    machine: Machine
    first: "subprocess.CompletedProcess[str]"
    """What the first run of dev said."""


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    """Four Pythons, of which only the last does, made .venv."""
    made = make_machine(tmp_path_factory.mktemp("ready"))
    made.has("python3.14", "exit 127")
    made.has_python("python3.13", before="sys.version_info = (3, 10, 14)")
    made.has_python("python3.12", before="sys.modules['ensurepip'] = None")
    made.has_python("python3.11")
    first = made.dev("pytest", "-k", "some tests")
    for python in made.programs.glob("python*"):
        python.unlink()
    return Ready(made, first)


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
    (made.checkout / "src").mkdir()
    made.lock("requirements.lock", write_wheel(made.wheels, "running", "invoke"))
    made.lock("requirements-dev.lock", write_wheel(made.wheels, "testing", "pytest"))
    return made


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line with which dev refused to go on."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("dev: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def names_every_packager(line: str) -> bool:
    return all(packager in line for packager in ("apt install", "dnf install", "pacman -S"))


def test_alone_it_says_how_it_is_used(machine: Machine) -> None:
    done = machine.dev()
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ./dev COMMAND")


def test_off_linux_it_says_where_fibench_runs(machine: Machine) -> None:
    (machine.programs / "uname").unlink()
    machine.has("uname", "echo Darwin arm64")
    line = refused(machine.dev("invoke"))
    assert all(place in line for place in ("Linux container", "virtual machine", "WSL2"))


def test_without_a_compiler_it_says_what_to_install(machine: Machine) -> None:
    machine.has_python("python3")
    (machine.programs / "cc").unlink()
    line = refused(machine.dev("invoke"))
    assert "no C compiler" in line
    assert names_every_packager(line)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_gcc_and_clang_are_compilers(machine: Machine, compiler: str) -> None:
    (machine.programs / "cc").rename(machine.programs / compiler)
    assert "no Python" in refused(machine.dev("invoke"))


def test_the_compiler_that_cc_names_must_be_there(machine: Machine) -> None:
    assert "my-cc -m64" in refused(machine.dev("invoke", CC="my-cc -m64"))
    assert "no Python" in refused(machine.dev("invoke", CC="cc -m64"))


def test_without_python_it_says_what_to_install(machine: Machine) -> None:
    line = refused(machine.dev("invoke"))
    assert "no Python 3.11 or newer" in line
    assert names_every_packager(line)


def test_a_shim_for_a_python_that_is_absent_is_passed_over_silently(machine: Machine) -> None:
    machine.has("python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    assert "no Python 3.11 or newer" in refused(machine.dev("invoke"))


def test_a_python_that_is_too_old_does_not_do(machine: Machine) -> None:
    machine.has_python("python3", before="sys.version_info = (3, 10, 14)")
    assert "no Python 3.11 or newer" in refused(machine.dev("invoke"))


def test_without_venv_it_says_what_to_install(machine: Machine) -> None:
    machine.has_python("python3.12", before="sys.modules['ensurepip'] = None")
    line = refused(machine.dev("invoke"))
    assert "python3.12 has no venv module" in line
    assert "apt install python3.12-venv" in line
    assert names_every_packager(line)


def test_the_python_that_the_environment_names_must_do(machine: Machine) -> None:
    machine.has_python("python3")
    assert "FIBENCH_PYTHON" in refused(machine.dev("invoke", FIBENCH_PYTHON="/none/python"))


def test_the_first_python_that_does_makes_the_venv(ready: Ready) -> None:
    assert ready.first.stderr == "dev: making .venv with python3.11 (about 30 s)\n"
    assert ready.first.stdout == f"pytest -k some tests in {ready.machine.checkout}\n"
    assert ready.first.returncode == 0


def test_a_second_run_makes_nothing(ready: Ready) -> None:
    done = ready.machine.dev("invoke", "plan")
    assert (done.stdout, done.stderr) == (f"invoke plan in {ready.machine.checkout}\n", "")


def test_a_command_runs_where_it_was_called_inside_the_checkout(ready: Ready) -> None:
    checkout = ready.machine.checkout
    inside = checkout / "src"
    assert ready.machine.dev("invoke", cwd=inside).stdout == f"invoke in {inside}\n"
    assert ready.machine.dev("invoke", cwd=ANYWHERE).stdout == f"invoke in {checkout}\n"


def test_the_status_of_the_command_is_the_status_of_dev(ready: Ready) -> None:
    assert ready.machine.dev("sh", "-c", "exit 7").returncode == 7


def test_only_tests_and_linters_depend_on_their_own_lock(machine: Machine) -> None:
    machine.has_python("python3")
    programs = machine.checkout / ".venv" / "bin"
    machine.dev("invoke", "run", "gil")
    assert not (programs / "pytest").exists()
    done = machine.dev("invoke", "test")
    assert done.stderr == "dev: adding test tools and linters to .venv (about 20 s)\n"
    assert (programs / "pytest").exists()

    machine.lock("requirements-dev.lock", write_wheel(machine.wheels, "linting", "ruff"))
    assert machine.dev("invoke", "run", "gil").stderr == ""
    assert "dev: making .venv" in machine.dev("ruff").stderr
    assert not (programs / "pytest").exists()


def test_a_moved_checkout_makes_the_venv_anew(ready: Ready, machine: Machine) -> None:
    shutil.rmtree(machine.checkout)
    shutil.copytree(ready.machine.checkout, machine.checkout, symlinks=True)
    machine.has_python("python3")
    done = machine.dev("invoke")
    assert "dev: making .venv" in done.stderr
    assert done.stdout == f"invoke in {machine.checkout}\n"


def test_a_venv_that_was_interrupted_is_made_anew(machine: Machine) -> None:
    half = 'mkdir -p .venv/bin; echo half >.venv/pyvenv.cfg; kill -KILL "$PPID"'
    machine.has("python3", f'case "$*" in *-m\\ venv*) {half} ;; *) exec "{PYTHON}" "$@" ;; esac')
    assert machine.dev("invoke").returncode == 1
    machine.has_python("python3")
    done = machine.dev("invoke")
    assert done.stdout == f"invoke in {machine.checkout}\n"


def test_what_does_not_match_its_hash_is_not_installed(machine: Machine) -> None:
    machine.has_python("python3")
    machine.lock("requirements.lock", f"running==1 --hash=sha256:{'0' * 64}\n")
    done = machine.dev("invoke")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert done.stderr.endswith("pip says why above\n")


def test_two_at_once_make_the_venv_once(machine: Machine) -> None:
    machine.has_python("python3")
    both = [machine.start("invoke", "plan") for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [out for out, _ in answers] == [f"invoke plan in {machine.checkout}\n"] * 2
    assert sum(err.count("dev: making .venv") for _, err in answers) == 1
