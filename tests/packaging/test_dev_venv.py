# SPDX-License-Identifier: BSD-3-Clause
"""./dev makes .venv once, whole, and again where it does not fit; a command then runs in it."""

import http.server
import os
import select
import shutil
import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from .machines import ANYWHERE, PYTHON, Machine, Ready, refused
from .wheels import write_wheel


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


OF_OTHER_PROGRAMS = {
    "PYTHONPATH": "{here}", "PYTHONHOME": "/nowhere", "PYTHONPLATLIBDIR": "nolib",
    "PYTHONIOENCODING": "bogus", "PYTHONUTF8": "what?", "DESTDIR": "/nowhere",
    "PIP_TARGET": "{here}",
}  # fmt: skip
ALL_OR_ONE = [
    pytest.param([*OF_OTHER_PROGRAMS], id="all"),
    *(pytest.param([name], id=name, marks=pytest.mark.long) for name in OF_OTHER_PROGRAMS),
]
"""Each would do harm beside the others as well; alone, it is seen which."""


@pytest.mark.parametrize("names", ALL_OR_ONE)
def test_what_the_environment_holds_for_other_programs_is_put_aside(
    machine: Machine, names: list[str]
) -> None:
    """From the first line on: while .venv is made, and afterwards."""
    machine.has_python("python3")
    for module in ("random", "encodings", "json"):
        (machine.programs / f"{module}.py").write_text("raise SystemExit('a strange module')\n")
    environment = {name: OF_OTHER_PROGRAMS[name].format(here=machine.programs) for name in names}
    for _ in range(2):
        done = machine.dev("invoke", "about", **environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1] == f"1 / None {machine.checkout / '.venv'}"


def test_invoke_leaves_path_and_virtual_environment_to_the_person(ready: Ready) -> None:
    """Its servers are started from them; what ./dev runs otherwise finds what the locks bring."""
    machine = ready.machine
    path = f"/srv/student/venv/bin:{machine.programs}"
    for variables, said in (
        ({"VIRTUAL_ENV": "/srv/student/venv", "PATH": path}, f"{path} /srv/student/venv"),
        ({"PATH": path}, f"{path} None"),
    ):
        done = machine.dev("invoke", "shell", **variables)
        assert done.stdout.splitlines()[1] == said, done.stderr
    ask = "import os; print(os.environ['PATH'], os.environ['VIRTUAL_ENV'])"
    venv = machine.checkout / ".venv"
    asked = machine.dev("python", "-c", ask, VIRTUAL_ENV="/srv/student/venv", PATH=path)
    assert asked.stdout == f"{venv}/bin:{path} {venv}\n", asked.stderr


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


OTHERS = [pytest.param(one, marks=pytest.mark.long) for one in (signal.SIGTERM, signal.SIGHUP)]
"""They go the same way, a line of dev each."""


@pytest.mark.parametrize("number", [signal.SIGINT, *OTHERS])
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
    dev = f'PATH="{machine.programs}" "{machine.checkout}/dev" invoke plan'
    script = f"{mount}{dev}; echo $?; mount -o remount,size=100m {disk}; {dev}"
    environment = {
        "PATH": os.environ["PATH"], "FIBENCH_VENV": str(disk / "venv"),
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
