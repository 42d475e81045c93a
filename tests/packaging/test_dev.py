# SPDX-License-Identifier: BSD-3-Clause
"""`./dev COMMAND` on machines that have everything, or lack one thing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fibench import tasks
from fibench.develop.tasks_of_sources import OF_THE_SOURCES

from .copies import CHECKOUT
from .machines import TOOLS, Machine, Ready, refused


def test_alone_it_says_how_it_is_used(machine: Machine) -> None:
    done = machine.dev()
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ./dev COMMAND")


def test_off_linux_it_says_where_fibench_runs(machine: Machine) -> None:
    (machine.programs / "uname").unlink()
    machine.has("uname", "echo Darwin arm64")
    line = refused(machine.dev("invoke"))
    assert all(place in line for place in ("Linux container", "virtual machine", "WSL2"))


@pytest.mark.parametrize("tool", sorted({*TOOLS} - {"sh", "true"}))
def test_a_tool_that_is_not_on_the_path_is_named(machine: Machine, tool: str) -> None:
    """Without uname a machine would not look like Linux, without sha256sum no lock be installed."""
    machine.has_python("python3")
    (machine.programs / tool).unlink()
    what, how = refused(machine.dev("invoke", "run", "gil")).splitlines()
    assert what == f"dev: not found on the PATH: {tool}"
    assert "PATH=/usr/bin:/bin ./dev" in how
    assert not (machine.checkout / ".venv").exists()


def test_a_path_that_is_empty_is_called_so(machine: Machine) -> None:
    what = refused(machine.dev("invoke", PATH="")).splitlines()[0]
    assert what == "dev: not found on the PATH: " + ", ".join(sorted({*TOOLS} - {"sh", "true"}))


def test_the_machines_of_these_tests_have_what_dev_calls_and_nothing_else() -> None:
    """A tool that dev came to call without asking for it would be missing here."""
    listed = re.search(r"for tool in ([^;]*);", (CHECKOUT / "dev").read_text())
    assert listed is not None
    assert set(listed[1].replace("\\", "").split()) == {*TOOLS} - {"sh", "true"}


PACKAGERS = {
    "apt-get": "apt install python3 python3-venv gcc libc6-dev",
    "dnf": "dnf install python3.12 gcc glibc-devel",
    "zypper": "zypper install python3 gcc glibc-devel",
    "pacman": "pacman -S python gcc",
    "apk": "apk add python3 gcc musl-dev linux-headers",
}


@pytest.mark.parametrize("packager", PACKAGERS)
def test_all_that_is_missing_is_said_at_once_with_one_command(
    machine: Machine, packager: str
) -> None:
    (machine.programs / "cc").unlink()
    machine.has(packager, "exit 0")
    for command in ("run", "report"):
        what, how = refused(machine.dev("invoke", command, "gil")).splitlines()
        assert what == "dev: no Python 3.11 or newer; no C compiler"
        sudo = "" if os.getuid() == 0 else "sudo "
        assert how == f"dev: install with: {sudo}{PACKAGERS[packager]}"


def test_without_a_packager_that_it_knows_it_says_what_is_needed(machine: Machine) -> None:
    (machine.programs / "cc").unlink()
    how = refused(machine.dev("invoke", "run")).splitlines()[1]
    assert "python3 (3.11 or newer) with venv, gcc and the headers of libc" in how


def test_what_shows_a_run_needs_no_compiler(ready: Ready) -> None:
    compiler = ready.machine.programs / "cc"
    compiler.rename(compiler.with_name("gone"))
    try:
        for command in ("report", "compare", "runs", "plan", "--list"):
            assert ready.machine.dev("invoke", command).returncode == 0
        for command in ("run", "try", "watch", "serve", "load", "build", "test", "check"):
            assert "no C compiler" in refused(ready.machine.dev("invoke", command))
    finally:
        compiler.with_name("gone").rename(compiler)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_gcc_and_clang_are_compilers(machine: Machine, compiler: str) -> None:
    (machine.programs / "cc").rename(machine.programs / compiler)
    line = refused(machine.dev("invoke", "run"))
    assert "no Python" in line
    assert "compiler" not in line


def test_the_compiler_that_cc_names_must_be_there(machine: Machine) -> None:
    assert "my-cc -m64" in refused(machine.dev("invoke", "run", CC="my-cc -m64"))
    assert "compiler" not in refused(machine.dev("invoke", "run", CC="cc -m64"))


@pytest.mark.parametrize("text", ["cc -DX='a b'", "'/some where/cc' -m64", 'cc -DX=\\"a', "'cc"])
def test_quotes_in_cc_are_left_to_the_build_which_knows_what_they_mean(
    machine: Machine, text: str
) -> None:
    (line, *_) = refused(machine.dev("invoke", "run", CC=text)).splitlines()
    assert "no Python" in line
    assert "compiler" not in line


@pytest.mark.needs("a C compiler")
def test_a_compiler_without_the_headers_of_libc_is_found_out(machine: Machine) -> None:
    real = shutil.which("gcc") or shutil.which("cc")
    assert real is not None
    path = f"{machine.programs}:{os.environ['PATH']}"
    machine.has("apt-get", "exit 0")
    machine.has_python("python3.14")
    done = machine.dev("invoke", "build", CC="", PATH=path)
    assert done.returncode == 0, done.stderr
    machine.has("cc", f'exec "{real}" -nostdinc "$@"')
    what, how = refused(machine.dev("invoke", "build", PATH=path)).splitlines()
    assert "cc cannot make a program" in what
    assert "pthread.h" in what
    assert "libc6-dev" in how
    assert "python" not in how


def test_a_compiler_is_tried_once_and_again_when_it_has_changed(machine: Machine) -> None:
    machine.has_python("python3")
    machine.has("cc", f'echo tried >>"{machine.checkout}/tried"')
    machine.dev("invoke", "plan")
    for _ in range(3):
        assert machine.dev("invoke", "run").returncode == 0
    assert (machine.checkout / "tried").read_text() == "tried\n"
    machine.has("cc", f'echo anew >>"{machine.checkout}/tried"; exit 0')
    machine.dev("invoke", "run")
    assert (machine.checkout / "tried").read_text() == "tried\nanew\n"


def test_a_shim_for_a_python_that_is_absent_is_passed_over_silently(machine: Machine) -> None:
    machine.has("python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    assert "no Python 3.11 or newer" in refused(machine.dev("invoke"))


def test_a_python_that_is_too_old_is_named_with_its_version(machine: Machine) -> None:
    machine.has_python("python3", before="sys.version_info = (3, 9, 2); sys.version = '3.9.2 x'")
    machine.has("apt-get", "exit 0")
    machine.has("apt-cache", "exit 0")
    what, how = refused(machine.dev("invoke")).splitlines()
    assert what == "dev: no Python 3.11 or newer (python3 is 3.9.2)"
    assert "apt install" not in how, "it has nothing newer"
    assert "FIBENCH_PYTHON=" in how

    machine.has("apt-cache", 'case "$1" in pkgnames) echo python3.11; echo python3.1x-doc ;; esac')
    _, how = refused(machine.dev("invoke")).splitlines()
    assert how.endswith("apt install python3.11 python3.11-venv")


def test_without_venv_it_says_what_to_install(machine: Machine) -> None:
    machine.has_python("python3.12", before="sys.modules['ensurepip'] = None")
    machine.has("apt-get", "exit 0")
    (machine.programs / "cc").unlink()
    what, how = refused(machine.dev("invoke")).splitlines()
    assert what == "dev: python3.12 has no venv module; no C compiler"
    assert how.endswith("apt install python3.12-venv gcc libc6-dev")


def test_the_python_that_the_environment_names_must_do(machine: Machine) -> None:
    machine.has_python("python3")
    assert "FIBENCH_PYTHON" in refused(machine.dev("invoke", FIBENCH_PYTHON="/none/python"))
    machine.has_python("old", before="sys.version_info = (3, 9, 2); sys.version = '3.9.2 x'")
    line = refused(machine.dev("invoke", FIBENCH_PYTHON="old"))
    assert "FIBENCH_PYTHON is old, which is Python 3.9.2" in line


def test_a_line_break_in_the_path_of_the_checkout_is_refused(machine: Machine) -> None:
    """Ninja's files have no way to write one; it would end in Meson's own words, much later."""
    broken = machine.checkout.rename(machine.checkout.with_name("two\nlines"))
    elsewhere = Machine(machine.programs, broken, machine.wheels)
    assert "line break in the path" in refused(elsewhere.dev("invoke", "run", "gil"))


def test_a_slip_in_the_command_makes_nothing(machine: Machine) -> None:
    machine.has_python("python3")
    done = machine.dev("inovke", "run", "gil")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.startswith("dev: there is no command inovke\ndev: ")
    assert not (machine.checkout / ".venv").exists()


def test_a_command_of_invokes_is_told_from_a_program(machine: Machine) -> None:
    """There is a program test(1) on every machine."""
    machine.has_python("python3")
    for name in ("run", "test", "doctor"):
        done = machine.dev(name, "gil")
        assert (done.returncode, done.stdout) == (127, "")
        assert done.stderr.endswith(f"dev: did you mean ./dev invoke {name}?\n")
    assert not (machine.checkout / ".venv").exists()


def test_a_program_is_named_from_where_the_person_stands(ready: Ready, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "mine"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho mine $1\n")
    program.chmod(0o755)
    assert ready.machine.dev("./bin/mine", "now", cwd=tmp_path).stdout == "mine now\n"


def test_help_names_every_variable_that_is_read() -> None:
    script = (CHECKOUT / "dev").read_text()
    done = subprocess.run([CHECKOUT / "dev", "--help"], capture_output=True, text=True, check=True)
    read = set(re.findall(r"\$\{(FIBENCH_[A-Z]+)", script)) | {"FIBENCH_BUILD", "FIBENCH_RESULTS"}
    assert {name for name in read if name not in done.stdout} == set()


def test_every_command_of_invokes_is_known_to_be_one_and_no_venv_is_made_for_it(
    machine: Machine,
) -> None:
    machine.has_python("python3")
    for command in (task.name for task in tasks.OF_A_RUN + OF_THE_SOURCES):
        done = machine.dev(command)
        assert (done.returncode, done.stdout) == (127, "")
        assert done.stderr.splitlines() == [
            f"dev: {command} is a command of invoke's",
            f"dev: did you mean ./dev invoke {command}?",
        ]
    assert not (machine.checkout / ".venv").exists()


def test_a_slip_in_the_name_of_invoke_makes_nothing(machine: Machine) -> None:
    machine.has_python("python3")
    done = machine.dev("inovke", "run", "gil")
    assert done.returncode == 127
    assert done.stderr.startswith("dev: there is no command inovke\ndev: it is invoke, python")
    assert not (machine.checkout / ".venv").exists()


def test_nothing_is_made_for_who_has_words_completed(machine: Machine) -> None:
    machine.has_python("python3")
    done = machine.dev("invoke", "--complete", "--", "run", "")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (machine.checkout / ".venv").exists()
