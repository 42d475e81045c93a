# SPDX-License-Identifier: BSD-3-Clause
"""How a command ends, whatever its streams, signals and environment: never with a traceback."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.packaging.small_builds import ARCHIVE, REAL, make_small, with_commands
from tests.processes import ending
from tests.runner.desk import CHECKOUT, ENTRY, SMALL, Desk, run_with_a_trial_finished

from fibench import tasks
from fibench.commands.program import CommandLine
from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.machine.lock import measuring
from fibench.parameters import option_flag

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUICK = [("--help",), ("--list",), ("plan", "gil"), ("plan", "gil", "--json"), ("backends",),
         ("doctor",), ("--help", "run")]  # fmt: skip
WAITING = """#!{python}
import os, signal, sys
os.write(os.open({fifo!r}, os.O_WRONLY), b"%d " % os.getpid())
while True:
    signal.pause()
"""


@contextmanager
def start(desk: Desk, *words: str | Path, **extra: str) -> "Iterator[subprocess.Popen[str]]":
    """The program for the length of a with block."""
    with ending(
        subprocess.Popen(
            [*ENTRY, *map(str, words)],
            cwd=CHECKOUT,
            env={**desk.environment(), **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    ) as process:
        yield process


def run(desk: Desk, *words: str | Path, **extra: str) -> tuple[int, str, str]:
    """The program's exit status, and what it says on both streams."""
    done = desk.invoke(*words, **extra)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
@pytest.mark.parametrize(
    ("stream", "said"),
    [(">/dev/full", "cannot write to standard output: No space left on device"),
     (">&-", "standard output is closed"),
     ("| true", "the output's reader has gone before the end")],
)  # fmt: skip
def test_output_that_nobody_can_have_is_said_in_a_line(
    desk: Desk, words: tuple[str, ...], stream: str, said: str
) -> None:
    # The reader of a pipe has gone before the program is started.
    command = f'"$@" {" ".join(words)}'
    script = f"{command} {stream}"
    if "|" in stream:
        gone = 'exec <&- >"$FIFO"; echo'
        script = f'{{ read -r line <"$FIFO"; {command}; echo "$?" >&2; }} | {{ {gone}; }}'
        os.mkfifo(desk.folder / "fifo")
    done = desk.shell(script, started=words == QUICK[0], FIFO=str(desk.folder / "fifo"))
    lines = done.stderr.decode().splitlines()
    assert lines[0] == said or lines[0].startswith("cannot write the output")
    assert len(lines) == 2
    assert done.returncode == 1 or lines[1] == "1"


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-", "<&-"])
def test_other_streams_do_not_change_how_a_command_ends(desk: Desk, stream: str) -> None:
    assert desk.shell(f'"$@" plan gil {stream}').returncode == 0
    assert desk.shell(f'"$@" plan gli {stream}').returncode == 2


def long_but_for(
    first: str, every: Sequence[str], few: str, many: str, alike: Sequence[str] = ()
) -> list[Any]:
    """Pairs of a text and words: many with the first, and few with the others, as a short form;
    none there with those that are `alike` the first."""
    rest = [text for text in every if text != first]
    return [
        pytest.param(first, many, id=f"{first}-many"),
        *(pytest.param(text, few, id=f"{text}-few") for text in rest),
        *(pytest.param(text, many, id=f"{text}-many", marks=pytest.mark.long)
          for text in [*rest, *alike]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "commands"),
    long_but_for(
        "ascii",
        ["ascii", "utf-8:strict"],
        "report {name}; plan ☃",
        "report {name}; compare {name} {name}; runs; plan {path}; backends; doctor; --help; "
        "report {name} --format md; plan ☃",
        alike=["koi8-r", "latin-1"],
    ),
)
def test_characters_that_an_encoding_lacks_are_replaced(
    desk: Desk, encoding: str, commands: str
) -> None:
    path = desk.write(SMALL.format(blocks=1, above=1).replace("One", "Eins: 実験 ☃ µ"))
    done = desk.shell(f'"$@" run {path} >{desk.folder}/out 2>&1', PYTHONIOENCODING=encoding)
    text = (desk.folder / "out").read_bytes().decode(encoding.partition(":")[0])
    assert done.returncode in (4, 5), text  # 5: starved, a trial fails
    assert "INCONCLUSIVE" in text
    for words in commands.format(name="small", path=path).split("; "):
        done = desk.shell(f'"$@" {words}', PYTHONIOENCODING=encoding)
        assert b"Traceback" not in done.stderr
        assert done.returncode == (2 if words == "plan ☃" else 0), done.stderr
        done.stdout.decode(encoding.partition(":")[0])


@pytest.mark.parametrize(
    ("columns", "commands"),
    long_but_for(
        "0", ["0", "abc", "-5", "1", "100000", ""], "plan gil", "plan gil; backends; doctor; --help"
    ),
)
def test_a_width_that_no_terminal_has_is_80_columns(
    desk: Desk, columns: str, commands: str
) -> None:
    for words in commands.split("; "):
        done = desk.shell(f'"$@" {words}', COLUMNS=columns)
        lines = done.stdout.decode().splitlines()
        assert len(lines) > 5
        assert 60 < max(map(len, lines)) <= 80


def test_a_narrow_terminal_has_help_too(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 10, 0, 0))
    environment = {k: v for k, v in desk.environment().items() if k != "COLUMNS"}
    with ending(
        subprocess.Popen(
            [*ENTRY, "--help"], env=environment, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE
        )
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # how Linux says that the other end has gone
            pass
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait()) == (b"", 0)
    os.close(ours)
    assert b"doctor" in shown


@pytest.mark.parametrize(
    ("words", "what", "what_to_do"),
    [(("rum", "gil"), "there is no command rum", "did you mean run?"),
     (("report",), "report needs RUN", "`invoke runs` lists what was run"),
     (("serve",), "serve needs BACKEND", "`invoke backends` lists the names"),
     (("try", "py-mt"), "try needs SECOND", "`invoke try py-mt py-mp` for example"),
     (("run", ""), "EXPERIMENT is empty", "give a name"),
     (("plan", ""), "EXPERIMENT is empty", "give a name"),
     (("--dry", "run", "gil"), "there is no option --dry", "`invoke plan` shows"),
     (("run", "gil", "--dry"), "there is no option --dry", "`invoke plan` shows"),
     (("run", "gil", "-R"), "there is no option --dry", "`invoke plan` shows"),
     (("--echo", "doctor"), "there is no option --echo", "`invoke --help` lists the options"),
     (("doctor", "--prompt-for-sudo-password"), "there is no option --prompt", "lists the options"),
     (("--print-completion-script", "bsh"), "no such shell", 'did you mean "bash"?'),
     (("run", "gil", "--block", "3"), "there is no option --block of run", "--blocks"),
     (("run", "gil", "--clients"), "clients", "--help run"),
     (("plan", "gil", "--blocks=3", "--blocks=4"), "--blocks is given twice", "keep one of them"),
     (("plan", "gil", "-n", "3", "--json", "-n", "3"), "-n is given twice", "keep one of them"),
     (("report", "--format", "md", "gil", "--format", "md"), "--format is given twice", "keep one"),
     (("--lits",), "there is no option --lits", "did you mean --list?"),
     (("--help", "rum"), "there is no command rum", "did you mean run?"),
     (("run", "gil", "it's\x1b"), "there is no command it's\\x1b", "--list")],
)  # fmt: skip
def test_a_slip_is_named_with_what_was_meant(
    desk: Desk, words: tuple[str, ...], what: str, what_to_do: str
) -> None:
    status, out, err = run(desk, *words)
    is_value = "is empty" in what or "shell" in what
    assert (status, out) == (2 if is_value else 1, "")
    first, second = err.splitlines()
    assert what in first
    assert what_to_do in second


TEXTS = [
    pytest.param(task.name, option_flag(str(argument.name)), id=f"{task.name}-{argument.name}")
    for task in tasks.OF_A_RUN
    for argument in deepcopy(task).get_arguments()  # which takes the help away
    if argument.takes_value and not argument.positional
]
"""Every option that takes a text, of the commands that are not for the sources."""


@pytest.mark.parametrize(("command", "option"), TEXTS)
def test_an_option_is_called_as_invoke_knows_it_and_may_not_be_empty(
    command: str, option: str
) -> None:
    pairs = {"compare": ["a", "b"], "try": ["c-sync", "c-mt"], "load": ["2999"]}
    pairs |= {"watch": ["py-mt"]}
    named = {"run": ["gil"], "plan": ["gil"], "serve": ["py-mt"], "grade": ["gil"], **pairs}
    words = [command, *named.get(command, ["gil"] * (command == "report")), option, ""]
    line = CommandLine("invoke", "1", tasks._collection(*tasks.OF_A_RUN))

    with pytest.raises(Refused) as refused:
        line._ended_by_itself(["invoke", *words])
    assert refused.value.status == WRONG_INPUT
    assert str(refused.value) == f"{option}: is empty\ngive a value, or leave the option out"


def test_what_nobody_has_foreseen_is_two_lines_and_a_traceback_only_for_who_asks(
    desk: Desk,
) -> None:
    code = (
        "import sys; sys.path.insert(0, 'src_py'); sys.argv = ['invoke', 'doctor']\n"
        "from fibench import tasks\n"
        "from fibench.commands import doctor\n"
        "doctor.doctor = lambda as_json: 1 // 0\n"
        "tasks.main('invoke', of_a_checkout=True)\n"
    )
    for extra, lines in (({}, 2), ({"FIBENCH_TRACEBACK": "1"}, 3)):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=CHECKOUT, env={**desk.environment(), **extra},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "ZeroDivisionError" in done.stderr
        assert (len(done.stderr.splitlines()) == 2) == (lines == 2)
        assert ("Traceback" in done.stderr) == (lines == 3)


@pytest.mark.parametrize(
    "text",
    ["tasks:\n  collection_name: mine\n  executor_class: no.such\n", "run:\n  shell: [\n",
     "tasks: 3\n"],
    ids=["other", "broken", "strange"],
)  # fmt: skip
def test_invokes_own_configuration_changes_nothing(desk: Desk, text: str) -> None:
    (desk.folder / ".invoke.yaml").write_text(text)
    extra = {
        "HOME": str(desk.folder), "INVOKE_TASKS_EXECUTOR_CLASS": "no.such",
        "INVOKE_RUNTIME_CONFIG": str(desk.folder / ".invoke.yaml"), "INVOKE_TASKS_DEDUPE": "x",
    }  # fmt: skip
    status, out, err = run(desk, "plan", "gil", **extra)
    assert (status, err) == (0, "")
    assert "py-mt" in out


def _told(fifo: int, count: int) -> list[int]:
    """Descriptors of the processes that have told their numbers."""
    told = b""
    while told.count(b" ") < count:
        assert select.select([fifo], [], [], 60)[0]
        told += os.read(fifo, 64)
    return [os.pidfd_open(int(pid)) for pid in told.split()]


def _all_end(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        assert select.select([descriptor], [], [], 60)[0], "it still runs"
        os.close(descriptor)


LATER = [(signal.SIGINT, "building"), (signal.SIGTERM, "probing"), (signal.SIGHUP, "probing")]


@pytest.mark.parametrize(
    ("number", "phase"),
    [(signal.SIGTERM, "building"), (signal.SIGHUP, "building"), (signal.SIGINT, "probing"),
     *(pytest.param(*one, marks=pytest.mark.long) for one in LATER)],
)  # fmt: skip
def test_a_signal_ends_what_a_command_has_started(
    desk: Desk, number: signal.Signals, phase: str
) -> None:
    """Sent to the command alone, as by kill(1)."""
    fifo = str(desk.folder / "fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    program = desk.write(WAITING.format(python=sys.executable, fifo=fifo), "waits")
    program.chmod(0o755)
    if phase == "building":
        begun = start(desk, "build", CC=str(program), FIBENCH_BUILD=str(desk.folder / "build"))
    else:
        begun = start(desk, "plan", "gil", "--interpreter", program)
    with begun as process:
        started = _told(reader, 1)
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in out + err
    _all_end(started)
    os.close(reader)


OTHERS = [pytest.param(one, marks=pytest.mark.long) for one in (signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *OTHERS])
def test_a_signal_ends_waiting_for_another_run(desk: Desk, number: signal.Signals) -> None:
    path = desk.write(SMALL.format(blocks=1, above=1))
    with (
        measuring("other", address=desk.environment()["FIBENCH_LOCK"]),
        start(desk, "run", path) as process,
    ):
        assert process.stderr is not None
        assert "waiting for other" in process.stderr.readline()
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, OTHERS[-1]])
def test_a_signal_in_the_middle_of_a_run_is_told_by_the_exit_status(
    desk: Desk, number: signal.Signals
) -> None:
    with run_with_a_trial_finished(desk) as process:
        os.kill(process.pid, number)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(timeout=60) == 128 + number
    assert "resumes it" in rest
    assert "Traceback" not in rest


def test_a_run_goes_on_whose_signals_are_ignored(desk: Desk) -> None:
    """`nohup ./dev invoke run gil &`, whose terminal is then closed."""
    path = desk.write(SMALL.format(blocks=2, above=1))
    script = f"trap '' HUP INT TERM; exec \"$@\" run {path}"
    with ending(
        subprocess.Popen(
            ["sh", "-c", script, "sh", *ENTRY], cwd=CHECKOUT, env=desk.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any(line.startswith("[") for line in process.stdout)
        for number in ENDING:
            os.killpg(process.pid, number)
        rest = process.stdout.read()
        assert process.wait(timeout=60) in (0, 3, 4, 5), rest
    assert len(desk.records()) == len(desk.planned())


@pytest.mark.parametrize("variable", ["FIBENCH_RESULTS", "FIBENCH_BUILD"])
def test_a_place_that_cannot_be_written_is_named_with_the_way_out(
    desk: Desk, variable: str
) -> None:
    (desk.folder / "file").write_text("no folder can be made in a file, not even by root")
    path = desk.write(SMALL.format(blocks=1, above=1))
    place = {variable: str(desk.folder / "file" / "place")}
    status, out, err = run(desk, "run", path, **place)
    assert (status, out) == (1, "")
    what, what_to_do = err.splitlines()
    assert what.startswith(f"cannot make {desk.folder}/file/place: ")
    assert f"{variable}=" in what_to_do


def test_places_are_named_from_where_the_person_stands(desk: Desk) -> None:
    small = with_commands(make_small(desk.folder, REAL))
    small.wrap("http://127.0.0.1:1/nothing", ARCHIVE)
    places = {"FIBENCH_FROM": str(desk.folder), "FIBENCH_BUILD": "own/build"}
    done = subprocess.run(
        [sys.executable, "-I", "tasks.py", "build"], cwd=small.root,
        env={**desk.environment(), "CC": str(small.compiler), **places}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "installed in own/build/install/libexec/fibench\n"
    assert (desk.folder / "own/build/install/libexec/fibench/plain_server").is_file()


def test_python_m_fibench_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fibench", "--list"], cwd=CHECKOUT / "src_py", capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "  doctor " in done.stdout
