# SPDX-License-Identifier: BSD-3-Clause
"""`./dev COMMAND` on machines that have everything, or lack one thing."""

import http.server
import os
import re
import select
import shutil
import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from .copies import CHECKOUT
from .machines import ANYWHERE, PYTHON, TOOLS, Machine, Ready, make_machine
from .wheels import write_wheel


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a C compiler and no Python; the checkout's path has spaces in it."""
    return make_machine(tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    """Four Pythons, of which only the last does, made .venv."""
    made = make_machine(tmp_path_factory.mktemp("ready"))
    made.has("python3.14", "exit 127")
    made.has_python("python3.13", before="sys.version_info = (3, 10, 14)")
    made.has_python("python3.12", before="sys.modules['ensurepip'] = None")
    made.has_python("python3.11", whole=True)
    first = made.dev("pytest", "-k", "some tests")
    for python in made.programs.glob("python*"):
        python.unlink()
    return Ready(made, first)


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """What dev said when it refused to go on: a line of what, and at least one of what to do."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("dev: ") for line in lines)
    assert 2 <= len(lines) <= 3
    return done.stderr


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
        for command in ("run", "serve", "build", "test"):
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


def test_the_first_python_that_does_makes_the_venv(ready: Ready) -> None:
    python = ready.machine.programs / "python3.11"
    assert ready.first.stderr == f"dev: making .venv with {python} (about 30 s)\n"
    assert ready.first.stdout == f"pytest -k some tests in {ready.machine.checkout}\n"
    assert ready.first.returncode == 0


def test_a_second_run_makes_nothing(ready: Ready) -> None:
    done = ready.machine.dev("invoke", "plan")
    assert (done.stdout, done.stderr) == (f"invoke plan in {ready.machine.checkout}\n", "")


def test_a_command_runs_where_it_was_called_inside_the_checkout(ready: Ready) -> None:
    checkout = ready.machine.checkout
    inside = checkout / "src"
    where = ("readlink", "-f", ".")
    assert ready.machine.dev(*where, cwd=inside).stdout == f"{inside}\n"
    assert ready.machine.dev(*where, cwd=ANYWHERE).stdout == f"{checkout}\n"


def test_invoke_finds_its_tasks_from_anywhere(ready: Ready, tmp_path: Path) -> None:
    """In a folder with a tasks.py of its own too, through a link, and in a folder that is gone."""
    checkout = ready.machine.checkout
    (checkout / "src" / "tasks.py").write_text("raise SystemExit('these are other tasks')\n")
    (tmp_path / "link").symlink_to(checkout / "dev")
    (tmp_path / "gone").mkdir()
    script = '"$0/dev" invoke about; cd "$1/gone"; rmdir "$1/gone"; exec "$1/link" invoke about'
    done = subprocess.run(
        ["sh", "-c", script, checkout, tmp_path], cwd=checkout / "src", capture_output=True,
        text=True, check=False, env={"PATH": f"{ready.machine.programs}:{os.environ['PATH']}"},
    )  # fmt: skip
    venv = checkout / ".venv"
    inside, gone = (f"invoke about in {checkout}\n1 {at} None {venv}\n" for at in
                    (checkout / "src", None))  # fmt: skip
    assert done.stdout == inside + gone, done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    "strange",
    [{"PYTHONPATH": "{here}"}, {"PYTHONHOME": "/nowhere"}, {"PYTHONPLATLIBDIR": "nolib"},
     {"PYTHONIOENCODING": "bogus"}, {"PYTHONUTF8": "what?"}, {"DESTDIR": "/nowhere"},
     {"PIP_TARGET": "{here}"}],
    ids=lambda strange: str(*strange),
)  # fmt: skip
def test_what_the_environment_holds_for_other_programs_is_put_aside(
    machine: Machine, strange: dict[str, str]
) -> None:
    """From the first line on: while .venv is made, and afterwards."""
    machine.has_python("python3")
    for module in ("random", "encodings", "json"):
        (machine.programs / f"{module}.py").write_text("raise SystemExit('a strange module')\n")
    environment = {name: value.format(here=machine.programs) for name, value in strange.items()}
    for _ in range(2):
        done = machine.dev("invoke", "about", **environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1] == f"1 / None {machine.checkout / '.venv'}"


def test_the_venv_can_be_elsewhere(machine: Machine, tmp_path: Path) -> None:
    machine.has_python("python3")
    elsewhere = tmp_path / "else" / "where"
    for place in (str(elsewhere), "else/where"):
        done = machine.dev("invoke", "about", cwd=tmp_path, FIBENCH_VENV=place)
        assert done.stdout.splitlines()[1].endswith(f" {elsewhere}")
    assert done.stderr == "", "made once"
    assert not (machine.checkout / ".venv").exists()


def test_a_folder_of_something_else_is_no_place_for_the_venv(
    machine: Machine, tmp_path: Path
) -> None:
    machine.has_python("python3")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("dear")
    line = refused(machine.dev("invoke", FIBENCH_VENV=str(tmp_path / "home")))
    assert "holds something else" in line
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.tex"]


def test_where_it_cannot_write_it_names_the_ways_out(machine: Machine) -> None:
    machine.has_python("python3")
    (machine.checkout / ".venv").write_text("a file: no folder can be made here, not even by root")
    line = refused(machine.dev("invoke"))
    assert f"cannot write {machine.checkout}/.venv" in line
    for variable in ("FIBENCH_VENV=", "FIBENCH_BUILD", "FIBENCH_RESULTS"):
        assert variable in line


def test_a_closed_standard_output_is_refused(ready: Ready) -> None:
    dev = ready.machine.checkout / "dev"
    path = {"PATH": f"{ready.machine.programs}:{os.environ['PATH']}"}
    for closed, status in ((">&-", 1), ("2>&-", 0), ("<&-", 0)):
        done = subprocess.run(
            ["sh", "-c", f'"$0" invoke plan {closed}', dev], capture_output=True, text=True,
            check=False, env=path,
        )  # fmt: skip
        assert done.returncode == status
        if status:
            assert done.stderr.startswith("dev: standard output is closed\ndev: ")


WAITS = 'exec "{python}" -I -c "{code}" "{fifo}"'
WAITING = (
    "import os, signal, sys; os.write(os.open(sys.argv[1], os.O_WRONLY), b'%d ' % os.getpid()); "
    "signal.pause()"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_venv_is_made_ends_it_and_all_that_it_started(
    machine: Machine, number: signal.Signals
) -> None:
    fifo = machine.programs.parent / "fifo"
    os.mkfifo(fifo)
    # As venv starts ensurepip: a child that waits for a child.
    waits = WAITS.format(python=PYTHON, code=WAITING, fifo=fifo)
    child = rf'case "$*" in -I\ -m\ venv*) {waits.removeprefix("exec ")} & {waits} ;; esac'
    machine.has("python3", f'{child}; exec "{PYTHON}" "$@"')
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with machine.start("invoke") as process:
        told = b""
        while told.count(b" ") < 2:
            assert select.select([reader], [], [], 60)[0]
            told += os.read(reader, 64)
        watched = [os.pidfd_open(int(pid)) for pid in told.split()]
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.endswith("dev: interrupted\n")
    for descriptor in watched:
        assert select.select([descriptor], [], [], 60)[0], "it still runs"
        os.close(descriptor)
    os.close(reader)
    machine.has_python("python3")
    assert machine.dev("invoke").returncode == 0


def test_a_signal_that_is_ignored_stays_ignored(ready: Ready) -> None:
    """For dev, and for what it starts: `nohup ./dev ... &`."""
    script = 'trap "" HUP INT; exec "$0" sh -c "kill -HUP \\$\\$; kill -INT \\$\\$; echo alive"'
    done = subprocess.run(
        ["sh", "-c", script, ready.machine.checkout / "dev"], capture_output=True, text=True,
        check=False, env={"PATH": f"{ready.machine.programs}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


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
    venv = machine.checkout / ".venv"
    half = f'mkdir -p "{venv}/bin"; echo half >"{venv}/pyvenv.cfg"; kill -KILL "$PPID"'
    machine.has("python3", f'case "$*" in *-m\\ venv*) {half} ;; *) exec "{PYTHON}" "$@" ;; esac')
    assert machine.dev("invoke").returncode == -signal.SIGKILL
    machine.has_python("python3")
    done = machine.dev("invoke")
    assert done.stdout == f"invoke in {machine.checkout}\n"


class _Silent(http.server.BaseHTTPRequestHandler):
    """An index of packages that takes its time: it tells who asks, and answers when it is let."""

    asked, let = threading.Event(), threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.let.wait(60)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


def test_after_a_kill_amid_pip_the_next_waits_for_what_is_left_and_makes_it_anew(
    machine: Machine,
) -> None:
    """Nothing ends pip then; two of them must not write one .venv."""
    machine.has_python("python3")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Silent) as index:
        threading.Thread(target=index.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{index.server_port}/"
        slow = {"PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": url}
        with machine.start("invoke", **slow) as first, ExitStack() as later:
            try:
                assert _Silent.asked.wait(60)
                first.kill()
                first.wait(60)
                second = later.enter_context(machine.start("invoke"))
                assert second.stderr is not None
                told = second.stderr.readline()
                assert told == "dev: waiting for another ./dev, which is making .venv\n"
            finally:
                _Silent.let.set()
                index.shutdown()
            out, err = second.communicate(timeout=120)
            first.communicate(timeout=60)
    assert (second.returncode, out) == (0, f"invoke in {machine.checkout}\n"), err
    assert err.count("dev: making .venv") == 1


def small_disk(folder: Path, kibibytes: int) -> str:
    """A shell's words that make a folder a small disk, in a mount namespace of its own."""
    return f'mount -t tmpfs -o size={kibibytes}k none "{folder}" && '


@pytest.mark.needs("namespaces")
def test_a_full_disk_is_called_so_and_leaves_nothing_that_passes_for_whole(
    machine: Machine, tmp_path: Path
) -> None:
    machine.has_python("python3")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = small_disk(disk, 2000)
    dev = f'"{machine.checkout}/dev" invoke plan'
    script = f"{mount}{dev}; echo $?; mount -o remount,size=100m {disk}; {dev}"
    environment = {
        "PATH": f"{machine.programs}:{os.environ['PATH']}", "FIBENCH_VENV": str(disk / "venv"),
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": machine.wheels.as_uri(), "HOME": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    assert done.stdout == f"1\ninvoke plan in {machine.checkout}\n", done.stderr
    assert "is the disk full?" in done.stderr
    assert done.stderr.count("dev: making ") == 2, "what was made on the full disk is not trusted"


def test_what_does_not_match_its_hash_is_not_installed(machine: Machine) -> None:
    machine.has_python("python3")
    machine.lock("requirements.lock", f"running==1 --hash=sha256:{'0' * 64}\n")
    done = machine.dev("invoke")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "pip says why above\ndev: this needs the network" in done.stderr


def test_two_at_once_make_the_venv_once(machine: Machine) -> None:
    machine.has_python("python3")
    with machine.start("invoke", "plan") as one, machine.start("invoke", "plan") as other:
        answers = [process.communicate(timeout=120) for process in (one, other)]
    assert [out for out, _ in answers] == [f"invoke plan in {machine.checkout}\n"] * 2
    assert sum(err.count("dev: making .venv") for _, err in answers) == 1
