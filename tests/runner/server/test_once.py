# SPDX-License-Identifier: BSD-3-Clause
"""A command that is run to its end: how it ended, what it said, and that nothing of it is left."""

import os
import signal
import sys
from pathlib import Path

import pytest

from fibench.server.once import Done, run_once
from fibench.server.start_error import StartError
from fibench.server.supervision import KEPT_BYTES

SAYS = "print('one'); print('two\\x1b[31m', file=sys.stderr)"


def run(programs: Path, folder: Path, text: str) -> Done:
    return run_once(
        [sys.executable, "-S", "-u", "-c", f"import os, signal, sys\n{text}"],
        supervise=programs / "supervise",
        cwd=folder,
        output=folder / "out",
    )


def test_one_that_does_what_it_should(programs: Path, tmp_path: Path) -> None:
    assert run(programs, tmp_path, SAYS) == Done(None, "one\ntwo\\x1b[31m")


@pytest.mark.parametrize("status", [1, 2, 77, 127, 255])
def test_one_that_ends_with_another_status(programs: Path, tmp_path: Path, status: int) -> None:
    done = run(programs, tmp_path, f"{SAYS}; sys.exit({status})")
    assert done == Done(f"ended with status {status}", "one\ntwo\\x1b[31m")


def test_one_that_is_killed(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    assert done.how == "was killed by SIGSEGV"


def test_one_that_may_only_take_so_long(programs: Path, tmp_path: Path) -> None:
    done = run_once(
        ["sh", "-c", "echo begun; sleep infinity & wait"],
        supervise=programs / "supervise",
        cwd=tmp_path,
        output=tmp_path / "out",
        limit_s=0.5,
    )
    assert done.how == "did not end within 0.5 s"


def test_it_runs_in_its_folder_with_our_variables(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    done = run(programs, tmp_path, "print(os.getcwd(), os.environ['GOFLAGS'])")
    assert done.said == f"{tmp_path} -mod=mod"


def test_what_it_leaves_behind_is_ended(programs: Path, tmp_path: Path) -> None:
    text = """
if os.fork() == 0:
    os.setsid(); os.close(0); os.close(1); os.close(2)
    signal.pause()
print("done")
"""
    assert run(programs, tmp_path, text) == Done(None, "done")


def test_of_much_that_it_writes_the_ends_are_kept(programs: Path, tmp_path: Path) -> None:
    text = "print('begin'); sys.stdout.write('x' * (16 << 20)); print(); print('end')"
    assert run(programs, tmp_path, text).said.endswith("end")
    assert (tmp_path / "out").stat().st_size < 3 * KEPT_BYTES
    assert (tmp_path / "out").read_bytes().startswith(b"begin\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["no-such-compiler"], "there is no program 'no-such-compiler' on the PATH"),
        (["./no-such"], "there is no program './no-such' in "),
        (["./script"], "the interpreter 'no-such' of './script' is not on the PATH"),
        (["./text"], "'./text' "),
    ],
)
def test_one_that_cannot_be_executed(
    programs: Path, tmp_path: Path, argv: list[str], said: str
) -> None:
    for name, text in {"script": "#!/usr/bin/env no-such\n", "text": "hello\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    with pytest.raises(StartError) as caught:
        run_once(argv, supervise=programs / "supervise", cwd=tmp_path, output=tmp_path / "out")
    assert said in caught.value.message
    assert caught.value.hint


def test_an_interrupt_ends_all_of_it(programs: Path, tmp_path: Path) -> None:
    text = f"""
if os.fork() == 0: os.setsid()
else: os.kill({os.getpid()}, signal.SIGALRM)
while True: signal.pause()
"""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(programs, tmp_path, text)
    finally:
        signal.signal(signal.SIGALRM, before)
