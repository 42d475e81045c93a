# SPDX-License-Identifier: BSD-3-Clause
"""Nobody changes a build folder beneath those who measure from it, or beside another who does."""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.here import CHECKOUT
from tests.processes import ending

from fibench import tasks
from fibench.build import lock as build_lock
from fibench.build.lock import BuildLock
from fibench.build.meson import BuildError, build, built, clean
from fibench.develop.tasks_of_sources import OF_THE_SOURCES

from .small_builds import COMPILER, Small

pytestmark = pytest.mark.needs("meson", "ninja", COMPILER)

CALL = """
import sys
from pathlib import Path
from fibench.build import meson as building
from fibench.folders import find_places
root = Path(sys.argv[2])
places = find_places(root / "src_py" / "fibench", root)
try:
    getattr(building, sys.argv[1])(places)
except KeyboardInterrupt:
    sys.exit(130)
"""

SMALL = """
title = "t"
[matrix]
backend = "c-sync"
[load]
duration = "50ms"
[plan]
timelines = false
blocks = 1
"""

CHANGES: dict[str, tuple[str, ...]] = {
    "build": (),
    "run": ("{experiment}",),
    "try": ("c-sync", "c-mt", "--seconds", "3", "--duration", "50ms"),
    "watch": ("c-sync",),
    "serve": ("c-sync",),
    "load": ("2999",),
    "check": ("./server {{port}}",),
    "test": (),
    "bench": ("--runner",),
    "clean": (),
}
"""The commands that change a build folder, with arguments."""
ALIKE = {"try", "watch", "serve", "load", "check", "bench"}
"""Those that build by the same function as `run`: as the long form."""
CHANGES_NOTHING = {
    *("plan", "backends", "interpreters", "report", "compare", "runs", "grade", "doctor", "lint"),
}


@pytest.fixture
def small(kept: Small) -> Small:
    return kept


@contextmanager
def started(argv: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    with ending(
        subprocess.Popen(
            argv,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py"), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    ) as process:
        yield process


def call(what: str, small: Small) -> list[str]:
    return [sys.executable, "-c", CALL, what, str(small.root)]


def says(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def waiting(name: str, does: str, folder: Path) -> str:
    return f"waiting for {name} (pid {os.getpid()}), which {does} {folder}; Ctrl-C gives up\n"


def uses(name: str, folder: Path) -> str:
    return waiting(name, "uses what is built in", folder)


def change(small: Small) -> None:
    (small.root / "plain.c").write_text("int main(void) { return 7; }\n")


def ends_with(small: Small) -> int:
    return subprocess.run([small.places.programs / "plain_server"], check=False).returncode


# Beneath a run


def test_every_command_is_known_to_change_a_build_folder_or_not() -> None:
    commands = {task.name for task in (*tasks.OF_A_RUN, *OF_THE_SOURCES)}
    assert commands == CHANGES.keys() | CHANGES_NOTHING


@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=[pytest.mark.long] if name in ALIKE else []) for name in CHANGES],
)
def test_a_command_waits_for_who_measures_before_it_changes_anything(
    command: str, tmp_path: Path
) -> None:
    folder = tmp_path / "build"
    (folder / "meson-private").mkdir(parents=True)  # or `clean` takes it for something else
    experiment = tmp_path / "small.toml"
    experiment.write_text(SMALL)
    words = [word.format(experiment=experiment) for word in CHANGES[command]]
    name = f"gil/{secrets.token_hex(4)}"
    with BuildLock(folder, name, print) as lock:
        lock.share()
        with started(
            [sys.executable, "-P", "-m", "invoke", command, *words],
            FIBENCH_BUILD=str(folder), FIBENCH_LOCK=f"fibench-test-{name}",
            FIBENCH_RESULTS=str(tmp_path / "results"),
        ) as process:  # fmt: skip
            assert says(process) == uses(name, folder)
            assert [path.name for path in folder.rglob("*")] == ["meson-private"]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
    assert [path.name for path in folder.rglob("*")] == ["meson-private"]


def test_what_changes_nothing_waits_for_nobody(
    small: Small, capfd: pytest.CaptureFixture[str]
) -> None:
    build(small.places)
    capfd.readouterr()
    with built(small.places, "one"), built(small.places, "another"):
        with started(call("build", small)) as process:
            assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    assert capfd.readouterr().err == ""


def test_a_changed_source_is_built_when_nobody_measures_any_more(small: Small) -> None:
    with built(small.places, "gil"):
        change(small)
        with started(call("build", small)) as process:
            assert says(process) == uses("gil", small.root / "build")
            assert ends_with(small) == 0
            process.kill()
    with built(small.places, "gil"):
        assert ends_with(small) == 7


@pytest.mark.parametrize(
    "why", ["another source", "another flag", "a stray", "an installed file that is gone"]
)
def test_whatever_there_is_to_do_waits(
    small: Small, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with built(small.places, "gil"):
        programs, before = small.places.programs, small.programs()
        match why:
            case "another source":
                change(small)
            case "another flag":
                monkeypatch.setenv("CFLAGS", "-O1")
            case "a stray":
                (programs / "stray").touch()
                before |= {"stray"}
            case _:
                (programs / "plain_server").unlink()
                before -= {"plain_server"}
        with started(call("build", small)) as process:
            assert says(process) == uses("gil", small.root / "build")
            assert small.programs() == before
            process.kill()


def test_a_build_of_another_folder_waits_for_nobody(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with built(small.places, "gil"):
        monkeypatch.setenv("FIBENCH_BUILD", str(tmp_path / "other"))
        with started(call("build", small)) as process:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0
            assert "waiting" not in err


def test_who_cleans_goes_on_when_the_measurement_is_killed(small: Small) -> None:
    build(small.places)
    holder = CALL.replace(
        "getattr(building, sys.argv[1])(places)",
        "with building.built(places, 'gil'):\n        print(flush=True), sys.stdin.read()",
    )
    argv = [sys.executable, "-c", holder, "-", str(small.root)]
    with ending(
        subprocess.Popen(
            argv,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src_py")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "\n"
        with started(call("clean", small)) as process:
            assert says(process).startswith(f"waiting for gil (pid {run.pid}), which uses ")
            run.kill()
            assert process.wait(timeout=60) == 0
    assert not (small.root / "build").exists()


# Beside another


def test_of_builds_at_once_each_ends_well_and_one_builds(small: Small) -> None:
    clean(small.places)
    with (
        started(call("build", small)) as one,
        started(call("build", small)) as two,
        started(call("build", small)) as three,
    ):
        said = [process.communicate(timeout=120)[1] for process in (one, two, three)]
        assert [process.returncode for process in (one, two, three)] == [0, 0, 0], said
    assert "".join(said).count("building the servers") == 1
    assert "already using" not in "".join(said)
    assert "plain_server" in small.programs()


@pytest.mark.parametrize("command", ["build", "clean"])
def test_who_comes_second_waits_for_who_changes_the_folder(small: Small, command: str) -> None:
    folder = small.root / "build"
    with BuildLock(folder, "build", print) as lock:
        lock.exclude()
        with started(call(command, small)) as process:
            assert says(process) == waiting("build", "changes", folder)
            lock.release()
            assert process.wait(timeout=60) == 0
    assert folder.exists() == (command == "build")


def test_who_waits_for_a_clean_builds_in_the_folder_that_there_is_then(small: Small) -> None:
    folder = small.root / "build"
    with BuildLock(folder, "clean", print) as lock:
        lock.exclude()
        with started(call("build", small)) as process:
            assert "which changes" in says(process)
            shutil.rmtree(folder)
            lock.release()
            assert process.wait(timeout=60) == 0
    assert "plain_server" in small.programs()


def test_a_lock_outlives_that_meson_empties_the_folder(small: Small) -> None:
    build(small.places)
    folder = small.root / "build"
    with BuildLock(folder, "build", print) as lock:
        lock.exclude()
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        with started(call("build", small)) as process:
            assert "which changes" in says(process)
            assert list(folder.iterdir()) == []
            process.kill()


def test_two_who_both_find_something_to_do_do_not_wait_for_each_other(tmp_path: Path) -> None:
    both_share = threading.Barrier(2)

    def share_and_change(name: str) -> None:
        with BuildLock(tmp_path / "build", name, lambda _: None) as lock:
            lock.share()
            both_share.wait(timeout=60)
            lock.exclude()

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(share_and_change, name) for name in ("one", "other")]:
            each.result(timeout=60)


# Meson and ninja by hand


def test_a_meson_of_ones_own_is_waited_for(small: Small) -> None:
    build(small.places)
    change(small)
    with (small.root / "build" / "meson-private" / "meson.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with started(call("build", small)) as process:
            assert says(process) == (
                f"waiting for Meson (pid {os.getpid()}), which sets up {small.root / 'build'}; "
                "Ctrl-C gives up\n"
            )
            fcntl.flock(stream, fcntl.LOCK_UN)
            assert process.wait(timeout=60) == 0
    assert ends_with(small) == 7


def test_one_that_comes_later_is_told_and_nobody_told_to_clean(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(small.places)
    build_file = small.root / "meson.build"
    build_file.write_text(build_file.read_text() + "# changed\n")
    # It begins after we have looked for one.
    monkeypatch.setattr(build_lock, "_wait_for_meson", lambda *_: None)
    with (small.root / "build" / "meson-private" / "meson.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(BuildError) as told:
            build(small.places)
    assert "another Meson was at work" in told.value.hint
    assert "clean" not in told.value.hint


def test_a_ninja_of_ones_own_is_waited_for(small: Small, tmp_path: Path) -> None:
    build(small.places)
    change(small)
    script = tmp_path / "ninja"
    script.write_text("#!/bin/sh\nread line\n")
    script.chmod(0o755)
    with (
        ending(
            subprocess.Popen([script], cwd=small.root / "build", stdin=subprocess.PIPE)
        ) as ninja,
        started(call("build", small)) as process,
    ):
        assert f"waiting for ninja (pid {ninja.pid}), which builds in" in says(process)
        assert ends_with(small) == 0
        ninja.communicate()
        assert process.wait(timeout=60) == 0
    assert ends_with(small) == 7


def test_a_clean_of_nothing_makes_no_folder(small: Small) -> None:
    clean(small.places)
    assert clean(small.places) == []
    assert not (small.root / "build").exists()
